"""One open PostgreSQL database: its catalog, its rows, its identity."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property

import psycopg
import pyarrow as pa
from sqlalchemy import text
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from dbsynth.dialect import Appender, Count, Dialect, ReadRequest, Sample, Target
from dbsynth.errors import PermissionDenied, UnsupportedSource, UsageError
from dbsynth.queries import Runner, Statement
from dbsynth.schema.model import Schema, TableName
from dbsynth_postgresql import select
from dbsynth_postgresql.connection import connected, driver, make_engine
from dbsynth_postgresql.counts import own_counts
from dbsynth_postgresql.introspect import columns_of, introspect, query
from dbsynth_postgresql.names import BUILDING, MARKER, OLD, SERVICE, ident, qualified
from dbsynth_postgresql.read import copied, read_transaction
from dbsynth_postgresql.types import TypeResolver

OLDEST = 13


class PostgresqlDatabase:
    """``reader`` is the engine of the read-only sessions in which a source is touched; ``writer`` that of a target."""

    def __init__(self, dialect: Dialect, url: URL, schemas: Sequence[str] = ()) -> None:
        self.dialect = dialect
        self.url = url
        self._schemas = tuple(schemas)
        self._relations: dict[TableName, select.Relation] = {}
        self.reader: Engine = make_engine(url, read_only=True)
        with connected(self.reader) as connection:
            info = driver(connection).info
            self._place = f"{info.host}:{info.port}/{info.dbname}"
            self.version: int = info.server_version // 10000
        if self.version < OLDEST:
            self.close()
            raise UnsupportedSource(
                f"{self._place} is PostgreSQL {self.version}", hint=f"dbsynth reads version {OLDEST} and later"
            )

    @cached_property
    def writer(self) -> Engine:
        return make_engine(self.url, read_only=False)

    def describe(self) -> str:
        return self._place

    def identity(self) -> str:
        """The identifier that initdb gave the cluster, and the database in it: the same by every name of the host, and
        on a standby the same as on its primary, whose rows it shows."""
        database = "(SELECT oid FROM pg_database WHERE datname = current_database())"
        with connected(self.reader) as connection:
            try:
                return str(
                    connection.scalar(
                        text(f"SELECT format('%s/%s', system_identifier, {database}) FROM pg_control_system()")
                    )
                )
            except DBAPIError as error:
                if not isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
                    raise
            connection.rollback()
            # A right that some hosted servers take away. The start in microseconds tells servers apart as well.
            start = "extract(epoch FROM pg_postmaster_start_time())"
            return str(connection.scalar(text(f"SELECT format('%s/%s', {start}, {database})")))

    # --- the catalog ----------------------------------------------------------------------------------------------

    def introspect(self, schemas: Sequence[str] | None = None) -> Schema:
        with read_transaction(self.reader) as connection:
            asked = schemas or self._schemas
            return introspect(connection, self._selected(connection, asked), follow_types=not asked)

    def _selected(self, connection: Connection, asked: Sequence[str]) -> list[str]:
        present = query(connection, "schemas")
        if not asked:
            return [
                row["name"]
                for row in present
                if row["holds_tables"]
                and not (row["comment"] or "").startswith((MARKER, SERVICE))
                and BUILDING not in row["name"]
                and OLD not in row["name"]
            ]
        names = [row["name"] for row in present]
        for name in asked:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                raise UsageError(
                    f"there is no schema {name!r} in {self.describe()}",
                    hint=f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names) or 'none'}",
                )
        return list(dict.fromkeys(asked))

    def measured(self, schema: Schema) -> Schema:
        return schema

    def billed(self, schema: Schema) -> int | None:
        return None

    def bind(self, schema: Schema) -> None:
        """Nothing to keep: ``relation`` asks for one table at a time, in a millisecond."""

    def check_readable(self, schema: Schema) -> None:
        names = [t.name for t in schema]
        with connected(self.reader) as connection:
            rows = query(connection, "privileges", schemas=[n.schema for n in names], names=[n.name for n in names])
        reasons, grants = [], []
        for row in rows:
            name = TableName(row["schema"], row["name"])
            if not row["schema_usable"]:
                reasons.append(f"{name} (no USAGE on schema {name.schema})")
                grants.append(f"GRANT USAGE ON SCHEMA {ident(name.schema)}")
            elif not row["readable"]:
                some = len(row["closed_columns"]) < len(schema[name].columns)
                reasons.append(f"{name} (columns {', '.join(row['closed_columns'])})" if some else str(name))
                grants.append(f"GRANT SELECT ON {qualified(name)}")
            else:
                reasons.append(f"{name} (row-level security hides rows)")
                grants.append("ALTER ROLE ... BYPASSRLS")
        if reasons:
            raise PermissionDenied(
                f"{self.describe()}: these tables may not be read: {'; '.join(reasons)}",
                hint=f"ask for {', '.join(dict.fromkeys(grants))}, or leave the tables out (--exclude)",
            )

    def relation(self, name: TableName, connection: Connection) -> select.Relation:
        """How to read ``name``; asked of the catalog once."""
        if name not in self._relations:
            found = query(connection, "relation", schema=name.schema, name=name.name)
            if not found:
                raise UsageError(f"there is no table {name} in {self.describe()}", hint="was it dropped meanwhile?")
            rows = query(connection, "columns", tables=[found[0]["oid"]])
            types = query(connection, "types", types=sorted({row["type"] for row in rows}), schemas=[])
            columns = columns_of(rows, TypeResolver(types))
            self._relations[name] = select.Relation(name, found[0]["kind"], {c.name: c for c in columns})
        return self._relations[name]

    # --- rows -----------------------------------------------------------------------------------------------------

    @contextmanager
    def snapshot(self) -> Iterator[str]:
        with read_transaction(self.reader) as connection:
            yield str(connection.scalar(text("SELECT pg_export_snapshot()")))

    def count(self, tables: Sequence[TableName], snapshot: str | None = None) -> dict[TableName, int]:
        with read_transaction(self.reader, snapshot) as connection:
            # Here order does not matter, and the narrowest index is the fastest to count.
            connection.exec_driver_sql("SET LOCAL enable_indexonlyscan = on")
            return {
                name: int(connection.exec_driver_sql(f"SELECT count(*) FROM {source}".replace("%", "%%")).scalar_one())
                for name in tables
                for source in (self.relation(name, connection).source,)
            }

    def read(self, request: ReadRequest, snapshot: str | None = None) -> Iterator[pa.RecordBatch]:
        with read_transaction(self.reader, snapshot) as connection:
            relation = self.relation(request.table, connection)
            schema = select.arrow_schema(relation, request.columns)
            yield from copied(connection, select.rows(relation, request), schema, str(request.table))

    def place(self, name: TableName) -> str:
        return qualified(name)

    def numbers(self, sql: str, about: str) -> list[int]:
        with read_transaction(self.reader) as connection:
            return [int(n) for n in connection.exec_driver_sql(sql.replace("%", "%%")).one()]

    def schema_names(self) -> list[tuple[str, bool]]:
        with read_transaction(self.reader) as connection:
            rows = query(connection, "schemas")
        return [(r["name"], (r["comment"] or "").startswith(MARKER)) for r in rows if r["holds_tables"]]

    def own_counts(self, schema: Schema) -> Mapping[TableName, tuple[Count, ...]]:
        with read_transaction(self.reader) as connection:
            return own_counts(connection, schema)

    def degrees(
        self,
        table: TableName,
        columns: tuple[str, ...],
        sample: Sample | None = None,
        snapshot: str | None = None,
    ) -> pa.Table:
        with read_transaction(self.reader, snapshot) as connection:
            relation = self.relation(table, connection)
            schema = select.arrow_schema(relation, columns).append(pa.field("n", pa.int64()))
            sql = select.degrees(relation, columns, sample)
            return pa.Table.from_batches(copied(connection, sql, schema, str(table)), schema)

    def runner(
        self, schemas: Sequence[str], seconds: float, snapshot: str | None = None
    ) -> AbstractContextManager[Runner]:
        from dbsynth_postgresql.replay import opened

        return opened(self.reader, schemas, seconds, snapshot)

    def statements(self, most: int) -> list[Statement]:
        from dbsynth_postgresql.replay import statements

        return statements(self.reader, most)

    def target(self) -> Target:
        from dbsynth_postgresql.target import PostgresqlTarget

        return PostgresqlTarget(self)

    def appender(self) -> Appender:
        from dbsynth_postgresql.append import PostgresqlAppender

        return PostgresqlAppender(self)

    def close(self) -> None:
        self.reader.dispose()
        if "writer" in self.__dict__:
            self.writer.dispose()
