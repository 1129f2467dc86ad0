"""How BigQuery writes names, types, literals and values.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.grammar import Declared, TypeNames
from dbsynth.schema.model import Column
from dbsynth.schema.types import Structured
from dbsynth.sqlbase.grammar import SqlGrammar
from dbsynth.sqlbase.typetext import arguments, fields

PLAIN: dict[str, TypeEngine[Any]] = {
    "INT64": sqltypes.BigInteger(),
    "FLOAT64": sqltypes.Double(),
    "NUMERIC": sqltypes.Numeric(38, 9),
    "BIGNUMERIC": sqltypes.Numeric(),
    "BOOL": sqltypes.Boolean(),
    "STRING": sqltypes.Text(),
    "BYTES": sqltypes.LargeBinary(),
    "DATE": sqltypes.Date(),
    "TIME": sqltypes.Time(),
    "DATETIME": sqltypes.DateTime(),
    "TIMESTAMP": sqltypes.DateTime(timezone=True),
    "INTERVAL": sqltypes.Interval(),
    "JSON": sqltypes.JSON(),
}
SCHEMA_NAME = re.compile(r"\w{1,1024}", re.ASCII)
COLUMN_NAME = re.compile(r"[^!\"$()*,./;?@\[\\\]^`{}~]{1,300}")
TABLE_NAME = re.compile(r"[\w\- ]{1,1024}")


def sql_type(declared: str) -> TypeEngine[Any]:
    """From ``INFORMATION_SCHEMA.COLUMNS.data_type``: ``STRUCT<a INT64, b ARRAY<STRING>>`` is a document."""
    if declared in PLAIN:
        return PLAIN[declared]
    name, inside = arguments(declared)
    match name:
        case "ARRAY":
            item = sql_type(inside[0])
            nested = isinstance(item, Structured | sqltypes.ARRAY | sqltypes.LargeBinary | sqltypes.Interval)
            return Structured(declared, "document", element=item) if nested else sqltypes.ARRAY(item)
        case "STRUCT":
            return Structured(declared, "document", fields=tuple((n, sql_type(t)) for n, t in fields(inside)))
        case "NUMERIC" | "BIGNUMERIC":
            precision, scale = int(inside[0]), int(inside[1]) if len(inside) > 1 else 0
            return sqltypes.Numeric(precision, scale) if precision <= 38 else sqltypes.Numeric()
        case "STRING":
            return sqltypes.String(int(inside[0]))
        case "BYTES":
            return sqltypes.LargeBinary()
        case "GEOGRAPHY":
            return Structured(declared, "geometry")
        case _:
            return Structured(declared)


def quoted_fields(declared: str) -> str:
    """A type as DDL takes it: the catalog prints the names of fields as they are, reserved words among them."""
    name, inside = arguments(declared)
    if name == "STRUCT":
        return f"STRUCT<{', '.join(f'`{n}` {quoted_fields(t)}' for n, t in fields(inside))}>"
    return f"ARRAY<{quoted_fields(inside[0])}>" if name == "ARRAY" else declared


class BigqueryGrammar(SqlGrammar):
    sqlglot = "bigquery"
    folds = "keep"
    longest_name = 300
    text_type = "STRING"
    identities = False
    keys_to_primary_only = True
    types = TypeNames(
        boolean="BOOL",
        smallint="INT64",
        integer="INT64",
        bigint="INT64",
        real="FLOAT64",
        double="FLOAT64",
        decimal="NUMERIC({p}, {s})",
        wide_decimal="BIGNUMERIC({p}, {s})",
        text="STRING",
        varchar="STRING({n})",
        char="STRING({n})",
        binary="BYTES",
        timestamp="DATETIME",
        timestamptz="TIMESTAMP",
        uuid=None,
        interval=None,
        array="ARRAY<{item}>",
    )

    def fits_decimal(self, precision: int, scale: int) -> bool:
        return scale <= 9 and precision - scale <= 29

    def declare(self, type_: TypeEngine[Any]) -> Declared:
        if isinstance(type_, sqltypes.ARRAY):
            found = super().declare(type_)
            return Declared(found.sql, found.type, found.note or "arrays are never null and hold no null here")
        return super().declare(type_)

    def quote(self, name: str) -> str:
        return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"

    def literal(self, text: str) -> str:
        for plain, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
            text = text.replace(plain, escaped)
        return f"'{text}'"

    def allows_name(self, name: str, kind: str) -> str | None:
        pattern = {"schema": SCHEMA_NAME, "table": TABLE_NAME}.get(kind, COLUMN_NAME)
        if not pattern.fullmatch(name):
            return "BigQuery takes letters, digits and _ (and in names of tables - and blanks)"
        return None

    def value(self, column: Column) -> str:
        if isinstance(column.type, Structured) and column.type.family == "geometry":
            return f"ST_ASTEXT({self.quote(column.name)})"
        return super().value(column)

    def stored(self, column: Column, sql: str) -> str:
        name, _ = arguments(column.declared)
        match name:
            case "JSON":
                return f"PARSE_JSON({sql}, wide_number_mode => 'round')"
            case "GEOGRAPHY":
                return f"ST_GEOGFROMTEXT({sql})"
            case "INTERVAL" | "RANGE":
                return f"CAST({sql} AS {column.declared})"
            case _:
                return sql

    def json_text(self, sql: str, column: Column) -> str:
        return f"TO_JSON_STRING({sql})"

    def hashed(self, text: str) -> str:
        return f"TO_HEX(MD5({text}))"

    def as_of(self, snapshot: str | None) -> str:
        return f" FOR SYSTEM_TIME AS OF TIMESTAMP {self.literal(snapshot)}" if snapshot else ""


def arrow_of(type_: TypeEngine[Any], declared: str) -> pa.DataType:
    """The Arrow type in which a load job takes values of ``type_``."""
    match type_:
        case sqltypes.ARRAY():
            return pa.list_(arrow_of(type_.item_type, ""))
        case Structured() if type_.family == "document" and type_.fields:
            return pa.struct([(n, arrow_of(t, "")) for n, t in type_.fields])
        case Structured() if type_.family == "document" and type_.element is not None:
            return pa.list_(arrow_of(type_.element, ""))
        case sqltypes.Boolean():
            return pa.bool_()
        case sqltypes.Integer():
            return pa.int64()
        case sqltypes.Float():
            return pa.float64()
        case sqltypes.Numeric():
            # BIGNUMERIC: 38 digits before and after the point
            return pa.decimal256(76, 38) if type_.precision is None else pa.decimal128(38, type_.scale or 0)
        case sqltypes.LargeBinary():
            return pa.binary()
        case sqltypes.DateTime():
            return pa.timestamp("us", tz="UTC" if type_.timezone else None)
        case sqltypes.Date():
            return pa.date32()
        case sqltypes.Time():
            return pa.time64("us")
        case _:
            return pa.string()
