"""A directory of JSON documents and safetensors files, described by its ``manifest.json``: written whole or not at all,
and read with suspicion. Nothing in it is ever run: no pickle, no code, no name that is imported.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from dbsynth.errors import ArtifactError

FORMAT = 1
"""Of the directory and of what ``encode`` writes; a reader refuses a newer one."""
MANIFEST = "manifest.json"
KIND = "dbsynth model"
MOST_MANIFEST, MOST_JSON, MOST_TENSORS, MOST_HEADER = 2**24, 2**30, 2**34, 2**24
"""Bytes."""
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,100}\.(json|safetensors)")
DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
DIGEST_BYTES = 32
REMEDY = "save the model anew, or take a copy that is whole"
RENAME_EXCHANGE, AT_FDCWD = 2, -100

Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Folder:
    """What was read: ``about``: the manifest's facts; ``documents`` and ``tensors`` by name without ending; ``digest``
    (hex): of the manifest, which holds those of all files."""

    path: Path
    digest: str
    about: Mapping[str, Any]
    documents: Mapping[str, Any]
    tensors: Mapping[str, Tensors]


def write(path: Path, about: Mapping[str, Any], documents: Mapping[str, Any], tensors: Mapping[str, Tensors]) -> str:
    """Put a directory at ``path``, in the place of one that ``write`` made before; gives its digest. The names are
    plain, without ending.

    At every moment ``path`` is what it was or the complete new one. Raises ArtifactError where there is something else
    at ``path``, or where it cannot be written."""
    check_replaceable(path)
    files = {f"{name}.json": _json(document) for name, document in documents.items()}
    files |= {f"{name}.safetensors": save_tensors(_plain(named)) for name, named in tensors.items() if named}
    listed = {name: {"bytes": len(data), "blake2b": _digest(data)} for name, data in files.items()}
    manifest = {"kind": KIND, "format": FORMAT, **about, "files": listed}
    digest = _digest(_json(manifest))
    files[MANIFEST] = _json({**manifest, "blake2b": digest})
    aside = path.parent / f".{path.name}.{secrets.token_hex(4)}.saving"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.mkdir()
        for name, data in files.items():
            _write_file(aside / name, data)
        _sync(aside)
        _swap(aside, path)
        _sync(path.parent)
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be written: {error.strerror}", hint="check the folder, its rights and the room on the disk"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return digest


def check_replaceable(path: Path) -> None:
    """Raises ArtifactError where ``path`` is neither absent, nor an empty directory, nor one that ``write`` made."""
    if not path.is_symlink() and not path.exists():
        return
    if path.is_dir() and not path.is_symlink():
        if not any(path.iterdir()):
            return
        with suppress(ArtifactError):
            _manifest(path)
            return
    raise ArtifactError(
        f"{path} is there already and is no dbsynth model: it is not replaced", hint="name another folder"
    )


def read(path: Path) -> Folder:
    """Read the files that the manifest lists, and no others. Raises ArtifactError, which names the file, for anything
    that is not as it was written."""
    about, digest = _manifest(path)
    documents: dict[str, Any] = {}
    tensors: dict[str, Tensors] = {}
    for name, facts in about.pop("files").items():
        data = _read_file(path, name, int(facts["bytes"]), MOST_JSON if name.endswith(".json") else MOST_TENSORS)
        if _digest(data) != facts["blake2b"]:
            raise _broken(path, name, "its contents are not those that were saved")
        stem, ending = name.rsplit(".", 1)
        if ending == "json":
            documents[stem] = _parsed(path, name, data)
        else:
            tensors[stem] = _tensors(path, name, data)
    return Folder(path, digest, about, documents, tensors)


def about(path: Path) -> dict[str, Any]:
    """The facts of the manifest alone, with ``digest`` and ``bytes`` (of all files). Raises ArtifactError as ``read``
    does."""
    found, digest = _manifest(path)
    return {**found, "digest": digest, "bytes": sum(int(f["bytes"]) for f in found["files"].values())}


def is_model(path: Path) -> bool:
    """Whether there is a directory with a manifest, whole or not."""
    return path.is_dir() and (path / MANIFEST).is_file()


def _manifest(path: Path) -> tuple[dict[str, Any], str]:
    if path.is_symlink() or not path.is_dir():
        raise ArtifactError(f"{path} is no directory", hint="name the folder of a saved model")
    found = _parsed(path, MANIFEST, _read_file(path, MANIFEST, None, MOST_MANIFEST))
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise _broken(path, MANIFEST, "it is not that of a dbsynth model")
    version = found.get("format")
    if not isinstance(version, int) or not 1 <= version <= FORMAT:
        raise ArtifactError(
            f"{path}: format {version!r}, this dbsynth reads up to {FORMAT}",
            hint="load it with the version of dbsynth that saved it, or a newer one",
        )
    told = found.pop("blake2b", None)
    if told != _digest(_json(found)):
        raise _broken(path, MANIFEST, "its contents are not those that were saved")
    files = found.get("files")
    if not isinstance(files, dict):
        raise _broken(path, MANIFEST, "it lists no files")
    for name, facts in files.items():
        if not PLAIN_NAME.fullmatch(name) or name == MANIFEST:
            raise _broken(path, MANIFEST, f"it lists {name!r}, which is no plain name")
        if (
            not isinstance(facts, dict)
            or type(facts.get("bytes")) is not int
            or not isinstance(facts.get("blake2b"), str)
        ):
            raise _broken(path, MANIFEST, f"it says too little of {name}")
    return found, str(told)


def _read_file(path: Path, name: str, size: int | None, most: int) -> bytes:
    """A regular file, no link, of the size that is told, which is looked at before anything is read."""
    try:
        handle = os.open(path / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        why = "it is a link" if error.errno == errno.ELOOP else (error.strerror or "it cannot be opened").lower()
        raise _broken(path, name, why) from error
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise _broken(path, name, "it is no file")
        if facts.st_size > most:
            raise _broken(path, name, f"it is larger than {most:,} bytes")
        if size is not None and facts.st_size != size:
            raise _broken(path, name, f"it has {facts.st_size:,} bytes instead of {size:,}")
        return file.read(most)


def _parsed(path: Path, name: str, data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _broken(path, name, "it is no JSON") from error


def _tensors(path: Path, name: str, data: bytes) -> Tensors:
    """The arrays of a safetensors file, its header bounded before anything reads it."""
    length = int.from_bytes(data[:8], "little") if len(data) >= 8 else -1
    if not 2 <= length <= min(MOST_HEADER, len(data) - 8):
        raise _broken(path, name, "its header is longer than the file or the limit")
    header = _parsed(path, name, data[8 : 8 + length])
    if not isinstance(header, dict):
        raise _broken(path, name, "its header is no table of tensors")
    for tensor, facts in header.items():
        if tensor != "__metadata__" and (not isinstance(facts, dict) or facts.get("dtype") not in DTYPES):
            raise _broken(path, name, f"tensor {tensor[:80]!r} has a type that is not written")
    try:
        found: Tensors = load_tensors(data)
    except (SafetensorError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise _broken(path, name, "its tensors are not as its header says") from error
    return found


def _broken(path: Path, name: str, why: str) -> ArtifactError:
    return ArtifactError(f"{path / name}: {why}", hint=REMEDY)


def _json(document: Any) -> bytes:
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode()


def _plain(tensors: Tensors) -> dict[str, np.ndarray]:
    """Contiguous, little-endian: safetensors writes the memory as it is."""
    out = {}
    for name, array in tensors.items():
        array = np.ascontiguousarray(array)
        out[name] = array.astype(array.dtype.newbyteorder("<")) if array.dtype.byteorder == ">" else array
    return out


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()


def _write_file(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make the names in ``folder`` last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swap(aside: Path, path: Path) -> None:
    """``aside`` takes the place of ``path``; what was there, if anything, ends up at ``aside`` to be removed."""
    if not path.exists():
        aside.rename(path)
        return
    if _exchanged(aside, path):
        return
    old = aside.with_suffix(".old")  # where the system cannot exchange two names: for a moment there is none
    path.rename(old)
    try:
        aside.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names at once (renameat2 of Linux); False where that is not possible."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if rename is None:
        return False
    return bool(rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0)
