"""Generated tables on their way: synthetic rows as Arrow files in a private folder of the run, mapped, not copied."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dbsynth.schema.model import TableName

PREFIX = "dbsynth-run-"
OWNERLESS_SECONDS = 60
"""So long a folder may be without the file that says whose it is."""
BATCH = 65_536
CONTEXT = "→@context"
"""Column of a spooled table: the row of its context parent, -1 for none."""


@dataclass(frozen=True)
class Made:
    """A generated table: ``rows`` its ``stored_columns`` stored columns, then the codes of its keys, the counts
    ``#child.key`` and ``CONTEXT``; kept rows come first. ``codes`` int32 (rows, code columns) as other tables see
    them, with ``cardinalities``. The first ``standing`` rows are in the target already."""

    rows: pa.Table
    codes: np.ndarray
    kept: int
    cardinalities: tuple[int, ...]
    stored_columns: int
    standing: int = 0

    @property
    def context(self) -> np.ndarray:
        return self.rows.column(CONTEXT).to_numpy()  # type: ignore[no-any-return]

    def stored(self) -> pa.Table:
        """The columns that go to the database."""
        return self.rows.select(self.rows.column_names[: self.stored_columns])


class Spool:
    """A folder that only this user can read. ``Spool.create`` first removes the folders of dead runs."""

    def __init__(self, folder: Path):
        self.folder = folder

    @classmethod
    def create(cls, run_id: str) -> Spool:
        base = Path(tempfile.gettempdir())
        for old in base.glob(PREFIX + "*"):
            if not _alive(old):
                shutil.rmtree(old, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, suffix="-" + run_id, dir=base))
        (folder / "owner.json").write_text(json.dumps({"pid": os.getpid(), "start": _start_time(os.getpid())}))
        return cls(folder)

    def _path(self, name: TableName, suffix: str) -> Path:
        digest = hashlib.blake2b(f"{name.schema}\x1f{name.name}".encode(), digest_size=12).hexdigest()
        return self.folder / (digest + suffix)

    def write(self, name: TableName, made: Made) -> None:
        """Written once, before anyone reads it."""
        self.write_parts(name, [made])

    def write_parts(self, name: TableName, parts: Iterable[Made]) -> int:
        """A table of ``parts`` (one at least), each written before the next is made. Gives how many rows are new."""
        rows, width, kind = 0, 0, "int32"
        facts: dict[str, Any] = {}
        writer: pa.ipc.RecordBatchFileWriter | None = None
        with pa.OSFile(str(self._path(name, ".arrow")), "wb") as sink, self._path(name, ".codes").open("wb") as codes:
            for part in parts:
                if writer is None:
                    writer = pa.ipc.new_file(sink, part.rows.schema)
                    kind = "int16" if max(part.cardinalities, default=0) < 2**15 else "int32"
                    width = part.codes.shape[1]
                    facts = {n: getattr(part, n) for n in ("kept", "cardinalities", "stored_columns", "standing")}
                writer.write_table(part.rows, max_chunksize=BATCH)
                np.ascontiguousarray(part.codes, kind).tofile(codes)
                rows += part.rows.num_rows
            assert writer is not None
            writer.close()
        facts |= {"shape": [rows, width], "kind": kind}
        self._path(name, ".json").write_text(json.dumps(facts))
        return rows - int(facts["standing"])

    def write_patched(self, name: TableName, schema: pa.Schema, blocks: Iterable[pa.Table]) -> None:
        """The rows with the keys that close a cycle and the late columns, to be loaded. ``read`` goes on giving those
        without: other tables may be made at the same time, and must not depend on which comes first."""
        self._write_rows(self._path(name, ".patched"), schema, blocks)

    def rewrite(self, name: TableName, blocks: Iterable[pa.Table]) -> None:
        """A table that nobody else has read yet, with other values in the same rows. ``blocks`` may be made of what
        stands there."""
        fresh = self._path(name, ".fresh")
        self._write_rows(fresh, self.read(name).rows.schema, blocks)
        fresh.replace(self._path(name, ".arrow"))

    def scratch(self, count: int) -> np.ndarray:
        """int64 (count,) on disk, of which memory holds what is in use; gone with the last reference."""
        with tempfile.TemporaryFile(dir=self.folder) as file:
            for start in range(0, count, BATCH):  # a full disk is an error here, later the end of the process
                file.write(bytes(8 * min(BATCH, count - start)))
            file.flush()
            return np.memmap(file, np.int64, "r+", shape=(count,))

    def _write_rows(self, path: Path, schema: pa.Schema, blocks: Iterable[pa.Table]) -> None:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            for rows in blocks:
                writer.write_table(rows, max_chunksize=BATCH)

    def read(self, name: TableName) -> Made:
        rows = pa.ipc.open_file(pa.memory_map(str(self._path(name, ".arrow")))).read_all()
        facts = self._facts(name)
        shape = tuple(facts["shape"])
        codes = np.zeros(shape, facts["kind"])
        if codes.size:
            codes = np.memmap(self._path(name, ".codes"), facts["kind"], "r", shape=shape)
        kept, stored, standing = (int(facts[n]) for n in ("kept", "stored_columns", "standing"))
        return Made(rows, codes, kept, tuple(facts["cardinalities"]), stored, standing)

    def _facts(self, name: TableName) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self._path(name, ".json").read_text())
        return facts

    def write_standing(self, name: TableName, rows: pa.Table) -> None:
        """Rows that are in the target already, before those that are made are known."""
        self._write_rows(self._path(name, ".standing"), rows.schema, [rows])

    def standing(self, name: TableName) -> pa.Table | None:
        path = self._path(name, ".standing")
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all() if path.exists() else None

    def final(self, name: TableName) -> pa.Table:
        """The stored columns of a table as they will be loaded: cycles closed, late columns computed."""
        made, patched = self.read(name), self._path(name, ".patched")
        if patched.exists():
            made = replace(made, rows=pa.ipc.open_file(pa.memory_map(str(patched))).read_all())
        return made.stored()

    def batches(self, name: TableName) -> Iterator[pa.RecordBatch]:
        """The rows of ``final`` that are to be written, batch by batch."""
        yield from self.final(name).slice(self._facts(name)["standing"]).to_batches(max_chunksize=BATCH)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _start_time(pid: int) -> str:
    """When the process started, in the words of the kernel: a reused process number does not look alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return ""


def _alive(folder: Path) -> bool:
    try:
        owner = json.loads((folder / "owner.json").read_text())
        pid, start = int(owner["pid"]), owner["start"]
    except (OSError, ValueError, KeyError, TypeError):
        return _new(folder)  # another run is just making it
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return bool(_start_time(pid) == start)


def _new(folder: Path) -> bool:
    try:
        return time.time() - folder.stat().st_mtime < OWNERLESS_SECONDS
    except OSError:
        return False
