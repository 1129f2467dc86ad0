"""The read side of a database that is reached by SQL alone. A dialect adds how statements run and its catalog."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from sqlalchemy.engine import URL

from dbsynth.dialect import Count, Dialect, ReadRequest, Sample, Target
from dbsynth.errors import UsageError
from dbsynth.queries import Runner
from dbsynth.schema.model import Schema, Table, TableName
from dbsynth.sqlbase import select
from dbsynth.sqlbase.arrow import read_batch
from dbsynth.sqlbase.building import is_scratch
from dbsynth.sqlbase.grammar import SqlGrammar
from dbsynth.sqlbase.replay import SqlRunner

Row = dict[str, Any]


class SqlDatabase(ABC):
    """Implements ``dbsynth.dialect.Database`` over ``query`` (small results) and ``arrow`` (large ones)."""

    grammar: SqlGrammar

    def __init__(self, dialect: Dialect, url: URL) -> None:
        self.dialect = dialect
        self.url = url
        self._tables: dict[TableName, Table] = {}

    # --- what a dialect adds ----------------------------------------------------------------------------------------

    @abstractmethod
    def describe(self) -> str: ...

    @abstractmethod
    def identity(self) -> str: ...

    @abstractmethod
    def query(self, sql: str, about: str = "") -> list[Row]:
        """Run one statement; its rows by column name. Errors of the driver become those of ``dbsynth.errors``."""

    @abstractmethod
    def arrow(self, sql: str, about: str = "") -> Iterator[pa.RecordBatch]:
        """Run one SELECT; at least one batch, empty if there are no rows."""

    @abstractmethod
    def schema_names(self) -> list[tuple[str, bool]]:
        """Every user schema, and whether dbsynth made it."""

    @abstractmethod
    def catalog(self, schemas: Sequence[str]) -> Schema:
        """All tables of ``schemas``, in a number of statements that does not depend on the number of tables."""

    @abstractmethod
    def target(self) -> Target: ...

    def place(self, name: TableName) -> str:
        """The table's full name in SQL."""
        return self.grammar.place(name.schema, name.name)

    def default_schemas(self) -> Sequence[str]:
        """The schemas that the URL names."""
        return ()

    def close(self) -> None:
        return None

    # --- the catalog ------------------------------------------------------------------------------------------------

    def introspect(self, schemas: Sequence[str] | None = None) -> Schema:
        asked = list(dict.fromkeys(schemas or self.default_schemas()))
        every = self.schema_names()
        present = [(name, ours) for name, ours in every if not is_scratch(name)]
        names = [name for name, _ in every]
        for name in asked:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                raise UsageError(
                    f"there is no schema {name!r} in {self.describe()}",
                    hint=f"did you mean {near[0]!r}?"
                    if near
                    else f"there are: {', '.join(n for n, _ in present) or 'none'}",
                )
        found = self.catalog(asked or [name for name, ours in present if not ours])
        self.bind(found)
        return found

    def measured(self, schema: Schema) -> Schema:
        return schema

    def billed(self, schema: Schema) -> int | None:
        return None

    def bind(self, schema: Schema) -> None:
        self._tables.update(schema.by_name)

    def check_readable(self, schema: Schema) -> None:
        """One statement of no rows a table: warehouses grant by table, and say so when asked for one."""
        for table in schema:
            self.query(f"SELECT 1 FROM {self.place(table.name)} WHERE 1 = 0", f"table {table.name}")

    def table(self, name: TableName) -> Table:
        if name not in self._tables:
            self.bind(self.catalog([name.schema]))
        if name not in self._tables:
            raise UsageError(f"there is no table {name} in {self.describe()}", hint="was it dropped meanwhile?")
        return self._tables[name]

    # --- queries of a workload (dbsynth.queries.Replays) --------------------------------------------------------------

    @contextmanager
    def runner(self, schemas: Sequence[str], seconds: float, snapshot: str | None = None) -> Iterator[Runner]:
        """Names come in full; what is read is what stands there now. A dialect adds what stops a query after
        ``seconds``."""
        yield SqlRunner(lambda sql: self.arrow(sql, "the query"), seconds)

    # --- rows -------------------------------------------------------------------------------------------------------

    @contextmanager
    def snapshot(self) -> Iterator[str]:
        yield ""

    def count(self, tables: Sequence[TableName], snapshot: str | None = None) -> dict[TableName, int]:
        found = {}
        for name in tables:
            rows = self.query(f"SELECT COUNT(*) AS n FROM {self._source(name, snapshot)}", f"table {name}")
            found[name] = int(next(iter(rows[0].values())))
        return found

    def read(self, request: ReadRequest, snapshot: str | None = None) -> Iterator[pa.RecordBatch]:
        table = self.table(request.table)
        sql = select.rows(self.grammar, self._source(request.table, snapshot), table, request)
        for batch in self.arrow(sql, f"table {request.table}"):
            yield read_batch(table, list(request.columns), batch)

    def numbers(self, sql: str, about: str) -> list[int]:
        [row] = self.query(sql, about)
        return [int(n) for n in row.values()]

    def own_counts(self, schema: Schema) -> Mapping[TableName, tuple[Count, ...]]:
        return {}

    def degrees(
        self,
        table: TableName,
        columns: tuple[str, ...],
        sample: Sample | None = None,
        snapshot: str | None = None,
    ) -> pa.Table:
        found = self.table(table)
        sql = select.degrees(self.grammar, self._source(table, snapshot), found, columns, sample)
        schema = select.arrow_schema(found, columns).append(pa.field("n", pa.int64()))
        batches = []
        for batch in self.arrow(sql, f"table {table}"):
            keys = read_batch(found, list(columns), batch)
            batches.append(pa.record_batch([*keys.columns, batch.column(len(columns)).cast(pa.int64())], schema=schema))
        return pa.Table.from_batches(batches, schema)

    def _source(self, name: TableName, snapshot: str | None) -> str:
        return self.place(name) + self.grammar.as_of(snapshot)
