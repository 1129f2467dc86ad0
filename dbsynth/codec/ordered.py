"""The code column of an ordered quantity: null, special values (NaN, ±infinity), then the items of ``Bins``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dbsynth.codec.base import State
from dbsynth.codec.bin_fitting import fit_bins
from dbsynth.codec.bins import Bins

ORDINARY, NULL = 0, -1
"""Marks beside the special values 1, 2, ... of a column (see ``Marked``)."""


@dataclass(frozen=True)
class Marked:
    """A column as numbers: ``values`` int64 or float64 (rows,), of which those with ``marks`` int8 (rows,) other than
    ORDINARY do not count: NULL is null, 1, 2, ... the special values of the column's kind in ascending order."""

    values: np.ndarray
    marks: np.ndarray


@dataclass(frozen=True)
class Ordered:
    """Codes: null (if one was seen), each special value seen in k rows, then the items of ``bins``."""

    has_null: bool
    specials: tuple[int, ...]
    bins: Bins

    @staticmethod
    def fit(column: Marked, *, k: int, **limits: Any) -> Ordered:
        """``limits``: see ``fit_bins``."""
        marks = column.marks
        seen = np.bincount(marks[marks > 0].astype(np.int64), minlength=1)
        specials = tuple(int(i) for i in np.flatnonzero(seen >= k) if i > 0)
        bins = fit_bins(column.values[marks == ORDINARY], k=k, **limits)
        return Ordered(bool((marks == NULL).any()), specials, bins)

    @property
    def offset(self) -> int:
        """The code of the first item."""
        return int(self.has_null) + len(self.specials)

    @property
    def cardinality(self) -> int:
        return self.offset + self.bins.size

    @property
    def scale(self) -> np.ndarray:
        """float64 (cardinality,): the middle value of each item; NaN for null and special values."""
        middle = self.bins.decode(np.arange(self.bins.size), np.full(self.bins.size, 0.5))
        return np.concatenate([np.full(self.offset, np.nan), middle.astype(np.float64)])

    def encode(self, column: Marked) -> np.ndarray:
        """int32 (rows,). A null where none was seen, or a special value that is too rare, becomes the nearest item."""
        codes = self.bins.encode(column.values) + np.int32(self.offset)
        marks = column.marks
        if (marks == ORDINARY).all():
            return codes
        codes[marks == NULL] = 0 if self.has_null else self.offset
        for mark in np.unique(marks[marks > 0]):
            if int(mark) in self.specials:
                code = int(self.has_null) + self.specials.index(int(mark))
            else:  # the specials of every kind start with the lowest (−infinity)
                code = self.offset if mark == 1 else self.cardinality - 1
            codes[marks == mark] = code
        return codes

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> Marked:
        """Draws one uniform a row, whatever its code, so that rows do not depend on each other."""
        u = rng.random(len(codes))
        marks = np.zeros(len(codes), np.int8)
        if self.has_null:
            marks[codes == 0] = NULL
        for i, mark in enumerate(self.specials):
            marks[codes == int(self.has_null) + i] = mark
        items = np.clip(codes - self.offset, 0, self.bins.size - 1)
        return Marked(self.bins.decode(items, u), marks)

    def state(self) -> State:
        config = {"has_null": self.has_null, "specials": list(self.specials)}
        return State(config, self.bins.state().arrays)

    @staticmethod
    def restore(state: State) -> Ordered:
        config = state.config
        return Ordered(bool(config["has_null"]), tuple(config["specials"]), Bins.restore(state.arrays))


def prefixed(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def unprefixed(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    start = prefix + "."
    return {name[len(start) :]: array for name, array in arrays.items() if name.startswith(start)}
