"""Rows of a dump into tables that somebody else made: by the names of tables and columns, in the order of their keys,
with what differs told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import psycopg

from dbsynth.errors import UnsupportedSource
from dbsynth_postgresql.names import ident, idents, literal
from dbsynth_postgresql.restore import CONTENTS, restore

Connection = psycopg.Connection[Any]

COLUMNS = """
    select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.atthasdef or a.attidentity <> '', a.attgenerated <> '', a.attidentity = 'a',
        coalesce((select e.enumlabel from pg_enum e where e.enumtypid = a.atttypid order by e.enumsortorder limit 1),
            ''), t.typcategory
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    join pg_type t on t.oid = a.atttypid
    where c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
        and n.nspname !~ '^(pg_|information_schema)' order by 1, 2, a.attnum"""
KEYS = """
    select c.conname, n.nspname, r.relname, pn.nspname, p.relname,
        (select array_agg(a.attname::text order by k.i) from unnest(c.conkey) with ordinality k(n, i)
         join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.n),
        (select array_agg(a.attname::text order by k.i) from unnest(c.confkey) with ordinality k(n, i)
         join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.n)
    from pg_constraint c join pg_class r on r.oid = c.conrelid join pg_namespace n on n.oid = r.relnamespace
    join pg_class p on p.oid = c.confrelid join pg_namespace pn on pn.oid = p.relnamespace
    where c.contype = 'f' and c.conparentid = 0"""
UNIQUE = """
    select n.nspname, r.relname, a.attname from pg_index i join pg_class r on r.oid = i.indrelid
    join pg_namespace n on n.oid = r.relnamespace join pg_attribute a on a.attrelid = r.oid and a.attnum = i.indkey[0]
    where i.indisunique and i.indnkeyatts = 1"""
FILLS = {"N": "0", "B": "false", "D": "timestamp '2020-01-01'", "T": "interval '0'", "S": "''", "U": "", "A": "'{}'"}
"""By pg_type.typcategory, what stands in a new column that must not be null."""

ROW = "dbsynth row"
"""The number of a row, beside its columns."""
Name = tuple[str, str]


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    needed: bool
    """NOT NULL without a default."""
    generated: bool
    always: bool
    label: str
    category: str


@dataclass(frozen=True)
class Key:
    name: str
    table: Name
    parent: Name
    columns: tuple[str, ...]
    ref_columns: tuple[str, ...]


@dataclass
class Catalog:
    """What is there: ``unique``: columns that are unique alone."""

    tables: dict[Name, dict[str, Column]] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    unique: set[tuple[str, str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, connection: Connection) -> Catalog:
        found = cls()
        for schema, table, name, type_, not_null, filled, generated, always, label, category in connection.execute(
            COLUMNS.encode()
        ):
            needed = not_null and not filled and not generated
            column = Column(name, type_, needed, generated, always, label, category)
            found.tables.setdefault((schema, table), {})[name] = column
        for name, schema, table, parent_schema, parent, columns, ref_columns in connection.execute(KEYS.encode()):
            key = Key(name, (schema, table), (parent_schema, parent), tuple(columns), tuple(ref_columns))
            found.keys.append(key)
        found.unique = {tuple(row) for row in connection.execute(UNIQUE.encode())}
        return found


def fill_existing(connection: Connection, dump: Path) -> list[str]:
    """Insert the rows of ``dump``, whose schemas are not there, into the tables that are, in one transaction. Gives
    where they differ from those of the dump: a table or a column that only one side has, another type.

    A new column that may be null or has a default keeps it; one that may not gets a value of its kind, and one that is
    a foreign key points at rows in turn. Raises UnsupportedSource, which names table and column, for what cannot be
    filled: nothing is written then."""
    contents = json.loads((dump / CONTENTS).read_text(encoding="utf-8"))
    schemas: dict[str, str] = contents["schemas"]
    with connection.transaction():
        connection.execute(b"SET LOCAL search_path = pg_catalog")  # names of types come with their schemas
        there = Catalog.of(connection)
        restore(connection, dump, keys=False)
        staged = {name: c for name, c in Catalog.of(connection).tables.items() if name[0] in schemas}
        pairs, drift = _paired(staged, schemas, there)
        for table in _in_order(pairs, there):
            _insert(connection, pairs[table], table, staged, there, drift)
        _close_cycles(connection, pairs, there)
        _move_sequences(connection, pairs, there)
        for schema in schemas:
            connection.execute(f"DROP SCHEMA {ident(schema)} CASCADE".encode())
    return drift


def _paired(
    staged: Mapping[Name, Mapping[str, Column]], schemas: Mapping[str, str], there: Catalog
) -> tuple[dict[Name, tuple[Name, list[str]]], list[str]]:
    """Existing table -> the staged one and the columns that both have; and what differs."""
    pairs: dict[Name, tuple[Name, list[str]]] = {}
    drift = []
    for (schema, table), columns in staged.items():
        goal = _goal(schemas[schema], table, there)
        if goal is None:
            drift.append(f"table {table} of the model is not there: its rows are left out")
            continue
        own = there.tables[goal]
        gone = [c for c in columns if c not in own]
        drift += [f"column {table}.{c} of the model is not there: left out" for c in gone]
        both = [c for c in columns if c in own and not own[c].generated]
        drift += [
            f"column {table}.{c} is {own[c].type}, in the model {columns[c].type}: converted"
            for c in both
            if own[c].type.split(".")[-1] != columns[c].type.split(".")[-1]
        ]
        pairs[goal] = ((schema, table), [c for c in both if not columns[c].generated or not own[c].generated])
    drift += [f"table {t} is not in the model: left as it is" for s, t in there.tables if (s, t) not in pairs]
    return pairs, drift


def _goal(schema: str, table: str, there: Catalog) -> Name | None:
    """The table of the same schema and name, or the only one of that name."""
    if (schema, table) in there.tables:
        return (schema, table)
    named = [n for n in there.tables if n[1] == table]
    return named[0] if len(named) == 1 else None


def _in_order(pairs: Mapping[Name, Any], there: Catalog) -> list[Name]:
    """Parents first. Of a circle, keys that may be null wait: see ``_close_cycles``."""
    needs: dict[Name, set[Name]] = {t: set() for t in pairs}
    for key in there.keys:
        if key.table in pairs and key.parent in pairs and key.parent != key.table and not _may_wait(key, there):
            needs[key.table].add(key.parent)
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = ", ".join(dict.fromkeys(".".join(n) for n in error.args[1]))
        raise UnsupportedSource(
            f"tables that need each other's rows, by keys that may not be null: {circle}",
            hint="make one of the keys nullable, or load the model into a database of its own",
        ) from error


def _may_wait(key: Key, there: Catalog) -> bool:
    """A key to another table that may be null is filled when all rows are there."""
    return all(not there.tables[key.table][c].needed for c in key.columns) and key.parent != key.table


def _insert(
    connection: Connection,
    pair: tuple[Name, Sequence[str]],
    table: Name,
    staged: Mapping[Name, Mapping[str, Column]],
    there: Catalog,
    drift: list[str],
) -> None:
    source, columns = pair
    own = there.tables[table]
    waiting = {c for k in there.keys if k.table == table and _may_wait(k, there) for c in k.columns}
    chosen = [c for c in columns if c not in waiting]
    values = [_converted(c, own[c], staged[source][c]) for c in chosen]
    for name, column in own.items():
        if column.needed and name not in staged[source]:
            values.append(_filled(table, column, there, drift))
            chosen.append(name)
    overriding = " OVERRIDING SYSTEM VALUE" if any(own[c].always for c in chosen) else ""
    rows = f"(SELECT *, row_number() OVER () AS {ident(ROW)} FROM {_place(source)}) AS r"
    into = f"{_place(table)} ({idents(chosen)})" if chosen else _place(table)
    connection.execute(f"INSERT INTO {into}{overriding} SELECT {', '.join(values)} FROM {rows}".encode())


def _converted(name: str, own: Column, staged: Column) -> str:
    """Between types of the same name nothing changes; between others by way of the text."""
    return (
        f"r.{ident(name)}" if own.type == staged.type and own.category != "E" else f"r.{ident(name)}::text::{own.type}"
    )


def _filled(table: Name, column: Column, there: Catalog, drift: list[str]) -> str:
    """SQL of a value for a new column that must have one."""
    where = f"{'.'.join(table)}.{column.name}"
    for key in there.keys:
        if key.table == table and key.columns == (column.name,):
            drift.append(f"column {where} is not in the model: points at rows of {'.'.join(key.parent)} in turn")
            values = f"(SELECT array_agg({ident(key.ref_columns[0])} ORDER BY 1) FROM {_place(key.parent)})"
            return f"({values})[1 + (r.{ident(ROW)} - 1) % cardinality({values})]"
    unique = (*table, column.name) in there.unique
    if column.category == "E":
        value = literal(column.label)
    elif unique and column.category in ("N", "S"):
        value = f"r.{ident(ROW)}"
    elif column.type == "uuid":
        value = f"md5({literal(where)} || r.{ident(ROW)})"
        unique = False
    else:
        value = "" if unique else FILLS.get(column.category, "")
    if not value:
        raise UnsupportedSource(
            f"column {where} ({column.type}) is not in the model, must not be null and has no default",
            hint="give it a default in your migration, or train the model anew",
        )
    drift.append(f"column {where} is not in the model: filled with values of its type")
    return f"({value})::text::{column.type}"


def _close_cycles(connection: Connection, pairs: Mapping[Name, tuple[Name, Sequence[str]]], there: Catalog) -> None:
    """Keys that waited, now that all rows are there: rows are known again by a key that both sides have."""
    for table, (source, columns) in pairs.items():
        waiting = [k for k in there.keys if k.table == table and _may_wait(k, there) and set(k.columns) <= set(columns)]
        if not waiting:
            continue
        own = there.tables[table]
        known = [c for c in columns if (*table, c) in there.unique and c not in {c for k in waiting for c in k.columns}]
        if not known:
            raise UnsupportedSource(
                f"table {'.'.join(table)} has no key of one column by which its rows are known",
                hint=f"give it one, or make {waiting[0].name} NOT NULL",
            )
        changed = dict.fromkeys(c for k in waiting for c in k.columns)
        sets = ", ".join(f"{ident(c)} = r.{ident(c)}::text::{own[c].type}" for c in changed)
        same = f"t.{ident(known[0])} = r.{ident(known[0])}::text::{own[known[0]].type}"
        connection.execute(f"UPDATE {_place(table)} AS t SET {sets} FROM {_place(source)} AS r WHERE {same}".encode())


def _move_sequences(connection: Connection, pairs: Mapping[Name, Any], there: Catalog) -> None:
    for table in pairs:
        for name, column in there.tables[table].items():
            if column.category != "N":
                continue
            asked = "select pg_get_serial_sequence(%s, %s)"
            sequence = connection.execute(asked, (_place(table), name)).fetchone()
            if sequence and sequence[0]:
                last, place = f"max({ident(name)})", _place(table)
                moved = f"SELECT setval(%s::regclass, {last}) FROM {place} HAVING {last} > 0"
                connection.execute(moved.encode(), (sequence[0],))


def _place(name: Name) -> str:
    return f"{ident(name[0])}.{ident(name[1])}"
