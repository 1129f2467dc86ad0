"""One column of made text: drawn, kept apart from the source's values, kept unique, kept short enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import pyarrow as pa

from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.values.guard import Guard

ROUNDS = 12
"""Redraws of values that are taken, before they are numbered."""
TRIES = 4_000_000


class Drawer(Protocol):
    def draw(self, count: int, rng: np.random.Generator) -> list[str]: ...


class MadeColumn:
    """``repeat``: how many different values there are for each value of the source (1: every row its own)."""

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
    ) -> None:
        self.columns: tuple[str, ...] = (column,)
        self.table, self.drawer, self.guard, self.unique = table, drawer, guard, unique
        self.max_length, self.distinct = max_length, distinct
        self._used: set[str] = set()
        self._next = 0
        self._spent = False

    @property
    def guarded(self) -> bool:
        """Whether none of its values is one of the source's."""
        return len(self.guard) > 0

    def generate(
        self, present: Mapping[str, np.ndarray], row: Mapping[str, pa.Array], rng: np.random.Generator
    ) -> dict[str, pa.Array]:
        where = np.flatnonzero(present[self.columns[0]])
        out = np.full(len(present[self.columns[0]]), None, object)
        if len(where) == 0:
            return {self.columns[0]: pa.array(out, pa.string())}
        if self.unique or self.distinct > 0.95:
            out[where] = self.values(len(where), rng)
        else:
            few = np.array(self.values(max(1, round(self.distinct * len(where))), rng), object)
            out[where] = few[rng.integers(0, len(few), len(where))]
        return {self.columns[0]: pa.array(out, pa.string())}

    def values(self, count: int, rng: np.random.Generator) -> list[str]:
        """``count`` values that are none of the source's; different from all before if the column is unique."""
        found = self._cut(self.drawer.draw(count, rng))
        open_ = self._taken(found, range(count))
        for _ in range(ROUNDS):
            if not open_:
                return found
            for i, value in zip(open_, self._cut(self._again(open_, rng)), strict=True):
                found[i] = value
            open_ = self._taken(found, open_)
        for i in open_:
            found[i] = self._numbered(found[i])
        return found

    def _again(self, rows: list[int], rng: np.random.Generator) -> list[str]:
        """Other values for ``rows``, of drawers that know them: what is the row's own in a value stays."""
        known: Callable[[list[int], np.random.Generator], list[str]] | None = getattr(self.drawer, "again", None)
        return self.drawer.draw(len(rows), rng) if known is None else known(rows, rng)

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
