"""What a row sees of the rows made before it under the same parent.

Of each code column: the code of the row before, that of the first row, and the mean level of all rows before. For rows
that are exchangeable under their parent the mean is what a posterior needs (a heavy buyer stays one); for a sequence
the last row is. It is a recurrent state with fixed weights: known for every row of the source before training, so rows
are learned independently of each other, and made one place after another, for all parents at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dbsynth.model.relevance import dependence

SEGMENT = 128
"""Siblings beyond so many begin anew: bounds how often the model is asked."""
MOST_COLUMNS, MOST_SEEN = 32, 16
"""Columns that are seen, and what is told apart of one: more would drown what the parent says."""
LEVELS, FINE = 16, 2**16
"""Of means of levels, and of the levels themselves: whole numbers, so that sums do not depend on their order."""
LEAST_FOLLOWERS, LEAST_SHARE = 400, 0.2
"""So many rows have a row before them, and so large a part of all: with less to learn from, small errors grow from row
to row."""

FORGOTTEN = 0.3
LEAST_FAMILIES = 60
"""Of fewer families what one row tells of the next is mostly which family it is: made families that differ as much as
these do would be told from them at a glance, so rows follow from their parent and their moment alone."""


@dataclass(frozen=True)
class Places:
    """Where rows stand: ``piece`` int64 (rows,) numbers families, or what a long one is cut into; ``place`` int64
    (rows,) 0, 1, ... in the piece."""

    piece: np.ndarray
    place: np.ndarray

    @classmethod
    def of(cls, groups: np.ndarray, position: np.ndarray) -> Places:
        """``groups`` int64, -1 for rows without a parent: each stands alone."""
        n = len(groups)
        alone = groups < 0
        ids = np.where(alone, groups.max(initial=-1) + 1 + np.arange(n), groups)
        cut = position // SEGMENT
        _, piece = np.unique(ids * (int(cut.max(initial=0)) + 1) + cut, return_inverse=True)
        return cls(piece.reshape(-1).astype(np.int64), np.where(alone, 0, position % SEGMENT))

    @property
    def pieces(self) -> int:
        return int(self.piece.max(initial=-1)) + 1

    def before(self) -> np.ndarray:
        """The row before each row of its piece, -1 for the first, int64."""
        order = np.lexsort((self.place, self.piece))
        out = np.full(len(order), -1, np.int64)
        out[order[1:]] = order[:-1]
        return np.where(self.place > 0, out, -1)

    def first(self) -> np.ndarray:
        """The first row of each row's piece."""
        start = np.zeros(self.pieces, np.int64)
        head = np.flatnonzero(self.place == 0)
        start[self.piece[head]] = head
        found: np.ndarray = start[self.piece]
        return found


@dataclass(frozen=True)
class SiblingState:
    """``last``, ``first``, ``running``: the code columns that are seen, and in which way. ``coarse``: per column of
    ``last`` and of ``first`` int32 (cardinality,), what is seen of each code; ``ordered``: whether that has an order.
    ``levels``: per running column int64 (cardinality,), the level 0..FINE of each code; ``edges``: per running column
    (LEVELS - 1,)."""

    last: tuple[int, ...]
    first: tuple[int, ...]
    running: tuple[int, ...]
    coarse: tuple[np.ndarray, ...]
    ordered: tuple[bool, ...]
    levels: tuple[np.ndarray, ...]
    edges: tuple[np.ndarray, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Cardinalities of the columns of the state; the last code of each says that there is no row before."""
        return (*(int(c.max()) + 2 for c in self.coarse), *(LEVELS + 1 for _ in self.running))

    @property
    def order(self) -> tuple[bool, ...]:
        """Of the columns of the state, those whose codes have an order."""
        return (*self.ordered, *[True] * len(self.running))

    @classmethod
    def fit(
        cls, codes: np.ndarray, cardinalities: Sequence[int], ordered: Sequence[bool], places: Places
    ) -> SiblingState | None:
        """None where rows do not depend on the rows before them (Pearson's test, see ``model.relevance``)."""
        before = places.before()
        rows = np.flatnonzero(before >= 0)
        if len(rows) < LEAST_FOLLOWERS or len(rows) < LEAST_SHARE * len(codes):
            return None
        columns = [j for j, size in enumerate(cardinalities) if size > 1]
        linked = dependence(codes[before[rows]], codes[rows], cardinalities)
        seen = [j for j in columns if linked[j].any()][:MOST_COLUMNS]
        if not seen:
            return None
        first = [j for j in seen if not ordered[j] and linked[j, j]]
        running = [j for j in seen if ordered[j] and linked[j, j]]
        levels = tuple(_levels(codes[:, j], cardinalities[j]) for j in running)
        means = _means(codes, running, levels, places)
        inner = np.linspace(0, 1, LEVELS + 1)[1:-1]
        edges = tuple(np.quantile(means[rows, i], inner) for i in range(len(running)))
        shown = (*seen, *first)
        return cls(
            last=tuple(seen),
            first=tuple(first),
            running=tuple(running),
            coarse=tuple(_coarse(codes[:, j], cardinalities[j], ordered[j]) for j in shown),
            ordered=tuple(ordered[j] for j in shown),
            levels=levels,
            edges=edges,
        )

    def of(self, codes: np.ndarray, places: Places) -> np.ndarray:
        """The state of each of the finished rows ``codes``, int32 (rows, state columns)."""
        before, first = places.before(), places.first()
        none = before < 0
        at = [before] * len(self.last) + [first] * len(self.first)
        out = [
            np.where(none, int(c.max()) + 1, c[codes[i, j]])
            for c, j, i in zip(self.coarse, (*self.last, *self.first), at, strict=True)
        ]
        means = _means(codes, self.running, self.levels, places)
        for i, edges in enumerate(self.edges):
            out.append(np.where(none, LEVELS, np.searchsorted(edges, means[:, i], side="right")))
        return np.stack(out, axis=1).astype(np.int32)


def shuffled(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A place 0, 1, ... in its group by chance, int64 (rows,)."""
    order = np.lexsort((rng.random(len(groups)), groups))
    ordered = groups[order]
    out = np.empty(len(groups), np.int64)
    out[order] = np.arange(len(groups)) - np.searchsorted(ordered, ordered, side="left")
    return np.where(groups < 0, 0, out)


def forgotten(state: SiblingState, seen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``seen`` int32 (rows, state columns), of which a part of the rows sees nothing, as first rows do. Else what a
    first row follows from, its parent alone, were learned from first rows alone, and their errors handed down."""
    out = seen.copy()
    out[rng.random(len(seen)) < FORGOTTEN] = np.asarray(state.sizes, np.int32) - 1
    return out


class Memory:
    """The state while rows are made: what each piece remembers."""

    def __init__(self, state: SiblingState, pieces: int) -> None:
        self.state = state
        self.count = np.zeros(pieces, np.int64)
        self.last = np.zeros((pieces, len(state.last)), np.int32)
        self.first = np.zeros((pieces, len(state.first)), np.int32)
        self.total = np.zeros((pieces, len(state.running)), np.int64)

    def see(self, piece: np.ndarray) -> np.ndarray:
        """int32 (rows, state columns) for one row in each of ``piece``."""
        state, none = self.state, self.count[piece] == 0
        size = np.array([int(c.max()) + 1 for c in state.coarse])
        out = [np.where(none[:, None], size, np.concatenate([self.last[piece], self.first[piece]], axis=1))]
        if state.running:
            means = self.total[piece] / np.maximum(self.count[piece], 1)[:, None]
            level = [np.searchsorted(edges, means[:, i], side="right") for i, edges in enumerate(state.edges)]
            out.append(np.where(none[:, None], LEVELS, np.stack(level, axis=1)))
        return np.concatenate(out, axis=1).astype(np.int32)

    def note(self, piece: np.ndarray, codes: np.ndarray) -> None:
        """The rows ``codes`` int32 (rows, code columns) have been made, one in each of ``piece``."""
        state, new = self.state, self.count[piece] == 0
        for i, (c, j) in enumerate(zip(state.coarse, (*state.last, *state.first), strict=True)):
            if i < len(state.last):
                self.last[piece, i] = c[codes[:, j]]
            else:
                self.first[piece[new], i - len(state.last)] = c[codes[new, j]]
        for i, (j, levels) in enumerate(zip(state.running, state.levels, strict=True)):
            self.total[piece, i] += levels[codes[:, j]]
        self.count[piece] += 1


def _coarse(codes: np.ndarray, cardinality: int, ordered: bool) -> np.ndarray:
    """int32 (cardinality,): the codes themselves where they are few, else levels of about equal share, or of codes
    without an order the commonest and the rest."""
    if cardinality <= MOST_SEEN:
        return np.arange(cardinality, dtype=np.int32)
    if ordered:
        level = _levels(codes, cardinality) * MOST_SEEN // FINE
        return np.asarray(level.clip(max=MOST_SEEN - 1), np.int32)
    share = np.bincount(codes, minlength=cardinality)
    rank = np.empty(cardinality, np.int64)
    rank[np.argsort(-share, kind="stable")] = np.arange(cardinality)
    return np.asarray(rank.clip(max=MOST_SEEN - 1), np.int32)


def _levels(codes: np.ndarray, cardinality: int) -> np.ndarray:
    """The mid-rank of each code."""
    share = np.bincount(codes, minlength=cardinality) / max(1, len(codes))
    return np.round((np.cumsum(share) - share / 2) * FINE).astype(np.int64)


def _means(codes: np.ndarray, columns: Sequence[int], levels: Sequence[np.ndarray], places: Places) -> np.ndarray:
    """float64 (rows, columns): the mean level of the rows before each row in its piece, 0 for the first."""
    order = np.lexsort((places.place, places.piece))
    place = places.place[order]
    start = np.flatnonzero(place == 0)
    begin = np.repeat(start, np.diff(np.append(start, len(order))))
    out = np.zeros((len(codes), len(columns)))
    for i, (j, level) in enumerate(zip(columns, levels, strict=True)):
        total = np.concatenate([[0], np.cumsum(level[codes[order, j]])])
        out[order, i] = (total[:-1] - total[begin]) / np.maximum(place, 1)
    return out
