"""The write side of DuckDB: rows are built in a file beside the target's, and copied into it in one transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from dbsynth.dialect import Building
from dbsynth.errors import InternalError, TargetRefused
from dbsynth.schema import graph
from dbsynth.schema.model import Column, Table, TableName
from dbsynth.sqlbase.building import target_mark
from dbsynth.sqlbase.database import Row
from dbsynth.sqlbase.ddl import Ddl
from dbsynth.sqlbase.target import SqlTarget, moved
from dbsynth_duckdb.database import PROVENANCE, DuckdbDatabase, catalog_name, raised, rows_of

NEXTVAL = re.compile(r"^nextval\('(.*)'\)$", re.IGNORECASE)


class DuckdbTarget(SqlTarget):
    database: DuckdbDatabase

    def __init__(self, database: DuckdbDatabase) -> None:
        super().__init__(database)
        self._side: duckdb.DuckDBPyConnection | None = None

    @property
    def side(self) -> Path:
        return self.database.path.with_name(f"{self.database.path.name}.dbsynth-{self.run.run_id}")

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        if self._side is None:
            with raised(f"the file {self.side}, in which the rows are built"):
                self._side = duckdb.connect(str(self.side))
            self._side.execute("SET TimeZone = 'UTC'")
        return self._side

    def query(self, sql: str, about: str = "") -> list[Row]:
        with raised(about):
            return rows_of(self.connection.execute(sql))

    def built(self, name: TableName) -> str:
        return self.grammar.place(catalog_name(self.connection), self.places[name.schema], name.name)

    def marks(self) -> dict[str, str | None]:
        return self.database.marks()

    def _clear_dead(self, marks: Mapping[str, str | None]) -> None:
        """A file that nobody holds open was left by a run that died."""
        for path in self.database.path.parent.glob(f"{self.database.path.name}.dbsynth-*"):
            if path.name.endswith(".wal"):
                continue
            with suppress(duckdb.IOException):  # held by a run that is alive
                duckdb.connect(str(path)).close()
                _remove(path)

    def holds_anything(self, schema: str) -> bool:
        found = self.database.query(
            f"SELECT count(*) AS n FROM duckdb_tables() WHERE schema_name = {self.grammar.literal(schema)}"
            " AND database_name = current_database()"
        )
        return bool(found[0]["n"])

    def create_schema(self, name: str, mark: str) -> None:
        place = self.grammar.place(catalog_name(self.connection), name)
        self.query(f"CREATE SCHEMA {place}", f"schema {name}")

    def drop_schema(self, name: str) -> None:
        place = self.grammar.place(catalog_name(self.connection), name)
        self.query(f"DROP SCHEMA IF EXISTS {place} CASCADE", f"schema {name}")

    def create_tables(self) -> None:
        for table in self.schema:
            self.query(self.ddl.bare_table(table, self.built(table.name)), f"table {table.name}")

    def insert(self, table: Table, place: str, batches: Iterable[pa.RecordBatch]) -> int:
        rows = 0
        columns = table.stored_columns
        values = ", ".join(self.grammar.stored(c, self.grammar.quote(c.name)) for c in columns) or "NULL"
        names = f" ({self.ddl.names(tuple(c.name for c in columns))})" if columns else ""
        with raised(f"table {table.name}"), self.connection.cursor() as cursor:
            cursor.begin()
            for batch in batches:
                cursor.register("dbsynth_batch", pa.Table.from_batches([batch]))
                cursor.execute(f"INSERT INTO {place}{names} SELECT {values} FROM dbsynth_batch")
                cursor.unregister("dbsynth_batch")
                rows += batch.num_rows
            cursor.commit()
        return rows

    def judged(self, table: Table, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        numbered = self.numbered(table, batch)
        columns = [c for c in table.stored_columns if c.name in batch.schema.names]
        with raised(f"judging rows of table {table.name}"), duckdb.connect() as memory:
            memory.execute("SET TimeZone = 'UTC'")
            memory.register("dbsynth_batch", pa.Table.from_batches([numbered]))
            memory.execute(self.ddl.bare_table(table, "judged", extra="dbsynth_row BIGINT"))
            values = [self.grammar.stored(c, self.grammar.quote(c.name)) for c in columns]
            names = self.ddl.names((*(c.name for c in columns), "dbsynth_row"))
            listed = ", ".join([*values, "dbsynth_row"])
            memory.execute(f"INSERT INTO judged ({names}) SELECT {listed} FROM dbsynth_batch")
            rows = memory.execute(self.judgement("judged", expressions)).fetchall()
        return np.array(rows, dtype=bool).reshape(batch.num_rows, len(expressions))

    # --- publishing -------------------------------------------------------------------------------------------------

    def swap(self, existing: Sequence[str]) -> None:
        self._close_side()  # DuckDB attaches no file that the same program holds open
        about = f"publishing {', '.join(self.mapping.values())}"
        with self.database.opened(about, read_only=False) as connection:
            self.database.__dict__.setdefault("catalog_name", catalog_name(connection))
            connection.execute(f"ATTACH {self.grammar.literal(str(self.side))} AS dbsynth_side (READ_ONLY)")
            connection.begin()
            try:
                self._fill(connection, existing)
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
            connection.execute("DETACH dbsynth_side")
        _remove(self.side)

    def _fill(self, connection: duckdb.DuckDBPyConnection, existing: Sequence[str]) -> None:
        filled = {name for (name,) in connection.execute(
            "SELECT DISTINCT schema_name FROM duckdb_tables() WHERE database_name = current_database()"
        ).fetchall()}  # fmt: skip
        if late := [t for t in self.mapping.values() if t in filled and t not in existing]:
            raise TargetRefused(f"the schema {', '.join(late)} was made meanwhile", hint="run it again")
        for name in existing:
            if name == "main":  # cannot be dropped
                _empty(connection, self.grammar.quote)
            else:
                connection.execute(f"DROP SCHEMA {self._schema_place(name)} CASCADE")
        mark = self.grammar.literal(target_mark(self.run))
        for name in self.mapping.values():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {self._schema_place(name)}")
            macro = f"{self._schema_place(name)}.{PROVENANCE}"
            connection.execute(f"CREATE OR REPLACE MACRO {macro}() AS {mark}")
        order = graph.order(self.schema, {t.name: 1 for t in self.schema}, constraints_after_load=True)
        ddl = Ddl(self.grammar, self.database.dialect.capabilities.constraints, self._published)
        for made in order.tables:
            table = self._numbered_table(connection, self.schema[made])
            connection.execute(ddl.table(table, self._published(made)))
            self._copy(connection, table)
            self._comment(connection, table)

    def _published(self, name: TableName) -> str:
        return self.database.place(TableName(self.mapping[name.schema], name.name))

    def _schema_place(self, name: str) -> str:
        return self.grammar.place(self.database.catalog_name, name)

    def _source(self, name: TableName) -> str:
        return self.grammar.place("dbsynth_side", self.places[name.schema], name.name)

    def _numbered_table(self, connection: duckdb.DuckDBPyConnection, table: Table) -> Table:
        """``table`` with its sequences made in the target, past the last number in use."""
        columns = []
        for column in table.columns:
            sequence = sequence_of(table, column)
            if sequence is None:
                columns.append(column)
                continue
            top = connection.execute(f"SELECT max({self.grammar.quote(column.name)}) FROM {self._source(table.name)}")
            start = int((top.fetchone() or (0,))[0] or 0) + 1
            schema = self.mapping[table.name.schema]
            full = self._published(TableName(table.name.schema, sequence))
            connection.execute(f"CREATE SEQUENCE IF NOT EXISTS {full} START {max(start, 1)}")
            # Without the file's name, which may change, unless the schema has the same.
            place = full if schema == self.database.catalog_name else self.grammar.place(schema, sequence)
            columns.append(replace(column, default=f"nextval({self.grammar.literal(place)})", identity=None))
        return replace(table, columns=tuple(columns))

    def _copy(self, connection: duckdb.DuckDBPyConnection, table: Table) -> None:
        if not table.stored_columns:
            raise InternalError(f"table {table.name} has no stored column", hint="leave it out: --exclude")
        names = self.ddl.names(tuple(c.name for c in table.stored_columns))
        own = [fk for fk in table.foreign_keys if fk.ref_table == table.name]
        place, source = self._published(table.name), self._source(table.name)
        if not own:
            connection.execute(f"INSERT INTO {place} ({names}) SELECT {names} FROM {source}")
            return
        # DuckDB looks a key up among the rows of earlier statements: parents go before their children, level by level.
        quote = self.grammar.quote
        conditions = []
        for fk in own:
            null = " OR ".join(f"s.{quote(c)} IS NULL" for c in fk.columns)
            pairs = list(zip(fk.columns, fk.ref_columns, strict=True))
            itself = " AND ".join(f"s.{quote(a)} = s.{quote(b)}" for a, b in pairs)
            there = " AND ".join(f"p.{quote(b)} = s.{quote(a)}" for a, b in pairs)
            conditions.append(f"({null} OR ({itself}) OR EXISTS (SELECT 1 FROM {place} AS p WHERE {there}))")
        connection.execute(f"CREATE TEMPORARY TABLE dbsynth_rest AS SELECT rowid AS dbsynth_row FROM {source}")
        while connection.execute("SELECT count(*) FROM dbsynth_rest").fetchall()[0][0]:
            connection.execute(
                f"CREATE TEMPORARY TABLE dbsynth_next AS SELECT s.rowid AS dbsynth_row FROM {source} AS s"
                f" WHERE s.rowid IN (SELECT dbsynth_row FROM dbsynth_rest) AND {' AND '.join(conditions)}"
            )
            chosen = "rowid IN (SELECT dbsynth_row FROM dbsynth_next)"
            connection.execute(f"INSERT INTO {place} ({names}) SELECT {names} FROM {source} WHERE {chosen}")
            if not connection.execute("SELECT count(*) FROM dbsynth_next").fetchall()[0][0]:
                raise InternalError(f"rows of {table.name} refer to each other in a circle")
            connection.execute(
                "DELETE FROM dbsynth_rest WHERE dbsynth_row IN (SELECT dbsynth_row FROM dbsynth_next);"
                "DROP TABLE dbsynth_next"
            )
        connection.execute("DROP TABLE dbsynth_rest")

    def _comment(self, connection: duckdb.DuckDBPyConnection, table: Table) -> None:
        place = self._published(table.name)
        if table.comment is not None:
            connection.execute(f"COMMENT ON TABLE {place} IS {self.grammar.literal(table.comment)}")
        for column in table.columns:
            if column.comment is not None:
                where = f"{place}.{self.grammar.quote(column.name)}"
                connection.execute(f"COMMENT ON COLUMN {where} IS {self.grammar.literal(column.comment)}")

    def building(self) -> Building:
        """The file beside, whose tables are bare: keys are declared as they are copied."""
        self._close_side()  # DuckDB opens no file twice in different ways
        url = self.database.url.set(database=str(self.side))
        return Building(DuckdbDatabase(self.database.dialect, url), dict(self.places), moved(self.schema, self.places))

    # --- the end ----------------------------------------------------------------------------------------------------

    def _close_side(self) -> None:
        if self._side is not None:
            self._side.close()
            self._side = None

    def discard(self) -> None:
        self._close_side()
        if self._run is not None:
            _remove(self.side)

    def close(self) -> None:
        self._close_side()


def sequence_of(table: Table, column: Column) -> str | None:
    """The name of the sequence that gives a column its default."""
    if column.identity is not None:
        return f"{table.name.name}_{column.name}_seq"
    match = NEXTVAL.match(column.default or "")
    return match[1].rpartition(".")[2].strip('"') if match else None


def _empty(connection: duckdb.DuckDBPyConnection, quote: Callable[[str], str]) -> None:
    """Drop what is in the schema ``main``, children before parents."""
    names = [r[0] for r in connection.execute(
        "SELECT view_name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main'"
        " AND database_name = current_database()"
    ).fetchall()]  # fmt: skip
    for name in names:
        connection.execute(f"DROP VIEW main.{quote(name)}")
    tables = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' AND database_name = current_database()"
    ).fetchall()
    keys = connection.execute(
        "SELECT table_name, referenced_table FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'"
        " AND schema_name = 'main' AND database_name = current_database()"
    ).fetchall()
    needs = {name: {child for child, parent in keys if parent == name and child != name} for (name,) in tables}
    for name in TopologicalSorter(needs).static_order():
        connection.execute(f"DROP TABLE main.{quote(name)}")
    sequences = connection.execute(
        "SELECT sequence_name FROM duckdb_sequences() WHERE schema_name = 'main' AND database_name = current_database()"
    ).fetchall()
    for (name,) in sequences:
        connection.execute(f"DROP SEQUENCE main.{quote(name)}")


def _remove(path: Path) -> None:
    for file in (path, path.with_name(path.name + ".wal")):
        file.unlink(missing_ok=True)
