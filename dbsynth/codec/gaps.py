"""Moments that follow each other: an order is shipped after it is placed, so the shipping date is coded as the time
since. Two dates that are each learned alone keep their own distributions and lose what lies between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
from sqlalchemy import types as sqltypes

from dbsynth.codec.base import ColumnSpec
from dbsynth.codec.moment import DAY
from dbsynth.schema.types import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
    arrow_type,
)

LEAST_ROWS = 20
ORDERED_SHARE = 0.95
"""In at least this share of the rows the later moment is not before the earlier one."""
TIGHTER = 0.25
"""The middle half of the gaps spans at most this part of what the middle half of the moments spans."""
INFINITIES = (DATE_INFINITY, DATE_MINUS_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY)


def find_gaps(
    table: pa.Table, specs: Sequence[ColumnSpec], without: Collection[str] = (), outside: Collection[str] = ()
) -> dict[str, str]:
    """Column -> the earlier column from which its gaps are counted. ``without``: columns that are
    not only decoded but set in other ways. ``outside``: columns of ``table`` that are known before its rows are."""
    moments: dict[str, np.ndarray] = {}
    for spec in specs:
        arrow = arrow_type(spec.type) if spec.type is not None else None
        if spec.kind == "moment" and spec.name not in without and arrow is not None and _counts(arrow):
            values = numbers(table.column(spec.name))
            present = values[~np.isnan(values)]
            if len(present) >= LEAST_ROWS and not np.isin(present, INFINITIES).any():
                moments[spec.name] = values
    types = {name: table.schema.field(name).type for name in (*moments, *outside)}
    given = {c: numbers(table.column(c)) for c in outside}
    known = moments | given
    before = {c: [o for o in known if o != c and _precedes(known[o], moments[c])] for c in moments}
    order = sorted(moments, key=lambda c: len(before[c]))  # stable; who has fewer before it comes first
    found: dict[str, str] = {}
    for i, later in enumerate(order):
        b = moments[later]
        both = ~np.isnan(b)
        best = TIGHTER * spread(b)
        for earlier in (c for c in before[later] if c in order[:i] or c in given):
            a = known[earlier]
            if np.isnan(a[both]).any() or types[earlier] != types[later] or np.isin(a[both], INFINITIES).any():
                continue
            width = spread(b - a)
            coarser = (b[both] % DAY == 0).all() and not (a[both] % DAY == 0).all()
            if width <= best and best > 0 and not coarser:
                best, found[later] = width, earlier
    return found


def _precedes(a: np.ndarray, b: np.ndarray) -> bool:
    gap = (b - a)[~np.isnan(a) & ~np.isnan(b)]
    return len(gap) >= LEAST_ROWS and bool((gap >= 0).mean() >= ORDERED_SHARE) and bool(gap.mean() > 0)


def gap_spec(spec: ColumnSpec) -> ColumnSpec:
    """How the gaps of a column are coded: as whole numbers of its smallest unit."""
    return replace(spec, type=sqltypes.BigInteger(), kind="number", low=None, high=None, allowed=None)


def to_gaps(later: pa.Array, earlier: pa.Array) -> pa.Array:
    """int64, null where one of them is, or is infinite."""
    a, b = ticks(earlier), ticks(later)
    missing = np.asarray(later.is_null()) | np.asarray(earlier.is_null())
    missing |= np.isin(a, INFINITIES) | np.isin(b, INFINITIES)
    return pa.array(np.where(missing, 0, b - a), mask=missing)


def from_gaps(gaps: pa.Array, earlier: pa.Array, spec: ColumnSpec) -> pa.Array:
    """The moments again, within the bounds of ``spec``."""
    assert spec.type is not None
    arrow = arrow_type(spec.type)
    missing = np.asarray(gaps.is_null()) | np.asarray(earlier.is_null())
    start = ticks(earlier)
    moments = start + gaps.fill_null(0).to_numpy(zero_copy_only=False)
    low = -(2**62) if spec.low is None else int(spec.low)
    high = 2**62 if spec.high is None else int(spec.high)
    moments = moments.clip(low, high)
    return moments_of(moments, arrow, missing)


def moments_of(values: np.ndarray, type_: pa.DataType, missing: np.ndarray | None = None) -> pa.Array:
    """The inverse of ``ticks``, null where ``missing``."""
    return pa.array(values.astype(np.int32 if pt.is_date32(type_) else np.int64), mask=missing).cast(type_)


def order_of(gaps: Mapping[str, str]) -> list[str]:
    """The columns of ``gaps``, each after the one that it is counted from."""
    done: list[str] = []

    def visit(column: str) -> None:
        if column in gaps and column not in done:
            visit(gaps[column])
            done.append(column)

    for column in gaps:
        visit(column)
    return done


def numbers(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Days or microseconds as float64, NaN for null: exact up to 2^53 microseconds, the year 2255."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    missing = np.asarray(array.is_null())
    return np.where(missing, np.nan, ticks(array).astype(np.float64))


def ticks(array: pa.Array) -> np.ndarray:
    """int64 days or microseconds, 0 for null."""
    plain = array.cast(pa.int32()).cast(pa.int64()) if pt.is_date32(array.type) else array.cast(pa.int64())
    filled: np.ndarray = plain.fill_null(0).to_numpy(zero_copy_only=False)
    return filled


def _counts(arrow: pa.DataType) -> bool:
    return bool(pt.is_date32(arrow) or pt.is_timestamp(arrow))


def spread(values: np.ndarray) -> float:
    low, high = np.nanquantile(values, (0.25, 0.75))
    return float(high - low)
