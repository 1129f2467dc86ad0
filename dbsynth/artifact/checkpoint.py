"""Where an interrupted training goes on: one directory of ``files``, replaced whole at every write."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dbsynth.artifact import files
from dbsynth.artifact.state import read_state, write_state
from dbsynth.codec.base import State
from dbsynth.errors import CheckpointRefused
from dbsynth.schema.model import TableName


class TrainingCheckpoint:
    """Implements ``model.base.Checkpoint`` over the directory ``path``. ``codes``: a digest of how the rows are coded
    that are learned from."""

    def __init__(self, path: Path, codes: str = "") -> None:
        self.path, self.codes = path, codes

    @classmethod
    def of(cls, folder: Path, table: TableName, codes: str = "") -> TrainingCheckpoint:
        return cls(folder / f"training-{name_of(table)}", codes)

    def read(self) -> State | None:
        """None where nothing was written. Raises ArtifactError where what was written is damaged, CheckpointRefused
        where it was learned from other codes."""
        if not self.path.exists():
            return None
        found = files.read(self.path)
        if found.about.get("codes") != self.codes:
            raise changed_rows(self.path)
        return read_state(found)

    def write(self, state: State) -> None:
        document, tensors = write_state(state)
        files.write(self.path, {"what": "training", "codes": self.codes}, {"state": document}, {"state": tensors})


def changed_rows(path: Path) -> CheckpointRefused:
    return CheckpointRefused(
        f"the rows of the source are not those that the checkpoint {path} was learned from",
        hint="remove the folder and begin anew, or name another",
    )


def name_of(table: TableName) -> str:
    """A plain file name for any table."""
    return hashlib.blake2b(f"{table.schema}\x1f{table.name}".encode(), digest_size=8).hexdigest()
