"""Quoting of names and literals, and the names of schemas that are dbsynth's own."""

from __future__ import annotations

from collections.abc import Iterable

from dbsynth.schema.model import TableName

BUILDING, OLD = "__building_", "__old_"
"""In the names of schemas that a run builds, or has swapped out and not dropped yet."""

SERVICE = '{"dbsynth_service":'
"""The comment on the schema of dbsynth's control tables starts with this: it is neither a source nor a target."""

MARKER = '{"dbsynth":'
"""The comment on a schema that dbsynth made starts with this: it is JSON, {"dbsynth": {"version", "run", ...}}."""


def ident(name: str) -> str:
    """A name as SQL identifier, always quoted: so no word is reserved and no case folded."""
    return '"' + name.replace('"', '""') + '"'


def qualified(name: TableName) -> str:
    return f"{ident(name.schema)}.{ident(name.name)}"


def idents(names: Iterable[str]) -> str:
    return ", ".join(map(ident, names))


def literal(text: str) -> str:
    """A string literal that reads the same whatever standard_conforming_strings is."""
    quoted = "'" + text.replace("'", "''").replace("\\", "\\\\") + "'"
    return f" E{quoted}" if "\\" in text else quoted
