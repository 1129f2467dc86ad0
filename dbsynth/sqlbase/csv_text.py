"""Arrow batches as csv that databases read: strings always in quotes and nulls never, which keeps '' and NULL apart;
infinity, years before Christ and 24:00 in words."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from dbsynth.schema.types import DATE_INFINITY, DATE_MINUS_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY

DAY = 86_400_000_000
YEAR_1, YEAR_10000 = -719_162, 2_932_897
"""Days since 1970 between which a date has four digits and no BC: Arrow writes those as databases read them."""
OPTIONS = pyarrow.csv.WriteOptions(include_header=False)


def csv_text(batch: pa.RecordBatch) -> memoryview:
    """UTF-8, without a header."""
    batch = pa.RecordBatch.from_arrays([writable(c) for c in batch.columns], names=batch.schema.names)
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(batch, sink, OPTIONS)
    return memoryview(sink.getvalue())


def writable(column: pa.Array) -> pa.Array:
    """The column as Arrow's csv writer prints it right: text instead of what it does not know (infinity, BC, 24:00)."""
    if pa.types.is_date32(column.type):
        low, high = YEAR_1, YEAR_10000 - 1
        return _spelled(column, column.view(pa.int32()), low, high, _date)
    if pa.types.is_timestamp(column.type):
        # Without its zone, which is always UTC, as is the session's: Arrow would look it up in a zone database.
        naive = column.view(pa.timestamp("us"))
        return _spelled(naive, column.view(pa.int64()), YEAR_1 * DAY, YEAR_10000 * DAY - 1, _timestamp)
    if pa.types.is_time64(column.type):
        return _spelled(column, column.view(pa.int64()), 0, DAY - 1, lambda _: "24:00:00")
    return column


def _spelled(column: pa.Array, numbers: pa.Array, low: int, high: int, spell: Callable[[int], str]) -> pa.Array:
    """``column``, as text if a value lies outside ``low``..``high``; those are written by ``spell``."""
    ends = pc.min_max(numbers).as_py()
    if ends["min"] is None or (ends["min"] >= low and ends["max"] <= high):
        return column
    values = numbers.fill_null(low).to_numpy(zero_copy_only=False)
    strange = (values < low) | (values > high)
    plain = pc.if_else(pa.array(strange), pa.scalar(None, column.type), column).cast(pa.string())
    distinct, places = np.unique(values[strange], return_inverse=True)  # few: 'infinity', most often
    words = pa.array([spell(int(v)) for v in distinct], pa.string()).take(pa.array(places))
    return pc.replace_with_mask(plain, pa.array(strange), words)


def _date(days: int) -> str:
    if days == DATE_INFINITY:
        return "infinity"
    if days == DATE_MINUS_INFINITY:
        return "-infinity"
    year, rest = _calendar(days)
    return _with_era(year, rest)


def _timestamp(micros: int) -> str:
    if micros == TIMESTAMP_INFINITY:
        return "infinity"
    if micros == TIMESTAMP_MINUS_INFINITY:
        return "-infinity"
    days, time = divmod(micros, DAY)
    seconds, fraction = divmod(time, 1_000_000)
    year, rest = _calendar(days)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:06d}"
    return _with_era(year, f"{rest} {clock}")


def _calendar(days: int) -> tuple[int, str]:
    """Year (0 is 1 BC) and "-MM-DD" of a day since 1970, in the proleptic Gregorian calendar."""
    cycles, day = divmod(days - YEAR_1, 146_097)  # every 400 years the calendar repeats
    date = datetime.date(2001, 1, 1) + datetime.timedelta(days=day)
    return date.year - 2000 + 400 * cycles, date.isoformat()[4:]


def _with_era(year: int, rest: str) -> str:
    return f"{year:04d}{rest}" if year > 0 else f"{1 - year:04d}{rest} BC"
