"""The write side of BigQuery: load jobs into a dataset beside the target, then copies, table by table."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from google.api_core import exceptions as api
from google.cloud import bigquery
from sqlalchemy import types as sqltypes

from dbsynth.dialect import Building
from dbsynth.errors import TargetRefused, UnsupportedSource
from dbsynth.schema import graph
from dbsynth.schema.model import Column, ForeignKey, Table, TableName
from dbsynth.schema.types import Structured
from dbsynth.sqlbase.arrow import staged_type
from dbsynth.sqlbase.building import target_mark
from dbsynth.sqlbase.ddl import Ddl
from dbsynth.sqlbase.retry import retried
from dbsynth.sqlbase.target import ROW, SqlTarget, moved
from dbsynth_bigquery.connection import LABELS, raised
from dbsynth_bigquery.database import BigqueryDatabase
from dbsynth_bigquery.grammar import quoted_fields
from dbsynth_bigquery.nested import native

PUBLISHING, PUBLISHED = "publishing", "published"
"""Values of a target dataset's label ``dbsynth``."""


class BigqueryDdl(Ddl):
    def column(self, column: Column) -> str:
        parts = [self.grammar.quote(column.name), quoted_fields(column.declared)]
        if column.default is not None:
            parts.append(f"DEFAULT {column.default}")
        if not column.nullable and not column.declared.startswith("ARRAY"):
            parts.append("NOT NULL")
        if column.comment is not None:
            parts.append(f"OPTIONS (description = {self.grammar.literal(column.comment)})")
        return " ".join(parts)

    def table_options(self, table: Table) -> str:
        sql = ""
        if "partition" in table.options:
            sql += f" PARTITION BY {table.options['partition']}"
        if "clustering" in table.options:
            sql += f" CLUSTER BY {table.options['clustering']}"
        if table.comment is not None:
            sql += f" OPTIONS (description = {self.grammar.literal(table.comment)})"
        return sql

    def primary_key(self, table: Table) -> str:
        assert table.primary_key is not None
        return f"PRIMARY KEY ({self.names(table.primary_key.columns)}) NOT ENFORCED"

    def reference(self, fk: ForeignKey, parent: str) -> str:
        name = fk.name.rpartition(".")[2]  # the catalog puts the table's name in front
        named = "" if "$" in name else f"CONSTRAINT {self.grammar.quote(name)} "
        own, referred = self.names(fk.columns), self.names(fk.ref_columns)
        return f"{named}FOREIGN KEY ({own}) REFERENCES {parent} ({referred}) NOT ENFORCED"


