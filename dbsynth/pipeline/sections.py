"""The ``[tables.*]`` sections of the configuration, applied to the tables that a source really has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dbsynth.errors import ConfigError
from dbsynth.pipeline.options import CloneOptions
from dbsynth.schema.model import TableName


def with_sections(options: CloneOptions, names: Iterable[TableName]) -> tuple[CloneOptions, tuple[str, ...]]:
    """``options`` with ``rows``, ``keep`` and ``exclude`` of the sections added, where the command line says nothing of
    the table, and every section under the full name of its table. Also gives warnings: a file may serve several
    databases, so a section for a table that is not here is no error, but it may be a misspelt one.
    """
    known = list(names)
    rows, keep, exclude = dict(options.rows), list(options.keep), list(options.exclude)
    sections: dict[str, Any] = {}
    warnings: list[str] = []
    for written, section in options.overrides.items():
        name = _table(written, known)
        if name is None:
            warnings.append(_unknown(written, known))
            continue
        if str(name) in sections:
            raise ConfigError(f"dbsynth.toml: two sections [tables] for {name}", hint="merge them into one")
        sections[str(name)] = section
        if section.get("exclude"):
            exclude.append(str(name))
            rows.pop(str(name), None)
            continue
        if "rows" in section and not {name.name, str(name)} & rows.keys():
            rows[str(name)] = section["rows"]
        if section.get("keep") and not options.keep_none and str(name) not in keep:
            keep.append(str(name))
    changed = replace(options, rows=rows, keep=tuple(keep), exclude=tuple(exclude), overrides=sections)
    return changed, tuple(warnings)


def within(options: CloneOptions, asked: CloneOptions, selected: Iterable[TableName]) -> CloneOptions:
    """``options`` (made of ``asked`` by ``with_sections``) without what sections say of tables outside the selection.
    What the command line asks for stays, so that a misspelt name in it is told."""
    names = {str(n) for n in selected}
    rows = {table: n for table, n in options.rows.items() if table in names or table in asked.rows}
    keep = tuple(table for table in options.keep if table in names or table in asked.keep)
    return replace(options, rows=rows, keep=keep)


def _table(written: str, known: list[TableName]) -> TableName | None:
    found = [n for n in known if str(n) == written] or [n for n in known if n.name == written]
    if len(found) > 1:
        raise ConfigError(
            f"dbsynth.toml: [tables.{written}] may be any of {', '.join(map(str, found))}",
            hint=f'write the schema too: [tables."{found[0]}"]',
        )
    return found[0] if found else None


def _unknown(written: str, known: list[TableName]) -> str:
    near = difflib.get_close_matches(written, [str(n) for n in known] + [n.name for n in known], 1)
    return f"dbsynth.toml: the source has no table {written}" + (f"; did you mean {near[0]!r}?" if near else "")
