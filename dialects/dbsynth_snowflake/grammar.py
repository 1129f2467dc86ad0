"""How Snowflake writes types, literals and values.

https://docs.snowflake.com/en/sql-reference/intro-summary-data-types
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.grammar import TypeNames
from dbsynth.schema.model import Column
from dbsynth.schema.types import Structured
from dbsynth.sqlbase.grammar import SqlGrammar

LONGEST_TEXT = 16_777_216
"""The length of VARCHAR without one (up to 134,217,728 can be declared)."""
INTEGER_DIGITS = 18
"""Any number of so many digits is a 64-bit integer."""
DOCUMENTS = ("VARIANT", "OBJECT", "ARRAY")


def sql_type(row: Mapping[str, Any]) -> tuple[TypeEngine[Any], str]:
    """From a row of ``columns.sql``: the type, and how it is declared."""
    kind = str(row["type"])
    match kind:
        case "NUMBER":
            precision, scale = int(row["precision"]), int(row["scale"])
            declared = f"NUMBER({precision},{scale})"
            if scale == 0 and precision <= INTEGER_DIGITS:
                small = sqltypes.SmallInteger() if precision <= 4 else sqltypes.Integer() if precision <= 9 else None
                return small or sqltypes.BigInteger(), declared
            return sqltypes.Numeric(precision, scale), declared
        case "FLOAT" | "REAL" | "DOUBLE":
            return sqltypes.Double(), "FLOAT"
        case "TEXT" | "VARCHAR":
            length = int(row["length"] or LONGEST_TEXT)
            if length >= LONGEST_TEXT:
                return sqltypes.Text(), f"VARCHAR({length})"
            return sqltypes.String(length), f"VARCHAR({length})"
        case "BOOLEAN":
            return sqltypes.Boolean(), kind
        case "DATE":
            return sqltypes.Date(), kind
        case "TIME":
            return sqltypes.Time(), _precise(kind, row)
        case "TIMESTAMP_NTZ":
            return sqltypes.DateTime(), _precise(kind, row)
        case "TIMESTAMP_LTZ" | "TIMESTAMP_TZ":
            return sqltypes.DateTime(timezone=True), _precise(kind, row)
        case "BINARY":
            return sqltypes.LargeBinary(), kind
        case "VARIANT" | "OBJECT" | "ARRAY":
            return sqltypes.JSON(), kind
        case "GEOGRAPHY" | "GEOMETRY":
            return Structured(kind, "geometry"), kind
        case _:
            return Structured(kind), kind


def _precise(kind: str, row: Mapping[str, Any]) -> str:
    return kind if row["moment_precision"] is None else f"{kind}({int(row['moment_precision'])})"


class SnowflakeGrammar(SqlGrammar):
    sqlglot = "snowflake"
    folds = "upper"
    longest_name = 255
    years = (1582, 9999)
    types = TypeNames(
        smallint="NUMBER(5,0)",
        integer="NUMBER(10,0)",
        bigint="NUMBER(19,0)",
        real="FLOAT",
        double="FLOAT",
        decimal="NUMBER({p},{s})",
        most_scale=37,
        text="VARCHAR",
        varchar="VARCHAR({n})",
        char="VARCHAR({n})",
        longest=LONGEST_TEXT,
        binary="BINARY",
        time="TIME(6)",
        timestamp="TIMESTAMP_NTZ(6)",
        timestamptz="TIMESTAMP_TZ(6)",
        json="VARIANT",
        uuid=None,
        interval=None,
        array=None,
    )

    def literal(self, text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"

    def value(self, column: Column) -> str:
        name = self.quote(column.name)
        match column.type:
            case sqltypes.DateTime() if column.type.timezone:
                return f"CAST(CONVERT_TIMEZONE('UTC', {name}) AS TIMESTAMP_NTZ(6))"
            case sqltypes.DateTime():
                return f"CAST({name} AS TIMESTAMP_NTZ(6))"
            case Structured() if column.type.family == "geometry":
                return f"ST_ASWKT({name})"
            case Structured():
                return f"TO_VARCHAR({name})"
            case _:
                return super().value(column)

    def hash_text(self, column: Column) -> str:
        return f"TO_VARCHAR({self.quote(column.name)})" if column.declared not in DOCUMENTS else self.value(column)

    def stored(self, column: Column, sql: str) -> str:
        match column.declared:
            case "VARIANT":
                return f"PARSE_JSON({sql})"
            case "OBJECT" | "ARRAY":
                return f"CAST(PARSE_JSON({sql}) AS {column.declared})"
            case "GEOGRAPHY":
                return f"TO_GEOGRAPHY({sql})"
            case "GEOMETRY":
                return f"TO_GEOMETRY({sql})"
            case _:
                return sql

    def json_text(self, sql: str, column: Column) -> str:
        return f"TO_JSON({sql})"

    def as_of(self, snapshot: str | None) -> str:
        return f" AT(TIMESTAMP => {self.literal(snapshot)}::TIMESTAMP_TZ)" if snapshot else ""
