"""Rows and DDL as files instead of in a server: a script for psql, or a folder that ``restore`` runs over a connection.
Both make schemas, types, tables, rows, keys, sequences and comments in one transaction."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from dbsynth.dialect import Building, RunInfo, Verified, column_types
from dbsynth.errors import InternalError, TargetRefused
from dbsynth.schema.model import Column, Schema, TableName
from dbsynth_postgresql.copy_text import copy_text
from dbsynth_postgresql.ddl import Ddl
from dbsynth_postgresql.names import ident, idents, literal, qualified
from dbsynth_postgresql.restore import CONTENTS, sealed, write_contents

MARK = "-- made by dbsynth "
SETTINGS = (
    "SET LOCAL client_encoding = 'UTF8'",
    "SET LOCAL standard_conforming_strings = on",
    "SET LOCAL TIME ZONE 'UTC'",
    "SET LOCAL DateStyle = 'ISO, MDY'",
    "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL search_path = pg_catalog",
)


@dataclass(frozen=True)
class Part:
    """The rows of a table: ``statement`` takes ``file``, or nothing where ``file`` is None."""

    statement: str
    file: Path | None


class _Files:
    """What both have in common of ``dbsynth.dialect.Target``. Everything lies beside ``path`` until the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._folder: Path | None = None
        self._ddl: Ddl | None = None
        self._run: RunInfo | None = None
        self._parts: dict[TableName, Part] = {}

    def prepare(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo, *, replace: bool) -> None:
        self._check_place(replace=replace)
        self._ddl = Ddl(schema, dict(mapping), {target: target for target in mapping.values()})
        self._run = run
        self._folder = self.path.parent / f".{self.path.name}.{run.run_id}.building"
        self._folder.mkdir(parents=True)

    def _check_place(self, *, replace: bool) -> None:
        raise NotImplementedError

    def attach(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> None:
        raise InternalError("files are written by one process")

    def load(self, table: TableName, batches: Iterable[pa.RecordBatch]) -> int:
        ddl, folder = self._prepared()
        names = column_types(ddl.schema[table]).names
        place, file, rows = ddl.place(table), folder / f"{len(self._parts)}.copy", 0
        with file.open("wb") as out:
            for batch in batches:
                if names and batch.num_rows:
                    out.write(copy_text(batch.select(names)))
                rows += batch.num_rows
        if names:
            self._parts[table] = Part(f"COPY {place} ({idents(names)}) FROM STDIN", file)
        else:
            file.unlink()
            self._parts[table] = Part(f"INSERT INTO {place} SELECT FROM generate_series(1, {rows})", None)
        return rows

    def rejected(self, table: TableName, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        raise InternalError("files evaluate nothing")

    def before(self) -> Iterator[str]:
        ddl, _ = self._prepared()
        yield from SETTINGS
        for target in dict.fromkeys(ddl.building.values()):
            yield f"CREATE SCHEMA IF NOT EXISTS {ident(target)}"
        yield from (s.sql for s in ddl.before_rows())

    def parts(self) -> Iterator[Part]:
        """In the order of the schema, whatever the order in which the tables were ready."""
        ddl, _ = self._prepared()
        return (self._parts[t.name] for t in ddl.schema if t.name in self._parts)

    def after(self) -> Iterator[str]:
        ddl, _ = self._prepared()
        for table in ddl.schema:
            yield from (s.sql for s in ddl.keys_and_indexes(table))
        for table in ddl.schema:
            yield from (s.sql for s in ddl.foreign_keys(table))
        for table in ddl.schema:
            yield from (_past_last(ddl, table.name, c) for c in table.columns if _sequence(ddl, table.name, c))
        yield from (s.sql for s in ddl.comments())

    def building(self) -> Building:
        raise InternalError("files are no schema")

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

    @property
    def run(self) -> RunInfo:
        if self._run is None:
            raise InternalError("prepare was not called on this target")
        return self._run


class ScriptTarget(_Files):
    """A file for ``psql -f``."""

    def _check_place(self, *, replace: bool) -> None:
        if self.path.exists() and not replace and not _is_script(self.path):
            raise TargetRefused(
                f"{self.path} is there and was not made by dbsynth: it is not replaced",
                hint="name another file, or say --replace",
            )

    def finish(self, progress: Callable[[str], None]) -> tuple[Verified, ...]:
        _, folder = self._prepared()
        run = self.run
        with (folder / "script").open("wb") as out:
            about = f"{MARK}{run.version}: run {run.run_id}, seed {run.seed}, {' '.join(run.source.split())}\n"
            out.write(f"{about}-- psql -f FILE postgresql://...\n\\set ON_ERROR_STOP on\nBEGIN;\n".encode())
            out.writelines(f"{line};\n".encode() for line in self.before())
            for part in self.parts():
                out.write(f"{part.statement};\n".encode())
                if part.file is not None:
                    with part.file.open("rb") as rows:
                        shutil.copyfileobj(rows, out)
                    out.write(b"\\.\n")
            out.writelines(f"{line};\n".encode() for line in self.after())
            out.write(b"COMMIT;\n")
        return ()

    def publish(self) -> None:
        _, folder = self._prepared()
        (folder / "script").replace(self.path)
        self.discard()


class DumpTarget(_Files):
    """A folder for ``restore``. Another process that writes the same one at the same time may be first."""

    def _check_place(self, *, replace: bool) -> None:
        if self.path.exists() and not (self.path / CONTENTS).is_file():
            raise TargetRefused(f"{self.path} is there and no dump", hint="name another folder")

    def finish(self, progress: Callable[[str], None]) -> tuple[Verified, ...]:
        _, folder = self._prepared()
        rows = [{"statement": p.statement, **sealed(p.file)} for p in self.parts()]
        ddl, _ = self._prepared()
        schemas = {target: source for source, target in ddl.building.items()}
        contents = {"schemas": schemas, "before": list(self.before()), "rows": rows, "after": list(self.after())}
        write_contents(folder, contents)
        return ()

    def publish(self) -> None:
        _, folder = self._prepared()
        if self.path.exists():
            shutil.rmtree(self.path)
        folder.rename(self.path)
        self._folder = None


def _past_last(ddl: Ddl, table: TableName, column: Column) -> str:
    """Moves the sequence of a column past its last key; one that starts higher stays."""
    sequence, place, name = _sequence(ddl, table, column), ddl.place(table), ident(column.name)
    return (
        f"SELECT setval({sequence}, max({name})) FROM {place} HAVING max({name}) >"
        f" (SELECT coalesce(last_value, start_value - increment_by) FROM pg_sequences"
        f" WHERE format('%I.%I', schemaname, sequencename)::regclass = {sequence}::regclass)"
    )


def _sequence(ddl: Ddl, table: TableName, column: Column) -> str | None:
    """SQL of the name of the sequence from which a column draws."""
    if column.identity is not None:
        return f"pg_get_serial_sequence({literal(ddl.place(table))}, {literal(column.name)})"
    if column.serial is not None:
        schema, _, name = column.serial.partition(".")
        if schema in ddl.building:
            return literal(qualified(TableName(ddl.building[schema], name)))
    return None


def _is_script(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK.encode()
