"""One difference between two catalogs, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypedDict, Unpack

from dbsynth.dialect import Dialect, Support
from dbsynth.quality.figures import Finding, Gate, Severity, Subject
from dbsynth.quality.sql_texts import canonical, moved
from dbsynth.schema.model import Schema, TableName

Change = Literal["missing", "added", "changed"]


@dataclass(frozen=True)
class Labels:
    """What the two sides are called: that of the reference, that of what was found."""

    ours: str = "the source"
    theirs: str = "the target"


@dataclass(frozen=True)
class Difference:
    """``missing``: ``what`` of the reference is not in what was found; ``added``: the other way round. ``subject``: in
    the reference's names. ``sql``: the statement that makes what was found what it should be, in its database ("": no
    single one); ``remedy``: in words."""

    change: Change
    what: str
    subject: Subject
    says: str
    sql: str = ""
    remedy: str = ""
    severity: Severity = "failure"

    def finding(self, gate: Gate = "violations") -> Finding:
        """What lacks a table or a column lacks it in all rows; other differences break none."""
        weight = 1.0 if self.change == "missing" and self.what in ("table", "column") else 0.0
        says = f"{self.subject.table}: {self.says}"
        return Finding(self.severity, gate, self.subject, says, self.remedy or self.sql, weight)

    def describe(self) -> dict[str, Any]:
        """Plain data (JSON-able)."""
        return {
            "change": self.change,
            "what": self.what,
            "table": str(self.subject.table),
            "columns": list(self.subject.columns),
            "name": self.subject.constraint,
            "severity": self.severity,
            "says": self.says,
            "sql": self.sql,
            "remedy": self.remedy,
        }


class About(TypedDict, total=False):
    """What a difference may also say. ``severity``: without one, what is added warns and all else fails."""

    columns: tuple[str, ...]
    constraint: str
    remedy: str
    severity: Severity


@dataclass(frozen=True)
class Frame:
    """Under which names the two catalogs are compared, and how differences are told. ``same``: they are of one dialect,
    so that SQL texts can be compared; ``wanted``: the reference, in the target's dialect."""

    mapping: Mapping[str, str]
    target: Dialect
    wanted: Schema
    same: bool
    labels: Labels
    again: str
    back: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "back", {t: s for s, t in self.mapping.items()})

    def here(self, name: TableName) -> TableName:
        """A table of the reference, where it should be found."""
        return TableName(self.mapping.get(name.schema, name.schema), name.name)

    def ours(self, name: TableName) -> TableName:
        """A table that was found, as the reference calls it."""
        return TableName(self.back.get(name.schema, name.schema), name.name)

    def place(self, name: TableName) -> str:
        quote = self.target.grammar.quote
        return f"{quote(name.schema)}.{quote(name.name)}"

    def declares(self, kind: str) -> bool:
        return self.target.capabilities.constraints.get(kind, Support.ENFORCED) is not Support.NOT_SUPPORTED

    # --- SQL texts --------------------------------------------------------------------------------------------------

    def text(self, sql: str | None) -> str:
        """One of the reference, as it is compared."""
        return canonical(sql, {})

    def text_here(self, sql: str | None) -> str:
        return canonical(sql, self.back)

    @cached_property
    def parents(self) -> frozenset[TableName]:
        """The tables of the reference that foreign keys can lead to."""
        parts = (p.name for t in self.wanted for p in t.partitions)
        return frozenset((*(t.name for t in self.wanted), *parts))

    @cached_property
    def _objects(self) -> frozenset[tuple[str, str]]:
        names = {(t.name.schema, t.name.name) for t in self.wanted}
        names |= {(p.name.schema, p.name.name) for t in self.wanted for p in t.partitions}
        names |= {(t.schema, t.name) for t in self.wanted.types}
        names |= {(s.schema, s.name) for s in self.wanted.sequences}
        return frozenset(names)

    def written(self, sql: str) -> str:
        """A text of the reference, as the target would write it."""
        return moved(sql, self.mapping, self._objects, self.target.grammar.quote)

    # --- differences ------------------------------------------------------------------------------------------------

    def missing(self, table: TableName, what: str, name: str, sql: str = "", **about: Unpack[About]) -> Difference:
        told = f"{self.labels.theirs} has no {what} {name}, which {self.labels.ours} has"
        return _difference("missing", table, what, told, sql, **about)

    def added(self, table: TableName, what: str, name: str, sql: str = "", **about: Unpack[About]) -> Difference:
        article = "an" if what[0] in "aeio" else "a"
        told = f"{self.labels.theirs} has {article} {what} {name}, which {self.labels.ours} has not"
        return _difference("added", table, what, told, sql, **about)

    def changed(
        self, table: TableName, what: str, name: str, ours: str, theirs: str, sql: str = "", **about: Unpack[About]
    ) -> Difference:
        told = f"{what} {name} is {theirs} in {self.labels.theirs}, {ours} in {self.labels.ours}"
        return _difference("changed", table, what, told, sql, **about)

    def comment(self, table: TableName, of: str, sql: str, columns: tuple[str, ...] = ()) -> Difference:
        told = f"{self.labels.theirs} has another comment on {of} than {self.labels.ours}"
        return _difference("changed", table, "comment", told, sql, columns=columns, severity="warning")


def _difference(
    change: Change,
    table: TableName,
    what: str,
    told: str,
    sql: str,
    *,
    columns: tuple[str, ...] = (),
    constraint: str = "",
    remedy: str = "",
    severity: Severity | None = None,
) -> Difference:
    severity = severity or ("warning" if change == "added" else "failure")
    return Difference(change, what, Subject(table, columns, "", constraint), told, sql, remedy, severity)
