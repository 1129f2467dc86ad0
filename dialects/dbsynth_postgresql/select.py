"""The SELECTs that read rows: which expressions, which rows of a sample, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import types as sqltypes
from sqlalchemy.dialects.postgresql import JSONB

from dbsynth.dialect import ReadRequest, Sample
from dbsynth.errors import UsageError
from dbsynth.schema.model import Column, TableName
from dbsynth.schema.types import Structured, arrow_type
from dbsynth_postgresql.names import ident, qualified

INT64 = 2**63


@dataclass(frozen=True)
class Relation:
    """A table as far as reading it goes. ``kind``: that of pg_class (r table, p partitioned, f foreign, ...)."""

    name: TableName
    kind: str
    columns: Mapping[str, Column]

    def column(self, name: str) -> Column:
        if name not in self.columns:
            raise UsageError(f"table {self.name} has no column {name!r}", hint=f"it has: {', '.join(self.columns)}")
        return self.columns[name]

    @property
    def source(self) -> str:
        # Tables that inherit from an ordinary one hold rows of their own; partitions hold those of their root.
        return f"ONLY {qualified(self.name)}" if self.kind == "r" else qualified(self.name)

    @property
    def place(self) -> list[str]:
        """Expressions that tell the physical place of a row."""
        match self.kind:
            case "r" | "m":
                return ["ctid"]
            case "p":
                return ["tableoid::regclass::text", "ctid"]
            case _:
                return []


def arrow_schema(relation: Relation, columns: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, arrow_type(relation.column(name).type)) for name in columns])


def rows(relation: Relation, request: ReadRequest) -> str:
    """The SELECT of a request."""
    sql = f"SELECT {', '.join(_value(relation.column(c)) for c in request.columns)} FROM {relation.source}"
    if request.sample is not None and request.sample.fraction < 1:
        sql += f" WHERE {sampled(relation, request.sample)}"
    if request.order_by:
        # Rows that are equal in these columns follow their physical order: each time the same.
        keys = [_sort_key(relation.column(c)) for c in request.order_by] + relation.place
        sql += f" ORDER BY {', '.join(keys)}"
    if request.limit is not None:
        sql += f" LIMIT {int(request.limit)}"
    return sql


def degrees(relation: Relation, columns: Sequence[str], sample: Sample | None) -> str:
    """The SELECT of ``columns`` and the number of rows of each distinct value of them, where none is null."""
    conditions = [f"{ident(c)} IS NOT NULL" for c in columns]
    if sample is not None and sample.fraction < 1:
        conditions.append(sampled(relation, sample))
    picked = [relation.column(c) for c in columns]
    return (
        f"SELECT {', '.join(map(_value, picked))}, count(*) FROM {relation.source} WHERE {' AND '.join(conditions)}"
        f" GROUP BY {', '.join(ident(c.name) for c in picked)} ORDER BY {', '.join(map(_sort_key, picked))}"
    )


def _value(column: Column) -> str:
    """What COPY prints for a column."""
    name = ident(column.name)
    match column.type:
        case sqltypes.Numeric() if pa.types.is_decimal(arrow_type(column.type)):
            # The decimals of Arrow have no NaN, the only special value that numeric(p, s) can hold.
            return f"nullif({name}, 'NaN')"
        case sqltypes.CHAR():
            # The blanks that fill up char(n) mean nothing, and would tell a key from the varchar that refers to it.
            return f"{name}::text"
        case _:
            return name


def _sort_key(column: Column) -> str:
    name = ident(column.name)
    match column.type:
        case sqltypes.Enum():
            return name
        case sqltypes.String():  # by code point: whatever collation the database has
            return f'{name}::text COLLATE "C"'
        case sqltypes.JSON() if not isinstance(column.type, JSONB):  # has no order
            return f'{name}::text COLLATE "C"'
        case Structured() | sqltypes.ARRAY():  # some have no order
            return f'{name}::text COLLATE "C"'
        case _:
            return name


def sampled(relation: Relation, sample: Sample) -> str:
    """The condition that a row is in the sample. Equal values give one hash whatever integer type, char(n) or varchar
    the column has, so that a child's foreign key shares the fate of its parent's key."""
    parts = [f"coalesce({_hashed(relation.column(c))}, E'\\x1e')" for c in sample.columns]
    text = " || E'\\x1f' || ".join(parts or [f"{place}::text" for place in relation.place])
    if not text:
        raise UsageError(
            f"rows of {relation.name} have no physical place to sample by", hint="sample by columns, or read all rows"
        )
    salt = (sample.salt + INT64) % (2 * INT64) - INT64
    below = min(max(round(sample.fraction * 2 * INT64), 0), 2 * INT64 - 1) - INT64
    return f"""hashtextextended(({text}) COLLATE "C", '{salt}'::bigint) < '{below}'::bigint"""


def _hashed(column: Column) -> str:
    name = ident(column.name)
    if isinstance(column.type, sqltypes.Numeric) and not isinstance(column.type, sqltypes.Float):
        return f"trim_scale({name})::text"  # 1.00 = 1
    if column.declared.endswith("citext"):
        return f"lower({name}::text)"
    return f"{name}::text"
