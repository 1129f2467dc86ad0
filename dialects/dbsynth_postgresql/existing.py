"""Rows of a dump into tables that somebody else made: by the names of tables and columns, in the order of their keys,
with what differs told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import psycopg

from dbsynth.dialect import connect
from dbsynth.errors import PermissionDenied, TargetRefused, UnsupportedSource
from dbsynth_postgresql.existing_catalog import Catalog, Column, Connection, Key, Name, dotted, place
from dbsynth_postgresql.existing_columns import ROW, NewColumns, new_columns
from dbsynth_postgresql.names import ident, idents
from dbsynth_postgresql.restore import read_contents, restore

Pairs = dict[Name, tuple[Name, list[str]]]
"""Existing table -> the staged one, and the columns that both have."""
AGAIN = "change your migration, or train the model anew"


def fill_existing(connection: Connection, dump: Path, *, url: str, seed: int = 0) -> list[str]:
    """Insert the rows of ``dump``, whose schemas are not there, into the tables that are, in one transaction. Gives
    where they differ from those of the dump: a table or a column that only one side has, another type. ``url``: of
    the same database, to ask for the types and CHECKs of new columns.

    A new column that may be null or has a default keeps it; one that may not gets values by its role, its type and
    its CHECKs, or, if it is a foreign key, points at rows in turn. Nothing is written, and UnsupportedSource names
    table and column, for what cannot be filled; TargetRefused for tables that hold rows."""
    schemas: dict[str, str] = read_contents(dump)["schemas"]
    with _told("the rows of the model"), connection.transaction():
        connection.execute(b"SET LOCAL search_path = pg_catalog")  # names of types come with their schemas
        there = Catalog.of(connection)
        restore(connection, dump, keys=False)
        staged = {name: c for name, c in Catalog.of(connection).tables.items() if name[0] in schemas}
        pairs, drift = _paired(staged, schemas, there)
        _refuse_filled(connection, pairs)
        order = _in_order(pairs, there)
        for table in order:
            drift += _checked(connection, pairs[table], table, staged, there)
        new = _new(connection, url, pairs, staged, there, seed)
        drift += [line for table in order for line in new[table].drift]
        for table in order:
            with _told(f"table {dotted(table)}"):
                _insert(connection, pairs[table], table, staged, there, new[table])
        _close_cycles(connection, pairs, there)
        connection.execute(b"SET CONSTRAINTS ALL IMMEDIATE")
        _move_sequences(connection, pairs, there)
        for schema in schemas:
            connection.execute(f"DROP SCHEMA {ident(schema)} CASCADE".encode())
    return drift


def _new(
    connection: Connection,
    url: str,
    pairs: Pairs,
    staged: Mapping[Name, Mapping[str, Column]],
    there: Catalog,
    seed: int,
) -> dict[Name, NewColumns]:
    needed = {
        table: [c.name for c in there.tables[table].values() if c.needed and c.name not in staged[source]]
        for table, (source, _) in pairs.items()
    }
    schemas = sorted({schema for (schema, _), names in needed.items() if names})
    if not schemas:
        return {table: NewColumns() for table in pairs}
    database = connect(url)
    try:
        known = database.introspect(schemas)
    finally:
        database.close()
    return {t: new_columns(connection, known, t, names, there, pairs, seed) for t, names in needed.items()}


@contextmanager
def _told(what: str) -> Iterator[None]:
    """What the database refuses, as an error that names table, column or constraint. Values are left out."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise PermissionDenied(
            f"{what}: {error.diag.message_primary}", hint="connect as the user who ran the migrations"
        ) from error
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        told = error.diag
        table = f"{told.schema_name}.{told.table_name}" if told.table_name else ""
        where = f"table {table}" if table else what
        if told.column_name:
            where = f"column {table}.{told.column_name}" if table else f"column {told.column_name}"
        said = told.constraint_name or (told.message_primary or type(error).__name__).partition(': "')[0]
        reasons: dict[type[psycopg.Error], str] = {
            psycopg.errors.UniqueViolation: f"the model's rows have values twice that {said} wants once",
            psycopg.errors.CheckViolation: f"rows of the model do not meet {said}",
            psycopg.errors.ForeignKeyViolation: f"rows of the model point by {said} at rows that are not there",
            psycopg.errors.ExclusionViolation: f"rows of the model exclude each other by {said}",
            psycopg.errors.NotNullViolation: "must not be null, and rows of the model have no value",
        }
        why = reasons.get(type(error), f"the database refuses its rows ({said})")
        raise UnsupportedSource(f"{where}: {why}; nothing was written", hint=AGAIN) from error


