"""What the attempts at a job have learned, kept where the worker that takes it over may find it.

``STATE/DATABASE/JOB/RUN`` is the checkpoint of one attempt. An attempt goes on with that of the last one before it by
renaming it: at once, and of several that try only one does. A process of the earlier attempt that lives after all finds
its folder gone, or makes it anew without a plan, so that nobody goes on from there. So two never write one folder, and
there is no lock, which shared storage might not keep.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from dbsynth.errors import UsageError
from dbsynth.folders import cache_folder

FOREIGN_SECONDS = 30 * 86_400.0
"""After so long without a change, what is kept for another database goes too: nobody may serve that any more."""


def state_folder(named: Path | None) -> Path:
    """Where workers keep what jobs have learned: ``named``, or a folder in the user's cache; made for this user alone
    where it is missing. Raises UsageError where it cannot be written, or everybody may write there."""
    folder = named if named is not None else cache_folder() / "jobs"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        mode = folder.stat().st_mode
    except OSError as error:
        raise UsageError(f"--state {folder}: {(error.strerror or '').lower()}", hint="name another folder") from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise UsageError(f"--state {folder}: this user may not write there", hint="name another folder")
    if mode & stat.S_IWOTH:
        raise UsageError(f"--state {folder}: everybody may write there", hint=f"chmod o-w {folder}")
    return folder


class Kept:
    """That of the jobs of one control database. ``identity``: of the database."""

    def __init__(self, state: Path, identity: str) -> None:
        self._state, self._folder = state, state / _digest(identity)

    def of(self, job: int, asked_at: datetime) -> Path:
        return self._folder / _name(job, asked_at)

    def jobs(self) -> list[int]:
        """Of which there is something."""
        return [int(path.name.partition("-")[0]) for path in _folders(self._folder)]

    def clear(self, open_jobs: Mapping[int, datetime]) -> None:
        """Remove what is kept of other jobs than ``open_jobs`` (number -> when it was asked for), and what is long
        forgotten of other databases."""
        names = {_name(job, asked_at) for job, asked_at in open_jobs.items()}
        for path in _folders(self._folder):
            if path.name not in names:
                shutil.rmtree(path, ignore_errors=True)
        for other in _folders(self._state):
            if other != self._folder and time.time() - _changed(other) > FOREIGN_SECONDS:
                shutil.rmtree(other, ignore_errors=True)


def take(folder: Path, run: int) -> Path:
    """The checkpoint of the attempt ``run`` at the job of ``folder``: that of the last one before, if any has begun
    one. Raises OSError where ``folder`` cannot be made, or is another user's."""
    from dbsynth.artifact.resume import FIT  # numpy, which the worker needs for nothing

    for part in (folder.parent, folder):
        part.mkdir(mode=0o700, exist_ok=True)
        facts = part.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
            raise PermissionError(0, "it belongs to another user", str(part))
    own = folder / str(run)
    # Of attempts before, never of a later one: this may be the one that was thought dead.
    earlier = sorted(n for n in map(int, (p.name for p in folder.iterdir() if p.name.isdigit())) if n < run)
    for number in reversed(earlier):
        if (folder / str(number) / FIT).exists():
            with suppress(FileNotFoundError):  # another was quicker
                (folder / str(number)).rename(own)
                break
    return own


def _name(job: int, asked_at: datetime) -> str:
    """Of a job among all of its database, also where that is installed anew and counts from 1 again."""
    return f"{job}-{_digest(asked_at.astimezone(UTC).isoformat())}"


def _folders(folder: Path) -> Iterator[Path]:
    """Those in ``folder`` that have names of our making; none where it is missing, or another user's: ``take`` says
    so."""
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return
    for path in found:
        number, _, digest = path.name.rpartition("-")
        if path.is_dir() and not path.is_symlink() and (number.isdigit() or not number) and _is_digest(digest):
            yield path


def _changed(folder: Path) -> float:
    """The last change in ``folder`` and the two levels below, seconds since the epoch."""
    found = [folder, *folder.glob("*"), *folder.glob("*/*"), *folder.glob("*/*/*")]
    times = []
    for path in found:
        with suppress(OSError):
            times.append(path.lstat().st_mtime)
    return max(times, default=time.time())


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _is_digest(text: str) -> bool:
    return len(text) == 24 and set(text) <= set("0123456789abcdef")
