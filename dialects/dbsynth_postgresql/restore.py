"""What a ``DumpTarget`` wrote, run over a connection. A module of its own: to restore rows takes none of the libraries
that make them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import psycopg

CONTENTS = "contents.json"


def restore(connection: psycopg.Connection[Any], dump: Path, *, keys: bool = True) -> None:
    """Run what a ``DumpTarget`` wrote, in one transaction; on request without keys, indexes and all that follows."""
    contents = read_contents(dump)
    with connection.transaction(), connection.cursor() as cursor:
        for statement in contents["before"]:
            cursor.execute(statement.encode())
        for part in contents["rows"]:
            if part["file"] is None:
                cursor.execute(part["statement"].encode())
                continue
            with (dump / part["file"]).open("rb") as rows, cursor.copy(part["statement"].encode()) as copy:
                while data := rows.read(1 << 18):
                    copy.write(data)
        for statement in contents["after"] if keys else ():
            cursor.execute(statement.encode())


def sealed(file: Path | None) -> dict[str, str | None]:
    """What is written down of a file of rows: its name, and the digest by which damage is noticed."""
    return {"file": None, "blake2b": None} if file is None else {"file": file.name, "blake2b": _digest(file)}


def write_contents(dump: Path, contents: dict[str, Any]) -> None:
    """A line of the digest, and JSON: schemas, statements, and of each file of rows what ``sealed`` says."""
    text = json.dumps(contents).encode()
    (dump / CONTENTS).write_bytes(hashlib.blake2b(text).hexdigest().encode() + b"\n" + text)


def read_contents(dump: Path) -> dict[str, Any]:
    contents: dict[str, Any] = json.loads((dump / CONTENTS).read_bytes().partition(b"\n")[2])
    return contents


def damage(dump: Path) -> str:
    """What of a dump is not as it was written; empty where all is. Reads all of it."""
    try:
        digest, _, text = (dump / CONTENTS).read_bytes().partition(b"\n")
        if hashlib.blake2b(text).hexdigest().encode() != digest:
            return CONTENTS
        parts = [p for p in json.loads(text)["rows"] if p["file"] is not None]
        return ", ".join(p["file"] for p in parts if _digest(dump / p["file"]) != p["blake2b"])
    except OSError as error:
        return f"{Path(error.filename or dump).name}: {error.strerror}"


def _digest(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "blake2b").hexdigest()
