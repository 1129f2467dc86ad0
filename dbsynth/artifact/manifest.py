"""The manifest of a directory that dbsynth saved, read with suspicion: what the directory is and which files it has.
Needs no array library: who only asks what a model is does not wait for one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dbsynth import __version__
from dbsynth.errors import ArtifactError

FORMAT = 1
"""Of the directory and of what ``encode`` writes; a reader refuses a newer one."""
MANIFEST = "manifest.json"
KIND = "dbsynth model"
MOST_MANIFEST = 2**24
"""Bytes."""
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,100}\.(json|safetensors)")
DIGEST_BYTES = 32
REMEDY = "save the model anew, or take a copy that is whole"


def about(path: Path) -> dict[str, Any]:
    """The facts of the manifest alone, with ``digest`` and ``bytes`` (of all files). Raises ArtifactError as ``read``
    does."""
    found, digest = read_manifest(path)
    return {**found, "digest": digest, "bytes": sum(int(f["bytes"]) for f in found["files"].values())}


def is_model(path: Path) -> bool:
    """Whether there is a directory with a manifest, whole or not."""
    return path.is_dir() and (path / MANIFEST).is_file()


def versions() -> dict[str, str]:
    """Of what decides on the bytes of a result."""
    return {"dbsynth": __version__, "torch": version("torch"), "numpy": version("numpy")}


def read_manifest(path: Path) -> tuple[dict[str, Any], str]:
    """What it says, and its digest (hex)."""
    if path.is_symlink() or not path.is_dir():
        raise ArtifactError(f"{path} is no directory", hint="name the folder of a saved model")
    found = parsed(path, MANIFEST, read_file(path, MANIFEST, None, MOST_MANIFEST))
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise broken(path, MANIFEST, "it is not that of a dbsynth model")
    version = found.get("format")
    if not isinstance(version, int) or not 1 <= version <= FORMAT:
        raise ArtifactError(
            f"{path}: format {version!r}, this dbsynth reads up to {FORMAT}",
            hint="load it with the version of dbsynth that saved it, or a newer one",
        )
    told = found.pop("blake2b", None)
    if told != digest_of(as_json(found)):
        raise broken(path, MANIFEST, "its contents are not those that were saved")
    files = found.get("files")
    if not isinstance(files, dict):
        raise broken(path, MANIFEST, "it lists no files")
    for name, facts in files.items():
        if not PLAIN_NAME.fullmatch(name) or name == MANIFEST:
            raise broken(path, MANIFEST, f"it lists {name!r}, which is no plain name")
        if (
            not isinstance(facts, dict)
            or type(facts.get("bytes")) is not int
            or not isinstance(facts.get("blake2b"), str)
        ):
            raise broken(path, MANIFEST, f"it says too little of {name}")
    return found, str(told)


def read_file(path: Path, name: str, size: int | None, most: int) -> bytes:
    """A regular file, no link, of the size that is told, which is looked at before anything is read."""
    try:
        handle = os.open(path / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        why = "it is a link" if error.errno == errno.ELOOP else (error.strerror or "it cannot be opened").lower()
        raise broken(path, name, why) from error
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise broken(path, name, "it is no file")
        if facts.st_size > most:
            raise broken(path, name, f"it is larger than {most:,} bytes")
        if size is not None and facts.st_size != size:
            raise broken(path, name, f"it has {facts.st_size:,} bytes instead of {size:,}")
        return file.read(most)


def parsed(path: Path, name: str, data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise broken(path, name, "it is no JSON") from error


def broken(path: Path, name: str, why: str) -> ArtifactError:
    return ArtifactError(f"{path / name}: {why}", hint=REMEDY)


def as_json(document: Any) -> bytes:
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode()


def digest_of(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()
