"""A directory of JSON documents and safetensors files, described by its ``manifest.json``: written whole or not at all,
and read with suspicion. Nothing in it is ever run: no pickle, no code, no name that is imported.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from dbsynth.artifact.manifest import (
    FORMAT,
    KIND,
    MANIFEST,
    as_json,
    broken,
    digest_of,
    parsed,
    read_file,
    read_manifest,
)
from dbsynth.errors import ArtifactError

MOST_JSON, MOST_TENSORS, MOST_HEADER = 2**30, 2**34, 2**24
"""Bytes."""
DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
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
    files = {f"{name}.json": as_json(document) for name, document in documents.items()}
    files |= {f"{name}.safetensors": save_tensors(_plain(named)) for name, named in tensors.items() if named}
    listed = {name: {"bytes": len(data), "blake2b": digest_of(data)} for name, data in files.items()}
    manifest = {"kind": KIND, "format": FORMAT, **about, "files": listed}
    digest = digest_of(as_json(manifest))
    files[MANIFEST] = as_json({**manifest, "blake2b": digest})
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
            read_manifest(path)
            return
    raise ArtifactError(
        f"{path} is there already and is no dbsynth model: it is not replaced", hint="name another folder"
    )


def read(path: Path) -> Folder:
    """Read the files that the manifest lists, and no others. Raises ArtifactError, which names the file, for anything
    that is not as it was written."""
    about, digest = read_manifest(path)
    documents: dict[str, Any] = {}
    tensors: dict[str, Tensors] = {}
    for name, facts in about.pop("files").items():
        data = read_file(path, name, int(facts["bytes"]), MOST_JSON if name.endswith(".json") else MOST_TENSORS)
        if digest_of(data) != facts["blake2b"]:
            raise broken(path, name, "its contents are not those that were saved")
        stem, ending = name.rsplit(".", 1)
        if ending == "json":
            documents[stem] = parsed(path, name, data)
        else:
            tensors[stem] = _tensors(path, name, data)
    return Folder(path, digest, about, documents, tensors)


def _tensors(path: Path, name: str, data: bytes) -> Tensors:
    """The arrays of a safetensors file, its header bounded before anything reads it."""
    length = int.from_bytes(data[:8], "little") if len(data) >= 8 else -1
    if not 2 <= length <= min(MOST_HEADER, len(data) - 8):
        raise broken(path, name, "its header is longer than the file or the limit")
    header = parsed(path, name, data[8 : 8 + length])
    if not isinstance(header, dict):
        raise broken(path, name, "its header is no table of tensors")
    for tensor, facts in header.items():
        if tensor != "__metadata__" and (not isinstance(facts, dict) or facts.get("dtype") not in DTYPES):
            raise broken(path, name, f"tensor {tensor[:80]!r} has a type that is not written")
    try:
        found: Tensors = load_tensors(data)
    except (SafetensorError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise broken(path, name, "its tensors are not as its header says") from error
    return found


def _plain(tensors: Tensors) -> dict[str, np.ndarray]:
    """Contiguous, little-endian: safetensors writes the memory as it is."""
    out = {}
    for name, array in tensors.items():
        array = np.ascontiguousarray(array)
        out[name] = array.astype(array.dtype.newbyteorder("<")) if array.dtype.byteorder == ">" else array
    return out


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
