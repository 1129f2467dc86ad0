"""The models that a worker has: the directories of one folder, by names that cannot lead out of it."""

from __future__ import annotations

import re
from pathlib import Path

from dbsynth.errors import UsageError

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}\Z")
"""As the control schema has it."""


def known_models(folder: Path | None) -> dict[str, tuple[str, int, int]]:
    """Name -> digest, bytes, tables of every model in ``folder``."""
    return {}


def model_path(folder: Path | None, name: str) -> Path:
    """Where the model ``name`` lies. Raises UsageError for a name that is none, or leads elsewhere."""
    path = folder / name if folder is not None and NAME.match(name) else None
    if path is None or folder is None or not path.is_dir() or path.resolve().parent != folder.resolve():
        raise UsageError(f"this worker has no model {name!r}", hint="it lies in the folder of --models")
    return path
