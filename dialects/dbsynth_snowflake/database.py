"""One Snowflake database: its catalog and its rows."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

import dbsynth_sql
import pyarrow as pa
from snowflake.connector.connection import SnowflakeConnection
from snowflake.connector.cursor import SnowflakeCursor
from sqlalchemy import types as sqltypes
from sqlalchemy.engine import URL

from dbsynth.dialect import Dialect, Target
from dbsynth.errors import DbsynthError, UsageError
from dbsynth.queries import Runner
from dbsynth.schema.model import Check, Column, ForeignKey, Identity, Key, Schema, Table, TableName
from dbsynth.sqlbase import catalog
from dbsynth.sqlbase.building import is_ours
from dbsynth.sqlbase.database import Row, SqlDatabase
from dbsynth.sqlbase.retry import retried
from dbsynth_snowflake.connection import GONE, opened, parts, raised
from dbsynth_snowflake.grammar import INTEGER_DIGITS, SnowflakeGrammar, sql_type

LOG = logging.getLogger(__name__)
BATCH_ROWS = 65_536
MOST_SHOWN = 10_000
"""Rows that a SHOW command gives. https://docs.snowflake.com/en/sql-reference/sql/show"""


class SnowflakeDatabase(SqlDatabase):
    grammar = SnowflakeGrammar()

    def __init__(self, dialect: Dialect, url: URL, schemas: Sequence[str] = ()) -> None:
        super().__init__(dialect, url)
        self.name, schema = parts(url)
        self._schemas = tuple(schemas) or ((schema,) if schema else ())
        self.connection: SnowflakeConnection = retried(lambda: opened(url), "connecting to Snowflake")
        if self.name is None:  # of connections.toml, or the user's default
            self.name = self.connection.database
        if self.name is None:
            self.close()
            raise UsageError("the URL names no database", hint="snowflake://user@account/DATABASE/SCHEMA")

    def close(self) -> None:
        self.connection.close()

    def describe(self) -> str:
        return f"{self.url.host or self.connection.account}/{self.name}"

    @cached_property
    def _account(self) -> str:
        return str(next(iter(self.query("SELECT CURRENT_ACCOUNT() AS account")[0].values())))

    def identity(self) -> str:
        return f"snowflake:{self._account}/{self.name}"

    def default_schemas(self) -> Sequence[str]:
        return self._schemas

    def place(self, name: TableName) -> str:
        return self.grammar.place(self.name or "", name.schema, name.name)

    def target(self) -> Target:
        from dbsynth_snowflake.target import SnowflakeTarget

        return SnowflakeTarget(self)

    # --- statements -------------------------------------------------------------------------------------------------

    @contextmanager
    def executed(self, sql: str, about: str, *, again: bool = True) -> Iterator[SnowflakeCursor]:
        """A cursor over the result of ``sql``; passing failures are tried again, unless ``again`` is False."""

        def run() -> SnowflakeCursor:
            cursor = self.connection.cursor()
            try:
                with raised(about):
                    cursor.execute(sql)
            except BaseException as error:
                cursor.close()
                if getattr(error.__cause__, "errno", None) == GONE:
                    self.connection.close()
                    self.connection = opened(self.url)
                raise
            return cursor

        cursor = retried(run, about or "a statement") if again else run()
        try:
            with raised(about):
                yield cursor
        finally:
            cursor.close()

    def query(self, sql: str, about: str = "") -> list[Row]:
        with self.executed(sql, about) as cursor:
            names = [d.name for d in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def arrow(self, sql: str, about: str = "") -> Iterator[pa.RecordBatch]:
        with self.executed(sql, about) as cursor:
            some = False
            for table in cursor.fetch_arrow_batches():
                some = True
                yield from table.combine_chunks().to_batches(BATCH_ROWS)
            if not some:
                empty = cursor.fetch_arrow_all(force_return_table=True)
                yield pa.RecordBatch.from_pylist([], schema=empty.schema)

    @contextmanager
    def runner(self, schemas: Sequence[str], seconds: float, snapshot: str | None = None) -> Iterator[Runner]:
        """https://docs.snowflake.com/en/sql-reference/parameters#statement-timeout-in-seconds"""
        self.query(f"ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = {math.ceil(seconds)}")
        try:
            with super().runner(schemas, seconds, snapshot) as runner:
                yield runner
        finally:
            self.query("ALTER SESSION UNSET STATEMENT_TIMEOUT_IN_SECONDS")

    @contextmanager
    def snapshot(self) -> Iterator[str]:
        """A moment: every read of the run is AT(TIMESTAMP => that)."""
        if str(self.url.query.get("dbsynth_snapshot", "")).lower() == "off":
            yield ""
            return
        yield str(self.query("SELECT TO_VARCHAR(CURRENT_TIMESTAMP()) AS now")[0]["NOW"])

    # --- the catalog ------------------------------------------------------------------------------------------------

    def schema_names(self) -> list[tuple[str, bool]]:
        return [(name, is_ours(mark)) for name, mark in self.marks().items()]

    def marks(self) -> dict[str, str | None]:
        rows = self.query(self._statement("schemas"), "the catalog")
        return {row["name"]: row["mark"] for row in rows}

    def _statement(self, kind: str, **values: str) -> str:
        database = self.grammar.quote(self.name or "")
        return dbsynth_sql.read("snowflake", kind).format(database=database, **values)

    def catalog(self, schemas: Sequence[str]) -> Schema:
        listed = ", ".join(map(self.grammar.literal, schemas)) or "NULL"
        found = {
            kind: catalog.by_table(self.query(self._statement(kind, schemas=listed), "the catalog"), "schema", "table")
            for kind in ("tables", "columns", "checks")
        }
        keys = {kind: self._keys(kind, schemas) for kind in ("primary", "unique", "imported")}
        policies, unknown = self._policies(listed)
        tables = tuple(
            _table(
                name,
                row,
                [_column(c) for c in found["columns"][name]],
                {kind: rows[name] for kind, rows in keys.items()},
                found["checks"][name],
                policies[name],
            )
            for name, [row] in found["tables"].items()
        )
        return Schema(tables, notes=unknown)

    def _keys(self, kind: str, schemas: Sequence[str]) -> defaultdict[TableName, list[Row]]:
        rows: list[Row] = []
        for schema in schemas:
            place = self.grammar.place(self.name or "", schema)
            shown = self.query(self._statement(f"{kind}_keys", schema=place), "the catalog")
            if len(shown) >= MOST_SHOWN:
                LOG.warning(
                    "schema %s: SHOW %s KEYS tells %d rows; keys beyond are not known", schema, kind, MOST_SHOWN
                )
            rows += shown
        side = "fk_" if kind == "imported" else ""
        return catalog.by_table(rows, f"{side}schema_name", f"{side}table_name")

    def _policies(self, listed: str) -> tuple[defaultdict[TableName, list[Row]], tuple[str, ...]]:
        name = self.grammar.literal(self.name or "")
        try:
            rows = self.query(self._statement("policies", schemas=listed, name=name), "the catalog")
        except DbsynthError as error:
            if error.transient:
                raise
            note = "masking and row access policies are not known: SNOWFLAKE.ACCOUNT_USAGE may not be read by this role"
            return defaultdict(list), (note,)
        return catalog.by_table(rows, "schema", "table"), ()

    def measured(self, schema: Schema) -> Schema:
        """NUMBER(38, 0) is how every INTEGER is declared: a column that holds 64-bit integers only is one."""
        return replace(schema, tables=tuple(self._measured(t) for t in schema.tables))

    def _measured(self, table: Table) -> Table:
        wide = [c for c in table.columns if _is_wide(c)]
        if not wide:
            return table
        ends = ", ".join(f"MIN({self.grammar.quote(c.name)}), MAX({self.grammar.quote(c.name)})" for c in wide)
        with self.executed(f"SELECT {ends} FROM {self.place(table.name)}", f"table {table.name}") as cursor:
            row: Any = cursor.fetchone()
        fits = {
            c.name
            for c, low, high in zip(wide, row[::2], row[1::2], strict=True)
            if low is None or (int(low) >= -(2**63) and int(high) < 2**63)
        }
        columns = tuple(replace(c, type=sqltypes.BigInteger()) if c.name in fits else c for c in table.columns)
        return replace(table, columns=columns)


def _is_wide(column: Column) -> bool:
    match column.type:
        case sqltypes.Numeric(precision=int(p), scale=0) if not isinstance(column.type, sqltypes.Float):
            return p > INTEGER_DIGITS
        case _:
            return False


def _column(row: Row) -> Column:
    """A default that asks a sequence would go on counting in the source's: such a column counts by itself."""
    type_, declared = sql_type(row)
    counts = row["identity"] == "YES" or str(row["default"]).upper().endswith(".NEXTVAL")
    return Column(
        name=row["name"],
        type=type_,
        declared=declared,
        nullable=row["nullable"] == "YES",
        default=None if counts else row["default"],
        identity=Identity(always=False) if counts else None,
        collation=row["collation"] or None,
        comment=row["comment"] or None,
    )


def _table(
    name: TableName,
    row: Row,
    columns: list[Column],
    keys: dict[str, list[Row]],
    checks: list[Row],
    policies: list[Row],
) -> Table:
    primary = _keys(keys["primary"])
    inside = {c for key in primary for c in key.columns}
    return Table(
        name=name,
        columns=tuple(catalog.required(c) if c.name in inside else c for c in columns),
        primary_key=next(iter(primary), None),
        uniques=tuple(_keys(keys["unique"])),
        foreign_keys=tuple(_foreign_keys(keys["imported"])),
        checks=tuple(Check(c["name"], c["expression"]) for c in checks),
        comment=row["comment"] or None,
        estimated_rows=int(row["rows"] or 0),
        bytes=int(row["bytes"] or 0),
        options={"clustering": row["clustering"]} if row["clustering"] else {},
        notes=tuple(_policy(p) for p in policies),
    )


def _by_name(rows: list[Row], name: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: (r[name], int(r["key_sequence"]))):
        found[row[name]].append(row)
    return found


def _keys(rows: list[Row]) -> list[Key]:
    named = _by_name(rows, "constraint_name")
    return [Key(name, tuple(r["column_name"] for r in some), "") for name, some in named.items()]


def _foreign_keys(rows: list[Row]) -> list[ForeignKey]:
    return [
        ForeignKey(
            name,
            tuple(r["fk_column_name"] for r in some),
            TableName(some[0]["pk_schema_name"], some[0]["pk_table_name"]),
            tuple(r["pk_column_name"] for r in some),
        )
        for name, some in _by_name(rows, "fk_name").items()
    ]


def _policy(row: Row) -> str:
    kind = str(row["kind"]).replace("_", " ").lower()
    where = f" on {row['column']}" if row["column"] else ""
    return f"{kind} {row['policy']}{where} is not carried over; what it hides from this role is not learned"
