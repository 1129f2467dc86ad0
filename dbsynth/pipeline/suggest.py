"""Keys that a database does not declare: candidates by name and type, measured where the rows are. Nothing acts on
them: a person pastes what is right into dbsynth.toml."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import types as sqltypes

from dbsynth.dialect import Database
from dbsynth.relation.fills import stem
from dbsynth.schema.model import Column, Schema, Table, TableName
from dbsynth.schema.roles import words

SAMPLE_ROWS = 1_000_000
"""Larger tables are measured on so many of their rows."""
VALUES = 10_000
"""Distinct values of a foreign key candidate that are looked up."""
MOST_COLUMNS = 6
"""Columns that are tried in pairs as a composite key."""


@dataclass(frozen=True)
class Suggestion:
    """``ref_table`` None: a primary key."""

    table: TableName
    columns: tuple[str, ...]
    evidence: str
    ref_table: TableName | None = None
    ref_columns: tuple[str, ...] = ()

    def toml(self) -> str:
        listed = json.dumps(list(self.columns), ensure_ascii=False)
        table = json.dumps(str(self.table), ensure_ascii=False)
        if self.ref_table is None:
            return f"[[primary_keys]]\ntable = {table}\ncolumns = {listed}"
        referred, ref_columns = (json.dumps(x, ensure_ascii=False) for x in (str(self.ref_table), [*self.ref_columns]))
        own = f"[[foreign_keys]]\ntable = {table}\ncolumns = {listed}\n"
        return f"{own}ref_table = {referred}\nref_columns = {ref_columns}"

    def describe(self) -> dict[str, Any]:
        return {
            "table": str(self.table),
            "columns": list(self.columns),
            "ref_table": str(self.ref_table) if self.ref_table else None,
            "ref_columns": list(self.ref_columns),
            "evidence": self.evidence,
            "toml": self.toml(),
        }


def suggested(database: Database, schema: Schema, rows: Mapping[TableName, int]) -> list[Suggestion]:
    """Primary keys of tables that have none, then foreign keys over columns that are in none."""
    primary = {t.name: t.primary_key.columns for t in schema.tables if t.primary_key}
    found: list[Suggestion] = []
    for table in schema.tables:
        if table.name not in primary and rows[table.name]:
            suggestion = _primary(database, table, rows[table.name])
            if suggestion is not None:
                found.append(suggestion)
                primary[table.name] = suggestion.columns
    for table in schema.tables:
        if rows[table.name]:
            found += _foreign(database, schema, table, primary)
    return found


def _may_be_key(column: Column) -> bool:
    whole = isinstance(column.type, sqltypes.Integer | sqltypes.Uuid) or (
        isinstance(column.type, sqltypes.Numeric)
        and not isinstance(column.type, sqltypes.Float)
        and column.type.scale == 0
    )
    text = isinstance(column.type, sqltypes.String) and not isinstance(column.type, sqltypes.Enum)
    return whole or text


def _named_like_key(name: str) -> bool:
    return bool(set(words(name).split("_")) & {"id", "key", "code", "no", "nr", "number", "uuid", "guid", "sk", "pk"})


def _rank(table: Table, column: Column) -> tuple[int, int]:
    """By how likely its name is that of the table's key, then by position."""
    name, own = words(column.name), stem(table.name.name)
    position = [c.name for c in table.columns].index(column.name)
    if name in ("id", f"{own}_id") or stem(name.removesuffix("_id").removesuffix("id")) == own:
        return 0, position
    return (1 if _named_like_key(column.name) else 2), position


def _rows_of(database: Database, table: Table, rows: int) -> tuple[str, str]:
    """What to measure, and how to say so."""
    place = database.place(table.name)
    if rows <= SAMPLE_ROWS:
        return place, f"all {rows:,} rows"
    return f"(SELECT * FROM {place} LIMIT {SAMPLE_ROWS}) AS sampled", f"{SAMPLE_ROWS:,} of {rows:,} rows"


