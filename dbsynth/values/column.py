"""One column of made text: drawn, kept apart from the source's values, kept unique, kept short enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.values.forms import choose
from dbsynth.values.guard import Guard

ROUNDS = 12
"""Redraws of values that are taken, before they are numbered."""
TRIES = 4_000_000
MOST_SHARED = 1000


class Drawer(Protocol):
    def draw(self, count: int, rng: np.random.Generator) -> list[str]: ...


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
        self._used: set[str] = set()
        self._next = 0
        self._spent = False

    @property
    def guarded(self) -> bool:
        """Whether none of its values is one of the source's."""
        return len(self.guard) > 0 and not self.shared

    def generate(
        self, present: Mapping[str, np.ndarray], row: Mapping[str, pa.Array], rng: np.random.Generator
    ) -> dict[str, pa.Array]:
        out, where = self.shares(present[self.columns[0]], rng)
        if len(where) == 0:
            return {self.columns[0]: pa.array(out, pa.string())}
        if self.unique or self.distinct > 0.95:
            out[where] = self.values(len(where), rng)
        else:
            few = np.array(self.values(max(1, round(self.distinct * len(where))), rng), object)
            out[where] = few[rng.permutation(np.arange(len(where)) % len(few))]
        return {self.columns[0]: pa.array(out, pa.string())}

    def shares(self, present: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """object (rows,): null or a shared text, and int: the rows that get a value of their own."""
        out = np.full(len(present), None, object)
        where = np.flatnonzero(present)
        if not self.shared or self.unique:
            return out, where
        parts = np.array([share for _, share in self.shared])
        which = choose(np.r_[parts, max(0.0, 1 - parts.sum())], len(where), rng)
        own = which == len(parts)
        out[where[~own]] = np.array([text for text, _ in self.shared], object)[which[~own]]
        return out, where[own]

    def values(self, count: int, rng: np.random.Generator) -> list[str]:
        """``count`` values that are none of the source's; different from all before if the column is unique."""
        found = self._cut(self.drawer.draw(count, rng))
        open_ = self._taken(found, range(count))
        for turn in range(1, ROUNDS + 1):
            if not open_:
                return found
            for i, value in zip(open_, self._cut(self._again(open_, found, rng, turn)), strict=True):
                found[i] = value
            open_ = self._taken(found, open_)
        for i in open_:
            found[i] = self._numbered(found[i])
        return found

    def _again(self, rows: list[int], found: list[str], rng: np.random.Generator, turn: int) -> list[str]:
        """Other values for ``rows``, of drawers that know them: what is the row's own in a value stays."""
        known: Again | None = getattr(self.drawer, "again", None)
        return self.drawer.draw(len(rows), rng) if known is None else known(rows, [found[i] for i in rows], rng, turn)

    def _cut(self, values: list[str]) -> list[str]:
        if self.max_length is None:
            return values
        return [v if len(v) <= self.max_length else v[: self.max_length].rstrip() or v[:1] for v in values]

    def _taken(self, values: list[str], rows: range | list[int]) -> list[int]:
        taken = []
        for i in rows:
            value = values[i]
            if value in self.guard or (self.unique and value.casefold() in self._used):
                taken.append(i)
            elif self.unique:
                self._used.add(value.casefold())
        return taken

    def _numbered(self, value: str) -> str:
        """A free value: the pattern's values in turn, or the value with a number. Where the source has used up all the
        values of its shapes (A to Z as a key), one of them says nothing about it, and they are free too."""
        found = None if self._spent else self._free(value)
        if found is None and hasattr(self.drawer, "number"):
            if not self._spent:
                self._spent, self._next = True, 0
            found = self._free(value)
        if found is None:
            raise UnsatisfiableConstraint(
                f"{self.table}.{self.columns[0]}: its shape has no more than {len(self._used)} different values",
                hint="ask for fewer rows, or give the column another role in dbsynth.toml",
            )
        return found

    def _free(self, value: str) -> str | None:
        number = getattr(self.drawer, "number", None)
        for _ in range(TRIES):
            self._next += 1
            candidate = number(self._next - 1) if number is not None else f"{value} {self._next}"
            if candidate is None:
                return None
            if self.max_length is not None and len(candidate) > self.max_length:
                tail = str(self._next)
                if number is not None or len(tail) > self.max_length:
                    return None
                candidate = value[: self.max_length - len(tail)] + tail
            if not self._spent and candidate in self.guard:
                continue
            if self.unique:
                if candidate.casefold() in self._used:
                    continue
                self._used.add(candidate.casefold())
            return candidate
        return None
