"""A script for psql as a target: schemas, types, tables, rows, keys, sequences, in one transaction."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from dbsynth.dialect import RunInfo, Verified, column_types
from dbsynth.errors import InternalError, TargetRefused
from dbsynth.schema.model import Column, Schema, TableName
from dbsynth.sqlbase.csv_text import csv_text
from dbsynth_postgresql.ddl import Ddl
from dbsynth_postgresql.names import ident, idents, literal, qualified

MARK = "-- made by dbsynth "
FIRST = """\\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SET LOCAL TIME ZONE 'UTC';
SET LOCAL DateStyle = 'ISO, MDY';
SET LOCAL search_path = pg_catalog;
"""


class ScriptTarget:
    """Implements ``dbsynth.dialect.Target``: a file beside ``path`` until ``publish``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._folder: Path | None = None
        self._ddl: Ddl | None = None
        self._run: RunInfo | None = None
        self._parts: dict[TableName, Path] = {}

    def prepare(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo, *, replace: bool) -> None:
        if self.path.exists() and not replace and not _made_here(self.path):
            raise TargetRefused(
                f"{self.path} is there and was not made by dbsynth: it is not replaced",
                hint="name another file, or say --replace",
            )
        self._ddl = Ddl(schema, dict(mapping), {target: target for target in mapping.values()})
        self._run = run
        self._folder = self.path.parent / f".{self.path.name}.{run.run_id}.building"
        self._folder.mkdir(parents=True)

    def attach(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> None:
        raise InternalError("a script is written by one process")

    def load(self, table: TableName, batches: Iterable[pa.RecordBatch]) -> int:
        """A part of its own: tables come in the order in which they are ready, the script in that of the schema."""
        ddl, folder = self._prepared()
        names = column_types(ddl.schema[table]).names
        part = self._parts[table] = folder / str(len(self._parts))
        place, rows = ddl.place(table), 0
        with part.open("wb") as out:
            if names:
                out.write(f"COPY {place} ({idents(names)}) FROM STDIN (FORMAT csv);\n".encode())
            for batch in batches:
                if names and batch.num_rows:
                    out.write(csv_text(pa.RecordBatch.from_arrays([batch.column(n) for n in names], names=names)))
                rows += batch.num_rows
            if names:
                out.write(b"\\.\n")
            elif rows:
                out.write(f"INSERT INTO {place} SELECT FROM generate_series(1, {rows});\n".encode())
        return rows

    def rejected(self, table: TableName, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        raise InternalError("a script evaluates nothing")

    def finish(self, progress: Callable[[str], None]) -> tuple[Verified, ...]:
        ddl, folder = self._prepared()
        with (folder / "script").open("wb") as out:
            for line in self._before(ddl):
                out.write((line + "\n").encode())
            for table in ddl.schema:
                if table.name in self._parts:
                    with self._parts[table.name].open("rb") as part:
                        shutil.copyfileobj(part, out)
            for line in _after(ddl):
                out.write((line + "\n").encode())
        return ()

    def _before(self, ddl: Ddl) -> Iterator[str]:
        assert self._run is not None
        run = self._run
        yield f"{MARK}{run.version}: run {run.run_id}, seed {run.seed}, {_one_line(run.source)}"
        yield "-- psql -f FILE postgresql://..."
        yield FIRST
        for target in dict.fromkeys(ddl.building.values()):
            yield f"CREATE SCHEMA IF NOT EXISTS {ident(target)};"
        for statement in ddl.before_rows():
            yield statement.sql + ";"

    def publish(self) -> None:
        _, folder = self._prepared()
        (folder / "script").replace(self.path)
        self.discard()

    def discard(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def close(self) -> None:
        return None

    def _prepared(self) -> tuple[Ddl, Path]:
        if self._ddl is None or self._folder is None:
            raise InternalError("prepare was not called on this target")
        return self._ddl, self._folder


def _after(ddl: Ddl) -> Iterator[str]:
    for table in ddl.schema:
        yield from (s.sql + ";" for s in ddl.keys_and_indexes(table))
    for table in ddl.schema:
        yield from (s.sql + ";" for s in ddl.foreign_keys(table))
    for table in ddl.schema:
        for column in table.columns:
            sequence = _sequence(ddl, table.name, column)
            if sequence is not None:
                place, name = ddl.place(table.name), ident(column.name)
                yield (
                    f"SELECT setval({sequence}, max({name})) FROM {place} HAVING max({name}) >"
                    f" (SELECT coalesce(last_value, start_value - increment_by) FROM pg_sequences"
                    f" WHERE format('%I.%I', schemaname, sequencename)::regclass = {sequence}::regclass);"
                )
    yield from (s.sql + ";" for s in ddl.comments())
    yield "COMMIT;"


def _sequence(ddl: Ddl, table: TableName, column: Column) -> str | None:
    """SQL of the name of the sequence from which a column draws."""
    if column.identity is not None:
        return f"pg_get_serial_sequence({literal(ddl.place(table))}, {literal(column.name)})"
    if column.serial is not None:
        schema, _, name = column.serial.partition(".")
        if schema in ddl.building:
            return literal(qualified(TableName(ddl.building[schema], name)))
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _made_here(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK.encode()
