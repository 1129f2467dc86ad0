"""One BigQuery project: the catalog and rows of its datasets."""

from __future__ import annotations

import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

import dbsynth_sql
import pyarrow as pa
from google.api_core import exceptions as api
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY
from sqlalchemy import types as sqltypes
from sqlalchemy.engine import URL

from dbsynth.dialect import Dialect, Target
from dbsynth.errors import ConnectionFailed, PermissionDenied, UnsupportedSource
from dbsynth.queries import Runner
from dbsynth.schema.model import Column, ForeignKey, Key, Schema, Table, TableName
from dbsynth.sqlbase import catalog, select
from dbsynth.sqlbase.building import is_ours
from dbsynth.sqlbase.database import Row, SqlDatabase
from dbsynth.sqlbase.replay import SqlRunner
from dbsynth.sqlbase.retry import retried
from dbsynth_bigquery import connection
from dbsynth_bigquery.connection import client_of, option, raised, storage_client
from dbsynth_bigquery.grammar import BigqueryGrammar, sql_type

LOG = logging.getLogger(__name__)
MAX_BYTES = "dbsynth_max_bytes"
"""The parameter of the URL in which --max-bytes travels to the worker processes."""
STATEMENTS = ("tables", "sizes", "table_options", "columns", "field_paths", "keys", "referred")


