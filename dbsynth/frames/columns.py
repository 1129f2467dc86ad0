"""Arrow columns of any origin ↔ column types and the Arrow types in which rows travel (``schema.types``)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.codec import interval
from dbsynth.errors import UnsupportedSource
from dbsynth.schema.arrays import literal_of
from dbsynth.schema.types import arrow_type

CLOCK = interval.Parts(days=True, time=True)
INTEGERS: dict[pa.DataType, Callable[[], TypeEngine[Any]]] = {
    pa.int8(): sqltypes.SmallInteger, pa.int16(): sqltypes.SmallInteger, pa.uint8(): sqltypes.SmallInteger,
    pa.int32(): sqltypes.Integer, pa.uint16(): sqltypes.Integer,
    pa.int64(): sqltypes.BigInteger, pa.uint32(): sqltypes.BigInteger,
    pa.uint64(): lambda: sqltypes.Numeric(20, 0),
}  # fmt: skip


@dataclass(frozen=True)
class Travelling:
    """A column as it travels: ``values`` of ``arrow_type(type)``. ``bounds``: inclusive, of whole numbers that do not
    fill their type."""

    type: TypeEngine[Any]
    values: pa.Array
    bounds: tuple[int, int] | None = None


def travelling(table: str, name: str, array: pa.Array, k: int) -> Travelling:
    """Raises UnsupportedSource, naming the column, for values that dbsynth does not handle."""
    try:
        return _travelling(array, k)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise UnsupportedSource(
            f"{table}.{name}: a column of type {array.type} cannot be learned",
            hint="convert it to numbers, text, dates or booleans, or leave it out of the frame",
        ) from error


def _travelling(array: pa.Array, k: int) -> Travelling:
    kind = array.type
    if isinstance(kind, pa.ExtensionType | pa.BaseExtensionType):
        uuid = str(getattr(kind, "extension_name", "")) == "arrow.uuid"
        return Travelling(sqltypes.Uuid(as_uuid=False), _uuids(array)) if uuid else _travelling(array.storage, k)
    if pt.is_dictionary(kind):
        return _categories(array, k)
    if kind in INTEGERS:
        type_ = INTEGERS[kind]()
        own = np.iinfo(kind.to_pandas_dtype())
        filled = kind in (pa.int16(), pa.int32(), pa.int64())
        return Travelling(type_, array.cast(arrow_type(type_)), None if filled else (int(own.min), int(own.max)))
    if pt.is_float16(kind) or pt.is_float32(kind) or pt.is_float64(kind):
        # a float32 is a REAL: its decimals are those of 0.1, not of 0.10000000149
        if pt.is_float64(kind):
            return Travelling(sqltypes.Double(), array)
        return Travelling(sqltypes.REAL(), array.cast(pa.float32()).cast(pa.string()).cast(pa.float64()))
    if pt.is_boolean(kind):
        return Travelling(sqltypes.Boolean(), array)
    if pt.is_decimal(kind):
        type_ = sqltypes.Numeric(kind.precision, kind.scale) if kind.precision <= 38 else sqltypes.Numeric()
        return Travelling(type_, array.cast(arrow_type(type_)))
    if pt.is_date(kind):
        return Travelling(sqltypes.Date(), array.cast(pa.date32()))
    if pt.is_timestamp(kind):
        type_ = sqltypes.DateTime(timezone=kind.tz is not None)
        if kind.tz is not None:
            array = array.cast(pa.timestamp(kind.unit, tz="UTC"))
        return Travelling(type_, array.cast(arrow_type(type_), safe=False))
    if pt.is_time(kind):
        return Travelling(sqltypes.Time(), array.cast(pa.time64("us"), safe=False))
    if pt.is_duration(kind):
        micros = array.cast(pa.duration("us"), safe=False).cast(pa.int64()).fill_null(0)
        texts = interval.texts(micros.to_numpy(zero_copy_only=False), CLOCK)
        return Travelling(sqltypes.Interval(), pc.if_else(array.is_valid(), texts, pa.scalar(None, pa.string())))
    if pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind) or pt.is_null(kind):
        return Travelling(sqltypes.Text(), array.cast(pa.string()))
    if pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_binary_view(kind) or pt.is_fixed_size_binary(kind):
        return Travelling(sqltypes.LargeBinary(), _mapped(array, lambda v: "\\x" + v.hex()))
    if pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind):
        if pt.is_nested(kind.value_type):
            return Travelling(sqltypes.JSON(), _mapped(array, _document))
        member = _travelling(pa.array([], kind.value_type), k).type
        return Travelling(sqltypes.ARRAY(member), _mapped(array, lambda v: literal_of([_plain(m) for m in v])))
    if pt.is_struct(kind) or pt.is_map(kind):
        return Travelling(sqltypes.JSON(), _mapped(array, _document))
    raise TypeError(kind)


def _categories(array: pa.DictionaryArray, k: int) -> Travelling:
    """Text categories are an enum if k rows share each of those that occur: the labels of an enum are taken for public.
    Others are text, of which rare values are not told."""
    values = array.dictionary_decode()
    plain = _travelling(values, k)
    if not isinstance(plain.type, sqltypes.Text):
        return plain
    counted = pc.value_counts(plain.values.drop_null())
    counts = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    if not counts or min(counts.values()) < k:
        return plain
    labels = [v for v in array.dictionary.cast(pa.string()).to_pylist() if counts.get(v)]
    return Travelling(sqltypes.Enum(*dict.fromkeys(labels)), plain.values)


def _uuids(array: pa.Array) -> pa.Array:
    return pa.array([None if v is None else str(v) for v in array.to_pylist()], pa.string())


def _mapped(array: pa.Array, function: Callable[[Any], str]) -> pa.Array:
    return pa.array([None if v is None else function(v) for v in array.to_pylist()], pa.string())


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _document(value: Any) -> str:
    return json.dumps(dict(value) if isinstance(value, list) and value and isinstance(value[0], tuple) else value,
                      ensure_ascii=False, default=str)  # fmt: skip
