"""Columns as whole numbers of their smallest unit, and foreign key columns as codes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.pipeline.plan import TablePlan
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import combined, row_index, take


def whole(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Non-null values as int64 in the column's smallest unit (whole numbers, scaled decimals, days, microseconds);
    empty where the column is of another kind."""
    array = combined(column).drop_null()
    if pt.is_decimal(array.type):
        scaled = pc.multiply(pc.cast(array, pa.float64()), 10.0**array.type.scale)
        exact: np.ndarray = np.round(scaled.to_numpy(zero_copy_only=False)).astype(np.int64)
        return exact
    if pt.is_date32(array.type):
        array = array.cast(pa.int32())
    if pt.is_integer(array.type) or pt.is_timestamp(array.type) or pt.is_time(array.type):
        numbers: np.ndarray = array.cast(pa.int64()).to_numpy(zero_copy_only=False)
        return numbers
    return np.zeros(0, np.int64)


def unwhole(values: np.ndarray, type_: pa.DataType) -> pa.Array:
    """The inverse of ``whole`` for the Arrow type of the column."""
    if pt.is_decimal(type_):
        low = values.astype(np.int64)
        raw = np.stack([low, low >> 63], axis=1)  # 128 bits, little-endian, sign extended
        return pa.Array.from_buffers(pa.decimal128(38, type_.scale), len(low), [None, pa.py_buffer(raw.tobytes())])
    if pt.is_date32(type_):
        return pa.array(values.astype(np.int32)).cast(type_)
    return pa.array(values.astype(np.int64)).cast(type_)


def with_values(column: pa.ChunkedArray | pa.Array, values: np.ndarray) -> pa.Array:
    """``column`` with ``values``, as ``whole`` gives them, instead of its own; nulls stay."""
    there = combined(column).is_valid().to_numpy(zero_copy_only=False)
    return take(unwhole(values, column.type), np.where(there, np.cumsum(there) - 1, -1)).cast(column.type)


def present_codes(columns: list[pa.ChunkedArray]) -> np.ndarray:
    """1 where every column has a value, 0 elsewhere."""
    out = np.ones(len(columns[0]), np.int64)
    for column in columns:
        out &= pc.is_valid(combined(column)).to_numpy(zero_copy_only=False)
    return out


def category_codes(own: list[pa.ChunkedArray], parent: TablePlan, k: KeyPlan) -> np.ndarray:
    """0 null, 1 + i the i-th kept row of the parent, kept + 1 any other row."""
    assert parent.kept is not None
    at = row_index(own, [parent.kept.rows.column(c) for c in k.key.ref_columns])
    return np.where(present_codes(own) == 0, 0, np.where(at >= 0, at + 1, parent.kept.count + 1))
