"""Figures of children in their order: how far apart they are, and how one takes after the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dbsynth.quality import measures, trends
from dbsynth.quality.measured import Measured
from dbsynth.quality.relations import Links
from dbsynth.quality.variables import Frame, Variable

LEAST_STEPS = 40

Order = tuple[Sequence[np.ndarray], Sequence[np.ndarray]]
"""Per side, columns of float64 by which children are sorted, the first one first."""


@dataclass(frozen=True)
class Orders:
    """``told``: the order that the plan sees in siblings; ``given``: that of numbers which they got in turn."""

    told: Order
    given: Order

    def parted(self, first: np.ndarray, second: np.ndarray) -> Orders:
        """Real rows where one mask is true against those of the other."""
        told, given = (([c[first] for c in o[0]], [c[second] for c in o[0]]) for o in (self.told, self.given))
        return Orders(told, given)


@dataclass(frozen=True)
class Steps:
    """Positions of rows and of their successors among their siblings, a side."""

    before: tuple[np.ndarray, np.ndarray]
    after: tuple[np.ndarray, np.ndarray]

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.before[0]), len(self.before[1])


def steps(links: Links, order: Order) -> Steps:
    """Siblings in their order."""
    sides = []
    for parent, columns in zip((links.real, links.made), order, strict=True):
        rows = np.lexsort((*reversed([np.nan_to_num(c, nan=np.inf) for c in columns]), parent))
        rows = rows[parent[rows] >= 0]
        same = parent[rows][1:] == parent[rows][:-1]
        sides.append((rows[:-1][same], rows[1:][same]))
    return Steps((sides[0][0], sides[1][0]), (sides[0][1], sides[1][1]))


def figures(child: Frame, links: Links, orders: Orders) -> list[Measured]:
    found: list[Measured] = []
    if orders.told[0]:
        told = steps(links, orders.told)
        if min(told.counts) >= LEAST_STEPS:
            found += [*gaps(child, told), *succession(child, told)]
    if orders.given[0]:
        given = steps(links, orders.given)
        if min(given.counts) >= LEAST_STEPS:
            found += order(child, given)
    return found


def gaps(child: Frame, found: Steps) -> list[Measured]:
    """By moment: 1 − KS of the differences of successive values."""
    measured = []
    for v in child.main:
        if v.moment:
            real, made = (x[after] - x[before] for x, before, after in _sides(v, found))
            measured.append(Measured("gaps", (v.column,), measures.ks(real, made)))
    return measured


def succession(child: Frame, found: Steps) -> list[Measured]:
    """By column: how alike correlations (of categories: pairs) of successive siblings' values are."""
    picks = [np.arange(n)[:: n // trends.PAIR_ROWS + 1] for n in found.counts]
    before, after = (tuple(rows[p] for rows, p in zip(x, picks, strict=True)) for x in (found.before, found.after))
    pairs = [(v.taken(before[0], before[1]), v.taken(after[0], after[1])) for v in child.main]
    witnesses = (len(picks[0]), len(picks[1]))
    return [
        Measured("succession", (p.left.column,), p.likeness, dependence=p.dependence)
        for p in trends.compared(pairs, witnesses)
    ]


def order(child: Frame, found: Steps) -> list[Measured]:
    """By number and moment: 1 − total variation of how often the next sibling's value is more, the same or less."""
    measured = []
    for v in child.main:
        if v.number and not v.facet:
            real, made = (direction(x[before], x[after]) for x, before, after in _sides(v, found))
            measured.append(Measured("order", (v.column,), measures.tv(real, made)))
    return measured


def direction(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """0 less, 1 the same, 2 more; -1 where one is missing."""
    known = ~(np.isnan(before) | np.isnan(after))
    return np.where(known, 1 + (after > before).astype(np.int64) - (after < before), -1)


def _sides(v: Variable, found: Steps) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return [(v.real, found.before[0], found.after[0]), (v.made, found.before[1], found.after[1])]
