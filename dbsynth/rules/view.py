"""A sample of one table as rules are looked for in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.relation.numbers import Numbers, numbers
from dbsynth.rng import generator
from dbsynth.rules.rule import MIN_ROWS
from dbsynth.schema.model import TableName

DAY = 86_400_000_000
PROBE = 64
"""Rows on which a candidate is tried first."""
FEW = 50
"""A column of so few different values is a category."""


@dataclass
class View:
    """``rows``: columns of one length, in an order that means nothing. ``known``: columns that are there before the
    others are (keys, copies); ``open``: those that a rule may decide, in the order of the table. Of these ``counted``
    hold numbers and moments, ``measures`` are learned as numbers, values of ``made`` come from a generator, none of
    ``private`` may be told, those of ``renamed`` (keys) are others in the clone, and ``nullable`` may be null.
    ``checked``: pairs of columns that a CHECK keeps in order. ``k``: what fewer rows share stays out of a rule."""

    table: TableName
    label: str
    rows: Mapping[str, pa.Array]
    known: Sequence[str]
    open: Sequence[str]
    counted: Collection[str]
    measures: Collection[str]
    made: Collection[str]
    private: Collection[str]
    renamed: Collection[str]
    nullable: Collection[str]
    k: int
    checked: Collection[tuple[str, str]] = ()
    _codes: dict[str, np.ndarray] = field(default_factory=dict)
    _numbers: dict[str, Numbers | None] = field(default_factory=dict)

    @cached_property
    def n(self) -> int:
        return len(next(iter(self.rows.values()))) if self.rows else 0

    @property
    def least(self) -> int:
        """Rows that have to speak for a rule."""
        return max(MIN_ROWS, self.k)

    @cached_property
    def all(self) -> list[str]:
        """What is known, then what is open: a rule between two columns decides the later one."""
        return [*self.known, *self.open]

    @cached_property
    def first_half(self) -> np.ndarray:
        half: np.ndarray = np.arange(self.n) % 2 == 0
        return half

    @cached_property
    def probe(self) -> np.ndarray:
        return np.linspace(0, self.n - 1, min(self.n, PROBE)).astype(np.int64)

    @cached_property
    def shuffled(self) -> np.ndarray:
        """Each row's stranger: what would meet, were the columns independent."""
        order: np.ndarray = generator(0, "strangers").permutation(self.n)
        return order

    def codes(self, column: str) -> np.ndarray:
        """int64 (rows,): 0, 1, ... by value, null the last."""
        if column not in self._codes:
            encoded = pc.dictionary_encode(self.rows[column])
            codes = pc.fill_null(encoded.indices.cast(pa.int64()), len(encoded.dictionary))
            self._codes[column] = codes.to_numpy(zero_copy_only=False)
        return self._codes[column]

    def size(self, column: str) -> int:
        """Different values, null among them."""
        codes = self.codes(column)
        return int(codes.max(initial=-1)) + 1

    def null(self, column: str) -> np.ndarray:
        found: np.ndarray = self.rows[column].is_null().to_numpy(zero_copy_only=False)
        return found

    def constant(self, column: str) -> bool:
        return len(pc.unique(self.rows[column])) < 2

    def numbers(self, column: str) -> Numbers | None:
        """Numbers and moments, those in microseconds; None for what is neither, or holds infinite ones."""
        if column not in self._numbers:
            self._numbers[column] = amounts(self.rows[column]) if column in self.counted else None
        return self._numbers[column]

    def moment(self, column: str) -> bool:
        return is_moment(self.rows[column].type)

    def texts(self, column: str) -> bool:
        return column not in self.counted and bool(pt.is_string(self.rows[column].type))


def is_moment(type_: pa.DataType) -> bool:
    return bool(pt.is_date32(type_) or pt.is_timestamp(type_))


def amounts(array: pa.Array) -> Numbers | None:
    """As ``numbers``, but days in microseconds too, so that dates and timestamps compare."""
    if pt.is_boolean(array.type):
        return None
    found = numbers(array)
    if found is None or not is_moment(array.type):
        return found
    most = 2.0**31 - 2 if pt.is_date32(array.type) else 2.0**62
    if (np.abs(found.values.astype(np.float64)) >= most).any():
        return None
    return Numbers(found.values * DAY, 0, found.there) if pt.is_date32(array.type) else found
