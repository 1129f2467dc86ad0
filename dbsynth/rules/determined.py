"""Functional dependencies and combinations: a postcode has one city, a sport has its disciplines and no others.

Which pairs occur is told by those that at least k rows share. What is determined by a value that the rule does not know
(a key of the clone, a name that was made) is what the first row with this value has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.relation.families import Columns
from dbsynth.relation.keys import same_ids, take
from dbsynth.rules.rule import CHANCES, LEAST_SHARE, Rule, donors, listed
from dbsynth.rules.view import FEW, View

MOST_SIDES = 8
"""So many columns are tried in twos as the left side."""
FORBIDDEN = 0.05
"""Pairs that never occur have to be so many of those that would, were the columns independent."""
MOST_VALUES = 100
"""Of each of two columns whose combinations are looked at."""
LEAST_VARIED, LEAST_VARIED_IN_TWO = 0.01, 0.1
"""Two rows have to differ in a column so often for a column that tells it to be of interest, or for two that do."""
MOST_BROKEN = 0.1
"""Exceptions are rarer by this much than they would be, were the columns independent."""
COVERED = 0.995
"""Combinations of one half of the rows that the other half has to hold too."""


@dataclass(frozen=True)
class Determined(Rule):
    """Rows that agree in ``by`` agree in ``column``, null being a value. ``pairs``: columns ``by`` and ``column`` of
    combinations that k rows of the source share."""

    by: tuple[str, ...]
    pairs: pa.Table

    @property
    def reads(self) -> tuple[str, ...]:
        return self.by

    def describe(self) -> str:
        return f"{listed(self.by)} {'tell' if len(self.by) > 1 else 'tells'} {self.column}"

    def settle(self, columns: Columns) -> dict[str, pa.Array]:
        own = columns[self.column]
        ids, known = same_ids([columns[c] for c in self.by], [self.pairs.column(c) for c in self.by])
        first = np.full(int(max(ids.max(initial=0), known.max(initial=0))) + 1, -1, np.int64)
        first[ids[::-1]] = np.arange(len(ids))[::-1]
        first[known] = len(own) + np.arange(len(known))
        both = pa.concat_arrays([own, pc.cast(self.pairs.column(self.column).combine_chunks(), own.type)])
        return {self.column: take(both, first[ids])}


@dataclass(frozen=True)
class Combination(Rule):
    """``pairs``: the combinations of ``by`` and ``column`` that occur, and ``#``: how often."""

    by: str
    pairs: pa.Table

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.by,)

    def describe(self) -> str:
        return f"{self.column} and {self.by} occur in {self.pairs.num_rows} combinations only"

    def settle(self, columns: Columns) -> dict[str, pa.Array]:
        own, by = columns[self.column], columns[self.by]
        mine, theirs = same_ids([by, own], [self.pairs.column(self.by), self.pairs.column(self.column)])
        ids, known = same_ids([by], [self.pairs.column(self.by)])
        bad = np.flatnonzero(~np.isin(mine, theirs) & np.isin(ids, known))
        if not len(bad):
            return {self.column: own}
        index = np.arange(len(own))
        weights = self.pairs.column("#").to_numpy()
        for value in np.unique(ids[bad]):
            rows, options = bad[ids[bad] == value], np.flatnonzero(known == value)
            share = -(-weights[options] * 100 // weights[options].sum())
            index[rows] = len(own) + donors(rows, np.repeat(options, share))
        values = pc.cast(self.pairs.column(self.column).combine_chunks(), own.type)
        return {self.column: take(pa.concat_arrays([own, values]), index)}


def find_determined(view: View) -> Iterator[Determined]:
    """For each open column the left side of the fewest values that tells it; of two columns only where one does not."""
    sides = [c for c in view.all if 1 < view.size(c) <= view.n // 2 and pc.count_distinct(view.rows[c]).as_py() > 1]
    names = [c for c in view.open if pc.count_distinct(view.rows[c]).as_py() > 1]
    varied = {c: 1 - float(((np.bincount(view.codes(c)) / view.n) ** 2).sum()) for c in names}
    targets = [c for c in names if varied[c] >= LEAST_VARIED]
    if not sides or not targets or view.n < view.least:
        return
    codes = np.stack([view.codes(c) for c in targets], axis=1)
    chance = np.array([varied[c] for c in targets])
    place = {c: i for i, c in enumerate(view.all)}
    told: dict[str, tuple[float, int, int, tuple[str, ...]]] = {}

    def look(by: tuple[str, ...], ids: np.ndarray, wanted: list[int]) -> None:
        order = np.argsort(ids, kind="stable")
        alike = np.flatnonzero(ids[order][1:] == ids[order][:-1])
        if len(alike) < view.least:
            return
        differ = (codes[order[alike + 1]][:, wanted] != codes[order[alike]][:, wanted]).mean(axis=0)
        for j in (wanted[int(i)] for i in np.flatnonzero(differ <= 2 * (1 - LEAST_SHARE))):
            if targets[j] in by or len(alike) * chance[j] < CHANCES:
                continue
            share = _share(view, ids, codes[:, j])
            if 1 - share > MOST_BROKEN * chance[j] or _one_against_all(ids[order], codes[order, j], chance[j]):
                continue
            candidate = (-share, int(ids.max()) + 1, sum(place[c] for c in by), by)
            # what tells another and is told by it: the later one is decided
            if len(by) == 1 and place[by[0]] > place[targets[j]] and candidate[1] == view.size(targets[j]):
                continue
            if share >= LEAST_SHARE and candidate < told.get(targets[j], (1.0, 0, 0, ())):
                told[targets[j]] = candidate

    for c in sides:
        look((c,), view.codes(c), list(range(len(targets))))
    left = [j for j, c in enumerate(targets) if c not in told and chance[j] >= LEAST_VARIED_IN_TWO]
    sides = [c for c in sides if c not in view.measures or view.size(c) <= FEW]
    for a, b in combinations(sorted(sides, key=lambda c: (view.size(c), place[c]))[:MOST_SIDES], 2):
        if left:
            _, ids = np.unique(view.codes(a) * view.size(b) + view.codes(b), return_inverse=True)
            look((a, b), ids, left)
    for column, (share, _, _, by) in told.items():
        yield _determined(view, column, by, -share)


def _one_against_all(ids: np.ndarray, codes: np.ndarray, chance: float) -> bool:
    """Whether one value alone tells anything (none sold: closed): that is an implication, all other values tell the
    same. ``ids`` in order."""
    others = ids != np.bincount(ids).argmax()
    ids, codes = ids[others], codes[others]
    if not len(ids):
        return True
    left = 1 - ((np.bincount(codes) / len(codes)) ** 2).sum()
    return bool((ids[1:] == ids[:-1]).sum() * left < CHANCES or left < 0.1 * chance)


def _share(view: View, ids: np.ndarray, codes: np.ndarray) -> float:
    """Of the rows that share their left side with others, those that have what most of them have: the lesser share of
    the two halves, 1 only where there is no exception at all."""
    size = np.bincount(ids)
    pairs, number = np.unique(ids * (codes.max() + 1) + codes, return_inverse=True)
    count = np.bincount(number)
    most = np.zeros(len(size), np.int64)
    np.maximum.at(most, pairs // (codes.max() + 1), count)
    several = size[ids] > 1
    usual = count[number] == most[ids]
    if usual[several].all():
        return 1.0
    shares = [usual[several & half].mean() for half in (view.first_half, ~view.first_half) if (several & half).any()]
    return float(min(shares)) if shares else 0.0


def _determined(view: View, column: str, by: tuple[str, ...], share: float) -> Determined:
    counted = _counted(view, (*by, column))
    if {*by, column} & {*view.private, *view.made, *view.renamed}:
        counted = counted.slice(0, 0)
    sides = [counted.column(c) for c in by]
    values, number = same_ids(sides, sides)[0], counted.column("#").to_numpy()
    order = np.lexsort((-number, values))
    first = np.concatenate([[True], values[order][1:] != values[order][:-1]])[: len(order)]
    pairs = counted.take(pa.array(np.sort(order[first]))).drop_columns(["#"])
    sizes = np.bincount(_ids(view, by))
    return Determined(
        f"{view.label}.{column} by {', '.join(by)}", view.table, column, int(sizes[sizes > 1].sum()),
        int((sizes > 1).sum()), share, False, by, pairs,
    )  # fmt: skip


def _ids(view: View, columns: Sequence[str]) -> np.ndarray:
    ids = np.zeros(view.n, np.int64)
    for c in columns:
        _, ids = np.unique(ids * view.size(c) + view.codes(c), return_inverse=True)
    return ids


def _counted(view: View, columns: Sequence[str]) -> pa.Table:
    """The combinations that k rows share, in the order of the values' text, and ``#``: how many rows do."""
    ids = _ids(view, columns)
    _, at, count = np.unique(ids, return_index=True, return_counts=True)
    at, count = at[count >= view.k], count[count >= view.k]
    values = {c: take(view.rows[c], at) for c in columns}
    order = np.lexsort([pc.rank(v.cast(pa.string())).to_numpy(zero_copy_only=False) for v in reversed(values.values())])
    return pa.table({c: take(v, order) for c, v in values.items()} | {"#": pa.array(count[order].astype(np.int64))})


def find_allowed(view: View) -> Iterator[Combination]:
    """Pairs of learned categories of which many combinations never occur; the later column is decided."""
    names = [c for c in view.open if c not in view.made and c not in view.private]
    names = [c for c in names if 1 < view.size(c) <= MOST_VALUES]
    for a, b in combinations(names, 2):
        width = view.size(b)
        joint = view.codes(a) * width + view.codes(b)
        halves = [np.bincount(joint[h], minlength=view.size(a) * width) for h in (view.first_half, ~view.first_half)]
        count = halves[0] + halves[1]
        there = count >= view.k
        table = count.reshape(-1, width) / view.n
        forbidden = 1 - np.outer(table.sum(1), table.sum(0)).ravel()[there].sum()
        if forbidden < FORBIDDEN or forbidden * view.n < CHANCES or count[there].sum() < COVERED * view.n:
            continue
        unseen = [other[there & (own == 0)].sum() for own, other in (halves, halves[::-1])]
        if max(unseen) > (1 - COVERED) * view.n / 2:
            continue
        pairs = _counted(view, (a, b))
        yield Combination(
            f"{view.label}.{b} with {a}", view.table, b, view.n, int(there.sum()), float(count[there].sum() / view.n),
            False, a, pairs,
        )  # fmt: skip
