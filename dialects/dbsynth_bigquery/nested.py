"""From the text forms in which arrays and documents travel to the nested Arrow values that a load job takes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.errors import CannotClone
from dbsynth.schema.model import Column, Table
from dbsynth.schema.types import Structured
from dbsynth.sqlbase.arrow import is_document
from dbsynth_bigquery.grammar import arrow_of


def native(table: Table, batch: pa.RecordBatch) -> pa.RecordBatch:
    """``batch`` (of ``arrow.staged_batch``) with its arrays and documents as lists and structs."""
    arrays, fields = [], []
    for field, array in zip(batch.schema, batch.columns, strict=True):
        column = table.by_name.get(field.name)
        if column is not None and (isinstance(column.type, sqltypes.ARRAY) or is_document(column)):
            array = _nested(table, column, array)
        elif column is not None and isinstance(column.type, sqltypes.Numeric) and pa.types.is_string(array.type):
            values = [None if v is None else Decimal(v) for v in array.to_pylist()]
            array = pa.array(values, pa.decimal256(76, 38))
        arrays.append(array)
        fields.append(pa.field(field.name, array.type))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _nested(table: Table, column: Column, array: pa.Array) -> pa.Array:
    goal = arrow_of(column.type, column.declared)
    repeated = pa.types.is_list(goal)
    out: list[Any] = []
    try:
        for text in array.to_pylist():
            if text is None:
                out.append([] if repeated else None)
            else:
                out.append(_value(json.loads(text), column.type))
        return pa.array(out, goal)
    except (ValueError, TypeError, KeyError, ArithmeticError, pa.ArrowException) as error:
        raise CannotClone(
            f"column {table.name}.{column.name}: a value that was made does not fit {column.declared}",
            hint=f"please report it, or leave the table out: --exclude {table.name.name}",
        ) from error


def _value(value: Any, type_: TypeEngine[Any]) -> Any:
    """What JSON gives for a value of ``type_`` (as TO_JSON_STRING writes it), as Arrow takes it."""
    if isinstance(type_, sqltypes.ARRAY):
        return _list(value, type_.item_type)
    if isinstance(type_, Structured) and type_.family == "document":
        if type_.element is not None:
            return _list(value, type_.element)
        return None if value is None else {name: _value(value.get(name), t) for name, t in type_.fields}
    if value is None:
        return None
    return _scalar(value, type_)


def _list(value: Iterable[Any] | None, item: TypeEngine[Any]) -> list[Any]:
    """An array holds no null, and is none."""
    return [_value(v, item) for v in value or () if v is not None]


def _scalar(value: Any, type_: TypeEngine[Any]) -> Any:
    match type_:
        case sqltypes.Boolean():
            return bool(value)
        case sqltypes.Integer():
            return int(value)
        case sqltypes.Float():
            return float(value)
        case sqltypes.Numeric():
            number = Decimal(str(value))
            return number if type_.scale is None else number.quantize(Decimal(1).scaleb(-type_.scale))
        case sqltypes.LargeBinary():
            return base64.b64decode(value)
        case sqltypes.DateTime():
            return datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        case sqltypes.Date():
            return date.fromisoformat(value)
        case sqltypes.Time():
            return time.fromisoformat(value)
        case _:
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
