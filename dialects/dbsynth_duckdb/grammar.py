"""How DuckDB writes types, and what its catalog says of them.

https://duckdb.org/docs/stable/sql/data_types/overview
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.grammar import TypeNames
from dbsynth.schema.model import Column
from dbsynth.schema.types import Structured
from dbsynth.sqlbase.grammar import SqlGrammar
from dbsynth.sqlbase.typetext import arguments, fields

PLAIN: dict[str, TypeEngine[Any]] = {
    "BOOLEAN": sqltypes.Boolean(),
    "TINYINT": sqltypes.SmallInteger(),
    "UTINYINT": sqltypes.SmallInteger(),
    "SMALLINT": sqltypes.SmallInteger(),
    "USMALLINT": sqltypes.Integer(),
    "INTEGER": sqltypes.Integer(),
    "UINTEGER": sqltypes.BigInteger(),
    "BIGINT": sqltypes.BigInteger(),
    "UBIGINT": sqltypes.Numeric(20, 0),
    "HUGEINT": sqltypes.Numeric(38, 0),
    "FLOAT": sqltypes.REAL(),
    "DOUBLE": sqltypes.Double(),
    "VARCHAR": sqltypes.Text(),
    "BLOB": sqltypes.LargeBinary(),
    "DATE": sqltypes.Date(),
    "TIME": sqltypes.Time(),
    "TIMESTAMP": sqltypes.DateTime(),
    "TIMESTAMP_S": sqltypes.DateTime(),
    "TIMESTAMP_MS": sqltypes.DateTime(),
    "TIMESTAMP_NS": sqltypes.DateTime(),
    "TIMESTAMP WITH TIME ZONE": sqltypes.DateTime(timezone=True),
    "INTERVAL": sqltypes.Interval(),
    "UUID": sqltypes.Uuid(as_uuid=False),
    "JSON": sqltypes.JSON(),
}


def sql_type(declared: str) -> TypeEngine[Any]:
    """From the text of the catalog: ``STRUCT(x INTEGER, y VARCHAR[])`` is a document."""
    if declared in PLAIN:
        return PLAIN[declared]
    if item := re.fullmatch(r"(.*)\[\d*\]", declared, re.DOTALL):
        inner = sql_type(item[1])
        scalar = not isinstance(inner, Structured | sqltypes.ARRAY | sqltypes.LargeBinary)
        return sqltypes.ARRAY(inner) if scalar else Structured(declared, "document", element=inner)
    name, inside = arguments(declared)
    if name == "DECIMAL":
        precision, scale = (int(n) for n in inside)
        return sqltypes.Numeric(precision, scale)
    if name == "ENUM":
        return sqltypes.Enum(*(label[1:-1].replace("''", "'") for label in inside))
    if name == "STRUCT":
        return Structured(declared, "document", fields=tuple((n, sql_type(t)) for n, t in fields(inside)))
    if name == "MAP":
        return Structured(declared, "document")
    return Structured(declared, "bits" if declared == "BIT" else "other")


class DuckdbGrammar(SqlGrammar):
    sqlglot = "duckdb"
    folds = "keep"
    longest_name = 1000
    infinity = True
    cyclic_keys = False
    keys_across_schemas = False
    keys_of_one_type = True
    types = TypeNames(
        real="FLOAT", double="DOUBLE", text="VARCHAR", varchar="VARCHAR", char="VARCHAR", binary="BLOB"
    )  # fmt: skip

    def stored(self, column: Column, sql: str) -> str:
        match column.type:
            case sqltypes.ARRAY():
                return f"CAST(CAST({sql} AS JSON) AS {column.declared})"
            case Structured() if column.type.family == "document":
                return f"CAST(CAST({sql} AS JSON) AS {column.declared})"
            case sqltypes.LargeBinary() | sqltypes.Text():
                return sql
            case _:
                return f"CAST({sql} AS {column.declared})"
