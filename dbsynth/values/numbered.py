"""One column of values that are counted, not drawn: each space of values is gone through in an order that looks like
chance, so that ten million are different without remembering one, and none is drawn twice to find a free one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.values.forms import choose
from dbsynth.values.guard import Guard
from dbsynth.values.permutation import capacity, permuted

SPREAD = 0x9E3779B97F4A7C15
"""Between the keys of two spaces."""
TYPICAL = 0.95
"""Where so many of the source's values are different, all of the clone's are."""


class Space(Protocol):
    """A set of values by parts. ``sizes``: how many values each part has; ``means``: what a part tells of the row's
    person: "born", "sex" or ""."""

    @property
    def sizes(self) -> tuple[int, ...]: ...

    @property
    def means(self) -> tuple[str, ...]: ...

    def write(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """object (rows,): what tells the values of int64 (rows, parts) apart; bool (rows,): whether there is one."""

    def finish(self, values: np.ndarray, rng: np.random.Generator) -> list[str]:
        """The texts of what ``write`` gave."""


class Person(Protocol):
    """Reads birth and sex of the rows at hand from their other columns."""

    @property
    def columns(self) -> tuple[str, ...]: ...

    def known(self, row: Mapping[str, pa.Array], space: Space, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """By meaning the codes of the rows' parts."""


class Numbered:
    """``spaces`` are used by ``weights``; where one is used up, those that are left over, so one of weight 0 is a
    reserve. ``empty``: the share of empty texts. ``distinct``: as of a MadeColumn. ``whole``: a column of numbers."""

    guarded = True

    def __init__(
        self,
        table: str,
        column: str,
        spaces: Sequence[Space],
        weights: Sequence[float],
        guard: Guard,
        *,
        unique: bool,
        distinct: float = 1.0,
        empty: float = 0.0,
        whole: pa.DataType | None = None,
        person: Person | None = None,
    ) -> None:
        self.columns: tuple[str, ...] = (column,)
        self.table, self.spaces, self.weights, self.guard = table, list(spaces), np.asarray(weights, float), guard
        self.unique, self.distinct, self.empty, self.whole, self.person = unique, distinct, empty, whole, person
        self._key: int | None = None
        self._next: dict[tuple[int, int], int] = {}
        self._there: set[str] = set()

    def generate(
        self, present: Mapping[str, np.ndarray], row: Mapping[str, pa.Array], rng: np.random.Generator
    ) -> dict[str, pa.Array]:
        column = self.columns[0]
        where = np.flatnonzero(present[column])
        out = np.full(len(present[column]), None, object)
        if self.empty and not self.unique:
            blank = rng.random(len(where)) < self.empty
            out[where[blank]] = ""
            where = where[~blank]
        if len(where) and (self.unique or self.distinct > TYPICAL or self.person is not None):
            needed = self.person.columns if self.person is not None else ()
            own = {c: row[c].take(pa.array(where)) for c in needed if c in row}
            out[where] = self.values(len(where), rng, own)
        elif len(where):
            few = np.array(self.values(max(1, round(self.distinct * len(where))), rng), object)
            out[where] = few[rng.permutation(np.arange(len(where)) % len(few))]
        if self.whole is None:
            return {column: pa.array(out, pa.string())}
        numbers = pa.array([None if v is None else int(v) for v in out.tolist()], pa.int64())
        return {column: numbers.cast(self.whole)}

    def avoid(self, there: Mapping[str, pa.Array]) -> None:
        if self.unique:
            self._there = set(there[self.columns[0]].drop_null().cast(pa.string()).to_pylist())

    def values(self, count: int, rng: np.random.Generator, row: Mapping[str, pa.Array] | None = None) -> list[str]:
        """``count`` texts, different from all before and none of the source's. ``row``: other columns of the rows."""
        if self._key is None:
            self._key = int(rng.integers(2**62))
        out = np.full(count, None, object)
        which = choose(self.weights, count, rng)
        for space in range(len(self.spaces)):
            rows = np.flatnonzero(which == space)
            left = self._fill(space, rows, out, rng, row)
            while len(left):
                other = self._other(space)
                if other is None and not self.unique:
                    self._next = {}  # a value may come again
                    other = space
                if other is None:
                    raise UnsatisfiableConstraint(
                        f"{self.table}.{self.columns[0]}: its shape has no more different values",
                        hint="ask for fewer rows, or give the column another role in dbsynth.toml",
                    )
                left = self._fill(other, left, out, rng, row)
        return list(out)

    def _other(self, space: int) -> int | None:
        """The space with most values left, of those without people: theirs are tied to the rows."""
        left = {i: capacity(s.sizes) - self._next.get((i, 0), 0) for i, s in enumerate(self.spaces) if i != space}
        best = max(left, key=lambda i: left[i], default=None)
        return best if best is not None and left[best] > 0 else None

    def _fill(
        self, at: int, rows: np.ndarray, out: np.ndarray, rng: np.random.Generator, row: Mapping[str, pa.Array] | None
    ) -> np.ndarray:
        """Values of one space for ``rows`` of ``out``; the rows for which none is left."""
        space = self.spaces[at]
        known: dict[str, np.ndarray] = {}
        if self.person is not None and row is not None and len(rows):
            at_hand = {c: a.take(pa.array(rows)) for c, a in row.items()}
            known = self.person.known(at_hand, space, rng)
        means = space.means
        free = [i for i, m in enumerate(means) if m not in known]
        sizes = [space.sizes[i] for i in free]
        fixed = np.zeros((len(rows), len(means)), np.int64)
        for i, m in enumerate(means):
            if m in known:
                fixed[:, i] = known[m]
        group = np.zeros(len(rows), np.int64)
        for i in (i for i, m in enumerate(means) if m in known):
            group = group * space.sizes[i] + fixed[:, i]
        most = capacity(sizes)
        left = np.arange(len(rows))
        lost = [left[:0]]
        while len(left):
            index = self._numbers(at, group[left])
            over = index >= most
            lost.append(left[over])
            left, index = left[~over], index[~over]
            codes = fixed[left]
            # people of one day do not all begin with the same number
            turned = (index + (group[left] * 7919) % most) % most if known else index
            codes[:, free] = permuted(turned, sizes, int(self._key or 0) + at * SPREAD)
            values, there = space.write(codes)
            keep = there & ~self.guard.perhaps(self.guard.words(pa.array(values, pa.string())))
            texts: np.ndarray = np.array(space.finish(values[keep], rng), object)
            if self._there:
                fresh = np.array([t not in self._there for t in texts.tolist()], bool)
                keep[np.flatnonzero(keep)[~fresh]], texts = False, texts[fresh]
            out[rows[left[keep]]] = texts
            left = left[~keep]
        return rows[np.concatenate(lost)]

    def _numbers(self, space: int, group: np.ndarray) -> np.ndarray:
        """int64: the next numbers of each group, in the order of the rows."""
        known, inverse, counts = np.unique(group, return_inverse=True, return_counts=True)
        order = np.argsort(inverse, kind="stable")
        starts = np.cumsum(counts) - counts
        rank = np.empty(len(group), np.int64)
        rank[order] = np.arange(len(group)) - np.repeat(starts, counts)
        first = np.array([self._next.get((space, g), 0) for g in known.tolist()], np.int64)
        for g, start, n in zip(known.tolist(), first.tolist(), counts.tolist(), strict=True):
            self._next[space, g] = start + n
        return np.asarray(first[inverse] + rank)
