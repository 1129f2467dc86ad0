"""Facts among siblings: what holds from row to row within a family, in every family of the source.

Each kind is pure data with ``settle``, which makes it hold by changing as little as it can and leaves rows in which it
holds as they are; so the rows that it would change are those that break it. They are found in ``find_sequences``;
status machines are in ``states``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.relation.facts import MIN_FAMILIES, MIN_ROWS
from dbsynth.relation.families import Columns, Exact, Families, same, sort_key
from dbsynth.relation.keys import take
from dbsynth.schema.model import TableName

Bounds = Mapping[str, tuple[int | None, int | None]]
"""Lowest and highest value of a column, in its smallest unit, where CHECKs or its type say so."""
Open = Literal["null", "value", "own"]
Place = Literal["last", "first", "open"]
LONG = 500
"""Rows of a few long families that speak for a fact."""


@dataclass(frozen=True)
class Sequence:
    """``family``: the columns that rows of a family share (none: the whole table); ``order``: those that order them.
    ``rows`` of ``families`` of two rows or more: the support in the source."""

    id: str
    table: TableName
    family: tuple[str, ...]
    order: tuple[str, ...]
    rows: int
    families: int

    @property
    def share(self) -> float:
        return 1.0

    @property
    def believed(self) -> bool:
        """Enough of the source speaks for it: families, or, where each row follows from the one before, rows."""
        told = self.families >= MIN_FAMILIES or (self.exact and self.rows >= LONG)
        return self.rows >= MIN_ROWS and told

    @property
    def exact(self) -> bool:
        """Each row of a family after the first could have broken it."""
        return False

    @property
    def columns(self) -> tuple[str, ...]:
        """What it decides."""
        raise NotImplementedError

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns that have to be there, and settled, before."""
        return self.family + self.order

    def describe(self) -> str:
        raise NotImplementedError

    def settle(self, columns: Columns, bounds: Bounds) -> dict[str, pa.Array]:
        """The columns that it decides, so that it holds; the same rows for the same columns."""
        raise NotImplementedError

    def broken(self, columns: Columns, bounds: Bounds) -> np.ndarray:
        """bool (rows,): those that ``settle`` would change."""
        out = np.zeros(len(next(iter(columns.values()))), bool)
        for name, settled in self.settle(columns, bounds).items():
            out |= ~same(settled, columns[name])
        return out

    def per(self) -> str:
        return f"per {', '.join(self.family)}" if self.family else "in the whole table"


