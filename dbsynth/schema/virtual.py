"""Keys that the configuration declares because the database does not: ``[[primary_keys]]``, ``[[foreign_keys]]``."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dbsynth.errors import ConfigError
from dbsynth.schema.model import ForeignKey, Key, Schema, Table, TableName


@dataclass(frozen=True)
class VirtualKey:
    """``table`` as in the catalog or ``schema.table``; ``ref_table`` None: a primary key."""

    table: str
    columns: tuple[str, ...]
    ref_table: str | None = None
    ref_columns: tuple[str, ...] = ()


def with_virtual_keys(schema: Schema, keys: Iterable[VirtualKey]) -> tuple[Schema, tuple[str, ...]]:
    """The schema with the keys, and warnings: a file may serve several databases, so a table that is not here is no
    error, but it may be a misspelt one. ConfigError, with the nearest name, for a column that a table does not have, or
    a reference to what is no key."""
    tables = dict(schema.by_name)
    warnings: list[str] = []
    ordered = sorted(keys, key=lambda k: k.ref_table is not None)  # a reference may need a virtual primary key
    for key in ordered:
        unknown = [t for t in (key.table, key.ref_table) if t is not None and not _find(tables, t)]
        if unknown:
            warnings.append(_unknown(tables, unknown[0]))
            continue
        name = _table(tables, key.table)
        table = tables[name]
        _check_columns(table, key.columns)
        if key.ref_table is None:
            tables[name] = _with_primary_key(table, key)
        else:
            tables[name] = _with_foreign_key(table, tables[_table(tables, key.ref_table)], key)
    return replace(schema, tables=tuple(tables[t.name] for t in schema.tables)), tuple(warnings)


def _find(tables: Mapping[TableName, Table], text: str) -> list[TableName]:
    return [n for n in tables if text in (n.name, str(n))]


def _table(tables: Mapping[TableName, Table], text: str) -> TableName:
    found = _find(tables, text)
    if len(found) > 1:
        raise ConfigError(f"dbsynth.toml: {text} is a table of several schemas", hint="write schema.table")
    return found[0]


def _unknown(tables: Mapping[TableName, Table], text: str) -> str:
    near = difflib.get_close_matches(text, [str(n) for n in tables] + [n.name for n in tables], 1)
    said = f"dbsynth.toml: keys are declared for {text}, a table that the source does not have"
    return said + (f"; did you mean {near[0]!r}?" if near else "")


def _check_columns(table: Table, columns: Iterable[str]) -> None:
    for column in columns:
        if column not in table.by_name:
            near = difflib.get_close_matches(column, table.by_name, 1)
            raise ConfigError(
                f"dbsynth.toml: {table.name} has no column {column}",
                hint=f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(table.by_name)}",
            )


def _with_primary_key(table: Table, key: VirtualKey) -> Table:
    if table.primary_key is not None:
        if set(table.primary_key.columns) == set(key.columns):
            return table
        raise ConfigError(
            f"dbsynth.toml: {table.name} has the primary key ({', '.join(table.primary_key.columns)}) already",
            hint="take it out of [[primary_keys]]",
        )
    name = f"{table.name.name}_{'_'.join(key.columns)}_virtual"
    return replace(table, primary_key=Key(name, key.columns, "", virtual=True))


def _with_foreign_key(table: Table, parent: Table, key: VirtualKey) -> Table:
    ref_columns = key.ref_columns or (parent.primary_key.columns if parent.primary_key else ())
    _check_columns(parent, ref_columns)
    if len(ref_columns) != len(key.columns):
        raise ConfigError(
            f"dbsynth.toml: the foreign key of {table.name} ({', '.join(key.columns)}) has {len(key.columns)} columns, "
            f"what it refers to in {parent.name} has {len(ref_columns)}",
            hint="name ref_columns, as many as columns",
        )
    if not any(set(ref_columns) == set(u) for u in parent.unique_keys):
        raise ConfigError(
            f"dbsynth.toml: ({', '.join(ref_columns)}) is no key of {parent.name}, which a foreign key refers to",
            hint=f'add [[primary_keys]] with table = "{parent.name.name}"',
        )
    if any(fk.columns == key.columns and fk.ref_table == parent.name for fk in table.foreign_keys):
        return table
    name = f"{table.name.name}_{'_'.join(key.columns)}_virtual"
    made = ForeignKey(name, key.columns, parent.name, ref_columns, enforced=False, virtual=True)
    return replace(table, foreign_keys=(*table.foreign_keys, made))
