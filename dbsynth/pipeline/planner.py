"""From a catalog, row counts and a small sample of each table to a Plan."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sqltypes

from dbsynth.dialect import Database, ReadRequest, Sample
from dbsynth.errors import UnsatisfiableConstraint, UnsupportedSource, UsageError
from dbsynth.pipeline.blind import Blind, by_catalog
from dbsynth.pipeline.exclusions import apart_of
from dbsynth.pipeline.facts import with_facts
from dbsynth.pipeline.lookups import kept_tables
from dbsynth.pipeline.plan import DEFAULT_STRATEGY, PRIVATE_STRATEGY, ColumnPlan, Degree, Kept, Plan, TablePlan
from dbsynth.pipeline.room import key_places
from dbsynth.pipeline.unique_indexes import unique_indexes
from dbsynth.privacy.budget import PrivacyWish
from dbsynth.relation.facts import NO_WISHES, FactWishes
from dbsynth.relation.fills import KeyPlan, plan_keys
from dbsynth.schema import graph
from dbsynth.schema.checks import contradiction, implications, parse_checks
from dbsynth.schema.model import Column, Schema, Table, TableName
from dbsynth.schema.roles import ColumnRole, infer_roles

PROFILE_ROWS = 5_000
"""Rows of each table that are looked at to tell what its columns mean."""


@dataclass(frozen=True)
class Wishes:
    """What the user asked for beyond source and target."""

    tables: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    scale: float = 1.0
    rows: Mapping[str, int] | None = None
    sample_rows: int = 100_000
    keep: tuple[str, ...] = ()
    keep_none: bool = False
    privacy_k: int = 5
    overrides: Mapping[str, Any] | None = None
    strategy: str | None = None
    facts: FactWishes = NO_WISHES
    private: PrivacyWish | None = None


def select(schema: Schema, wishes: Wishes) -> Schema:
    """The tables that match ``tables`` (all if empty) and not ``exclude``; patterns are shell-style, on ``table`` or
    ``schema.table``. UsageError where a pattern matches nothing (nearest name) or no table is left."""
    names = [t.name for t in schema.tables]
    chosen = set(_matching(wishes.tables, names, "--tables")) if wishes.tables else set(names)
    chosen -= set(_matching(wishes.exclude, names, "--exclude"))
    for option, tables in (("--rows", wishes.rows or {}), ("--keep", wishes.keep)):
        for table in tables:
            if chosen.isdisjoint(_matching([table], names, option)):
                raise UsageError(
                    f"{option} {table}: the table is left out", hint="take it out of --exclude, or into --tables"
                )
    if not chosen:
        raise UsageError(
            "no table is left to clone" if names else "the source holds no table",
            hint="check --schema, --tables and --exclude" if names else "name another schema with --schema",
        )
    return replace(schema, tables=tuple(t for t in schema.tables if t.name in chosen))


def _matching(patterns: Iterable[str], names: list[TableName], option: str) -> list[TableName]:
    found: list[TableName] = []
    for pattern in patterns:
        hits = [n for n in names if pattern in (n.name, str(n))] or [
            n for n in names if fnmatch.fnmatchcase(n.name, pattern) or fnmatch.fnmatchcase(str(n), pattern)
        ]
        if not hits:
            near = difflib.get_close_matches(pattern, [n.name for n in names] + [str(n) for n in names], 1)
            some = ", ".join(str(n) for n in names[:8]) + (", …" if len(names) > 8 else "")
            raise UsageError(
                f"{option} {pattern}: no such table",
                hint=f"did you mean {near[0]!r}?" if near else f"there are: {some or 'none'}",
            )
        found += hits
    return found


def make_plan(
    database: Database,
    schema: Schema,
    wishes: Wishes,
    *,
    mapping: Mapping[str, str],
    source: str,
    target: str,
    constraints_after_load: bool,
    sqlglot_dialect: str,
    snapshot: str | None,
    seed: int | None,
    done: Callable[[TableName], None] = lambda name: None,
) -> Plan:
    """Read counts, lookup tables and a sample of each table; decide everything. Trains nothing, writes nothing."""
    now = datetime.combine(datetime.now(UTC).date(), time(0), UTC)
    rows = database.count([t.name for t in schema.tables], snapshot)
    implied = {t.name: implications(parse_checks(t, sqlglot_dialect), t, now) for t in schema.tables}
    names = [t.name for t in schema.tables]
    empty = set(_matching([table for table, n in (wishes.rows or {}).items() if n == 0], names, "--rows"))
    places = {t.name: key_places(t, implied[t.name]) for t in schema.tables}
    for table in schema.tables:
        to_make = 0 if table.name in empty else rows[table.name]
        check_supported(table, to_make, sqlglot_dialect, now)
        _check_references(table, schema, to_make)
    order = graph.order(schema, rows, constraints_after_load=constraints_after_load)
    forced = set(_matching(wishes.keep, [t.name for t in schema.tables], "--keep"))
    if wishes.private is not None:
        database = Blind(database, forced, schema)
    roles: dict[TableName, dict[str, ColumnRole]] = {}
    for table in schema.tables:
        sample = profile_sample(database, table, rows[table.name], snapshot)
        found = infer_roles(table, sample, wishes.privacy_k, rows[table.name])
        if wishes.private is not None:
            found = by_catalog(table, found)
        roles[table.name] = _overridden(table, found, wishes)
        done(table.name)
    may_be_kept = [t for t in schema.tables if _section(t, wishes).get("keep") is not False]
    candidates = [] if wishes.keep_none or wishes.private is not None else may_be_kept
    kept = kept_tables(database, schema, candidates, forced, rows, roles, wishes.privacy_k, snapshot)
    keys = {t.name: plan_keys(t, schema, order, rows, set(kept)) for t in schema.tables}
    wanted = _wanted_rows(schema, order.tables, rows, keys, kept, places, wishes)
    plans = []
    default_strategy = PRIVATE_STRATEGY if wishes.private is not None else DEFAULT_STRATEGY
    for name in order.tables:
        table = schema[name]
        override = _section(table, wishes)
        degrees = tuple(
            Degree(t.name, k.key, k.fill)
            for t in schema.tables
            for k in keys[t.name]
            if k.key.ref_table == name and k.fill in ("context", "cluster", "matched", "self", "cycle")
        )
        plans.append(
            TablePlan(
                table=table,
                level=order.levels[name],
                source_rows=rows[name],
                rows=wanted[name],
                train_rows=min(rows[name], wishes.sample_rows),
                sample=_sample(table, keys[name], rows[name], wishes.sample_rows),
                keys=keys[name],
                columns=tuple(_column_plan(table, c, keys[name], roles[name]) for c in table.columns),
                degrees=degrees,
                sibling_order=_sibling_order(table, keys[name]),
                kept=kept.get(name),
                strategy=override.get("strategy") or wishes.strategy or default_strategy,
                training=dict(override.get("training") or {}),
                warnings=tuple(_warnings(table, keys[name], wanted[name], rows[name], places[name], wishes.scale)),
            )
        )
    plan = Plan(
        schema=schema,
        tables=tuple(plans),
        mapping=dict(mapping),
        source=source,
        target=target,
        seed=seed,
        privacy_k=wishes.privacy_k,
        sqlglot_dialect=sqlglot_dialect,
        now=now,
        warnings=schema.notes,
    )
    plan = with_facts(database, plan, wishes.facts, snapshot)
    if wishes.private is None:
        return plan
    from dbsynth.pipeline.private import with_budget  # loads torch

    return with_budget(plan, wishes.private)


def resized(plan: Plan, scale: float, rows: Mapping[str, int]) -> Plan:
    """``plan`` for other numbers of rows, told from what it knows of the source: nothing is read. Raises
    UnsatisfiableConstraint where the keys of a table do not allow as many as ``rows`` ask for."""
    implied = {t.name: implications(parse_checks(t, plan.sqlglot_dialect), t, plan.now) for t in plan.schema.tables}
    places = {t.name: key_places(t, implied[t.name]) for t in plan.schema.tables}
    wanted = _wanted_rows(
        plan.schema,
        tuple(t.name for t in plan.tables),
        {t.name: t.source_rows for t in plan.tables},
        {t.name: t.keys for t in plan.tables},
        {t.name: t.kept for t in plan.tables if t.kept is not None},
        places,
        Wishes(scale=scale, rows=rows),
    )
    tables = [
        replace(
            t,
            rows=wanted[t.name],
            warnings=tuple(_warnings(t.table, t.keys, wanted[t.name], t.source_rows, places[t.name], scale)),
        )
        for t in plan.tables
    ]
    return replace(plan, tables=tuple(tables))


def profile_sample(database: Database, table: Table, rows: int, snapshot: str | None) -> pa.Table:
    """About ``PROFILE_ROWS`` rows of the stored columns, spread over the table by hash."""
    sample = Sample((), min(1.0, 1.2 * PROFILE_ROWS / rows)) if rows > PROFILE_ROWS else None
    columns = tuple(c.name for c in table.stored_columns)
    order = table.primary_key.columns if table.primary_key and sample is None else ()
    request = ReadRequest(table.name, columns, sample, order_by=order, limit=PROFILE_ROWS)
    return pa.Table.from_batches(list(database.read(request, snapshot)))


def check_supported(table: Table, rows: int, sqlglot_dialect: str, now: datetime) -> None:
    """Raises CannotClone where rows of ``table`` cannot be made, naming what stands against them."""
    against = contradiction(parse_checks(table, sqlglot_dialect), table, now) if rows else None
    if against:
        raise UnsatisfiableConstraint(
            against,
            hint=f"check these constraints, or leave the table out: --exclude {table.name.name}",
        )
    if rows:
        unique_indexes(table, sqlglot_dialect)
        apart_of(table, sqlglot_dialect)


def _check_references(table: Table, schema: Schema, rows: int) -> None:
    """A foreign key takes the values of stored columns."""
    for key in table.foreign_keys:
        sides = [(table, key.columns)]
        if key.ref_table in schema.by_name:
            sides.append((schema[key.ref_table], key.ref_columns))
        generated = [f"{t.name}.{c}" for t, columns in sides for c in columns if t.column(c).generated is not None]
        if generated and rows:
            raise UnsupportedSource(
                f"{table.name}: foreign key {key.name} is over the generated column {generated[0]}: such keys cannot "
                "be filled yet",
                hint=_without_rows(table.name),
            )


def _without_rows(table: TableName) -> str:
    return f"leave the table out: --exclude {table.name}, or give it no rows: --rows {table.name}=0"


def _section(table: Table, wishes: Wishes) -> Mapping[str, Any]:
    """What dbsynth.toml says of a table."""
    overrides = wishes.overrides or {}
    section: Mapping[str, Any] = overrides.get(str(table.name)) or overrides.get(table.name.name) or {}
    return section


def _overridden(table: Table, roles: dict[str, ColumnRole], wishes: Wishes) -> dict[str, ColumnRole]:
    columns = _section(table, wishes).get("columns") or {}
    for name, settings in columns.items():
        if name not in roles:
            near = difflib.get_close_matches(name, roles, 1)
            raise UsageError(
                f"dbsynth.toml: {table.name} has no column {name}", hint=f"did you mean {near[0]!r}?" if near else ""
            )
        if settings.get("role"):
            roles[name] = roles[name].with_role(settings["role"], f"dbsynth.toml: {table.name}.{name}")
    return roles


def _wanted_rows(
    schema: Schema,
    order: tuple[TableName, ...],
    rows: Mapping[TableName, int],
    keys: Mapping[TableName, tuple[KeyPlan, ...]],
    kept: Mapping[TableName, Kept],
    places: Mapping[TableName, int | None],
    wishes: Wishes,
) -> dict[TableName, int]:
    explicit: dict[TableName, int] = {}
    for pattern, n in (wishes.rows or {}).items():
        for name in _matching([pattern], list(order), "--rows"):
            most = places[name]
            if most is not None and n > most:
                raise UnsatisfiableConstraint(
                    f"{name}: {n:,} rows are asked for, its unique keys and CHECKs allow {most:,}",
                    hint=f"ask for fewer rows: --rows {name.name}={most}",
                )
            explicit[name] = n
    wanted: dict[TableName, int] = {}
    least: dict[TableName, int] = {}
    for name, own in kept.items():  # kept rows that each need a row of their own
        for k in keys[name]:
            if any(set(u) <= set(k.key.columns) for u in schema[name].unique_keys):
                least[k.key.ref_table] = max(own.count, least.get(k.key.ref_table, 0))
    for name in order:
        n = rows[name]
        context = next((k.key for k in keys[name] if k.fill == "context"), None)
        if name in kept:
            goal = n
        elif context is None or context.ref_table in kept or rows[context.ref_table] == 0:
            goal = max(1, round(n * wishes.scale)) if n else 0
        else:
            goal = round(n * wanted[context.ref_table] / rows[context.ref_table])
            if n and wanted[context.ref_table]:
                goal = max(1, goal)  # an empty table would empty all that cannot do without it
        if n:
            goal = max(goal, least.get(name, 0))
        goal = explicit.get(name, goal)
        if (most := places[name]) is not None:
            goal = min(goal, most)
        if name in kept:
            goal = max(goal, kept[name].count)
        if context and any(set(u) <= set(context.columns) for u in schema[name].unique_keys):
            goal = min(goal, wanted[context.ref_table])
        if goal and any(
            k.key.ref_table != name
            and wanted.get(k.key.ref_table, 1) == 0
            and not any(schema[name].column(c).nullable for c in k.key.columns)
            for k in keys[name]
            if k.fill != "dropped"
        ):
            goal = 0
        wanted[name] = goal
    for name in order:
        for k in keys[name]:
            # one row each at most: no more rows than the table that it closes a cycle with
            if (
                k.fill == "cycle"
                and name not in kept
                and any(set(u) <= set(k.key.columns) for u in schema[name].unique_keys)
            ):
                wanted[name] = min(wanted[name], wanted[k.key.ref_table])
    return wanted


def _sample(table: Table, keys: tuple[KeyPlan, ...], rows: int, limit: int) -> Sample | None:
    if rows <= limit:
        return None
    context = next((k.key for k in keys if k.fill == "context"), None)
    columns = context.columns if context else (table.primary_key.columns if table.primary_key else ())
    return Sample(columns, limit / rows)


def _column_plan(
    table: Table, column: Column, keys: tuple[KeyPlan, ...], roles: Mapping[str, ColumnRole]
) -> ColumnPlan:
    if column.generated is not None:
        return ColumnPlan(column.name, "database", evidence=f"generated: {column.generated}")
    role = roles[column.name]
    described = {"personal": role.personal, "confidence": role.confidence}
    for k in keys:
        if column.name in k.free and k.fill != "dropped":
            return ColumnPlan(column.name, "foreign key", role="foreign_key", evidence=f"{k.key.name}: {k.fill}")
    single_key = (column.name,) in table.unique_keys
    whole = isinstance(column.type, sqltypes.Integer) or (
        isinstance(column.type, sqltypes.Numeric)
        and not isinstance(column.type, sqltypes.Float)
        and column.type.scale == 0
    )
    is_primary = table.primary_key is not None and table.primary_key.columns == (column.name,)
    counts_up = column.identity or column.serial or "nextval(" in (column.default or "")
    if whole and (is_primary or (single_key and counts_up)):
        return ColumnPlan(column.name, "serial", "number", "surrogate_key", evidence="whole-number key")
    how = "made" if role.kind == "presence" else "modelled"
    return ColumnPlan(column.name, how, role.kind, role.role, evidence=role.evidence, **described)  # type: ignore[arg-type]


def _sibling_order(table: Table, keys: tuple[KeyPlan, ...]) -> tuple[str, ...]:
    """Children of one parent in the order of their first date, else of their own part of the key."""
    in_keys = {c for k in keys if k.fill != "dropped" for c in k.key.columns}
    own = [c for key in table.unique_keys for c in key if c not in in_keys]
    dates = [
        c.name
        for c in table.stored_columns
        if isinstance(c.type, sqltypes.Date | sqltypes.DateTime) and c.name not in in_keys and not c.nullable
    ]
    ordered = [d for d in dates if d in own] or dates[:1]
    return tuple(dict.fromkeys(ordered + own))


def _warnings(
    table: Table, keys: tuple[KeyPlan, ...], wanted: int, rows: int, places: int | None, scale: float
) -> list[str]:
    found = list(table.notes)
    found += [f"foreign key {k.key.name}: {k.reason}" for k in keys if k.fill == "dropped"]
    if places is not None and wanted == places < round(rows * scale):
        found.append(f"{wanted:,} rows: its unique keys and CHECKs allow no more")
    if rows and not wanted:
        found.append("stays empty: no rows were asked for it or for a table it cannot do without")
    return found
