"""What the suite of dialects writes and reads: every type, a shop of three tables, in a neutral SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.grammar import Grammar
from dbsynth.schema.model import Check, Column, ForeignKey, Key, Schema, Table, TableName
from dbsynth.schema.types import arrow_type

HOSTILE = "we;ird \"name' -- %s {x} é"


class Neutral(Grammar):
    """The SQL in which the suite writes its schema."""

    sqlglot = "postgres"
    folds = "lower"


@dataclass(frozen=True)
class Native:
    """A column in a type of the database: its SQL, the type that introspection gives, and values as they travel."""

    declared: str
    type: TypeEngine[Any]
    values: tuple[Any, ...]


TYPES: Mapping[str, tuple[TypeEngine[Any], tuple[Any, ...]]] = {
    "a_small": (sqltypes.SmallInteger(), (1, -32768, None)),
    "a_whole": (sqltypes.Integer(), (1, -(2**31), None)),
    "a_big": (sqltypes.BigInteger(), (2**62, -(2**62), None)),
    "a_decimal": (sqltypes.Numeric(12, 2), (Decimal("1.50"), Decimal("-9999999999.99"), None)),
    "a_fine_decimal": (sqltypes.Numeric(30, 15), (Decimal("0.000000000000001"), Decimal("123456789012345.5"), None)),
    "a_double": (sqltypes.Double(), (1.5, -1e300, None)),
    "a_flag": (sqltypes.Boolean(), (True, False, None)),
    "a_text": (sqltypes.Text(), ("", "a 'quoted' \"text\"\\ with\nlines, ünïcode \U0001f600", None)),
    "a_limited": (sqltypes.String(10), ("ten chars.", "", None)),
    "a_code": (sqltypes.Enum("new", "paid"), ("new", "paid", None)),
    "a_date": (sqltypes.Date(), (date(2024, 2, 29), date(1900, 1, 1), None)),
    "a_time": (sqltypes.Time(), (time(23, 59, 59, 123456), time(0, 0), None)),
    "a_moment": (sqltypes.DateTime(), (datetime(2024, 2, 29, 1, 2, 3, 456789), datetime(9999, 12, 31), None)),
    "a_zoned": (sqltypes.DateTime(timezone=True), (datetime(2024, 2, 29, 1, 2, 3, 4, UTC), None, None)),
    "a_uuid": (sqltypes.Uuid(as_uuid=False), ("00000000-0000-4000-8000-00000000abcd", None, None)),
    "a_blob": (sqltypes.LargeBinary(), ("\\x00ff10", "\\x", None)),
    "a_document": (sqltypes.JSON(), ('{"a":1}', "[1,2]", None)),
    "a_list": (sqltypes.ARRAY(sqltypes.Integer()), ("{1,2,3}", "{}", None)),
    "a_words": (sqltypes.ARRAY(sqltypes.Text()), ('{a,"b c","x\\"y"}', "{NULL}", None)),
}
"""Columns of the table in which every type occurs, with three values each."""
LISTS: Mapping[str, list[Any]] = {
    "{1,2,3}": [1, 2, 3], "{}": [], '{a,"b c","x\\"y"}': ["a", "b c", 'x"y'], "{NULL}": [None]
}  # fmt: skip


def shop() -> Schema:
    """Composite keys, a reference to oneself, a unique key, CHECKs."""
    customer, order, line = TableName("shop", "customer"), TableName("shop", "orders"), TableName("shop", "order_line")
    whole, text = sqltypes.Integer(), sqltypes.String(40)
    return Schema(
        (
            Table(
                customer,
                (
                    Column("id", whole, "integer", nullable=False),
                    Column("email", text, "varchar(40)", nullable=False),
                    Column("invited_by", whole, "integer"),
                    Column("level", text, "varchar(40)", default="'basic'"),
                ),
                primary_key=Key("customer_pkey", ("id",), "PRIMARY KEY (id)"),
                uniques=(Key("customer_email_key", ("email",), "UNIQUE (email)"),),
                foreign_keys=(ForeignKey("customer_invited_by_fkey", ("invited_by",), customer, ("id",)),),
                checks=(
                    Check("level_check", "((level)::text = ANY (ARRAY['basic'::text, 'gold'::text]))", ("level",)),
                ),
                comment="who buys",
            ),
            Table(
                order,
                (
                    Column("customer_id", whole, "integer", nullable=False),
                    Column("number", whole, "integer", nullable=False),
                    Column("total", sqltypes.Numeric(10, 2), "numeric(10,2)", nullable=False),
                ),
                primary_key=Key("orders_pkey", ("customer_id", "number"), ""),
                foreign_keys=(ForeignKey("orders_customer_id_fkey", ("customer_id",), customer, ("id",)),),
                checks=(Check("orders_total_check", "(total >= (0)::numeric)", ("total",)),),
            ),
            Table(
                line,
                (
                    Column("customer_id", whole, "integer", nullable=False),
                    Column("number", whole, "integer", nullable=False),
                    Column("position", whole, "integer", nullable=False),
                    Column("quantity", whole, "integer"),
                ),
                primary_key=Key("order_line_pkey", ("customer_id", "number", "position"), ""),
                foreign_keys=(
                    ForeignKey("order_line_fkey", ("customer_id", "number"), order, ("customer_id", "number")),
                ),
            ),
        )
    )


ROWS: Mapping[str, list[dict[str, Any]]] = {
    "customer": [
        {"id": i, "email": f"c{i}@example.com", "invited_by": i // 2 or None, "level": "gold" if i % 3 else "basic"}
        for i in range(1, 41)
    ],
    "orders": [
        {"customer_id": c, "number": n, "total": Decimal(10 * c + n)} for c in range(1, 41) for n in range(1, c % 4 + 1)
    ],
    "order_line": [
        {"customer_id": c, "number": n, "position": p, "quantity": p if p < 3 else None}
        for c in range(1, 41)
        for n in range(1, c % 4 + 1)
        for p in range(1, 4)
    ],
}


def batch_of(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    columns = table.stored_columns
    arrays = [pa.array([r.get(c.name) for r in rows], arrow_type(c.type)) for c in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema([(c.name, arrow_type(c.type)) for c in columns]))
