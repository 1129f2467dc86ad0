"""Facts across rows: what holds between the columns of a child and of its parent, or among the rows of a family.

A fact is pure data: names and numbers, no value of the source. It is found by test on one half of the families and
confirmed on the other (``copies``, ``aggregates``, ``sequences``), or declared by the user; ``dbsynth.pipeline.facts``
makes it hold.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from dbsynth.schema.model import ForeignKey, Schema, Table, TableName

Function = Literal["sum", "count", "min", "max", "avg"]
Empty = Literal["zero", "null", "free"]
"""What the parent's column holds where it has no children: 0 (or null, where the model says so), null, or anything."""

MIN_FAMILIES = 20
MIN_ROWS = 50
"""Of the source, for a fact to be believed: families that could have broken it, and rows in them."""


class Fact(Protocol):
    """What every kind of fact has. Kinds are frozen dataclasses that are entered in ``dbsynth.artifact.registry``."""

    @property
    def id(self) -> str:
        """Unique in a plan, and stable: what ``[facts]`` of dbsynth.toml names; shell-style patterns match it."""

    @property
    def table(self) -> TableName:
        """The table whose columns it decides."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it decides."""

    @property
    def rows(self) -> int:
        """Rows of the source that it was tested on; 0 where it was only declared."""

    @property
    def families(self) -> int:
        """Parents (groups of rows) among which these rows are spread: the number of independent witnesses."""

    @property
    def share(self) -> float:
        """Of these rows, those in which it holds."""

    def describe(self) -> str:
        """One line for people, without the support."""


def believed(fact: Fact) -> bool:
    """Enough of the source speaks for it. What is not believed is listed, and taken only when the user confirms it."""
    return fact.rows >= MIN_ROWS and fact.families >= MIN_FAMILIES


@dataclass(frozen=True)
class FactWishes:
    """The section ``[facts]`` of dbsynth.toml: ids or patterns of facts to leave alone, of facts to take though few
    rows speak for them, and facts that no test has to find."""

    refuse: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    declare: tuple[str, ...] = ()


NO_WISHES = FactWishes()


@dataclass(frozen=True)
class Copy:
    """``columns`` of ``table`` equal ``sources`` of the row of ``parent`` that its key ``key`` points at; null equals
    null. ``share`` 1: in every row. Less: whether a row copies (all of them at once) is one more thing that the model
    learns, in the column ``code``. ``whole``: the columns hold nothing else, so that they need not be learned: an exact
    copy over a key that is never null (or whose rows are null there too), of values that always fit. ``own``, ``via``:
    how the id calls the table and the parent (see ``path``)."""

    table: TableName
    key: str
    parent: TableName
    columns: tuple[str, ...]
    sources: tuple[str, ...]
    own: str
    via: str
    rows: int
    families: int
    share: float
    whole: bool

    @property
    def exact(self) -> bool:
        return self.share == 1.0

    @property
    def code(self) -> str:
        return f"≈{self.key}.{self.columns[0]}"

    @property
    def id(self) -> str:
        return f"{_columns(self.own, self.columns)} = {_columns(self.via, self.sources)}"

    @property
    def parts(self) -> tuple[Copy, ...]:
        """One fact for each column."""
        return tuple(self.only([i]) for i in range(len(self.columns))) if len(self.columns) > 1 else (self,)

    def only(self, positions: Sequence[int]) -> Copy:
        columns, sources = (tuple(c[i] for i in positions) for c in (self.columns, self.sources))
        return replace(self, columns=columns, sources=sources)

    def describe(self) -> str:
        be = "are" if len(self.columns) > 1 else "is"
        how = "copied" if self.exact else "often copied"
        return f"{', '.join(self.columns)} {be} {how} from {', '.join(self.sources)} of {self.parent.name} ({self.key})"


def _columns(table: str, columns: Sequence[str]) -> str:
    return f"{table}.{columns[0]}" if len(columns) == 1 else f"{table}({', '.join(columns)})"


@dataclass(frozen=True)
class Factor:
    """A child column; ``complement``: one minus it."""

    column: str
    complement: bool = False


@dataclass(frozen=True)
class Aggregate:
    """Column ``column`` of ``table`` is ``function`` of the product of ``factors`` over the rows of ``child`` that
    point at it over ``key`` (``count`` without factors: their number), rounded to ``scale`` decimals (None: as it is).
    ``own``, ``via``: how the id calls the table and the child (see ``path``)."""

    table: TableName
    column: str
    child: TableName
    key: str
    function: Function
    factors: tuple[Factor, ...]
    empty: Empty
    scale: int | None
    own: str
    via: str
    rows: int
    families: int
    share: float = 1.0

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def id(self) -> str:
        inner = " * ".join(
            f"(1 - {self.via}.{f.column})" if f.complement else f"{self.via}.{f.column}" for f in self.factors
        )
        return f"{self.own}.{self.column} = {self.function}({inner or self.via + '.*'})"

    def describe(self) -> str:
        inner = " * ".join(f"(1 - {f.column})" if f.complement else f.column for f in self.factors)
        told = {"sum": "the sum", "min": "the smallest", "max": "the largest", "avg": "the mean"}
        what = f"{told[self.function]} of {inner}" if self.factors else "the number"
        return f"{self.column} is {what} of the rows of {self.child.name} ({self.key})"


def label(name: TableName, schema: Schema) -> str:
    """How ids call a table: without its schema where there is only one."""
    return name.name if len(schema.schemas) == 1 else str(name)


def path(child: Table, key: ForeignKey, end: TableName, schema: Schema) -> str:
    """How ids call ``end``, one of the two tables of ``key``: as ``label`` does, or by the name of the key, where
    there are several between the two."""
    alike = [k for k in child.foreign_keys if k.ref_table == key.ref_table]
    return label(end, schema) if len(alike) == 1 and child.name != key.ref_table else key.name


def named(fact: Fact, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns of dbsynth.toml means ``fact``."""
    return any(fact.id == p or fnmatch.fnmatchcase(fact.id, p) for p in patterns)


def key_of(table: Table, name: str) -> ForeignKey:
    return next(k for k in table.foreign_keys if k.name == name)
