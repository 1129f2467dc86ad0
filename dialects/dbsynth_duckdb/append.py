"""Rows beside those of a DuckDB file that dbsynth made before: all of them in one transaction, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import duckdb
import pyarrow as pa

from dbsynth.dialect import RunInfo, Verified
from dbsynth.errors import TargetRefused
from dbsynth.schema.model import Schema, Table, TableName
from dbsynth.sqlbase.verify import undeclared
from dbsynth_duckdb.database import PROVENANCE, marks_of, raised
from dbsynth_duckdb.target import DuckdbTarget, sequence_of

STAGED = "dbsynth_appended"


class DuckdbAppender(DuckdbTarget):
    """Implements ``dbsynth.dialect.Appender``. The file is opened for writing at the end only: until then others may
    read it, and so does the run. One that was written meanwhile by another run of dbsynth is refused."""

    _marks: Mapping[str, str | None] = {}

    def hold(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> dict[str, str | None]:
        self.attach(schema, mapping, run)
        self._marks = {name: mark for name, mark in self.marks().items() if name in self.mapping.values()}
        return {name: self._marks.get(name) for name in self.mapping.values()}

    def append(
        self,
        order: Sequence[TableName],
        batches: Callable[[TableName], Iterable[pa.RecordBatch]],
        marks: Mapping[str, str],
        progress: Callable[[TableName, int], None],
    ) -> tuple[Verified, ...]:
        with self.database.opened("appending rows", read_only=False) as connection:
            connection.begin()
            try:
                if {n: m for n, m in marks_of(connection).items() if n in self._marks} != self._marks:
                    raise TargetRefused("another run has written the target meanwhile", hint="run it again")
                for name in order:
                    progress(name, self._add(connection, self.schema[name], batches(name)))
                number = lambda sql: int((connection.execute(sql).fetchone() or (0,))[0])  # noqa: E731
                verified = undeclared(self.grammar, self.schema, self._published, number)
                for schema, mark in marks.items():
                    macro = f"{self._schema_place(schema)}.{PROVENANCE}"
                    connection.execute(f"CREATE OR REPLACE MACRO {macro}() AS {self.grammar.literal(mark)}")
                for name in order:
                    self._move_sequences(connection, self.schema[name])
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
        return verified

    def _add(self, connection: duckdb.DuckDBPyConnection, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        rows = 0
        names = self.ddl.names(tuple(c.name for c in table.stored_columns))
        values = ", ".join(self.grammar.stored(c, self.grammar.quote(c.name)) for c in table.stored_columns)
        with raised(f"table {table.name}"):
            place = self._published(table.name)
            connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE {STAGED} AS SELECT {names} FROM {place} LIMIT 0")
            for batch in self._staged(table, batches):
                connection.register("dbsynth_batch", pa.Table.from_batches([batch]))
                connection.execute(f"INSERT INTO {STAGED} ({names}) SELECT {values} FROM dbsynth_batch")
                connection.unregister("dbsynth_batch")
                rows += batch.num_rows
            self._copy(connection, table)
            connection.execute(f"DROP TABLE {STAGED}")
        return rows

    def _source(self, name: TableName) -> str:
        return STAGED

    def _move_sequences(self, connection: duckdb.DuckDBPyConnection, table: Table) -> None:
        """Past the last key: there is no other way to move one than to draw from it."""
        for column in table.columns:
            sequence = sequence_of(table, column)
            if sequence is None:
                continue
            place = self.grammar.literal(self._published(TableName(table.name.schema, sequence)))
            quoted = self.grammar.quote(column.name)
            last = connection.execute(f"SELECT max({quoted}) FROM {self._published(table.name)}").fetchone()
            drawn = connection.execute(f"SELECT nextval({place})").fetchone()
            if last and drawn and last[0] is not None and (short := int(last[0]) - int(drawn[0])) > 0:
                connection.execute(f"SELECT max(nextval({place})) FROM range({short})")
