"""Rows on their way into tables of PostgreSQL: judged, and loaded by COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
from sqlalchemy.engine import URL, Engine

from dbsynth.dialect import Database, RunInfo, column_types
from dbsynth.errors import InternalError
from dbsynth.schema.model import Schema, Table, TableName
from dbsynth_postgresql import building
from dbsynth_postgresql.binary_write import OutOfRange, can_encode
from dbsynth_postgresql.copy_write import send
from dbsynth_postgresql.ddl import Ddl
from dbsynth_postgresql.introspect import query
from dbsynth_postgresql.names import ident
from dbsynth_postgresql.session import LOADING, Session
from dbsynth_postgresql.types import Row

JUDGED = "dbsynth_judged"


class Host(Database, Protocol):
    """What a target needs of its database. ``writer``: an engine of sessions that may write."""

    url: URL

    @property
    def writer(self) -> Engine: ...


class Places:
    """Where the tables of ``schema`` are written: in schemas beside the target, or, ``live``, in the target itself."""

    def __init__(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo, *, live: bool = False) -> None:
        used = {t.name.schema for t in schema} | {t.schema for t in schema.types} | {s.schema for s in schema.sequences}
        self.mapping = {source: target for source, target in mapping.items() if source in used} or dict(mapping)
        self.run = run
        places = {s: t if live else building.scratch_name(t, run.run_id) for s, t in self.mapping.items()}
        self.building = {target: places[source] for source, target in self.mapping.items()}
        self.ddl = Ddl(schema, places, {place: target for target, place in self.building.items()})


class Loader:
    """Holds a connection that loads, from the first time that it is needed."""

    def __init__(self, database: Host) -> None:
        self._database = database
        self._given: Places | None = None
        self._loader: Session | None = None
        self._layouts: dict[TableName, list[Row]] = {}

    def load(self, table: TableName, batches: Iterable[pa.RecordBatch]) -> int:
        source, session = self._table(table), self._load_session()
        place, types = self._plan.ddl.place(table), column_types(source)
        rows = 0
        with session.doing(f"table {table}"), session.driver.transaction():
            if len(types):
                kinds = {row["name"]: row["kind"] for row in self._layout(table)}
                binary = kinds if can_encode(kinds, types) else None
                try:
                    return send(session.driver, place, types.names, _fitted(batches, types, source), binary)
                except OutOfRange as error:
                    raise InternalError(f"table {table}: {error}", hint="please report it") from error
            for batch in batches:  # COPY needs a column
                session.driver.execute(f"INSERT INTO {place} SELECT FROM generate_series(1, {batch.num_rows})".encode())
                rows += batch.num_rows
        return rows

    def rejected(self, table: TableName, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        if not expressions or not batch.num_rows:
            return np.zeros((batch.num_rows, len(expressions)), dtype=bool)
        source, session = self._table(table), self._load_session()
        types = pa.schema([f for f in column_types(source) if f.name in batch.schema.names])
        tests = ", ".join(f"({self._plan.ddl.requalify(e)}) IS FALSE" for e in expressions)
        with session.doing(f"judging rows of table {table}"), session.driver.transaction():
            session.driver.execute(f"CREATE TEMPORARY TABLE {JUDGED} ({self._any_row(table)}) ON COMMIT DROP".encode())
            send(session.driver, f"pg_temp.{JUDGED}", types.names, _fitted([batch], types, source))
            # A table that one COPY has filled holds its rows in their order.
            rows = session.driver.execute(f"SELECT {tests} FROM pg_temp.{JUDGED} ORDER BY ctid".encode()).fetchall()
        return np.array(rows, dtype=bool).reshape(batch.num_rows, len(expressions))

    def _any_row(self, table: TableName) -> str:
        """The columns of a table like ``table`` that takes any row its types allow."""
        stored = {"s": "STORED", "v": "VIRTUAL"}
        return ", ".join(
            f"{ident(row['name'])} {row['declared']}"
            + (f" COLLATE {row['collation']}" if row["collation"] else "")
            + (f" GENERATED ALWAYS AS ({row['expression']}) {stored[row['generated']]}" if row["generated"] else "")
            for row in self._layout(table)
        )

    def _layout(self, table: TableName) -> list[Row]:
        if table not in self._layouts:
            place = self._plan.ddl.building[table.schema]
            connection = self._load_session().connection
            self._layouts[table] = query(connection, "base_columns", schema=place, table=table.name)
        return self._layouts[table]

    @property
    def _plan(self) -> Places:
        if self._given is None:
            raise InternalError("neither prepare nor attach was called on this target")
        return self._given

    def _table(self, name: TableName) -> Table:
        try:
            return self._plan.ddl.schema[name]
        except KeyError as error:
            raise InternalError(f"table {name} is not among those the target was prepared for") from error

    def _load_session(self) -> Session:
        if self._loader is None:
            self._loader = Session(self._database.writer, self._plan.run.run_id)
            self._loader.settle(LOADING)
        return self._loader

    def _close_loader(self) -> None:
        if self._loader is not None:
            self._loader.close()
            self._loader = None


def _fitted(batches: Iterable[pa.RecordBatch], types: pa.Schema, table: Table) -> Iterator[pa.RecordBatch]:
    """The batches with exactly the columns of ``types``, in its order."""
    for batch in batches:
        if set(batch.schema.names) != set(types.names):
            odd = sorted(set(batch.schema.names) ^ set(types.names))
            raise InternalError(f"rows for table {table.name} have other columns than it: {', '.join(odd[:5])}")
        arrays = []
        for f in types:
            column = batch.column(f.name)
            try:
                arrays.append(column if column.type == f.type else column.cast(f.type))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise InternalError(f"column {table.name}.{f.name} holds {column.type}, not {f.type}") from error
        yield pa.RecordBatch.from_arrays(arrays, schema=types)
