"""Where an interrupted training goes on: one directory of ``files``, replaced whole at every write."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dbsynth.artifact import files
from dbsynth.artifact.state import read_state, write_state
from dbsynth.codec.base import State
from dbsynth.schema.model import TableName


class TrainingCheckpoint:
    """Implements ``model.base.Checkpoint`` over the directory ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, folder: Path, table: TableName) -> TrainingCheckpoint:
        return cls(folder / f"training-{name_of(table)}")

    def read(self) -> State | None:
        """None where nothing was written. ArtifactError where what was written is damaged."""
        return read_state(files.read(self.path)) if self.path.exists() else None

    def write(self, state: State) -> None:
        document, tensors = write_state(state)
        files.write(self.path, {"what": "training"}, {"state": document}, {"state": tensors})


def name_of(table: TableName) -> str:
    """A plain file name for any table."""
    return hashlib.blake2b(f"{table.schema}\x1f{table.name}".encode(), digest_size=8).hexdigest()
