"""Rows of a model, made once: what tests load is kept in the user's cache folder, and a second run starts at once."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dbsynth import __version__
from dbsynth.artifact import manifest
from dbsynth.errors import ArtifactError, UsageError
from dbsynth.folders import cache_folder

log = logging.getLogger("dbsynth.testing")
MOST_DUMPS = 40
"""That are kept; the longest unused goes first."""


def key_of(model: Path, scale: float, rows: Mapping[str, int], seed: int, schema: str | None) -> str:
    """Of all that decides on the rows: the model's digest, the wishes, the version."""
    if not manifest.is_model(model):
        raise ArtifactError(f"{model} is no model", hint="make it with: dbsynth train SOURCE --out " + str(model))
    about = manifest.about(model)
    facts = [about["digest"], scale, sorted(rows.items()), seed, schema, __version__]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=12).hexdigest()


def dumped(
    model: Path, *, scale: float = 1.0, rows: Mapping[str, int] | None = None, seed: int = 0, schema: str | None = None
) -> tuple[str, Path]:
    """The key of the rows, and the folder of a dump of them (see ``dbsynth_postgresql.restore``). Several processes may
    ask at once: one makes it, the others wait."""
    key = key_of(model, scale, rows or {}, seed, schema)
    folder = cache_folder() / "dumps"
    path = folder / key
    with _alone(folder, path):
        if not _whole(path):
            _make(model, path, scale, rows or {}, seed, schema)
            _forget_oldest(folder, path)
        if os.access(path, os.W_OK):
            os.utime(path)
    return key, path


@contextmanager
def _alone(folder: Path, path: Path) -> Iterator[None]:
    """With the lock of ``path``. A folder that may only be read will do where the rows are there."""
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder / f"{path.name}.lock"))
        except OSError as error:
            if not _whole(path):
                raise UsageError(
                    f"rows cannot be kept in {folder}: {error.strerror}",
                    hint="DBSYNTH_CACHE names a folder that this user may write",
                ) from error
        yield


def _whole(path: Path) -> bool:
    """Whether a dump is there as it was written; one that is damaged is removed."""
    from dbsynth_postgresql.restore import damage

    if not path.exists():
        return False
    if why := damage(path):
        log.warning("the rows kept in %s are damaged (%s): they are made again", path, why)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return not why


def _make(model: Path, path: Path, scale: float, rows: Mapping[str, int], seed: int, schema: str | None) -> None:
    from dbsynth.synthesizer import Synthesizer  # torch: only where rows have to be made

    Synthesizer.load(model).to_dump(path, schema=schema, scale=scale, rows=dict(rows) or None, seed=seed)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """For one process at a time."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget_oldest(folder: Path, newest: Path) -> None:
    dumps = sorted((p for p in folder.iterdir() if p.is_dir() and p != newest), key=lambda p: p.stat().st_mtime)
    for old in dumps[: max(0, len(dumps) + 1 - MOST_DUMPS)]:
        shutil.rmtree(old, ignore_errors=True)
