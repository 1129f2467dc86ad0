"""A folder of files as a target: one a table, and ``dbsynth.json``, which says what made them and in which order they
are loaded."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dbsynth.dialect import Building, RunInfo, Verified, column_types
from dbsynth.errors import InternalError, TargetRefused
from dbsynth.schema.model import Schema, TableName
from dbsynth.sqlbase.csv_text import DAY, YEAR_1, YEAR_10000, csv_text

FolderFormat = Literal["parquet", "csv"]
MARK = "dbsynth.json"
GROUP_ROWS = 262_144
"""Of a row group of parquet: what is held before it is written."""


class FolderTarget:
    """Implements ``dbsynth.dialect.Target``. Files lie beside the folder until ``publish``, which renames."""

    def __init__(self, path: Path, format: FolderFormat) -> None:
        self.path, self.format = path, format
        self._aside: Path | None = None
        self._files: dict[TableName, tuple[str, int]] = {}
        self._given: tuple[Schema, Mapping[str, str], RunInfo] | None = None

    def prepare(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo, *, replace: bool) -> None:
        check_folder(self.path, replace=replace)
        self._given = (schema, mapping, run)
        self._aside = self.path.parent / f".{self.path.name}.{run.run_id}.building"
        self._aside.mkdir(parents=True)

    def attach(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> None:
        raise InternalError("files are written by one process")

    def load(self, table: TableName, batches: Iterable[pa.RecordBatch]) -> int:
        schema, mapping, _ = self._prepared()
        name = f"{file_stem(table, mapping)}.{self.format}"
        types = column_types(schema[table])
        write = _write_parquet if self.format == "parquet" else _write_csv
        rows = write(self._building() / name, types, batches)
        self._files[table] = (name, rows)
        return rows

    def rejected(self, table: TableName, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        raise InternalError("files evaluate nothing")

    def finish(self, progress: Callable[[str], None]) -> tuple[Verified, ...]:
        schema, mapping, run = self._prepared()
        for table in schema.tables:
            if table.name not in self._files:  # a table without rows is not loaded
                self.load(table.name, ())
        listed = [
            {"schema": mapping[t.name.schema], "table": t.name.name, "file": file, "rows": rows}
            for t in schema.tables
            for file, rows in [self._files[t.name]]
        ]
        about: dict[str, Any] = {"made by": f"dbsynth {run.version}", "run": run.run_id, "seed": run.seed}
        about |= {"source": run.source, **run.details, "format": self.format, "tables": listed}
        (self._building() / MARK).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n")
        return ()

    def building(self) -> Building:
        raise InternalError("files are no schema")

    def publish(self) -> None:
        aside = self._building()
        if self.path.exists():
            old = aside.with_suffix("." + secrets.token_hex(4))
            self.path.rename(old)
            aside.rename(self.path)
            shutil.rmtree(old)
        else:
            aside.rename(self.path)
        self._aside = None

    def discard(self) -> None:
        if self._aside is not None:
            shutil.rmtree(self._aside, ignore_errors=True)
            self._aside = None

    def close(self) -> None:
        return None

    def _building(self) -> Path:
        if self._aside is None:
            raise InternalError("prepare was not called on this target")
        return self._aside

    def _prepared(self) -> tuple[Schema, Mapping[str, str], RunInfo]:
        if self._given is None:
            raise InternalError("prepare was not called on this target")
        return self._given


def check_folder(path: Path, *, replace: bool) -> None:
    """Raises TargetRefused where ``path`` is neither absent, nor empty, nor made by dbsynth, unless ``replace``."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise TargetRefused(f"{path} is there and is no folder", hint="name another folder")
    if path.exists() and any(path.iterdir()) and not (path / MARK).is_file() and not replace:
        raise TargetRefused(
            f"{path} holds files that dbsynth did not make: it is not replaced",
            hint="name another folder, or say --replace",
        )


def file_stem(table: TableName, mapping: Mapping[str, str]) -> str:
    """``orders``, or ``schema.orders`` where there are several schemas; letters that a file's name cannot hold are
    written as %XX."""
    name = table.name if len(set(mapping.values())) == 1 else f"{mapping[table.schema]}.{table.name}"
    stem = quote(name, safe=" ()[]{}@#$&'+,;=!~^")
    return stem if not stem.startswith(".") else "%2E" + stem[1:]


def _write_parquet(path: Path, types: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    rows = 0
    with pq.ParquetWriter(path, types, compression="zstd") as writer:
        for batch in batches:
            held = [_within_calendar(batch.column(n)) for n in types.names]
            writer.write_batch(pa.RecordBatch.from_arrays(held, schema=types), row_group_size=GROUP_ROWS)
            rows += batch.num_rows
    return rows


def _write_csv(path: Path, types: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    rows = 0
    with path.open("wb") as out:
        out.write((",".join('"' + n.replace('"', '""') + '"' for n in types.names) + "\n").encode())
        for batch in batches:
            if batch.num_rows and types.names:
                out.write(csv_text(batch.select(types.names)))
            rows += batch.num_rows
    return rows


def _within_calendar(column: pa.Array) -> pa.Array:
    """Parquet knows no infinity and readers no years beyond 1..9999: the nearest moment stands for them."""
    if pa.types.is_date32(column.type):
        low, high, raw = YEAR_1, YEAR_10000 - 1, pa.int32()
    elif pa.types.is_timestamp(column.type):
        low, high, raw = YEAR_1 * DAY, YEAR_10000 * DAY - 1, pa.int64()
    elif pa.types.is_time64(column.type):
        low, high, raw = 0, DAY - 1, pa.int64()
    else:
        return column
    numbers = column.view(raw)
    ends = pc.min_max(numbers).as_py()
    if ends["min"] is None or (ends["min"] >= low and ends["max"] <= high):
        return column
    bounds = pa.scalar(low, raw), pa.scalar(high, raw)
    held = pc.min_element_wise(pc.max_element_wise(numbers, bounds[0], skip_nulls=False), bounds[1], skip_nulls=False)
    return held.view(column.type)
