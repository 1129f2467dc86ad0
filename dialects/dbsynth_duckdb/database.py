"""A DuckDB file: its catalog and its rows.

A file is open in one process that writes, or in any number that read: so it is opened for each use, read-only, and the
snapshot of a run is simply one connection that stays open and keeps writers out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import dbsynth_sql
import duckdb
import pyarrow as pa
from sqlalchemy.engine import URL

from dbsynth.dialect import Appender, Dialect, Target
from dbsynth.errors import CannotClone, ConnectionFailed, DbsynthError, UsageError
from dbsynth.queries import Runner
from dbsynth.schema.model import Check, Column, ForeignKey, Key, Schema, Table, TableName
from dbsynth.schema.model import Sequence as NumberSequence
from dbsynth.sqlbase import catalog
from dbsynth.sqlbase.building import is_ours
from dbsynth.sqlbase.database import Row, SqlDatabase
from dbsynth.sqlbase.replay import SqlRunner
from dbsynth_duckdb.grammar import DuckdbGrammar, sql_type

BATCH_ROWS = 65_536
PROVENANCE = "dbsynth_provenance"
"""The macro that marks a schema of dbsynth's making: schemas of DuckDB take no comment."""


class DuckdbDatabase(SqlDatabase):
    grammar = DuckdbGrammar()

    def __init__(self, dialect: Dialect, url: URL, schemas: Sequence[str] = ()) -> None:
        super().__init__(dialect, url)
        if not url.database or url.database == ":memory:":
            raise UsageError("a DuckDB database in memory cannot be shared", hint="name a file: duckdb:///shop.duckdb")
        self.path = Path(url.database).expanduser().absolute()
        self._schemas = tuple(schemas)
        if not self.path.exists() and not self.path.parent.is_dir():
            raise ConnectionFailed(f"there is no folder {self.path.parent}", hint="create it, or check the path")

    def describe(self) -> str:
        return str(self.path)

    def identity(self) -> str:
        return f"duckdb:{self.path.resolve()}"

    def default_schemas(self) -> Sequence[str]:
        return self._schemas

    def place(self, name: TableName) -> str:
        return self.grammar.place(self.catalog_name, name.schema, name.name)

    @cached_property
    def catalog_name(self) -> str:
        """What DuckDB calls the file: without it, a schema of the same name would be ambiguous."""
        with self.opened("the catalog") as connection:
            return catalog_name(connection)

    def target(self) -> Target:
        from dbsynth_duckdb.target import DuckdbTarget

        return DuckdbTarget(self)

    def appender(self) -> Appender:
        from dbsynth_duckdb.append import DuckdbAppender

        return DuckdbAppender(self)

    # --- statements -------------------------------------------------------------------------------------------------

    @contextmanager
    def opened(self, about: str, *, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        if read_only and not self.path.exists():
            raise ConnectionFailed(f"there is no DuckDB file {self.path}", hint="check the path")
        with raised(about or str(self.path)):
            connection = duckdb.connect(str(self.path), read_only=read_only)
        try:
            connection.execute("SET TimeZone = 'UTC'")
            with raised(about):
                yield connection
        finally:
            connection.close()

    def query(self, sql: str, about: str = "") -> list[Row]:
        with self.opened(about) as connection:
            return rows_of(connection.execute(sql))

    def arrow(self, sql: str, about: str = "") -> Iterator[pa.RecordBatch]:
        with self.opened(about) as connection:
            reader = connection.sql(sql).to_arrow_reader(BATCH_ROWS)
            some = False
            for batch in reader:
                some = True
                yield batch
            if not some:
                yield pa.RecordBatch.from_pylist([], schema=reader.schema)

    @contextmanager
    def runner(self, schemas: Sequence[str], seconds: float, snapshot: str | None = None) -> Iterator[Runner]:
        from dbsynth_duckdb.replay import CLOSED, Stream

        with self.opened("the queries") as connection:
            connection.execute(CLOSED)
            yield SqlRunner(Stream(connection, seconds), seconds)

    @contextmanager
    def snapshot(self) -> Iterator[str]:
        with self.opened("the snapshot"):
            yield ""

    # --- the catalog ------------------------------------------------------------------------------------------------

    def schema_names(self) -> list[tuple[str, bool]]:
        return [(name, is_ours(mark)) for name, mark in self.marks().items()]

    def marks(self) -> dict[str, str | None]:
        if not self.path.exists():
            return {}
        with self.opened("the catalog") as connection:
            return marks_of(connection)

    def catalog(self, schemas: Sequence[str]) -> Schema:
        with self.opened("the catalog") as connection:
            wanted = {"schemas": list(schemas)}
            found = {
                kind: rows_of(connection.execute(dbsynth_sql.read("duckdb", kind), wanted))
                for kind in ("tables", "columns", "constraints", "indexes", "sequences")
            }
        columns: dict[TableName, list[Column]] = defaultdict(list)
        for row in found["columns"]:
            columns[_name(row)].append(_column(row))
        constraints = catalog.by_table(found["constraints"])
        indexes = catalog.by_table(found["indexes"])
        tables = tuple(
            _table(_name(row), row, tuple(columns[_name(row)]), constraints[_name(row)], indexes[_name(row)])
            for row in found["tables"]
        )
        numbers = tuple(NumberSequence(r["schema_name"], r["sequence_name"], "") for r in found["sequences"])
        return Schema(tables, sequences=numbers)


def _name(row: Row) -> TableName:
    return TableName(row["schema_name"], row["table_name"])


def _column(row: Row) -> Column:
    return Column(
        name=row["column_name"],
        type=sql_type(row["data_type"]),
        declared=row["data_type"],
        nullable=row["is_nullable"],
        default=None if row["is_generated"] else row["column_default"],
        generated=row["generation_expression"] if row["is_generated"] else None,
        generated_stored=False,
        comment=row["comment"],
    )


def _table(name: TableName, row: Row, columns: tuple[Column, ...], constraints: list[Row], indexes: list[Row]) -> Table:
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for c in constraints:
        by_kind[c["constraint_type"]].append(c)
    keys = {kind: [Key(c["constraint_name"], tuple(c["columns"]), "") for c in by_kind[kind]] for kind in by_kind}
    in_primary = {c for key in keys.get("PRIMARY KEY", ()) for c in key.columns}
    return Table(
        name=name,
        columns=tuple(catalog.required(c) if c.name in in_primary else c for c in columns),
        primary_key=next(iter(keys.get("PRIMARY KEY", ())), None),
        uniques=(
            *keys.get("UNIQUE", ()),
            *(Key(i["index_name"], tuple(i["columns"]), "") for i in indexes if i["is_unique"] and i["columns"]),
        ),
        foreign_keys=tuple(
            ForeignKey(
                c["constraint_name"],
                tuple(c["columns"]),
                TableName(c["schema_name"], c["referenced_table"]),
                tuple(c["referenced_columns"]),
            )
            for c in by_kind["FOREIGN KEY"]
        ),
        checks=tuple(Check(c["constraint_name"], c["expression"], tuple(c["columns"])) for c in by_kind["CHECK"]),
        comment=row["comment"],
        estimated_rows=row["estimated_size"] or 0,
        notes=tuple(f"index {i['index_name']} is not carried over" for i in indexes if not i["is_unique"]),
    )


def catalog_name(connection: duckdb.DuckDBPyConnection) -> str:
    return str(connection.execute("SELECT current_database()").fetchall()[0][0])


def rows_of(result: duckdb.DuckDBPyConnection) -> list[Row]:
    names = [d[0] for d in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def marks_of(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> dict[str, str | None]:
    found = connection.execute(dbsynth_sql.read("duckdb", "schemas"), {"database": database, "macro": PROVENANCE})
    return {name: mark[1:-1].replace("''", "'") if mark else None for name, mark in found.fetchall()}


@contextmanager
def raised(about: str) -> Iterator[None]:
    """Errors of DuckDB as those of dbsynth. Their texts may repeat values of rows, so only the first line's kind is
    told for those that concern rows."""
    try:
        yield
    except duckdb.Error as error:
        raise _error(error, about) from error


def _error(error: duckdb.Error, about: str) -> DbsynthError:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "lock" in text.lower() or "different configuration" in text.lower():
        return ConnectionFailed(
            f"{about}: the DuckDB file is open in another program",
            hint="close it there: DuckDB lets one program write, or several read",
            transient="lock" in text.lower(),
        )
    if isinstance(error, duckdb.IOException):
        return ConnectionFailed(f"{about}: {text}", hint="is it a DuckDB file, and may it be read (and written)?")
    if isinstance(error, duckdb.ConstraintException | duckdb.ConversionException | duckdb.OutOfRangeException):
        return CannotClone(f"{about}: {type(error).__name__}", hint="DuckDB refused a row; please report it")
    return CannotClone(f"{about}: {text}")
