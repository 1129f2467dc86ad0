"""The data directory of a new server as a file of the user's cache folder: unpacked in a tenth of the time of initdb.

After a line that says what it is, and the digest of all that follows, such a file holds an index (JSON) and the
distinct contents of the directory's files without the zeros at their ends: the databases of a new server have equal
catalogs.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import os
import platform
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dbsynth import __version__
from dbsynth.folders import cache_folder
from dbsynth.testing.cache import locked

log = logging.getLogger("dbsynth.testing")
FORMAT = b"dbsynth data directory 1\n"
MOST_KEPT = 4
"""Files (of some 15 MB) in the folder; the longest unused goes first."""
DIGEST_BYTES, LENGTH_BYTES = 32, 8
THREADS = 3
"""The databases of a new server."""
MAPS = ("_fsm", "_vm")
"""Files of free space and visibility, a quarter of all: a server makes those anew that it misses."""
ZONE = Path("/etc/localtime")

Owner = tuple[int, int] | None
"""User and group; None: this user."""


class Damaged(Exception):
    """The file is not as it was written; the message says how."""


@dataclass(frozen=True)
class Contents:
    """``folders``: the files of each, outer ones first: name, number of the bytes in ``distinct``, size with the zeros
    at the end."""

    folders: Mapping[str, Sequence[tuple[str, int, int]]]
    distinct: Sequence[bytes | memoryview]


def place_of(binaries: Path) -> Path:
    """The file for the server of this bin folder, named by all that decides on what initdb makes, be it the server, its
    catalogs or the time zone, and by the version of dbsynth."""
    facts = [FORMAT.decode(), __version__, platform.machine(), os.environ.get("TZ", ""), str(ZONE.resolve())]
    digest = hashlib.sha256(json.dumps(facts).encode())
    for path in (binaries / "postgres", binaries.parent / "share" / "postgres.bki", ZONE):
        with suppress(FileNotFoundError):  # other packagings have their catalogs elsewhere: the version is the server's
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return cache_folder() / "servers" / f"{digest.hexdigest()[:24]}.pack"


def prepare(data: Path, path: Path, owner: Owner, initdb: Callable[[], None]) -> bool:
    """Fill ``data``, an empty folder, with what is kept at ``path``; where there is nothing whole, by ``initdb``, and
    keep that. Gives whether it was kept. Several processes may ask at once: one makes it, the others wait."""
    found = _found(path)
    with ExitStack() as waiting:
        if found is None:
            waiting.enter_context(_alone(path))
            found = _found(path)
        if found is None:
            initdb()
            _keep(data, path)
            return False
    unpack(found, data, owner)
    return True


def _found(path: Path) -> Contents | None:
    try:
        return read(path)
    except FileNotFoundError:
        return None
    except Damaged as error:
        log.warning("%s is damaged (%s): it is made again", path, error)
    except OSError as error:
        log.warning("%s cannot be read (%s): the data directory is made anew", path, error.strerror)
    return None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(locked(path.with_suffix(".lock")))
        except OSError as error:
            log.debug("nobody is waited for: %s", error.strerror)  # _keep tells that nothing can be kept here
        yield


def _keep(data: Path, path: Path) -> None:
    try:
        write(pack(data), path)
        for old in sorted(path.parent.glob("*.pack"), key=lambda p: p.stat().st_mtime)[:-MOST_KEPT]:
            old.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be written (%s): each server runs initdb", path, error.strerror)


def pack(data: Path) -> Contents:
    """The data directory of a server that does not run."""
    numbers: dict[bytes, int] = {}
    folders: dict[str, list[tuple[str, int, int]]] = {}
    for folder, _, names in os.walk(data):
        files = folders[os.path.relpath(folder, data)] = []
        for name in names:
            if not name.endswith(MAPS):
                whole = Path(folder, name).read_bytes()
                files.append((name, numbers.setdefault(whole.rstrip(b"\0"), len(numbers)), len(whole)))
    return Contents(folders, list(numbers))


def unpack(contents: Contents, data: Path, owner: Owner) -> None:
    """Into an empty folder; nobody but the owner may enter what is made. Raises OSError."""
    for folder in contents.folders:
        if folder != ".":
            os.mkdir(data / folder, 0o700)
            if owner is not None:
                os.chown(data / folder, *owner)

    def files_of(folder: str) -> None:
        for name, number, size in contents.folders[folder]:
            path = f"{data}/{folder}/{name}"
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(contents.distinct[number])
                if size > file.tell():
                    file.truncate(size)
                if owner is not None:
                    os.chown(file.fileno(), *owner)

    with ThreadPoolExecutor(THREADS) as pool:  # some file systems take half a millisecond for a new file
        list(pool.map(files_of, contents.folders))


def write(contents: Contents, path: Path) -> None:
    """Whole or not at all. Raises OSError."""
    sizes = [len(c) for c in contents.distinct]
    index = json.dumps({"folders": contents.folders, "sizes": sizes}).encode()
    body = b"".join((len(index).to_bytes(LENGTH_BYTES, "little"), index, *contents.distinct))
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as out:
            out.writelines((FORMAT, hashlib.sha256(body).digest(), body))
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise


def read(path: Path) -> Contents:
    """What ``write`` wrote. Raises FileNotFoundError; Damaged for a file that is not as it, run by this user or root,
    wrote it; OSError."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(path, flags), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid not in (0, os.geteuid()):
            raise Damaged("it is another user's file")  # who writes it decides on what the server runs
        start, digest, body = file.read(len(FORMAT)), file.read(DIGEST_BYTES), memoryview(file.read())
    if start != FORMAT or hashlib.sha256(body).digest() != digest:
        raise Damaged("its contents are not those that were written")
    end = LENGTH_BYTES + int.from_bytes(body[:LENGTH_BYTES], "little")
    index = json.loads(bytes(body[LENGTH_BYTES:end]))
    ends = itertools.accumulate(index["sizes"], initial=end)
    os.utime(path)
    return Contents(index["folders"], [body[a:b] for a, b in itertools.pairwise(ends)])
