"""The catalog queries and SQL scripts that dbsynth runs, as ``.sql`` files a DBA can read, one folder a database."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def read(database: str, name: str) -> str:
    """The text of the script ``name`` for ``database``, e.g. ``read("postgresql", "columns")``."""
    return (files(__package__) / database / f"{name}.sql").read_text(encoding="utf-8")