class BigqueryTarget(SqlTarget):
    database: BigqueryDatabase
    ddl_class = BigqueryDdl
    ddl: BigqueryDdl

    def run_sql(self, sql: str, about: str) -> None:
        self.database.job(sql, about)

    def __init__(self, database: BigqueryDatabase) -> None:
        super().__init__(database)
        self._region: str | None = None

    # --- datasets ---------------------------------------------------------------------------------------------------

    def marks(self) -> dict[str, str | None]:
        return self.database.marks()

    def _dataset(self, name: str) -> bigquery.Dataset:
        return bigquery.Dataset(f"{self.database.client.project}.{name}")

    def holds_anything(self, schema: str) -> bool:
        with raised(f"dataset {schema}"):
            return any(True for _ in self.database.client.list_tables(self._dataset(schema).reference, max_results=1))

    def create_schema(self, name: str, mark: str) -> None:
        dataset = self._dataset(name)
        dataset.description, dataset.labels = mark, LABELS
        if self._region:
            dataset.location = self._region
        with raised(f"dataset {name}"):
            self.database.client.create_dataset(dataset, exists_ok=True)

    def _existing(self, marks: Mapping[str, str | None]) -> list[str]:
        """Also decides where datasets are made: tables are copied within one region only."""
        found = super()._existing(marks)
        region, of = self.database.location, "the URL"
        if region is None and self.run.source_identity == self.database.identity():
            of = next(iter(self.mapping))
            region = self.database.location_of(of)
        for name in found:
            there = self.database.location_of(name)
            if region and there and there.upper() != region.upper():
                raise TargetRefused(
                    f"the dataset {name} is in {there}, {of} in {region}: tables are not copied between regions",
                    hint="name another dataset as the target",
                )
            region, of = region or there, name
        self._region = region
        return found

    def drop_schema(self, name: str) -> None:
        with raised(f"dataset {name}"):
            reference = self._dataset(name).reference
            self.database.client.delete_dataset(reference, delete_contents=True, not_found_ok=True)

    def _mark(self, name: str, mark: str, state: str) -> None:
        with raised(f"dataset {name}"):
            dataset = self.database.client.get_dataset(self._dataset(name).reference)
            dataset.description, dataset.labels = mark, {**dataset.labels, **LABELS, "dbsynth": state}
            self.database.client.update_dataset(dataset, ["description", "labels"])

    # --- tables and rows --------------------------------------------------------------------------------------------

    def create_tables(self) -> None:
        for table in self.schema:
            for column in table.stored_columns:
                if _holds_json(column.type) and column.declared != "JSON":
                    raise UnsupportedSource(
                        f"{table.name}: column {column.name} is {column.declared}: no load job takes JSON inside it",
                        hint=f"leave the table out: --exclude {table.name.name}",
                    )
        for table in self.schema:
            # without keys: those of the building dataset would refer into it
            parts = ", ".join(self.ddl.column(c) for c in table.columns)
            sql = f"CREATE TABLE {self.built(table.name)} ({parts}){self.ddl.table_options(table)}"
            self.run_sql(sql, f"table {table.name}")

    def insert(self, table: Table, place: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Straight into the table, unless a column is made of a text (JSON, GEOGRAPHY, RANGE, INTERVAL): then by way of
        a table where it is one."""
        columns = table.stored_columns
        if all(self.grammar.stored(c, "x") == "x" for c in columns):
            return self._load(table, self._reference(table.name), batches)
        staging = TableName(table.name.schema, f"{table.name.name}__dbsynth_rows")
        self._staging_table(staging, list(columns), "")
        rows = self._load(table, self._reference(staging), batches)
        names = self.ddl.names(tuple(c.name for c in columns))
        values = ", ".join(self.grammar.stored(c, self.grammar.quote(c.name)) for c in columns)
        about = f"table {table.name}"
        self.run_sql(f"INSERT INTO {place} ({names}) SELECT {values} FROM {self.built(staging)}", about)
        self.run_sql(f"DROP TABLE {self.built(staging)}", about)
        return rows

    def _staging_table(self, name: TableName, columns: list[Column], extra: str) -> None:
        parts = [f"{self.grammar.quote(c.name)} {self._plain(c)}" for c in columns] + ([extra] if extra else [])
        self.run_sql(f"CREATE OR REPLACE TABLE {self.built(name)} ({', '.join(parts)})", f"table {name}")

    def _plain(self, column: Column) -> str:
        if self.grammar.stored(column, "x") != "x" and pa.types.is_string(staged_type(column)):
            return "STRING"
        return quoted_fields(column.declared)

    def _reference(self, name: TableName) -> bigquery.TableReference:
        dataset = self._dataset(self.places[name.schema]).reference
        return dataset.table(name.name)

    def _load(self, table: Table, to: bigquery.TableReference, batches: Iterable[pa.RecordBatch]) -> int:
        """One Parquet file, one load job, whose id makes a second try of it harmless."""
        rows, about = 0, f"table {table.name}"
        writer: pq.ParquetWriter | None = None
        with tempfile.TemporaryFile(prefix="dbsynth-") as file:
            for batch in batches:
                if batch.num_rows:
                    nested = native(table, batch)
                    writer = writer or pq.ParquetWriter(file, nested.schema, compression="snappy")
                    writer.write_batch(nested)
                    rows += batch.num_rows
            if writer is None:
                return 0
            writer.close()
            name = hashlib.blake2b(f"{self.run.run_id} {to}".encode(), digest_size=12).hexdigest()

            def load() -> None:
                file.seek(0)
                with raised(about):
                    try:
                        job = self.database.client.load_table_from_file(
                            file, to, job_id=f"dbsynth_{name}", job_config=_config(), rewind=True
                        )
                    except api.Conflict:  # it arrived the first time
                        job = self.database.client.get_job(f"dbsynth_{name}")
                    job.result()

            retried(load, about)
        return rows

    def judged(self, table: Table, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        numbered = self.numbered(table, batch)
        content = hashlib.blake2b(repr(numbered.to_pydict()).encode(), digest_size=8).hexdigest()
        name = TableName(table.name.schema, f"dbsynth_judged_{content}")
        columns = [c for c in table.stored_columns if c.name in batch.schema.names]
        self._staging_table(name, columns, f"{self.grammar.quote(ROW)} INT64")
        self._load(table, self._reference(name), [numbered])
        quote = self.grammar.quote
        values = ", ".join(f"{self.grammar.stored(c, quote(c.name))} AS {quote(c.name)}" for c in columns)
        rows = f"(SELECT {values}, {quote(ROW)} FROM {self.built(name)}) AS judged"
        found = self.database.query(self.judgement(rows, expressions), f"judging rows of table {table.name}")
        self.run_sql(f"DROP TABLE {self.built(name)}", f"table {table.name}")
        return np.array([list(r.values()) for r in found], dtype=bool).reshape(batch.num_rows, len(expressions))

    # --- publishing -------------------------------------------------------------------------------------------------

    def building(self) -> Building:
        """Keys are declared on the tables that are published."""
        return Building(self.database, dict(self.places), moved(self.schema, self.places))

    def swap(self, existing: Sequence[str]) -> None:
        """A dataset cannot be renamed: each table is replaced by a copy at once, parents first; then keys are declared
        and tables that the source does not have are dropped. Meanwhile the dataset's label ``dbsynth`` says
        ``publishing``: where it stays so, a run died, and the next one replaces the whole.
        https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language"""
        mark = target_mark(self.run)
        for target in self.mapping.values():
            if target not in existing:
                self.create_schema(target, mark)
            self._mark(target, mark, PUBLISHING)
        order = graph.order(self.schema, {t.name: 1 for t in self.schema}, constraints_after_load=True).tables
        for name in order:
            sql = f"CREATE OR REPLACE TABLE {self._published(name)} COPY {self.built(name)}"
            self.run_sql(sql, f"publishing {name}")
        self._declare_keys(order)
        self._drop_others()
        for target in self.mapping.values():
            self._mark(target, mark, PUBLISHED)
        for place in self.places.values():
            self.drop_schema(place)

    def _published(self, name: TableName) -> str:
        return self.database.place(TableName(self.mapping[name.schema], name.name))

    def _declare_keys(self, order: Sequence[TableName]) -> None:
        for name in order:
            if (key := self.schema[name].primary_key) and not key.virtual:
                sql = f"ALTER TABLE {self._published(name)} ADD {self.ddl.primary_key(self.schema[name])}"
                self.run_sql(sql, f"primary key of {name}")
        for name in order:
            for fk in self.schema[name].foreign_keys:
                if fk.enforced and fk.ref_table in self.schema.by_name:
                    reference = self.ddl.reference(fk, self._published(fk.ref_table))
                    self.run_sql(
                        f"ALTER TABLE {self._published(name)} ADD {reference}", f"foreign key {fk.name} of {name}"
                    )

    def _drop_others(self) -> None:
        client = self.database.client
        for source, target in self.mapping.items():
            made = {t.name.name for t in self.schema if t.name.schema == source}
            with raised(f"dataset {target}"):
                for item in client.list_tables(self._dataset(target).reference):
                    if item.table_id not in made:
                        client.delete_table(item.reference, not_found_ok=True)

    def close(self) -> None:
        self.database.close()


def _config() -> bigquery.LoadJobConfig:
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
        create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
        labels=LABELS,
    )
    options = bigquery.ParquetOptions()
    options.enable_list_inference = True
    config.parquet_options = options
    return config


def _holds_json(type_: object) -> bool:
    match type_:
        case sqltypes.ARRAY():
            return _holds_json(type_.item_type)
        case Structured():
            inner = [t for _, t in type_.fields] + ([type_.element] if type_.element is not None else [])
            return any(_holds_json(t) for t in inner)
        case _:
            return isinstance(type_, sqltypes.JSON)
