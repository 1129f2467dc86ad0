"""Facts between the keys of a row: two that never point at the same row, two whose rows agree with each other, two that
make a graph without cycles, and what orders a row and the row of its own table that it points at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from dbsynth.relation.facts import MIN_FAMILIES, MIN_ROWS
from dbsynth.schema.model import TableName

MIN_SURPRISE = 10.0
"""Rows that would have broken a fact were the columns independent."""
MIN_EQUAL = 3.0
"""Rows in which two keys would have been equal by chance: e^-3 of all pairs of keys are taken for apart by mistake,
which costs them what chance would have made equal."""
TOGETHER = 0.8
"""Of the families of several rows, those in which all have the same parent over another key."""
Order = Literal["<", "<=", ">", ">="]


@dataclass(frozen=True)
class _Found:
    """Rows and families (parents) of the source in which a fact was seen to hold."""

    id: str
    table: TableName
    key: str
    columns: tuple[str, ...]
    rows: int
    families: int

    share: ClassVar[float] = 1.0
    few: ClassVar[int] = 1
    """So many families are enough."""

    @property
    def believed(self) -> bool:
        return self.rows >= MIN_ROWS and self.families >= self.few


@dataclass(frozen=True)
class Apart(_Found):
    """The keys ``key`` and ``other`` of ``table`` never point at the same row."""

    other: str

    def describe(self) -> str:
        return f"{', '.join(self.columns)}: never the row that {self.other} points at ({self.key})"


@dataclass(frozen=True)
class Acyclic(_Found):
    """Edges from the row that ``other`` points at to the one of ``key`` make no cycle; a row is never below itself."""

    other: str

    def describe(self) -> str:
        return f"{', '.join(self.columns)}: never the row that {self.other} points at, nor one above it ({self.key})"


@dataclass(frozen=True)
class Agreement(_Found):
    """``theirs`` of the row of ``parent`` that ``key`` points at equal ``sources`` of the row of ``other_parent`` that
    ``other`` points at; null equals null. ``other`` is set before ``key``. ``together``: rows of one ``other`` mostly
    have one ``key`` (all items of an order go with one shipment); ``nested``: rows of one ``key`` mostly have one
    ``other`` (a shipment has items of one order); ``whole``: rows of one ``other`` mostly are all null or all not."""

    other: str
    parent: TableName
    other_parent: TableName
    theirs: tuple[str, ...]
    sources: tuple[str, ...]
    together: bool = False
    nested: bool = False
    whole: bool = False

    few: ClassVar[int] = MIN_FAMILIES

    def describe(self) -> str:
        pairs = zip(self.theirs, self.sources, strict=True)
        agreed = ", ".join(f"{t} = {s}" if t != s else t for t, s in pairs)
        one = ", mostly the same for all its rows" if self.together else ""
        return (
            f"{', '.join(self.columns)}: a row of {self.parent.name} that agrees with that of "
            f"{self.other_parent.name} ({self.other}) in {agreed}{one}"
        )


@dataclass(frozen=True)
class Ranked(_Found):
    """``column`` of a row is ``order`` that of the row of the same table that ``key`` points at, or one is null."""

    order: Order

    few: ClassVar[int] = 5

    @property
    def column(self) -> str:
        return self.columns[0]

    def describe(self) -> str:
        return f"{self.column} {self.order} {self.column} of the row it points at ({self.key})"


@dataclass(frozen=True)
class Threaded(_Found):
    """A row points, over ``key``, at a row of its own family: ``columns``, those of its context key, are the same.
    ``headed``: one row of each family points at none."""

    headed: bool

    few: ClassVar[int] = MIN_FAMILIES

    def describe(self) -> str:
        one = "; one row of each points at none" if self.headed else ""
        return f"{', '.join(self.columns)} is that of the row it points at ({self.key}){one}"


@dataclass(frozen=True)
class Exclusive(_Found):
    """A row of ``table`` has a row in at most one of the tables ``children``, whose keys ``keys`` are unique: it is of
    one of several subtypes. ``key`` and ``columns``: the own key that they refer to."""

    children: tuple[TableName, ...]
    keys: tuple[str, ...]

    few: ClassVar[int] = 2

    def describe(self) -> str:
        return f"each row has a row in at most one of {', '.join(c.name for c in self.children)}"


KeyFact = Apart | Acyclic | Agreement | Ranked | Threaded | Exclusive
KEY_FACTS = (Apart, Acyclic, Agreement, Ranked, Threaded, Exclusive)

Allowed = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Whether rows (int64) may have these members (int64, of the same length): bool."""


