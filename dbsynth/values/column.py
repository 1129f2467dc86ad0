"""One column of made text: drawn, kept apart from the source's values, kept unique, kept short enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.values.distinct import Seen, texts_of
from dbsynth.values.forms import choose
from dbsynth.values.guard import Guard

ROUNDS = 12
"""Redraws of values that are taken, before they are numbered."""
TRIES = 4_000_000
MOST_SHARED = 1000


class Drawer(Protocol):
    def draw(self, count: int, rng: np.random.Generator) -> list[str]: ...


@runtime_checkable
class Follower(Protocol):
    """A drawer whose values follow other columns of the row."""

    def beside(self, row: Mapping[str, pa.Array], where: np.ndarray) -> Drawer:
        """A drawer of one value for each of the rows ``where``, in their order, once."""

    def groups(self, row: Mapping[str, pa.Array], where: np.ndarray) -> np.ndarray:
        """int (where,): rows of one group can have the same value."""


Again = Callable[[list[int], list[str], np.random.Generator, int], list[str]]
"""Other values for rows, given those that are taken and how often it was tried."""


def shared_values(values: Sequence[str | None], k: int | None = None) -> list[tuple[str, float]]:
    """The empty text and, where ``k`` is given, the texts that at least k rows share, with their shares of the rows
    with a value."""
    counts = Counter(v for v in values if v is not None)
    total = sum(counts.values())
    frequent = counts.most_common(MOST_SHARED) if k is not None else []
    kept = {v: n for v, n in frequent if n >= (k or 0)} | ({"": counts[""]} if counts[""] else {})
    return [(v, n / total) for v, n in kept.items()]


class MadeColumn:
    """``distinct``: how many different values there are for each value of the source (1: every row its own).
    ``shared``: texts of the source that stay what they are, with their shares."""

    def __init__(
        self,
        table: str,
        column: str,
        drawer: Drawer,
        guard: Guard,
        *,
        unique: bool,
        max_length: int | None = None,
        distinct: float = 1.0,
        shared: Sequence[tuple[str, float]] = (),
    ) -> None:
        self.columns: tuple[str, ...] = (column,)
        self.table, self.drawer, self.guard, self.unique = table, drawer, guard, unique
        self.max_length, self.distinct, self.shared = max_length, distinct, list(shared)
        self._used = Seen()
        self._next = 0
        self._spent = False

    @property
    def guarded(self) -> bool:
        """Whether none of its values is one of the source's."""
        return len(self.guard) > 0 and not self.shared and not self._told

    @property
    def _told(self) -> bool:
        """Whether rows tell so much of their values that these stay, should they be the source's."""
        return bool(getattr(self.drawer, "told", False))

    def generate(
        self, present: Mapping[str, np.ndarray], row: Mapping[str, pa.Array], rng: np.random.Generator
    ) -> dict[str, pa.Array]:
        shared, where = self.shares(present[self.columns[0]], rng)
        if len(where) == 0:
            return {self.columns[0]: shared}
        often = self.unique or self.distinct > 0.95
        if isinstance(self.drawer, Follower):
            at = np.arange(len(where)) if often else _first_of(self.drawer.groups(row, where), self.distinct, rng)
            some, at = np.unique(at, return_inverse=True)
            made = self.texts(len(some), rng, self.drawer.beside(row, where[some])).take(pa.array(at))
        elif often:
            made = self.texts(len(where), rng)
        else:
            few = self.texts(max(1, round(self.distinct * len(where))), rng)
            made = few.take(pa.array(rng.permutation(np.arange(len(where)) % len(few))))
        return {self.columns[0]: placed(shared, where, made)}

    def avoid(self, there: Mapping[str, pa.Array]) -> None:
        texts = there[self.columns[0]].drop_null().cast(pa.string())
        if self.unique:
            self._used.fresh(self.guard.words(texts))
        go_on = getattr(self.drawer, "go_on", None)
        if go_on is not None:
            go_on(texts)

    def shares(self, present: np.ndarray, rng: np.random.Generator) -> tuple[pa.Array, np.ndarray]:
        """Null or a shared text (rows,), and int: the rows that get a value of their own."""
        where = np.flatnonzero(present)
        if not self.shared or self.unique:
            return pa.nulls(len(present), pa.string()), where
        parts = np.array([share for _, share in self.shared])
        which = choose(np.r_[parts, max(0.0, 1 - parts.sum())], len(where), rng)
        own = which == len(parts)
        at = np.full(len(present), len(parts))
        at[where] = which
        return pa.array([*(text for text, _ in self.shared), None], pa.string()).take(pa.array(at)), where[own]

    def values(self, count: int, rng: np.random.Generator) -> list[str]:
        """``count`` values that are none of the source's; different from all before if the column is unique."""
        made: list[str] = self.texts(count, rng).to_pylist()
        return made

    def texts(self, count: int, rng: np.random.Generator, drawer: Drawer | None = None) -> pa.Array:
        """``values`` as an array, of ``drawer`` instead of the column's own."""
        drawer = drawer or self.drawer
        found = self._cut(drawer.draw(count, rng))
        open_ = self._taken(found, np.arange(count))
        for turn in range(1, ROUNDS + 1):
            if not len(open_):
                return found
            again: Again | None = getattr(drawer, "again", None)
            if again is None:
                others: Sequence[str] | pa.Array = drawer.draw(len(open_), rng)
            else:  # of drawers that know the rows: what is the row's own in a value stays
                others = again(open_.tolist(), found.take(pa.array(open_)).to_pylist(), rng, turn)
            found = placed(found, open_, self._cut(others))
            open_ = open_[self._taken(found.take(pa.array(open_)), np.arange(len(open_)))]
        if len(open_) and self._told:
            open_ = self._repeated(found, open_)
        return placed(found, open_, self._numbered(found.take(pa.array(open_)), drawer)) if len(open_) else found

    def _cut(self, values: Sequence[str] | pa.Array) -> pa.Array:
        texts = texts_of(values)
        if self.max_length is None or (pc.max(pc.utf8_length(texts)).as_py() or 0) <= self.max_length:
            return texts
        short = pc.utf8_rtrim_whitespace(pc.utf8_slice_codeunits(texts, 0, self.max_length))
        short = pc.if_else(pc.equal(short, ""), pc.utf8_slice_codeunits(texts, 0, 1), short)
        return pc.if_else(pc.greater(pc.utf8_length(texts), self.max_length), short, texts)

    def _taken(self, values: pa.Array, rows: np.ndarray) -> np.ndarray:
        """Of ``rows`` (of ``values``) those with a value of the source, or one that was made before."""
        if not len(self.guard) and not self.unique:
            return rows[:0]
        words = self.guard.words(values)
        taken = self.guard.perhaps(words)
        if self.unique:
            free = np.flatnonzero(~taken)
            taken[free] = ~self._used.fresh(words[free])
        return np.asarray(rows[taken])

    def _repeated(self, values: pa.Array, rows: np.ndarray) -> np.ndarray:
        """Of ``rows`` (of ``values``) those whose value was made before, where each may be there once."""
        if not self.unique:
            return rows[:0]
        return np.asarray(rows[~self._used.fresh(self.guard.words(values.take(pa.array(rows))))])

    def _numbered(self, values: pa.Array, drawer: Drawer) -> pa.Array:
        """Free values: the pattern's in turn, or ``values`` with numbers. Where the source has used up all the values
        of its shapes (A to Z as a key), one of them says nothing about it, and they are free too: as they were drawn,
        unless each may be there once."""
        number = getattr(drawer, "number", None)
        out: list[str] = []
        wanted, tried = values.to_pylist(), 0
        while len(out) < len(wanted):
            if self._spent and not self.unique:
                return pa.array(out + wanted[len(out) :], pa.string())
            left = wanted[len(out) :]
            found, asked = self._candidates(left, number)
            if asked == 0 and number is not None and not self._spent:
                self._spent, self._next = True, 0
                continue
            tried += asked
            if asked == 0 or tried > TRIES + len(wanted):
                raise UnsatisfiableConstraint(
                    f"{self.table}.{self.columns[0]}: its shape has no more than {len(self._used)} different values",
                    hint="ask for fewer rows, or give the column another role in dbsynth.toml",
                )
            out += found
        return pa.array(out, pa.string())

    def _candidates(self, values: list[str], number: Callable[[int], str | None] | None) -> tuple[list[str], int]:
        """Free values for the first of ``values``, and how many were looked at: 0 where there are no others."""
        begin, candidates = self._next, []
        for value in values if number is None else [""] * max(64, len(values)):
            text = number(self._next) if number is not None else f"{value} {self._next + 1}"
            if text is None:
                break
            if self.max_length is not None and len(text) > self.max_length:
                tail = str(self._next + 1)
                if number is not None or len(tail) > self.max_length:
                    break
                text = value[: self.max_length - len(tail)] + tail
            self._next += 1
            candidates.append(text)
        words = self.guard.words(texts_of(candidates))
        good = np.ones(len(candidates), bool) if self._spent else ~self.guard.perhaps(words)
        if number is not None:
            free = np.flatnonzero(good)[: len(values)]
            if len(free) == len(values):  # those after the last one stay for others
                self._next = begin + int(free[-1]) + 1
            free = free[self._used.fresh(words[free])] if self.unique else free
        else:  # each is of the value of its own row: those after one that is taken have to wait
            if self.unique:
                good[good] = self._used.fresh(words[good])
            free = np.flatnonzero(np.logical_and.accumulate(good))
        return [candidates[i] for i in free.tolist()], len(candidates)


def _first_of(groups: np.ndarray, distinct: float, rng: np.random.Generator) -> np.ndarray:
    """int (rows,): the row of the same group whose value each has; ``distinct`` of them have their own."""
    order = np.lexsort((rng.random(len(groups)), groups))
    _, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    own = np.maximum(1, np.rint(distinct * sizes)).astype(np.int64)
    place = np.arange(len(groups)) - np.repeat(starts, sizes)
    out = np.empty(len(groups), np.int64)
    out[order] = order[np.repeat(starts, sizes) + place % np.repeat(own, sizes)]
    return out


def placed(texts: pa.Array, rows: np.ndarray, fresh: pa.Array) -> pa.Array:
    """``texts`` with ``fresh`` in the places ``rows``."""
    at = np.arange(len(texts))
    at[rows] = len(texts) + np.arange(len(rows))
    return pa.concat_arrays([texts, fresh]).take(pa.array(at))