@dataclass(frozen=True)
class Regular(Sequence):
    """The values of ``column`` are ``step`` apart within a family, no gap, no repeat: dates of each day or week, line
    numbers. ``months``: ``step`` counts calendar months, ``day`` is their day (31: the last). Families start at
    ``first``, or at a multiple of ``step`` beside ``phase``, between ``low`` and ``high``, which k families reach."""

    column: str
    step: int
    months: bool
    day: int
    first: int | None
    phase: int | None
    low: int
    high: int

    @property
    def exact(self) -> bool:
        return True

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def reads(self) -> tuple[str, ...]:
        return self.family

    def describe(self) -> str:
        return f"{self.column} goes on without gaps {self.per()}"

    def settle(self, columns: Columns, bounds: Bounds) -> dict[str, pa.Array]:
        old = columns[self.column]
        exact = exact_of(old)
        families = Families.of(columns, self.family, (self.column,))
        place = month(exact.values, old.type) if self.months else exact.values
        start = place[families.at][families.head]
        if self.first is not None:
            start = np.full(len(start), self.first)
        else:
            if self.phase is not None:
                start = start - (start - self.phase) % self.step
            reach = start + self.step * (families.size - 1)
            over = np.maximum(0, -(-(reach - self.high) // self.step))
            room = np.maximum(0, (start - self.low) // self.step)
            start = start - self.step * np.minimum(over, room)
        value = start + self.step * families.rank
        value = _day(value, self.day, old.type) if self.months else value
        return {self.column: exact.array(families.back(value, exact.values), exact.present, old.type)}


@dataclass(frozen=True)
class Chain(Sequence):
    """A row ends where the next begins: ``end`` = next ``start`` − ``lag``, or, with ``lag`` None, at least ``slack``
    before it. ``open``, the end of the last: null, the value ``far``, or its own. Starts are ``step`` apart or more.
    ``least``: 1 where no row ends as it starts, else 0."""

    start: str
    end: str
    lag: int | None
    slack: int
    step: int
    open: Open
    far: int | None
    least: int

    @property
    def exact(self) -> bool:
        return True

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.end,)

    @property
    def reads(self) -> tuple[str, ...]:
        return (*self.family, self.start)

    def describe(self) -> str:
        meets = "ends before the next begins" if self.lag is None else "ends where the next begins"
        last = {"null": "; the last is open", "value": "; the last is open", "own": ""}[self.open]
        return f"{self.start} to {self.end} {meets} {self.per()}{last}"

    def settle(self, columns: Columns, bounds: Bounds) -> dict[str, pa.Array]:
        begin, old = columns[self.start], columns[self.end]
        starts, ends = exact_of(begin), exact_of(old)
        families = Families.of(columns, self.family, (self.start,))
        start = families.apart(starts.values[families.at], self.step)
        end, known = ends.values[families.at], ends.present[families.at]
        following = np.append(start[1:], 0)[: len(start)]
        if self.lag is not None:
            end = np.where(families.last, end, following - self.lag)
        else:
            closed = np.where(known, np.maximum(end, start + self.least), following - self.slack)
            end = np.where(families.last, end, np.minimum(closed, following - self.slack))
        end = np.where(families.last & known, np.maximum(end, start + self.least), end)
        known = known | ~families.last
        if self.open == "null":
            known = known & ~families.last
        elif self.open == "value":
            end, known = np.where(families.last, self.far, end), np.ones(len(end), bool)
        out = {self.end: ends.array(families.back(end, ends.values), families.back(known, ends.present), old.type)}
        if (start != starts.values[families.at]).any():
            out[self.start] = starts.array(families.back(start, starts.values), starts.present, begin.type)
        return out


@dataclass(frozen=True)
class Current(Sequence):
    """``column`` holds ``value`` in one row of each family, the last or the first one, and nowhere else; or (``open``)
    exactly where ``of`` is null. Elsewhere stands ``other`` in its place."""

    column: str
    value: str
    other: str
    place: Place
    of: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def reads(self) -> tuple[str, ...]:
        return (*self.family, *self.order, *([self.of] if self.of else []))

    def describe(self) -> str:
        where = {"last": "in the last row", "first": "in the first row", "open": f"where {self.of} is null"}
        return f"{self.column} marks one row {self.per()}: it holds its value {where[self.place]} only"

    def settle(self, columns: Columns, bounds: Bounds) -> dict[str, pa.Array]:
        old = columns[self.column]
        families = Families.of(columns, self.family, self.order)
        if self.place == "open":
            marked = columns[self.of].is_null().to_numpy(zero_copy_only=False)[families.at]
        else:
            marked = families.last if self.place == "last" else families.first
        value, other = (pa.scalar(v).cast(old.type) for v in (self.value, self.other))
        inside = families.back(np.ones(len(families.at), bool), np.zeros(len(old), bool))
        here = families.back(marked, np.zeros(len(old), bool))
        wrong = pc.fill_null(pc.equal(old, value), False).to_numpy(zero_copy_only=False) & inside & ~here
        return {self.column: pc.if_else(pa.array(here), value, pc.if_else(pa.array(wrong), other, old))}


@dataclass(frozen=True)
class Monotone(Sequence):
    """``column`` never falls (``rising``) or never rises within a family; ``strict``: nor stays, by ``step`` at least.
    What the rows hold is kept and dealt out in order."""

    column: str
    rising: bool
    strict: bool
    step: int

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def describe(self) -> str:
        up, down = ("rises", "falls") if self.rising else ("falls", "rises")
        return f"{self.column} {up if self.strict else f'never {down}'} {self.per()}, by {', '.join(self.order)}"

    def settle(self, columns: Columns, bounds: Bounds) -> dict[str, pa.Array]:
        old = columns[self.column]
        known = old.is_valid().to_numpy(zero_copy_only=False)
        families = Families.of(columns, self.family, self.order).only(known)  # nulls stay where they are
        key, rows = sort_key(old)[families.at], families.at
        from_ = families.back(rows[np.lexsort((key if self.rising else -key, families.number))], np.arange(len(old)))
        dealt = take(old, from_)
        if not self.strict:
            return {self.column: dealt}
        exact, turned = exact_of(dealt), 1 if self.rising else -1
        apart = families.apart(exact.values[rows] * turned, self.step) * turned
        return {self.column: exact.array(families.back(apart, exact.values), exact.present, old.type)}


@dataclass(frozen=True)
class RisingKey(Sequence):
    """The key ``column`` (1, 2, 3, ...) numbers the rows of a family, or of the table, in the order of ``by``, which
    never falls with it. The keys are dealt out anew; nothing else moves."""

    column: str
    by: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def reads(self) -> tuple[str, ...]:
        return (*self.family, self.by)

    def describe(self) -> str:
        return f"{self.by} never falls with {self.column} {self.per()}"

    def settle(self, columns: Columns, bounds: Bounds) -> dict[str, pa.Array]:
        old = columns[self.column]
        by_key = Families.of(columns, self.family, (self.column,))
        by_time = Families.of(columns, self.family, (self.by, self.column))
        from_ = np.arange(len(old))
        from_[by_time.at] = by_key.at
        return {self.column: take(old, from_)}


@dataclass(frozen=True)
class Constant(Sequence):
    """All rows of a family hold the same in ``column``: that of the first."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def describe(self) -> str:
        return f"{self.column} is the same in all rows {self.per()}"

    def settle(self, columns: Columns, bounds: Bounds) -> dict[str, pa.Array]:
        old = columns[self.column]
        families = Families.of(columns, self.family, self.order)
        return {self.column: take(old, families.back(families.at[families.head], np.arange(len(old))))}


def exact_of(array: pa.Array, scale: int | None = None) -> Exact:
    found = Exact.of(array, scale if pt.is_floating(array.type) or pt.is_string(array.type) else None)
    assert found is not None, "facts are about columns that were exact in the source"
    return found


def month(values: np.ndarray, kind: pa.DataType) -> np.ndarray:
    """Months since 1970 of days or microseconds."""
    unit = "D" if pt.is_date32(kind) else "us"
    out: np.ndarray = values.astype(f"M8[{unit}]").astype("M8[M]").astype(np.int64)
    return out


def _day(months: np.ndarray, day: int, kind: pa.DataType) -> np.ndarray:
    """The inverse, at the ``day``-th of the month or its last day."""
    start = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    end = (months + 1).astype("M8[M]").astype("M8[D]").astype(np.int64) - 1
    days: np.ndarray = np.minimum(start + day - 1, end)
    return days if pt.is_date32(kind) else days * 86_400_000_000