def equal_by_chance(a: np.ndarray, b: np.ndarray) -> float:
    """The share of rows in which members drawn independently from those of ``a`` and of ``b`` would be the same."""
    size = int(max(a.max(initial=-1), b.max(initial=-1))) + 1
    return float((np.bincount(a, minlength=size) / len(a)) @ (np.bincount(b, minlength=size) / len(b)))


def never_equal(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two keys (members, -1 null) are apart, in enough rows for this to be no chance."""
    both = (a >= 0) & (b >= 0)
    if not both.any() or (a[both] == b[both]).any():
        return False
    return equal_by_chance(a[both], b[both]) * int(both.sum()) >= MIN_EQUAL


def stay_together(family: np.ndarray, members: np.ndarray) -> bool:
    """Whether the rows of a ``family`` (int64) mostly have one of ``members`` (int64), though many have several."""
    rows = np.bincount(np.unique(family, return_inverse=True)[1])
    pairs = np.unique(np.stack([family, members]), axis=1)
    distinct = np.bincount(np.unique(pairs[0], return_inverse=True)[1])
    several = rows >= 2
    return bool(several.sum() >= MIN_FAMILIES and (distinct[several] == 1).mean() >= TOGETHER)


def exclusive(counts: np.ndarray) -> list[int]:
    """Columns of ``counts`` (parents, children; 0 or 1) of which no parent has two, though chance would give that to
    many; [] where there are none. Those with most rows are tried first."""
    order = [int(j) for j in np.argsort(-counts.sum(0), kind="stable") if counts[:, j].any()]
    for start in order:
        group = [start]
        for j in order:
            taken = counts[:, group].sum(1)
            chance = float(counts[:, j].mean() * taken.mean()) * len(counts)
            if j not in group and chance >= MIN_SURPRISE and not (taken * counts[:, j]).any():
                group.append(j)
        if len(group) > 1:
            return group
    return []


def acyclic(above: np.ndarray, below: np.ndarray) -> bool:
    """Whether the edges above → below (members, -1 none) make no cycle: nodes that nothing points at are taken away
    until none is left (Kahn 1962)."""
    known = (above >= 0) & (below >= 0)
    above, below = above[known], below[known]
    while len(above):
        stays = np.isin(above, below)
        if stays.all():
            return False
        above, below = above[stays], below[stays]
    return True


def many_paths(above: np.ndarray, below: np.ndarray) -> bool:
    """Whether a random graph with these degrees would have cycles: rows that are both above and below others."""
    known = (above >= 0) & (below >= 0)
    size = int(max(above.max(initial=-1), below.max(initial=-1))) + 1
    out, into = np.bincount(above[known], minlength=size), np.bincount(below[known], minlength=size)
    # expected two-cycles and longer ones: the mean number of edges that follow an edge
    return bool(known.any() and float(out @ into) / int(known.sum()) >= 1.0)


def heights(above: np.ndarray, below: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A rank of nodes (int64) in which most edges rise, from the number of their edges that begin (``above``) and end
    (``below``) there: the share of those that end, ties by chance."""
    share = np.where(above + below > 0, below / np.maximum(above + below, 1), 0.5)
    rank = np.empty(len(share), np.int64)
    rank[np.lexsort((rng.random(len(share)), share))] = np.arange(len(share))
    return rank


def in_order(order: Order, own: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """bool: whether the values stand in ``order``; where one is NaN, they do."""
    compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[order]
    holds: np.ndarray = compare(own, parents) | np.isnan(own) | np.isnan(parents)
    return holds


def strict_order(own: np.ndarray, parents: np.ndarray) -> Order | None:
    """How the values of rows stand to those of the rows they point at, in all rows; None where neither is.
    Enough rows must not be equal."""
    if len(own) == 0:
        return None
    for order, holds in (("<", own < parents), (">", own > parents), ("<=", own <= parents), (">=", own >= parents)):
        different = (own != parents).sum()
        if holds.all() and different >= MIN_SURPRISE:
            return order  # type: ignore[return-value]
    return None
