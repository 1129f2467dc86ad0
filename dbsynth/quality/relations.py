"""Figures of a foreign key: how many children parents have, how they take after their parents and each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbsynth.quality import measures
from dbsynth.quality.detection import Kin
from dbsynth.quality.measured import Dependence, Measured
from dbsynth.quality.variables import Frame, Variable, flat, numeric, row_codes
from dbsynth.schema.model import ForeignKey


@dataclass(frozen=True)
class Links:
    """Per side, for each child the position of its parent (-1: none). ``parents``: how many there are."""

    real: np.ndarray
    made: np.ndarray
    parents: tuple[int, int]

    @property
    def children(self) -> tuple[int, int]:
        """That have a parent."""
        return int((self.real >= 0).sum()), int((self.made >= 0).sum())

    def kin(self, above: Kin | None) -> Kin:
        """Of the children that have a parent: its place or, given those ``above`` the parents, its own parent."""
        real, made = self.real[self.real >= 0], self.made[self.made >= 0]
        return (real, made) if above is None else (above[0][real], above[1][made])

    @property
    def witnesses(self) -> tuple[int, int]:
        """Parents that have children."""
        real, made = (len(np.unique(x[x >= 0])) for x in (self.real, self.made))
        return real, made

    def halved(self, half: np.ndarray) -> tuple[Links, np.ndarray, np.ndarray]:
        """Real families whose parent is in ``half`` against the others. With the masks of the children of both."""
        place = np.where(half, np.cumsum(half), np.cumsum(~half)) - 1
        there = self.real >= 0
        first = there & half[self.real]
        second = there & ~half[self.real]
        count = int(half.sum())
        links = Links(place[self.real[first]], place[self.real[second]], (count, len(half) - count))
        return links, first, second


def linked(key: ForeignKey, children: tuple[pa.Table, pa.Table], parents: tuple[pa.Table, pa.Table]) -> Links:
    places = [
        positions(
            [flat(c.column(n)) for n in key.columns],
            [flat(p.column(n)) for n in key.ref_columns],
        )
        for c, p in zip(children, parents, strict=True)
    ]
    return Links(places[0], places[1], (parents[0].num_rows, parents[1].num_rows))


def positions(children: Sequence[pa.Array], parents: Sequence[pa.Array]) -> np.ndarray:
    """int64 (children,): which parent has the same values in all columns; -1 for none."""
    theirs, ours = row_codes([children, parents])
    place = np.full(max(theirs.max(initial=-1), ours.max(initial=-1)) + 2, -1)
    place[ours] = np.arange(len(ours))
    place[-1] = -1  # code -1: null
    return np.asarray(place[theirs])


def cardinality(links: Links, columns: tuple[str, ...]) -> list[Measured]:
    """Children a parent; and the family that a random child grows up in, where big parents count by their children."""
    real, made = counts(links)
    families = (effective(real), effective(made))
    return [
        Measured("cardinality", columns, measures.ks(real, made)),
        Measured("big parents", columns, measures.weighted_ks(real, made, real, made), rows=families),
    ]


def effective(weights: np.ndarray) -> int:
    """How many equal weights tell as much: (Σw)² / Σw² (Kish 1965, "Survey sampling", section 11.7)."""
    squares = float(weights @ weights)
    return round(float(weights.sum()) ** 2 / squares) if squares else 0


def counts(links: Links) -> tuple[np.ndarray, np.ndarray]:
    """float64 (parents,) a side."""
    real, made = (
        np.bincount(x[x >= 0], minlength=n).astype(np.float64)
        for x, n in zip((links.real, links.made), links.parents, strict=True)
    )
    return real, made


def joined(child: Frame, parent: Frame, links: Links) -> tuple[Frame, Frame]:
    """Children that have a parent, and the parent of each."""
    there = (links.real >= 0, links.made >= 0)
    return child.taken(*there), parent.taken(links.real[there[0]], links.made[there[1]])


def aggregates(child: Frame, links: Links) -> Frame:
    """A row a parent: the number of its children, the mean of each of their numbers, the share of the commonest value
    of each of their categories."""
    number = counts(links)
    found = [numeric("rows", "", *number)]
    for v in child.main:
        real, made = (averages(x, at, n) for x, at, n in zip(marks(v), (links.real, links.made), number, strict=True))
        found.append(numeric(v.column, "", real, made))
    return Frame(child.table, tuple(found), links.parents)


def marks(v: Variable) -> tuple[np.ndarray, np.ndarray]:
    """Of a number itself, of a category whether a row has its commonest value."""
    if v.number:
        return v.real, v.made
    return tuple(np.where(x == v.size - 1, np.nan, x == 0) for x in v.levels)  # type: ignore[return-value]


def averages(values: np.ndarray, parent: np.ndarray, number: np.ndarray) -> np.ndarray:
    """float64 (parents,): mean of the finite values of each one's children; NaN where it has none."""
    use = (parent >= 0) & np.isfinite(values)
    count = np.bincount(parent[use], minlength=len(number))
    total = np.bincount(parent[use], weights=values[use], minlength=len(number))
    mean: np.ndarray = np.full(len(number), np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def siblings(child: Frame, links: Links) -> list[Measured]:
    """By column of the children: 1 − the difference of how much more alike two children of a parent are than any two
    rows: 0 not at all, 1 they are equal."""
    found = []
    for v in child.main:
        real, noise = kinship(v.levels[0], links.real, v.size)
        made, noise_made = (x if np.isfinite(x) else 0.0 for x in kinship(v.levels[1], links.made, v.size))
        if np.isfinite(real):
            depends = Dependence(real, made, (noise, noise_made))
            found.append(Measured("siblings", (v.column,), max(0.0, 1.0 - abs(real - made)), dependence=depends))
    return found


def kinship(levels: np.ndarray, parent: np.ndarray, size: int) -> tuple[float, float]:
    """Intraclass kappa of levels (Fleiss & Cuzick 1979), each child weighing the same; with its noise. NaN where no
    parent has two children, or all are of one level."""
    there = parent >= 0
    at, level = parent[there], levels[there]
    if not len(at):
        return float("nan"), float("nan")
    _, at = np.unique(at, return_inverse=True)
    table = np.bincount(at * size + level, minlength=(at.max() + 1) * size).reshape(-1, size)
    number = table.sum(1)
    table, number = table[number > 1].astype(np.float64), number[number > 1].astype(np.float64)
    share = table.sum(0) / max(1.0, number.sum())
    chance = float((share**2).sum())
    if not len(number) or chance >= 1.0:
        return float("nan"), float("nan")
    same = float(((table * (table - 1)).sum(1) / (number - 1)).sum() / number.sum())
    pairs = number.sum() ** 2 / (number / (number - 1)).sum()  # effective number of independent pairs, doubled
    return (same - chance) / (1.0 - chance), float(np.sqrt(2.0 / pairs))
