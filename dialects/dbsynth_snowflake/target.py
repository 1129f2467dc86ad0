"""The write side of Snowflake: rows go by PUT and COPY INTO into a schema beside the target, and the two swap."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dbsynth.schema.model import Column, ForeignKey, Table, TableName
from dbsynth.sqlbase.arrow import staged_type
from dbsynth.sqlbase.building import Builder, target_mark
from dbsynth.sqlbase.ddl import Ddl
from dbsynth.sqlbase.target import ROW, SqlTarget
from dbsynth_snowflake.database import SnowflakeDatabase

FILE_ROWS = 500_000
"""Rows of a file, some 100 MB at most: what the vendor recommends for parallel loading."""
FORMAT = "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE BINARY_AS_TEXT = FALSE)"


class SnowflakeDdl(Ddl):
    def identity(self, column: Column) -> str:
        """``options`` is the first number that no row has."""
        start = column.identity.options if column.identity and column.identity.options else "1"
        return f"IDENTITY START {start} INCREMENT 1"

    def generated(self, column: Column) -> str:
        return f"AS ({column.generated})"

    def table_options(self, table: Table) -> str:
        clustering = table.options.get("clustering")
        if not clustering:
            return ""
        return f" CLUSTER BY {clustering.removeprefix('LINEAR')}"


class SnowflakeTarget(SqlTarget):
    database: SnowflakeDatabase
    ddl_class = SnowflakeDdl
    ddl: SnowflakeDdl

    def run_sql(self, sql: str, about: str) -> None:
        with self.database.executed(sql, about):
            pass

    # --- schemas ----------------------------------------------------------------------------------------------------

    def marks(self) -> dict[str, str | None]:
        return self.database.marks()

    def _schema_place(self, name: str) -> str:
        return self.grammar.place(self.database.name or "", name)

    def holds_anything(self, schema: str) -> bool:
        database = self.grammar.quote(self.database.name or "")
        rows = self.database.query(
            f"SELECT COUNT(*) AS n FROM {database}.INFORMATION_SCHEMA.TABLES"
            f" WHERE table_schema = {self.grammar.literal(schema)}"
        )
        return bool(rows[0]["N"])

    def create_schema(self, name: str, mark: str) -> None:
        comment = self.grammar.literal(mark)
        self.run_sql(f"CREATE SCHEMA {self._schema_place(name)} COMMENT = {comment}", f"schema {name}")

    def drop_schema(self, name: str) -> None:
        self.run_sql(f"DROP SCHEMA IF EXISTS {self._schema_place(name)} CASCADE", f"schema {name}")

    # --- tables and rows --------------------------------------------------------------------------------------------

    def create_tables(self) -> None:
        for table in self.schema:
            self._create(table, self.built(table.name))

    def _create(self, table: Table, place: str) -> None:
        sql = self.ddl.table(table, place, foreign_keys=False)
        self.run_sql(sql.replace("CREATE TABLE", "CREATE OR REPLACE TABLE", 1), f"table {table.name}")

    def insert(self, table: Table, place: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Straight into the table, unless a column is made of a text (VARIANT, GEOGRAPHY) or counts up from where its
        rows end: then by way of a table of plain columns."""
        quote = self.grammar.quote
        columns = table.stored_columns
        changed = any(self.grammar.stored(c, "x") != "x" or c.identity for c in columns)
        if not changed:
            return self._copy(table, place, batches)
        staging = self._staging(table, place, extra="")
        rows = self._copy(table, staging, batches)
        if any(c.identity for c in columns):
            self._create(self._numbered_table(table, staging), place)
        names = self.ddl.names(tuple(c.name for c in columns))
        values = ", ".join(self.grammar.stored(c, quote(c.name)) for c in columns)
        self.run_sql(f"INSERT OVERWRITE INTO {place} ({names}) SELECT {values} FROM {staging}", f"table {table.name}")
        self.run_sql(f"DROP TABLE {staging}", f"table {table.name}")
        return rows

    def _staging(self, table: Table, place: str, extra: str) -> str:
        """A table beside ``place`` for rows as they are handed in."""
        staging = f'{place[:-1]}__dbsynth_rows"'
        parts = [f"{self.grammar.quote(c.name)} {_plain(c)}" for c in table.stored_columns]
        sql = f"CREATE OR REPLACE TABLE {staging} ({', '.join([*parts, *([extra] if extra else [])])})"
        self.run_sql(sql, f"table {table.name}")
        return staging

    def _numbered_table(self, table: Table, staging: str) -> Table:
        columns = []
        for column in table.columns:
            if column.identity is None:
                columns.append(column)
                continue
            top = self.database.query(f"SELECT MAX({self.grammar.quote(column.name)}) AS top FROM {staging}")
            start = str(int(top[0]["TOP"] or 0) + 1)
            columns.append(replace(column, identity=replace(column.identity, options=start)))
        return replace(table, columns=tuple(columns))

    def _copy(self, table: Table, place: str, batches: Iterable[pa.RecordBatch]) -> int:
        """PUT Parquet files into the user's stage, COPY INTO from there: all rows or none."""
        folder_name = hashlib.blake2b(place.encode(), digest_size=8).hexdigest()
        stage = f"@~/dbsynth/{self.run.run_id}/{folder_name}"
        about = f"table {table.name}"
        with tempfile.TemporaryDirectory(prefix="dbsynth-") as folder:
            rows = _write(batches, Path(folder))
            if rows == 0:
                return 0
            self.run_sql(f"PUT 'file://{folder}/*.parquet' {stage} AUTO_COMPRESS = FALSE OVERWRITE = TRUE", about)
        self.run_sql(
            f"COPY INTO {place} FROM {stage} {FORMAT} MATCH_BY_COLUMN_NAME = CASE_SENSITIVE PURGE = TRUE", about
        )
        return rows

    def judged(self, table: Table, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        """By way of temporary tables, which only this session sees."""
        quote = self.grammar.quote
        schema = self.places[table.name.schema]
        rows = self.database.place(TableName(schema, "DBSYNTH_JUDGED"))
        numbered = self.numbered(table, batch)
        parts = [f"{quote(c.name)} {_plain(c)}" for c in table.stored_columns if c.name in batch.schema.names]
        about = f"judging rows of table {table.name}"
        sql = f"CREATE OR REPLACE TEMPORARY TABLE {rows} ({', '.join([*parts, f'{quote(ROW)} NUMBER'])})"
        self.run_sql(sql, about)
        self._copy(table, rows, [numbered])
        columns = [c for c in table.stored_columns if c.name in batch.schema.names]
        values = ", ".join(f"{self.grammar.stored(c, quote(c.name))} AS {quote(c.name)}" for c in columns)
        found = self.database.query(
            self.judgement(f"(SELECT {values}, {quote(ROW)} FROM {rows}) AS judged", expressions), about
        )
        return np.array([list(r.values()) for r in found], dtype=bool).reshape(batch.num_rows, len(expressions))

    # --- the end ----------------------------------------------------------------------------------------------------

    def after_rows(self, progress: Callable[[str], None]) -> None:
        for table in self.schema:
            progress(f"keys of {table.name}")
            place = self.built(table.name)
            for fk in table.foreign_keys:
                if fk.enforced and fk.ref_table in self.schema.by_name:
                    self._add(table, place, fk)
            if table.comment is not None:
                comment = self.grammar.literal(table.comment)
                self.run_sql(f"COMMENT ON TABLE {place} IS {comment}", f"table {table.name}")
            for column in table.columns:
                if column.comment is not None:
                    where, comment = f"{place}.{self.grammar.quote(column.name)}", self.grammar.literal(column.comment)
                    self.run_sql(f"COMMENT ON COLUMN {where} IS {comment}", f"table {table.name}")

    def _add(self, table: Table, place: str, fk: ForeignKey) -> None:
        self.run_sql(f"ALTER TABLE {place} ADD {self.ddl.foreign_key(fk)}", f"constraint {fk.name} of {table.name}")

    def swap(self, existing: Sequence[str]) -> None:
        """Each schema in one statement, which is never tried again: a second swap would undo the first. Whenever the
        process dies, the schema under the target's name says that it is dbsynth's, and the other one says who built it
        and is dropped by the next run. https://docs.snowflake.com/en/sql-reference/sql/alter-schema"""
        marks = self.marks()
        for source, target in self.mapping.items():
            built, about = self.places[source], f"publishing {target}"
            here, mark = Builder.here(self.run, target), target_mark(self.run)
            self._mark(built, here.mark(mark))
            if target in existing:
                self._mark(target, here.mark(marks.get(target)))
                change = f"SWAP WITH {self._schema_place(target)}"
            else:
                change = f"RENAME TO {self._schema_place(target)}"
            with self.database.executed(f"ALTER SCHEMA {self._schema_place(built)} {change}", about, again=False):
                pass
            self._mark(target, mark)
            if target in existing:
                self.drop_schema(built)

    def _mark(self, schema: str, mark: str) -> None:
        place = self._schema_place(schema)
        self.run_sql(f"COMMENT ON SCHEMA {place} IS {self.grammar.literal(mark)}", f"schema {schema}")

    def close(self) -> None:
        self.database.close()


def _plain(column: Column) -> str:
    """The type of a column of rows as they are handed in."""
    type_ = staged_type(column)
    return "VARCHAR" if pa.types.is_string(type_) else column.declared


def _write(batches: Iterable[pa.RecordBatch], folder: Path) -> int:
    """Parquet files of ``FILE_ROWS`` rows; the number of rows."""
    rows, number = 0, 0
    writer: pq.ParquetWriter | None = None
    try:
        for batch in batches:
            if batch.num_rows == 0:
                continue
            if writer is None or rows // FILE_ROWS >= number:
                if writer is not None:
                    writer.close()
                number += 1
                writer = pq.ParquetWriter(folder / f"{number:05d}.parquet", batch.schema, compression="snappy")
            writer.write_batch(batch)
            rows += batch.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows
