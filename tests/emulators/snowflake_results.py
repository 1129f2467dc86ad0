"""Results in the form that Snowflake's clients read: row types and Arrow with Snowflake's own encodings."""

from __future__ import annotations

import base64
import json

import pyarrow as pa
import pyarrow.compute as pc
from snowflake_registry import Column
from snowflake_tables import LONGEST_BINARY, LONGEST_TEXT

# DATA_TYPE -> the type name of the wire; a GEOGRAPHY is sent as its GeoJSON object, here as the stored text.
WIRE = {
    "NUMBER": "fixed",
    "FLOAT": "real",
    "TEXT": "text",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP_NTZ": "timestamp_ntz",
    "TIMESTAMP_LTZ": "timestamp_ltz",
    "TIMESTAMP_TZ": "timestamp_tz",
    "BINARY": "binary",
    "VARIANT": "variant",
    "OBJECT": "object",
    "ARRAY": "array",
}
NANOSECONDS = 9


def encoded(rows: pa.Table, declared: list[Column | None]) -> tuple[list[dict[str, object]], str]:
    """The row type and the rows as a base64 Arrow stream."""
    kinds, fields, arrays = [], [], []
    for index, name in enumerate(rows.column_names):
        column = declared[index] if declared else None
        array = rows.column(index).combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
        wire, array, precision, scale, length = _encode(array, column)
        nullable = column.nullable if column else True
        kinds.append(
            {
                "name": name,
                "database": "",
                "schema": "",
                "table": "",
                "nullable": nullable,
                "type": wire,
                "byteLength": length,
                "length": length,
                "scale": scale,
                "precision": precision,
                "collation": column.collation if column else None,
            }
        )
        notes = {
            "logicalType": wire.upper(),
            "precision": str(precision or 38),
            "scale": str(scale or 0),
            "charLength": str(length or 0),
            # Clients tell the three-part form of TIMESTAMP_TZ by these 16 bytes, and fail or crash otherwise.
            "byteLength": "16" if wire == "timestamp_tz" else str(length or 0),
        }
        fields.append(pa.field(name, array.type, nullable=True, metadata=notes))
        arrays.append(array)
    schema = pa.schema(fields)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        if rows.num_rows:
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return kinds, base64.b64encode(sink.getvalue()).decode()


Encoded = tuple[str, pa.Array, int | None, int | None, int | None]


def _encode(array: pa.Array, column: Column | None) -> Encoded:
    """One column: its wire type, its array, precision, scale and length."""
    kind = array.type
    if pa.types.is_boolean(kind):
        return "boolean", array, None, None, None
    if pa.types.is_date(kind):
        return "date", array.cast(pa.date32()), None, None, None
    if pa.types.is_time(kind):
        return "time", array.cast(pa.time64("ns")).cast(pa.int64()), None, NANOSECONDS, None
    if pa.types.is_timestamp(kind):
        declared = WIRE.get(column.kind) if column else None
        wire = declared if kind.tz and declared == "timestamp_ltz" else "timestamp_tz" if kind.tz else "timestamp_ntz"
        return wire, _timestamp(array, with_zone=wire == "timestamp_tz"), None, NANOSECONDS, None
    if pa.types.is_floating(kind):
        return "real", array.cast(pa.float64()), None, None, None
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return _number(array, column)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "binary", array.cast(pa.binary()), None, None, column.length if column else LONGEST_BINARY
    if not pa.types.is_string(kind):
        array = _as_text(array)
    wire = WIRE.get(column.kind, "text") if column and column.kind in ("VARIANT", "OBJECT", "ARRAY") else "text"
    length = column.length if column and column.kind == "TEXT" else LONGEST_TEXT
    return wire, array, None, None, length


def _as_text(array: pa.Array) -> pa.Array:
    if pa.types.is_nested(array.type):
        return pa.array([None if value is None else json.dumps(value, default=str) for value in array.to_pylist()])
    try:
        return array.cast(pa.string())
    except pa.ArrowNotImplementedError:
        return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())


def _number(array: pa.Array, column: Column | None) -> Encoded:
    """Whole numbers travel in the smallest fitting integer type, others as decimals."""
    kind = array.type
    precision, scale = (kind.precision, kind.scale) if pa.types.is_decimal(kind) else (38, 0)
    if column and column.kind == "NUMBER" and column.scale == scale:
        precision = column.precision or precision
    if scale == 0:
        for narrow in (pa.int8(), pa.int16(), pa.int32(), pa.int64()):
            try:
                return "fixed", array.cast(narrow), precision, 0, None
            except pa.ArrowInvalid:
                continue
        array = array.cast(pa.decimal128(38, 0))
    return "fixed", array, precision, scale, None


def _timestamp(array: pa.Array, with_zone: bool) -> pa.Array:
    """Timestamps travel as a struct of seconds, nanoseconds and, for TIMESTAMP_TZ, minutes of offset + 1440."""
    nanoseconds = 1_000_000_000
    micros = array.cast(pa.timestamp("us", array.type.tz)).cast(pa.int64())
    seconds = _floor(micros)
    fraction = pc.multiply(pc.subtract(micros, pc.multiply(seconds, 1_000_000)), nanoseconds // 1_000_000)
    parts = [seconds, fraction.cast(pa.int32())]
    names = ["epoch", "fraction"]
    if with_zone:
        parts.append(pa.array([1440] * len(array), pa.int32()))
        names.append("timezone")
    return pa.StructArray.from_arrays(parts, names=names, mask=pc.is_null(array))


def _floor(micros: pa.Array) -> pa.Array:
    """Whole seconds rounded down; Arrow's integer division rounds towards zero."""
    quotient = pc.divide(micros, 1_000_000)
    above = pc.greater(pc.multiply(quotient, 1_000_000), micros)
    return pc.subtract(quotient, above.cast(pa.int64()))
