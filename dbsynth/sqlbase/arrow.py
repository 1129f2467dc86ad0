"""Between the Arrow types of a driver and those in which rows travel (``dbsynth.schema.types``)."""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import types as sqltypes

from dbsynth.errors import CannotClone, InternalError
from dbsynth.schema.arrays import literal_of, values_of
from dbsynth.schema.model import Column, Table
from dbsynth.schema.types import Structured, arrow_type


def read_batch(table: Table, names: list[str], batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch of the driver, its columns in the order of ``names``, in the types in which they travel."""
    arrays = [_read(table, table.column(name), batch.column(i)) for i, name in enumerate(names)]
    schema = pa.schema([(name, arrow_type(table.column(name).type)) for name in names])
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _read(table: Table, column: Column, array: pa.Array) -> pa.Array:
    goal = arrow_type(column.type)
    if isinstance(column.type, sqltypes.ARRAY):
        return mapped(array.cast(pa.string()), lambda text: literal_of(json.loads(text)))
    if isinstance(column.type, sqltypes.LargeBinary):
        values = [None if v is None else "\\x" + v.hex() for v in array.to_pylist()]
        return pa.array(values, pa.string())
    try:
        return travelling(array, goal)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CannotClone(
            f"column {table.name}.{column.name} ({column.declared}) holds values that {goal} does not",
            hint=f"leave the table out: --exclude {table.name.name}",
        ) from error


def travelling(array: pa.Array, goal: pa.DataType) -> pa.Array:
    if array.type == goal:
        return array
    if pa.types.is_timestamp(goal):
        if pa.types.is_timestamp(array.type) and array.type.tz and goal.tz is None:
            return array.cast(pa.timestamp("us", tz=array.type.tz), safe=False).cast(pa.int64()).cast(goal)
        if pa.types.is_timestamp(array.type) and goal.tz and array.type.tz is None:
            return array.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).cast(goal)
        return array.cast(goal, safe=False)
    if pa.types.is_time64(goal):
        return array.cast(goal, safe=False) if pa.types.is_time(array.type) else array.cast(goal)
    if pa.types.is_decimal(goal) and pa.types.is_floating(array.type):
        return array.cast(goal, safe=False)
    if pa.types.is_integer(goal) and pa.types.is_decimal(array.type):
        return array.cast(pa.decimal128(38, 0)).cast(goal)
    return array.cast(goal)


def mapped(array: pa.Array, function: Callable[[str], Any], type_: pa.DataType | None = None) -> pa.Array:
    """``function`` on the values that are not null."""
    values = [None if v is None else function(v) for v in array.to_pylist()]
    return pa.array(values, type_ or pa.string())


# --- on the way in --------------------------------------------------------------------------------------------------


def staged_type(column: Column) -> pa.DataType:
    """The Arrow type in which rows are handed to the database: as they travel, but arrays as JSON, binary as bytes."""
    if isinstance(column.type, sqltypes.LargeBinary):
        return pa.binary()
    return arrow_type(column.type)


def staged_batch(table: Table, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Exactly the stored columns of ``table``, in its order, in the types of ``staged_type``."""
    columns = table.stored_columns
    if set(batch.schema.names) != {c.name for c in columns}:
        odd = sorted(set(batch.schema.names) ^ {c.name for c in columns})
        raise InternalError(f"rows for table {table.name} have other columns than it: {', '.join(odd[:5])}")
    return staged_columns(table, batch, [c.name for c in columns])


def staged_columns(table: Table, batch: pa.RecordBatch, names: list[str]) -> pa.RecordBatch:
    """The named columns of ``batch`` in the types of ``staged_type``."""
    columns = [table.column(n) for n in names]
    arrays = [_staged(table, c, batch.column(c.name)) for c in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema([(c.name, staged_type(c)) for c in columns]))


def _staged(table: Table, column: Column, array: pa.Array) -> pa.Array:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    match column.type:
        case sqltypes.LargeBinary():
            return mapped(array, lambda text: binascii.unhexlify(text.removeprefix("\\x")), pa.binary())
        case sqltypes.ARRAY():
            item = column.type.item_type
            return mapped(array, lambda text: json.dumps(values_of(text, item), ensure_ascii=False))
        case _:
            return retyped(array, staged_type(column), f"{table.name}.{column.name}")


def retyped(array: pa.Array, goal: pa.DataType, where: str) -> pa.Array:
    """``array`` as ``goal``, exactly; CannotClone naming the column where a value does not fit."""
    if array.type == goal:
        return array
    try:
        if pa.types.is_string(array.type) and pa.types.is_decimal(goal):
            return mapped(array, lambda text: Decimal(text).quantize(Decimal(1).scaleb(-goal.scale)), goal)
        if pa.types.is_decimal(array.type) and pa.types.is_string(goal):
            return mapped(array, lambda number: format(number, "f"))
        if pa.types.is_string(goal) and pa.types.is_floating(array.type):
            return mapped(array, lambda number: repr(number))
        if pa.types.is_integer(array.type) and pa.types.is_decimal(goal):
            return array.cast(pa.decimal128(38, 0)).cast(goal)
        return travelling(array, goal)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, InvalidOperation, ValueError) as error:
        raise CannotClone(
            f"column {where}: a value does not fit the type that the target has for it ({goal})",
            hint="leave the table out with --exclude, or clone into a database of the source's kind",
        ) from error


def clamped(array: pa.Array, years: tuple[int, int]) -> pa.Array:
    """Dates and timestamps within ``years`` (inclusive); those beyond, infinity among them, become the ends."""
    first = np.datetime64(f"{years[0]:04d}-01-01")
    last = np.datetime64(f"{years[1]:04d}-12-31")
    if pa.types.is_date32(array.type):
        low, high, raw = first.astype("M8[D]").astype(int), last.astype("M8[D]").astype(int), pa.int32()
    elif pa.types.is_timestamp(array.type):
        low, high, raw = first.astype("M8[us]").astype(int), last.astype("M8[us]").astype(int), pa.int64()
    else:
        return array
    if len(array) == array.null_count:
        return array
    numbers = array.cast(raw)
    ends = pc.min_max(numbers)
    if ends["min"].as_py() >= low and ends["max"].as_py() <= high:
        return array
    bounded = pc.min_element_wise(pc.max_element_wise(numbers, int(low), skip_nulls=False), int(high), skip_nulls=False)
    return bounded.cast(raw).cast(array.type)


def is_document(column: Column) -> bool:
    return isinstance(column.type, Structured) and column.type.family == "document"
