"""The schema of tables in memory: types and nulls as found, keys and CHECKs as given."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from dbsynth.errors import UsageError
from dbsynth.frames.columns import Travelling
from dbsynth.schema.checks import parse_check
from dbsynth.schema.model import Check, Column, ForeignKey, Key, Schema, Table, TableName

SCHEMA = "public"
DIALECT = "postgres"
"""Of CHECK texts, as sqlglot calls it."""
KNOWN = ("primary_key", "foreign_keys", "unique", "checks")
KNOWN_OF_KEY = ("columns", "ref_table", "ref_columns")

Given = Mapping[str, Mapping[str, Any]]


def inferred(frames: Mapping[str, Mapping[str, Travelling]]) -> Schema:
    tables = []
    for name, columns in frames.items():
        described = tuple(
            Column(c, t.type, str(t.type.__class__.__name__).lower(), nullable=t.values.null_count > 0)
            for c, t in columns.items()
        )
        ranges = (_range(c, t.bounds) for c, t in columns.items() if t.bounds is not None)
        tables.append(Table(TableName(SCHEMA, name), described, checks=tuple(ranges)))
    return Schema(tuple(tables))


def _range(column: str, bounds: tuple[int, int]) -> Check:
    quoted = '"' + column.replace('"', '""') + '"'
    return Check(f"{column} is of its dtype", f"{quoted} BETWEEN {bounds[0]} AND {bounds[1]}")


def with_given(schema: Schema, given: Given) -> Schema:
    """``schema`` with the keys and CHECKs of ``{"orders": {"primary_key": ["id"], "unique": [["no"]], "checks":
    ["qty > 0"], "foreign_keys": [{"columns": ["customer_id"], "ref_table": "customers"}]}}``. UsageError, with the
    nearest name, for a name that is not there and for a CHECK that cannot be evaluated."""
    names = {t.name.name: t for t in schema.tables}
    for name, facts in given.items():
        _need(name, names, "schema: there is no table")
        for fact in facts:
            _need(fact, KNOWN, f"schema: {name} has something that is not known:")
    tables = [_with_keys(t, given.get(t.name.name, {})) for t in schema.tables]
    keyed = {t.name.name: t for t in tables}
    return replace(schema, tables=tuple(_with_rest(t, given.get(t.name.name, {}), keyed) for t in tables))


def _with_keys(table: Table, facts: Mapping[str, Any]) -> Table:
    own = table.name.name
    primary = tuple(_columns(table, facts.get("primary_key") or (), "primary_key"))
    uniques = [tuple(_columns(table, u, "unique")) for u in facts.get("unique") or ()]
    columns = tuple(replace(c, nullable=False) if c.name in primary else c for c in table.columns)
    return replace(
        table,
        columns=columns,
        primary_key=Key(f"{own}_pkey", primary, "") if primary else None,
        uniques=tuple(Key(f"{own}_{'_'.join(u)}_key", u, "") for u in uniques),
    )


def _with_rest(table: Table, facts: Mapping[str, Any], tables: Mapping[str, Table]) -> Table:
    own = table.name.name
    keys = []
    for key in facts.get("foreign_keys") or ():
        for fact in key:
            _need(fact, KNOWN_OF_KEY, f"schema: a foreign key of {own} has something that is not known:")
        if not {"columns", "ref_table"} <= set(key):
            raise UsageError(
                f"schema: a foreign key of {own} lacks its columns or ref_table",
                hint='{"columns": ["customer_id"], "ref_table": "customers"}',
            )
        keys.append(_foreign_key(table, key, tables))
    checks = [Check(f"{own}_check{i + 1}", text) for i, text in enumerate(facts.get("checks") or ())]
    for check in checks:
        parsed = parse_check(check, table, DIALECT)
        if not parsed.evaluable:
            raise UsageError(
                f"schema: CHECK {check.expression!r} of {own} cannot be evaluated: {parsed.reason}",
                hint="write it in the SQL of PostgreSQL over the columns of the table, or leave it out",
            )
    return replace(table, foreign_keys=tuple(keys), checks=(*table.checks, *checks))


def _foreign_key(table: Table, key: Mapping[str, Any], tables: Mapping[str, Table]) -> ForeignKey:
    own, columns = table.name.name, tuple(_columns(table, key["columns"], "foreign_keys"))
    _need(key["ref_table"], tables, f"schema: a foreign key of {own} refers to a table that is not there:")
    parent = tables[key["ref_table"]]
    primary = parent.primary_key.columns if parent.primary_key else ()
    ref_columns = tuple(_columns(parent, key.get("ref_columns") or primary, "ref_columns"))
    if len(ref_columns) != len(columns) or not any(set(ref_columns) == set(u) for u in parent.unique_keys):
        raise UsageError(
            f"schema: the foreign key of {own} ({', '.join(columns)}) refers to ({', '.join(ref_columns)}) of "
            f"{parent.name.name}, which is no key of it with as many columns",
            hint=f"give {parent.name.name} a primary_key or unique of these columns",
        )
    return ForeignKey(f"{own}_{'_'.join(columns)}_fkey", columns, parent.name, ref_columns)


def _columns(table: Table, names: Sequence[str] | str, where: str) -> Iterable[str]:
    if isinstance(names, str):
        raise UsageError(f"schema: {where} of {table.name.name} is a text", hint=f"write a list: [{names!r}]")
    for name in names:
        _need(name, table.by_name, f"schema: {where}: {table.name.name} has no column")
    return names


def _need(name: str, known: Iterable[str], what: str) -> None:
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(str(name), names, 1)
        raise UsageError(
            f"{what} {name!r}", hint=f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
        )


def cast_to(table: Table, frame: pa.Table) -> pa.Table:
    """``frame`` in the types in which the stored columns of a given ``table`` travel. UsageError names what is missing
    or does not fit."""
    from dbsynth.schema.types import arrow_type

    arrays = []
    for column in table.stored_columns:
        _need(column.name, frame.column_names, f"{table.name}: the frame has no column")
        try:
            arrays.append(frame.column(column.name).combine_chunks().cast(arrow_type(column.type)))
        except pa.ArrowException as error:
            raise UsageError(
                f"{table.name}.{column.name}: its values are no {column.declared}", hint="give it another type"
            ) from error
    return pa.table(arrays, names=[c.name for c in table.stored_columns])
