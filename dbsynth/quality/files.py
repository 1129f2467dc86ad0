"""The files that a verb writes what it found into: whether they can be is known before its work begins."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dbsynth.errors import UsageError

STDOUT = "-"


def file_of(place: str | None) -> Path | None:
    """None: the standard output, or nothing."""
    return None if place is None or place == STDOUT else Path(place)


def check_writable(files: Mapping[str, Path | None]) -> None:
    """``files``: by option. Leaves nothing behind. Raises UsageError for a file that ``write_text`` could not write,
    and for two that are one."""
    seen: dict[Path, str] = {}
    for option, path in files.items():
        if path is None:
            continue
        real = _real(path)
        try:
            _try(real)
        except OSError as cause:
            raise UsageError(
                f"{option}: {path} cannot be written: {_why(real, cause)}",
                hint="name a file in a folder that exists and that you may write to",
            ) from cause
        if real in seen and not _special(real):
            raise UsageError(f"{seen[real]} and {option} name the same file, {path}", hint="name two")
        seen[real] = option


def write_text(path: Path, text: str) -> None:
    """Whole or not at all, but for what is no plain file (``/dev/stdout``). A link stays one. Raises UsageError."""
    real = _real(path)
    try:
        if _special(real) or not os.access(real.parent, os.W_OK | os.X_OK):
            real.write_text(text, "utf-8")
            return
        part = real.with_name(f".dbsynth.{os.getpid()}")
        try:
            part.write_text(text, "utf-8")
            if real.exists():
                shutil.copymode(real, part)
            os.replace(part, real)
        except OSError:
            part.unlink(missing_ok=True)
            raise
    except OSError as cause:
        raise UsageError(f"{path} cannot be written: {_why(real, cause)}", hint="name another file") from cause


def _real(path: Path) -> Path:
    if "\0" in str(path):
        raise UsageError("the name of a file holds a null byte", hint="name another file")
    return Path(os.path.realpath(path))


def _try(path: Path) -> None:
    """OSError where it cannot be written; only the system knows (rights, file systems that are read-only, names that
    are too long)."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        with tempfile.TemporaryFile(dir=path.parent):
            return
    if stat.S_ISREG(mode):
        with path.open("ab"):
            return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError
    if not os.access(path, os.W_OK):  # opening one may wait for a reader
        raise PermissionError


def _special(path: Path) -> bool:
    return os.path.exists(path) and not os.path.isfile(path)


def _why(path: Path, cause: OSError) -> str:
    if os.path.isdir(path):  # of any name: Path's methods raise for one that is too long
        return "it is a folder"
    if not os.path.isdir(path.parent):
        return f"{path.parent} is no folder that exists"
    return (cause.strerror or "you may not").lower()