def _primary(database: Database, table: Table, rows: int) -> Suggestion | None:
    quote = database.dialect.grammar.quote
    ranked = sorted((c for c in table.stored_columns if _may_be_key(c)), key=lambda c: _rank(table, c))
    candidates = [c for c in ranked if _rank(table, c)[0] < 2 or isinstance(c.type, sqltypes.Integer)][:12]
    if not candidates:
        return None
    source, measured = _rows_of(database, table, rows)
    counted = ", ".join(f"COUNT({quote(c.name)}), COUNT(DISTINCT {quote(c.name)})" for c in candidates)
    parts = [p.strip() for p in counted.split(", ")]
    named = ", ".join(f"{p} AS {quote(f'n{i}')}" for i, p in enumerate(["COUNT(*)", *parts]))
    total, *numbers = database.numbers(f"SELECT {named} FROM {source}", f"measuring {table.name}")
    for column, known, distinct in zip(candidates, numbers[::2], numbers[1::2], strict=True):
        if known == distinct == total:
            return Suggestion(table.name, (column.name,), f"never null, never repeated in {measured}")
    never_null = [c for c, known in zip(candidates, numbers[::2], strict=True) if known == total][:MOST_COLUMNS]
    for pair in combinations(never_null, 2):
        names = ", ".join(quote(c.name) for c in pair)
        sql = f"SELECT COUNT(*) AS {quote('n')} FROM (SELECT {names} FROM {source} GROUP BY {names}) AS pairs"
        if database.numbers(sql, f"measuring {table.name}") == [total]:
            columns = tuple(c.name for c in sorted(pair, key=lambda c: _rank(table, c)[1]))
            return Suggestion(table.name, columns, f"together never repeated in {measured}")
    return None


def _foreign(
    database: Database, schema: Schema, table: Table, primary: Mapping[TableName, tuple[str, ...]]
) -> Iterator[Suggestion]:
    taken = {c for fk in table.foreign_keys for c in fk.columns}
    for column in table.stored_columns:
        if column.name in taken or not _may_be_key(column) or primary.get(table.name) == (column.name,):
            continue
        for parent in schema.tables:
            key = primary.get(parent.name, ())
            if len(key) != 1 or not points_at(column, parent, key[0]):
                continue
            if not _comparable(column, parent.column(key[0])):
                continue
            evidence = _included(database, table, column, parent, key[0])
            if evidence:
                yield Suggestion(table.name, (column.name,), evidence, parent.name, key)
                break


def points_at(column: Column, parent: Table, key: str) -> bool:
    """``customer_id`` at the table customers, ``shipped_by_employee_id`` at employees, ``sku`` at a key ``sku``."""
    name, own = words(column.name), words(key)
    if name == own and own not in ("id", "key", "code", "name", "number"):
        return True
    parts = name.split("_")
    if parts[-1] not in ("id", "key", "code", "no", "nr", "sk", "fk"):
        return False
    return stem("_".join(parts[:-1])).endswith(stem(parent.name.name)) and bool(parts[:-1])


def _comparable(a: Column, b: Column) -> bool:
    kinds = (sqltypes.Uuid, sqltypes.String, sqltypes.Numeric | sqltypes.Integer)
    return any(isinstance(a.type, kind) and isinstance(b.type, kind) for kind in kinds)


def _included(database: Database, table: Table, column: Column, parent: Table, key: str) -> str:
    """Non-empty if every value (of ``VALUES``) is one of the parent's."""
    quote = database.dialect.grammar.quote
    own = quote(column.name)
    values = f"SELECT DISTINCT {own} AS v FROM {database.place(table.name)} WHERE {own} IS NOT NULL LIMIT {VALUES}"
    sql = (
        f"SELECT COUNT(*) AS {quote('n')}, COUNT(p.{quote(key)}) AS {quote('m')} FROM ({values}) AS c"
        f" LEFT JOIN {database.place(parent.name)} AS p ON p.{quote(key)} = c.v"
    )
    looked_up, known = database.numbers(sql, f"measuring {table.name}")
    if not looked_up or known < looked_up:
        return ""
    return f"{looked_up:,} distinct values of {column.name}, each a {key} of {parent.name}"