def _paired(
    staged: Mapping[Name, Mapping[str, Column]], schemas: Mapping[str, str], there: Catalog
) -> tuple[Pairs, list[str]]:
    """Also what differs. UnsupportedSource where no table of the model is there, or it is not clear which."""
    pairs: Pairs = {}
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
        pairs[goal] = ((schema, table), [c for c in both if not columns[c].generated or not own[c].generated])
    if not pairs:
        raise _nothing_there([(schemas[s], t) for s, t in staged], there)
    drift += [f"table {t} is not in the model: left as it is" for s, t in there.tables if (s, t) not in pairs]
    return pairs, drift


def _nothing_there(wanted: Sequence[Name], there: Catalog) -> UnsupportedSource:
    found = [dotted(n) for n in there.tables] + [f"{dotted(n)} (no table: a view)" for n in there.views]
    return UnsupportedSource(
        f"none of the tables of the model is there: looked for {_listed([dotted(n) for n in wanted])}; there are: "
        f"{_listed(found) or 'none'}",
        hint="run your migrations on this database first; tables are found by their exact names, capitals included",
    )


def _listed(names: Sequence[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _goal(schema: str, table: str, there: Catalog) -> Name | None:
    """The table of the same schema and name, or the only one of that name."""
    if (schema, table) in there.tables:
        return (schema, table)
    named = [n for n in there.tables if n[1] == table]
    if len(named) > 1:
        raise UnsupportedSource(
            f"table {schema}.{table} of the model is not there, and {_listed([dotted(n) for n in named])} are: into "
            "which one is not clear",
            hint=f"make the table in schema {schema}, or leave one of that name",
        )
    return named[0] if named else None


def _refuse_filled(connection: Connection, pairs: Pairs) -> None:
    filled = [t for t in pairs if connection.execute(f"SELECT 1 FROM {place(t)} LIMIT 1".encode()).fetchone()]
    if filled:
        raise TargetRefused(
            f"filled already: {_listed([dotted(t) for t in filled])}; nothing was written",
            hint=f"load into a fresh database (server.create()), or empty them first: TRUNCATE {place(filled[0])}, ...",
        )


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


def _checked(
    connection: Connection,
    pair: tuple[Name, Sequence[str]],
    table: Name,
    staged: Mapping[Name, Mapping[str, Column]],
    there: Catalog,
) -> list[str]:
    """What is converted, and that all values of the columns that both have can be."""
    source, columns = pair
    drift = []
    for name in columns:
        own, model = there.tables[table][name], staged[source][name]
        where = f"column {dotted(table)}.{name}"
        if own.not_null and not model.not_null:
            asked = f"SELECT count(*) FROM {place(source)} WHERE {ident(name)} IS NULL"
            if missing := _number(connection, asked):
                raise UnsupportedSource(
                    f"{where} must not be null, and {missing} rows of the model have no value; nothing was written",
                    hint="let it be null, or train the model anew",
                )
        if own.type == model.type and own.category != "E":
            continue
        lost = _lost(connection, source, own, model, where)
        if own.type.split(".")[-1] != model.type.split(".")[-1]:
            rounded = f", {lost} values are rounded" if lost else ""
            said = f"column {table[1]}.{name} is {own.type}, in the model {model.type}: converted"
            drift.append(said + rounded)
    return drift


def _lost(connection: Connection, source: Name, own: Column, model: Column, where: str) -> int:
    """How many values another type changes: none of texts, or UnsupportedSource, which comes too for values that the
    type cannot hold."""
    column, known = f"r.{ident(own.name)}", f"FROM {place(source)} AS r WHERE r.{ident(own.name)} IS NOT NULL"
    cast = f"{column}::text::{own.type}"
    differs = f"{where} is {own.type}, in the model {model.type}"
    try:
        with connection.transaction():
            _number(connection, f"SELECT count({cast}) {known}")
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError) as error:
        raise UnsupportedSource(
            f"{differs}: not all its values can be converted; nothing was written", hint=AGAIN
        ) from error
    if own.category == "S":
        asked = f"SELECT count(*) {known} AND rtrim({cast}::text) <> rtrim({column}::text)"
        if cut := _number(connection, asked):
            raise UnsupportedSource(
                f"{differs}: {cut} values are longer than that and would be cut; nothing was written",
                hint="make it wider in your migration, or train the model anew",
            )
        return 0
    try:
        with connection.transaction():
            same = f"{cast}::text::{model.type}::text"
            return _number(connection, f"SELECT count(*) {known} AND {same} <> {column}::text")
    except psycopg.DataError:  # no way back from this type: true is no number
        return 0


def _number(connection: Connection, asked: str) -> int:
    found = connection.execute(asked.encode()).fetchone()
    return int(found[0]) if found else 0


def _insert(
    connection: Connection,
    pair: tuple[Name, Sequence[str]],
    table: Name,
    staged: Mapping[Name, Mapping[str, Column]],
    there: Catalog,
    new: NewColumns,
) -> None:
    source, columns = pair
    own = there.tables[table]
    waiting = {c for k in there.keys if k.table == table and _may_wait(k, there) for c in k.columns}
    chosen = [c for c in columns if c not in waiting]
    values = {c: _converted(c, own[c], staged[source][c]) for c in chosen}
    values |= {c: new.value(c, values) for c in new.names}
    overriding = " OVERRIDING SYSTEM VALUE" if any(own[c].always for c in values) else ""
    rows = f"(SELECT *, row_number() OVER () AS {ident(ROW)} FROM {place(source)}) AS r{new.joined}"
    into = f"{place(table)} ({idents(values)})" if values else place(table)
    connection.execute(f"INSERT INTO {into}{overriding} SELECT {', '.join(values.values())} FROM {rows}".encode())


def _converted(name: str, own: Column, staged: Column) -> str:
    """Between types of the same name nothing changes; between others by way of the text."""
    return (
        f"r.{ident(name)}" if own.type == staged.type and own.category != "E" else f"r.{ident(name)}::text::{own.type}"
    )


def _close_cycles(connection: Connection, pairs: Pairs, there: Catalog) -> None:
    """Keys that waited, now that all rows are there: rows are known again by a key that both sides have."""
    for table, (source, columns) in pairs.items():
        waiting = [k for k in there.keys if k.table == table and _may_wait(k, there) and set(k.columns) <= set(columns)]
        if not waiting:
            continue
        own = there.tables[table]
        known = [c for c in columns if (*table, c) in there.unique and c not in {c for k in waiting for c in k.columns}]
        if not known:
            raise UnsupportedSource(
                f"table {dotted(table)} has no key of one column by which its rows are known",
                hint=f"give it one, or make {waiting[0].name} NOT NULL",
            )
        changed = dict.fromkeys(c for k in waiting for c in k.columns)
        sets = ", ".join(f"{ident(c)} = r.{ident(c)}::text::{own[c].type}" for c in changed)
        same = f"t.{ident(known[0])} = r.{ident(known[0])}::text::{own[known[0]].type}"
        connection.execute(f"UPDATE {place(table)} AS t SET {sets} FROM {place(source)} AS r WHERE {same}".encode())


def _move_sequences(connection: Connection, pairs: Mapping[Name, Any], there: Catalog) -> None:
    for table in pairs:
        for name, column in there.tables[table].items():
            if column.category != "N":
                continue
            asked = "select pg_get_serial_sequence(%s, %s)"
            sequence = connection.execute(asked, (place(table), name)).fetchone()
            if sequence and sequence[0]:
                last = f"max({ident(name)})"
                moved = f"SELECT setval(%s::regclass, {last}) FROM {place(table)} HAVING {last} > 0"
                connection.execute(moved.encode(), (sequence[0],))
