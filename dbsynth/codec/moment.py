"""Dates, timestamps, times of day and intervals.

A timestamp that has a time of day becomes two code columns, the day and the time of day, so that weekdays and hours
keep their patterns; whatever granularity there is (whole hours, Mondays) is the step that ``Bins`` finds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.codec import interval, units
from dbsynth.codec.base import ColumnSpec, State
from dbsynth.codec.ordered import NULL, ORDINARY, Marked, Ordered, prefixed, unprefixed
from dbsynth.schema.types import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
    arrow_type,
)

DAY = 86_400_000_000
"""Microseconds."""
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
"""0001-01-01 and 9999-12-31, in days since 1970."""
EXACT_DAYS = 512
"""Up to so many distinct days, each seen k times, are all codes of their own."""
MINUS_INFINITY, INFINITY = 1, 2

EXACT_INSTANTS = 200
"""Up to so many distinct timestamps, each seen k times, are codes of their own, day and time of day in one."""

Shape = Literal["days", "midnights", "instants", "split", "time", "interval"]
"""days: date · midnights: timestamps without time of day · instants: a few timestamps · split: timestamps as day and
time of day · time: time of day · interval: text, as microseconds."""


class MomentCodec:
    """Kind moment. Raises ValueError for a type that holds no moments and for text that is not an interval."""

    def __init__(
        self,
        spec: ColumnSpec,
        arrow: pa.DataType,
        shape: Shape,
        main: Ordered,
        time: Ordered | None,
        bounds: tuple[int | None, int | None],
        parts: interval.Parts,
    ) -> None:
        self.spec, self.arrow, self.shape, self.main, self.time = spec, arrow, shape, main, time
        self.bounds, self.parts = bounds, parts

    @staticmethod
    def fit(values: pa.Array, spec: ColumnSpec, *, k: int, seed: int) -> MomentCodec:
        arrow = arrow_type(spec.type) if spec.type is not None else values.type
        k = 1 if spec.reference else k
        column = _marked(values, arrow)
        shape = _shape(column, arrow, k)
        low, high = calendar(column.values[column.marks == ORDINARY], spec, arrow)
        parts = interval.parts_of(values.drop_null()) if shape == "interval" else interval.Parts()
        if shape in ("midnights", "split"):
            days = Marked(column.values // DAY, column.marks)
            first, final = None if low is None else -(-low // DAY), None if high is None else high // DAY
            if shape == "split":
                first = None if low is None else low // DAY
            main = Ordered.fit(days, k=k, low=first, high=final, exact_limit=EXACT_DAYS, weekly=True)
            time = Ordered.fit(_time(column), k=k, low=0, high=DAY - 1) if shape == "split" else None
            return MomentCodec(spec, arrow, shape, main, time, (low, high), parts)
        if shape == "time":
            last = DAY if (column.values[column.marks == ORDINARY] == DAY).any() else DAY - 1  # 24:00
            low, high = max(0, low or 0), min(last, last if high is None else high)
        exact, weekly = (EXACT_DAYS, True) if shape == "days" else (EXACT_INSTANTS, False)
        main = Ordered.fit(column, k=k, low=low, high=high, exact_limit=exact, weekly=weekly)
        return MomentCodec(spec, arrow, shape, main, None, (low, high), parts)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        return (self.main.cardinality,) if self.time is None else (self.main.cardinality, self.time.cardinality)

    @property
    def scales(self) -> tuple[np.ndarray | None, ...]:
        return (self.main.scale,) if self.time is None else (self.main.scale, self.time.scale)

    def encode(self, values: pa.Array) -> np.ndarray:
        column = _marked(values, self.arrow)
        if self.shape not in ("midnights", "split"):
            return self.main.encode(column)[:, None]
        codes = self.main.encode(Marked(column.values // DAY, column.marks))
        if self.time is None:
            return codes[:, None]
        return np.stack([codes, self.time.encode(_time(column))], axis=1)

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> pa.Array:
        column = self.main.decode(codes[:, 0], rng)
        values = column.values
        if self.shape in ("midnights", "split"):
            values = values * DAY
        if self.time is not None:
            values = values + self.time.decode(codes[:, 1], rng).values
        if self.shape == "split":
            low, high = self.bounds
            values = np.clip(values, low, high) if (low, high) != (None, None) else values
        null = column.marks == NULL
        if self.shape == "interval":
            text = interval.texts(values, self.parts)
            return pc.if_else(pa.array(null), pa.scalar(None, pa.string()), text)
        least, most = _infinities(self.arrow)
        values = np.where(column.marks == MINUS_INFINITY, least, np.where(column.marks == INFINITY, most, values))
        if pt.is_date32(self.arrow):
            return pa.array(values.astype(np.int32), mask=null).cast(self.arrow)
        return pa.array(values, mask=null).cast(self.arrow)

    def state(self) -> State:
        main, time = self.main.state(), self.time.state() if self.time is not None else None
        config = {
            "arrow": units.arrow_name(self.arrow),
            "shape": self.shape,
            "main": main.config,
            "time": None if time is None else time.config,
            "bounds": list(self.bounds),
            "parts": list(self.parts),
        }
        arrays = prefixed("main", main.arrays) | (prefixed("time", time.arrays) if time is not None else {})
        return State(config, arrays)

    @staticmethod
    def restore(state: State, spec: ColumnSpec) -> MomentCodec:
        c = state.config
        main = Ordered.restore(State(c["main"], unprefixed("main", state.arrays)))
        time = Ordered.restore(State(c["time"], unprefixed("time", state.arrays))) if c["time"] is not None else None
        bounds = (c["bounds"][0], c["bounds"][1])
        return MomentCodec(
            spec, units.arrow_named(c["arrow"]), c["shape"], main, time, bounds, interval.Parts(*c["parts"])
        )


def calendar(values: np.ndarray, spec: ColumnSpec, arrow: pa.DataType) -> tuple[int | None, int | None]:
    """Inclusive bounds of what may be decoded, of the spec and of the calendar: the years 1 to 9999, which is all that
    most programs read, unless ``values`` has others; then what the Arrow type holds beside its infinities."""
    lows, highs = [spec.low], [spec.high]
    if pt.is_date32(arrow) or pt.is_timestamp(arrow):
        unit = 1 if pt.is_date32(arrow) else DAY
        first, last = FIRST_DAY * unit, (LAST_DAY + 1) * unit - 1
        least, most = _infinities(arrow)
        lows.append(first if values.min(initial=first) >= first else least + unit)
        highs.append(last if values.max(initial=last) <= last else most - unit)
    low = max((int(x) for x in lows if x is not None), default=None)
    high = min((int(x) for x in highs if x is not None), default=None)
    return low, high


def within_calendar(values: pa.Array, spec: ColumnSpec) -> ColumnSpec:
    """``spec`` with the bounds that its codec would have."""
    arrow = arrow_type(spec.type) if spec.type is not None else values.type
    column = _marked(values, arrow)
    low, high = calendar(column.values[column.marks == ORDINARY], spec, arrow)
    return replace(spec, low=low, high=high)


def _shape(column: Marked, arrow: pa.DataType, k: int) -> Shape:
    if pt.is_date32(arrow):
        return "days"
    if pt.is_time(arrow):
        return "time"
    if pt.is_string(arrow):
        return "interval"
    ordinary = column.values[column.marks == ORDINARY]
    if (ordinary % DAY == 0).all():
        return "midnights"
    return "instants" if _are_few(ordinary, k) else "split"


def _are_few(instants: np.ndarray, k: int) -> bool:
    """Whether they are moments of a few loads or deployments, so that a day has the time of day of its own."""
    if len(np.unique(instants[: 10 * EXACT_INSTANTS])) > EXACT_INSTANTS:
        return False
    found, counts = np.unique(instants, return_counts=True)
    return len(found) <= EXACT_INSTANTS and bool(counts.min() >= max(k, 2))


def _time(column: Marked) -> Marked:
    """The time of day; null where there is no ordinary moment."""
    return Marked(column.values % DAY, np.where(column.marks == ORDINARY, ORDINARY, NULL).astype(np.int8))


def _infinities(arrow: pa.DataType) -> tuple[int, int]:
    if pt.is_date32(arrow):
        return DATE_MINUS_INFINITY, DATE_INFINITY
    return TIMESTAMP_MINUS_INFINITY, TIMESTAMP_INFINITY


def _marked(values: pa.Array, arrow: pa.DataType) -> Marked:
    if pt.is_string(arrow):
        total, null = interval.microseconds(values)
        return Marked(total, np.where(null, NULL, ORDINARY).astype(np.int8))
    if not (pt.is_date32(arrow) or pt.is_timestamp(arrow) or pt.is_time(arrow)):
        raise ValueError(f"{arrow} holds no moments")
    values = values.cast(arrow)
    marks = np.where(pc.is_null(values).to_numpy(zero_copy_only=False), NULL, ORDINARY).astype(np.int8)
    whole = values.cast(pa.int32() if pt.is_date32(arrow) else pa.int64()).fill_null(0)
    x = whole.to_numpy(zero_copy_only=False).astype(np.int64)
    if not pt.is_time(arrow):
        least, most = _infinities(arrow)
        marks[(x == least) & (marks == ORDINARY)] = MINUS_INFINITY
        marks[(x == most) & (marks == ORDINARY)] = INFINITY
    return Marked(np.where(marks == ORDINARY, x, 0), marks)
