"""The models that a worker has: the directories of one folder, by names that cannot lead out of it."""

from __future__ import annotations

import re
from pathlib import Path

import structlog

from dbsynth.artifact import manifest
from dbsynth.errors import ArtifactError, UsageError

log = structlog.get_logger("dbsynth")
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}\Z")
"""As the control schema has it."""


def known_models(folder: Path | None) -> dict[str, tuple[str, int, int]]:
    """Name -> digest, bytes, tables of every whole model in ``folder``; of each its manifest alone is read."""
    found = {}
    for path in sorted(folder.iterdir()) if folder is not None and folder.is_dir() else ():
        if NAME.match(path.name) and manifest.is_model(path) and not path.is_symlink():
            try:
                about = manifest.about(path)
            except ArtifactError as error:
                log.warning("model left out", model=path.name, error=error.message)
                continue
            if about.get("what") == "model":
                found[path.name] = str(about["digest"]), int(about["bytes"]), int(about["tables_learned"])
    return found


def model_path(folder: Path | None, name: str) -> Path:
    """Where the model ``name`` lies. Raises UsageError for a name that is none, or leads elsewhere."""
    path = folder / name if folder is not None and NAME.match(name) else None
    if path is None or path.is_symlink() or not path.is_dir():
        raise UsageError(f"this worker has no model {name!r}", hint="it lies in the folder of --models")
    return path
