"""Columns that tell a part of a moment: year, quarter, month, week, day of the week, is it a weekend, its day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.relation.families import Columns, same
from dbsynth.rules.rule import CHANCES, LEAST_SHARE, Rule, chosen
from dbsynth.rules.view import View, is_moment

Part = Callable[[pa.Array], pa.Array]


def _number(function: Callable[..., pa.Array], **options: object) -> Part:
    return lambda array: function(array, **options).cast(pa.int64())


def _weekday(array: pa.Array, start: int, zero: bool) -> pa.Array:
    return pc.day_of_week(array, count_from_zero=zero, week_start=start).cast(pa.int64())


def _weekend(array: pa.Array) -> pa.Array:
    return pc.greater_equal(pc.day_of_week(array, count_from_zero=False, week_start=1), 6)


def _format(pattern: str) -> Part:
    return lambda array: pc.strftime(array, format=pattern)


PARTS: Mapping[str, Part] = {
    "year": _number(pc.year), "quarter": _number(pc.quarter), "month": _number(pc.month), "week": _number(pc.iso_week),
    "day": _number(pc.day), "day of year": _number(pc.day_of_year), "hour": _number(pc.hour),
    "minute": _number(pc.minute), "ISO year": _number(pc.iso_year),
    "ISO day of week": lambda a: _weekday(a, 1, False), "day of week from 0 on Sunday": lambda a: _weekday(a, 7, True),
    "day of week from 0 on Monday": lambda a: _weekday(a, 1, True),
    "day of week from 1 on Sunday": lambda a: _weekday(a, 7, False),
    "epoch": lambda a: pc.divide(a.cast(pa.timestamp("us")).cast(pa.int64()), 1_000_000),
}  # fmt: skip
"""Of integers; of booleans and texts below."""
FLAGS: Mapping[str, Part] = {"weekend": _weekend}
TEXTS: Mapping[str, Part] = {
    "year as text": _format("%Y"), "month as text": _format("%Y-%m"), "day as text": _format("%Y-%m-%d"),
    "day in digits": _format("%Y%m%d"), "month in digits": _format("%Y%m"), "name of the day": _format("%A"),
    "short name of the day": _format("%a"),
    "name of the month": _format("%B"), "short name of the month": _format("%b"),
}  # fmt: skip
DAYS = "date"
"""The day of a timestamp."""
ALL: Mapping[str, Part] = {**PARTS, **FLAGS, **TEXTS}


@dataclass(frozen=True)
class DatePart(Rule):
    """``column`` is the ``part`` of the moment ``of``. ``strict``: null if that is null; else, and where it is null
    itself, the column has a value of its own."""

    of: str
    part: str
    strict: bool

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.of,)

    def describe(self) -> str:
        return f"{self.column} is the {self.part} of {self.of}"

    def settle(self, columns: Columns) -> dict[str, pa.Array]:
        old = columns[self.column]
        fresh = part_of(self.part, columns[self.of], old.type)
        if self.strict:
            return {self.column: fresh}
        stay = (fresh.is_null().to_numpy(zero_copy_only=False)) | old.is_null().to_numpy(zero_copy_only=False)
        return {self.column: chosen(fresh, old, np.flatnonzero(stay))}


def part_of(part: str, moments: pa.Array, type_: pa.DataType) -> pa.Array:
    if part == DAYS:
        return moments.cast(pa.date32(), safe=False).cast(type_)
    return ALL[part](moments).cast(type_)


def find_date_parts(view: View) -> Iterator[DatePart]:
    moments = [c for c in view.all if c in view.counted and view.moment(c) and view.numbers(c) is not None]
    for column in view.open:
        if view.constant(column):
            continue
        best: DatePart | None = None
        for of in (m for m in moments if m != column):
            for part in _possible(view, column, of):
                found = _confirmed(view, column, of, part)
                if found is not None and (best is None or found.share > best.share):
                    best = found
        if best is not None:
            yield best


def _possible(view: View, column: str, of: str) -> Iterator[str]:
    """Those that agree on the probe."""
    type_, moments = view.rows[column].type, view.rows[of].take(pa.array(view.probe))
    if is_moment(type_):
        names = [DAYS] if pt.is_date32(type_) and pt.is_timestamp(moments.type) else []
    elif pt.is_integer(type_) or pt.is_decimal(type_) or (pt.is_string(type_) and column in view.counted):
        names = list(PARTS)
    else:
        names = list(FLAGS) if pt.is_boolean(type_) else list(TEXTS) if pt.is_string(type_) else []
    if pt.is_date32(moments.type):
        names = [n for n in names if n not in ("hour", "minute")]
    wanted = view.rows[column].take(pa.array(view.probe))
    for name in names:
        try:
            told = part_of(name, moments, type_)
        except pa.ArrowInvalid:  # a part that the column has no room for
            continue
        both = pc.and_(told.is_valid(), wanted.is_valid()).to_numpy(zero_copy_only=False)
        if both.sum() >= 8 and same(told, wanted)[both].mean() >= 0.9:
            yield name


def _confirmed(view: View, column: str, of: str, part: str) -> DatePart | None:
    wanted, told = view.rows[column], part_of(part, view.rows[of], view.rows[column].type)
    both = pc.and_(told.is_valid(), wanted.is_valid()).to_numpy(zero_copy_only=False)
    alike = same(told, wanted)
    shares = [alike[both & half].mean() for half in (view.first_half, ~view.first_half) if (both & half).any()]
    if both.sum() < view.least or min(shares) < LEAST_SHARE:
        return None
    strange = same(told.take(pa.array(view.shuffled)), wanted)
    if (~strange & both).sum() < CHANCES + (~alike & both).sum():
        return None
    strict = bool((told.is_null().to_numpy(zero_copy_only=False) == view.null(column)).all())
    certain = column in view.nullable or of not in view.nullable
    share = float(alike[both].mean())
    return DatePart(
        f"{view.label}.{column} = {part} of {of}", view.table, column, int(both.sum()), view.size(column), share,
        strict and share == 1.0 and certain, of, part, strict,
    )  # fmt: skip
