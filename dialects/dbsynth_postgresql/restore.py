"""What a ``DumpTarget`` wrote, run over a connection. A module of its own: to restore rows takes none of the libraries
that make them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg

CONTENTS = "contents.json"


def restore(connection: psycopg.Connection[Any], dump: Path, *, keys: bool = True) -> None:
    """Run what a ``DumpTarget`` wrote, in one transaction; on request without keys, indexes and all that follows."""
    contents = json.loads((dump / CONTENTS).read_text(encoding="utf-8"))
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