class BigqueryDatabase(SqlDatabase):
    grammar = BigqueryGrammar()

    def __init__(self, dialect: Dialect, url: URL, schemas: Sequence[str] = ()) -> None:
        super().__init__(dialect, url)
        self._schemas = tuple(schemas) or ((url.database,) if url.database else ())
        self.client = client_of(url)
        self._storage_works = True
        self._job_seconds: float | None = None

    def close(self) -> None:
        self.client.close()

    def describe(self) -> str:
        return str(self.client.project)

    def identity(self) -> str:
        return f"bigquery:{self.client.project}"

    def default_schemas(self) -> Sequence[str]:
        return self._schemas

    def place(self, name: TableName) -> str:
        return self.grammar.place(self.client.project, name.schema, name.name)

    def target(self) -> Target:
        from dbsynth_bigquery.target import BigqueryTarget

        return BigqueryTarget(self)

    @cached_property
    def location(self) -> str | None:
        """Of the URL, else that of its dataset; None if neither says."""
        if found := option(self.url, "location"):
            return found
        return self.location_of(self._schemas[0]) if self._schemas else None

    def location_of(self, dataset: str) -> str | None:
        """The region of a dataset; None if there is none of that name."""
        with raised(f"dataset {dataset}"):
            try:
                return str(self.client.get_dataset(dataset).location)
            except api.NotFound:
                return None

    # --- statements -------------------------------------------------------------------------------------------------

    def job(self, sql: str, about: str, *, reads_rows: bool = False) -> bigquery.QueryJob:
        """Run one statement to its end; passing failures are tried again."""

        def run() -> bigquery.QueryJob:
            config = bigquery.QueryJobConfig()
            if self._job_seconds is not None:
                config.job_timeout_ms = int(1000 * self._job_seconds)
            limit = option(self.url, MAX_BYTES)
            if reads_rows and limit:
                config.maximum_bytes_billed = int(limit)
            with raised(about):
                job = self.client.query(sql, job_config=config)
                job.result()
            return job

        return retried(run, about or "a statement")

    def query(self, sql: str, about: str = "") -> list[Row]:
        job = self.job(sql, about)
        with raised(about):
            return [dict(row.items()) for row in job.result()]

    def arrow(self, sql: str, about: str = "") -> Iterator[pa.RecordBatch]:
        job = self.job(sql, about, reads_rows=True)
        with raised(about):
            rows = job.result()
            storage = storage_client(self.url) if self._storage_works and rows.total_rows else None
            if storage is not None:
                streamed = rows.to_arrow_iterable(bqstorage_client=storage)
                try:
                    first = next(streamed)
                except Exception as error:
                    if not _storage_denied(error):
                        raise
                    LOG.warning("the Storage Read API may not be used (%s): rows come by REST", type(error).__name__)
                    self._storage_works = False
                    rows = job.result()
                else:
                    yield first
                    yield from streamed
                    return
            some = False
            for batch in rows.to_arrow_iterable() if rows.total_rows else ():
                some = True
                yield batch
            if not some:
                empty = rows.to_arrow(create_bqstorage_client=False)
                yield pa.RecordBatch.from_pylist([], schema=empty.schema)

    def numbers(self, sql: str, about: str) -> list[int]:
        job = self.job(sql, about, reads_rows=True)
        with raised(about):
            [row] = job.result()
        return [int(n) for n in row.values()]

    @contextmanager
    def runner(self, schemas: Sequence[str], seconds: float, snapshot: str | None = None) -> Iterator[Runner]:
        """A job that takes longer is cancelled by BigQuery."""
        self._job_seconds = seconds
        try:
            yield SqlRunner(self._answer, seconds)
        finally:
            self._job_seconds = None

    def _answer(self, sql: str) -> Iterator[pa.RecordBatch]:
        try:
            yield from self.arrow(sql, "the query")
        except ConnectionFailed as error:
            if isinstance(error.__cause__, api.NotFound):  # the query's own: it names a table that is not there
                raise PermissionDenied(error.message, hint=error.hint) from error.__cause__
            raise

    def bytes_of(self, sql: str, about: str) -> int:
        """What running ``sql`` would be billed for: a dry run, which costs nothing."""
        with raised(about):
            job = self.client.query(sql, job_config=bigquery.QueryJobConfig(dry_run=True, use_query_cache=False))
            return int(job.total_bytes_processed or 0)

    def billed(self, schema: Schema) -> int:
        """Two reads of each table (a look at what its columns mean, then training) and the foreign keys' counts."""
        total = 0
        for table in schema:
            columns = ", ".join(self.grammar.quote(c.name) for c in table.stored_columns)
            about = f"table {table.name}"
            total += 2 * self.bytes_of(f"SELECT {columns} FROM {self.place(table.name)}", about)
            for fk in table.foreign_keys:
                place = self.place(table.name)
                total += 2 * self.bytes_of(select.degrees(self.grammar, place, table, fk.columns, None), about)
        return total

    def check_readable(self, schema: Schema) -> None:
        closed = []
        for table in schema:
            try:
                self.bytes_of(f"SELECT * FROM {self.place(table.name)}", f"table {table.name}")
            except PermissionDenied as error:
                closed.append(error)
        if closed:
            raise closed[0]

    @contextmanager
    def snapshot(self) -> Iterator[str]:
        """A moment: every read of the run is FOR SYSTEM_TIME AS OF that."""
        [row] = self.query("SELECT CAST(CURRENT_TIMESTAMP() AS STRING) AS moment")
        yield row["moment"]

    # --- the catalog ------------------------------------------------------------------------------------------------

    def schema_names(self) -> list[tuple[str, bool]]:
        return [(name, is_ours(mark)) for name, mark in self.marks().items()]

    def marks(self) -> dict[str, str | None]:
        """The mark is a dataset's description; only those with our label are asked for it."""
        with raised("the catalog"):
            return {
                item.dataset_id: self.client.get_dataset(item.reference).description
                if item.labels.get("application") == "dbsynth"
                else None
                for item in self.client.list_datasets(retry=DEFAULT_RETRY.with_timeout(connection.FIRST_ANSWER))
            }

    def catalog(self, schemas: Sequence[str]) -> Schema:
        tables: list[Table] = []
        for schema in schemas:
            dataset = self.grammar.place(self.client.project, schema)
            found = {
                kind: self.query(dbsynth_sql.read("bigquery", kind).format(dataset=dataset), f"dataset {schema}")
                for kind in STATEMENTS
            }
            tables += _tables(found)
        return Schema(tuple(tables))


def _storage_denied(error: Exception) -> bool:
    return isinstance(error, api.Forbidden | api.PermissionDenied | api.MethodNotImplemented | api.NotFound)


