"""What stands in columns that the model does not know and that must have a value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dbsynth.errors import UnsupportedSource
from dbsynth.schema.model import Schema, TableName
from dbsynth_postgresql.existing_catalog import Catalog, Connection, Key, Name, dotted, place, rows_in
from dbsynth_postgresql.names import ident, idents

ROW = "dbsynth row"
"""The number of a row, beside its columns."""


@dataclass
class NewColumns:
    """``names``: in the order in which ``value`` is asked. ``made``: the table beside the staged one that holds values
    of columns by ROW."""

    names: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    made: Name | None = None
    _pointing: dict[str, str] = field(default_factory=dict)
    _at_itself: dict[str, str] = field(default_factory=dict)

    @property
    def joined(self) -> str:
        return f" JOIN {place(self.made)} AS n USING ({ident(ROW)})" if self.made else ""

    def value(self, name: str, others: Mapping[str, str]) -> str:
        """SQL. ``others``: that of the columns that come before."""
        if name in self._at_itself:
            return others[self._at_itself[name]]
        return self._pointing.get(name) or f"n.{ident(name)}"


def new_columns(
    connection: Connection,
    schema: Schema,
    table: Name,
    names: Sequence[str],
    there: Catalog,
    pairs: Mapping[Name, tuple[Name, Sequence[str]]],
    seed: int,
) -> NewColumns:
    """``names``: columns of ``table`` that need values. ``pairs``: tables that get rows, with the staged ones that hold
    them. Raises UnsupportedSource for what cannot be filled."""
    new = NewColumns()
    source, shared = pairs[table]
    rows = rows_in(connection, source)
    if not rows or not names:
        return new
    for key in there.keys:
        if key.table == table and set(key.columns) & set(names):
            _point(connection, key, names, there, pairs, rows, new, shared)
    made_up = [n for n in names if n not in new._pointing and n not in new._at_itself]
    if made_up:
        _make(connection, schema, table, source, made_up, there, rows, new, seed)
    new.names = [*made_up, *(n for n in names if n not in made_up)]  # what points at its own row comes last
    return new


def _point(
    connection: Connection,
    key: Key,
    names: Sequence[str],
    there: Catalog,
    pairs: Mapping[Name, tuple[Name, Sequence[str]]],
    rows: int,
    new: NewColumns,
    shared: Sequence[str],
) -> None:
    where = f"column {dotted(key.table)}.{', '.join(c for c in key.columns if c in names)}"
    needs = f"{where} is not in the model and must not be null"
    remedy = "give it a default in your migration, or let it be null"
    if not set(key.columns) <= set(names):
        raise UnsupportedSource(f"{needs}; the key {key.name} binds it to columns of the model", hint=remedy)
    if key.parent == key.table:
        if not set(key.ref_columns) <= {*shared, *names} - set(key.columns):
            raise UnsupportedSource(f"{needs}; it points by {key.name} at rows of its own table", hint=remedy)
        new._at_itself |= dict(zip(key.columns, key.ref_columns, strict=True))
        new.drift.append(f"{where} is not in the model: each row points at itself")
        return
    parents = rows_in(connection, pairs[key.parent][0] if key.parent in pairs else key.parent)
    if not parents:
        raise UnsupportedSource(
            f"{needs}; it points at {dotted(key.parent)}, which is empty",
            hint=f"put rows into {dotted(key.parent)} in your migration, or " + remedy,
        )
    if len(key.columns) == 1 and (*key.table, key.columns[0]) in there.unique and parents < rows:
        raise UnsupportedSource(
            f"{needs}; it is unique and points at {dotted(key.parent)}, which has {parents:,} rows, not {rows:,}",
            hint=remedy,
        )
    for column, ref in zip(key.columns, key.ref_columns, strict=True):
        values = f"(SELECT array_agg({ident(ref)} ORDER BY {idents(key.ref_columns)}) FROM {place(key.parent)})"
        new._pointing[column] = f"({values})[1 + (r.{ident(ROW)} - 1) % {parents}]"
    new.drift.append(f"{where} is not in the model: points at rows of {dotted(key.parent)} in turn")


def _make(
    connection: Connection,
    schema: Schema,
    table: Name,
    source: Name,
    names: Sequence[str],
    there: Catalog,
    rows: int,
    new: NewColumns,
    seed: int,
) -> None:
    from dbsynth.values.unseen import made_up  # numpy, pyarrow, Faker: only where values have to be made
    from dbsynth_postgresql.copy_text import copy_text

    known = schema[TableName(*table)]
    unique = [n for n in names if (*table, n) in there.unique]
    batch, roles = made_up(known, names, rows, unique=unique, seed=seed, sqlglot="postgres")
    new.made = (source[0], "dbsynth new " + hashlib.blake2b(dotted(source).encode(), digest_size=8).hexdigest())
    types = ", ".join(f"{ident(n)} {there.tables[table][n].type}" for n in names)
    connection.execute(f"CREATE TABLE {place(new.made)} ({ident(ROW)} serial, {types})".encode())
    with connection.cursor() as cursor, cursor.copy(f"COPY {place(new.made)} ({idents(names)}) FROM STDIN") as copy:
        copy.write(copy_text(batch))
    told = f"column {dotted(table)}."
    new.drift += [
        f"{told}{name} is not in the model: filled with made values, by role ({roles[name]})" for name in names
    ]