def _tables(found: dict[str, list[Row]]) -> list[Table]:
    columns, paths = (catalog.by_table(found[kind], "schema", "table") for kind in ("columns", "field_paths"))
    keys, options = (catalog.by_table(found[kind], "schema", "table") for kind in ("keys", "table_options"))
    sizes = catalog.by_table(found["sizes"], "schema", "table")
    referred = {row["name"]: TableName(row["ref_schema"], row["ref_table"]) for row in found["referred"]}
    primary = {name: _primary(rows) for name, rows in keys.items()}
    tables = []
    for row in found["tables"]:
        name = TableName(row["schema"], row["table"])
        key = primary.get(name)
        said = {o["name"]: o["value"] for o in options[name]}
        tables.append(
            Table(
                name=name,
                columns=tuple(_column(c, paths[name], key) for c in columns[name]),
                primary_key=key,
                foreign_keys=tuple(_foreign_keys(keys[name], referred, primary)),
                comment=_text(said.get("description")),
                estimated_rows=int(sizes[name][0]["n"] or 0) if sizes[name] else 0,
                bytes=int(sizes[name][0]["bytes"] or 0) if sizes[name] else 0,
                options=_layout(columns[name], row["ddl"]),
                notes=tuple(_notes(paths[name])),
            )
        )
    return tables


def _column(row: Row, paths: list[Row], key: Key | None) -> Column:
    described = [p["description"] for p in paths if p["path"] == row["name"] and p["description"]]
    default = row["column_default"]
    return Column(
        name=row["name"],
        type=sql_type(row["type"]),
        declared=row["type"],
        nullable=row["is_nullable"] == "YES" and not (key and row["name"] in key.columns),
        default=None if default in (None, "NULL") else default,
        comment=described[0] if described else None,
    )


def _primary(rows: list[Row]) -> Key | None:
    own = [r for r in rows if r["kind"] == "PRIMARY KEY"]
    return Key(own[0]["name"], tuple(r["column"] for r in own), "") if own else None


def _foreign_keys(
    rows: list[Row], referred: dict[str, TableName], primary: dict[TableName, Key | None]
) -> Iterator[ForeignKey]:
    named: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["kind"] == "FOREIGN KEY":
            named[row["name"]].append(row)
    for name, some in named.items():
        parent = referred[name]
        key = primary.get(parent)
        if key is None:
            raise UnsupportedSource(
                f"foreign key {name} refers to {parent}, whose primary key the catalog does not show",
                hint="declare it: ALTER TABLE ... ADD PRIMARY KEY ... NOT ENFORCED",
            )
        at = [int(r["ref_position"] or r["position"]) - 1 for r in some]
        yield ForeignKey(name, tuple(r["column"] for r in some), parent, tuple(key.columns[i] for i in at))


def _text(literal: str | None) -> str | None:
    """An option's value is printed as a literal."""
    if not literal:
        return None
    try:
        return str(json.loads(literal))
    except ValueError:
        return literal.strip("\"'")


def _layout(columns: list[Row], ddl: str | None) -> dict[str, str]:
    """How a table is partitioned and clustered, as SQL. The expression stands in its DDL only."""
    found = {}
    if written := re.search(r"^PARTITION BY (.+?);?$", ddl or "", re.MULTILINE):
        found["partition"] = written[1]
    else:
        for column in columns:
            kind = sql_type(column["type"]) if column["is_partitioning_column"] == "YES" else None
            name = BigqueryGrammar().quote(column["name"])
            if isinstance(kind, sqltypes.DateTime):
                found["partition"] = f"DATE({name})"
            elif isinstance(kind, sqltypes.Date):
                found["partition"] = name
    clustered = sorted((c["clustering"], c["name"]) for c in columns if c["clustering"])
    if clustered:
        found["clustering"] = ", ".join(BigqueryGrammar().quote(name) for _, name in clustered)
    return found


def _notes(paths: list[Row]) -> Iterator[str]:
    for row in paths:
        if row["tags"]:
            yield f"policy tags on {row['path']} are not carried over"
