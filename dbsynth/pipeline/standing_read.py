"""What stands in a target to which rows are to be appended: whether it still is what was made, how many rows it gets,
and which of its rows they have to know."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sqltypes

from dbsynth.dialect import Database, ReadRequest
from dbsynth.errors import TargetRefused, UnsatisfiableConstraint, UsageError
from dbsynth.pipeline.borrowed import lenders
from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.pipeline.room import highest_key, key_places
from dbsynth.relation.facts import Aggregate
from dbsynth.relation.keys import combined, row_index
from dbsynth.schema.checks import parse_checks
from dbsynth.schema.implied import implications
from dbsynth.schema.model import Column, Schema, TableName
from dbsynth.schema.types import arrow_type
from dbsynth.sqlbase.arrow import retyped
from dbsynth.translate.target import Live

ANEW = "make the target anew: dbsynth generate MODEL --to TARGET"


def check_drift(plan: Plan, live: Mapping[TableName, Live], catalog: Schema) -> Iterator[str]:
    """Columns that were added and need no value. Raises TargetRefused, naming table and column, where the tables of the
    target are not those of the model any more."""
    for table in plan.tables:
        made = live[table.name]
        if made.name not in catalog.by_name:
            raise TargetRefused(f"table {made.name} of the model is not in the target any more", hint=ANEW)
        there = catalog[made.name].by_name
        for column in made.table.columns:
            if column.name not in there:
                raise TargetRefused(f"column {made.name}.{column.name} is not in the target any more", hint=ANEW)
            if (was := _kind(column)) != (now := _kind(there[column.name])):
                raise TargetRefused(f"column {made.name}.{column.name} was {was} and is {now} now", hint=ANEW)
        known = made.table.by_name
        for added in (c for name, c in there.items() if name not in known):
            if not added.nullable and added.default is None and not added.identity and not added.generated:
                raise TargetRefused(
                    f"column {made.name}.{added.name} is not in the model, and needs a value in each row",
                    hint="give it a default, or train the model anew",
                )
            yield f"column {made.name}.{added.name} is not in the model: new rows have its default"


def _kind(column: Column) -> str:
    """What of a column decides which values it takes, in words."""
    limits = [getattr(column.type, name, None) for name in ("length", "precision", "scale", "enums")]
    if isinstance(column.type, sqltypes.Integer):
        limits = [highest_key(column)]
    told = ", ".join(str(limit) for limit in limits if limit is not None)
    generated = " generated" if column.generated else ""
    return f"{arrow_type(column.type)}{f' ({told})' if told else ''}{'' if column.nullable else ' not null'}{generated}"


def new_rows(
    plan: Plan, there: Mapping[TableName, int], scale: float | None, rows: Mapping[str, int]
) -> dict[TableName, int]:
    """How many rows each table gets: those that ``rows`` ask for by full name, else ``scale`` times those of the source
    (None: none where ``rows`` ask for any, else as many), children as many as their new parents have. Lookup tables
    that keep their rows get none."""
    factor = scale if scale is not None else 0.0 if rows else 1.0
    out: dict[TableName, int] = {}
    for table in plan.tables:
        out[table.name] = asked = _wanted(plan, table, out, factor, rows)
        implied = implications(parse_checks(table.table, plan.sqlglot_dialect), table.table, plan.now)
        places = key_places(table.table, implied)
        room = asked if places is None else max(0, places - there[table.name])
        lacking = [
            k.key.ref_table
            for k in table.keys
            if k.fill not in ("self", "cycle", "dropped")
            and not out.get(k.key.ref_table, 0) + there[k.key.ref_table]
            and not any(table.table.column(c).nullable for c in k.key.columns)
        ]
        if asked > (0 if lacking else room):
            if str(table.name) in rows:
                why = f"{lacking[0]} has no rows" if lacking else f"its keys and CHECKs leave room for {room:,}"
                raise UnsatisfiableConstraint(
                    f"{table.name}: {asked:,} more rows are asked for, {why}", hint="ask for fewer rows"
                )
            out[table.name] = 0 if lacking else room
    return out


def _wanted(plan: Plan, table: TablePlan, new: Mapping[TableName, int], factor: float, rows: Mapping[str, int]) -> int:
    asked = rows.get(str(table.name))
    if table.kept is not None:
        if asked:
            raise UsageError(
                f"{table.name} is a lookup table that keeps its rows ({table.kept.reason}): none are appended",
                hint="leave it out of --rows, or train with `keep = false` for it in dbsynth.toml",
            )
        return 0
    if not table.source_rows:
        if asked:
            raise UsageError(f"{table.name} was empty when the model was learned: no rows can be made", hint="--rows")
        return 0
    if asked is not None:
        return asked
    parent = plan[table.context.key.ref_table] if table.context else None
    if parent is None or parent.kept is not None or not parent.source_rows or parent.name not in new:
        return max(1, round(table.source_rows * factor)) if factor else 0
    return round(table.source_rows * new[parent.name] / parent.source_rows)


def needed(plan: Plan, appended: Collection[TableName]) -> list[TableName]:
    """The tables that new rows of the ``appended`` ones are made in sight of, those among them; parents first."""
    todo, found = list(appended), set(appended)
    while todo:
        table = plan[todo.pop()]
        near = {k.key.ref_table for k in table.keys if k.fill != "dropped"} | set(lenders(plan, table))
        todo += near - found
        found |= near
    return [t.name for t in plan.tables if t.name in found]


def left_untold(plan: Plan, new: Mapping[TableName, int]) -> Iterator[str]:
    """Columns of rows that stay, which tell of children that are appended to them alone."""
    for fact in plan.facts:
        if isinstance(fact, Aggregate) and new[fact.child] and not new[fact.table]:
            yield f"{fact.id}: does not hold for rows of {fact.table} that get more children: they stay what they are"


def read_standing(
    database: Database,
    plan: Plan,
    name: TableName,
    live: Mapping[TableName, Live],
    snapshot: str,
    new: int,
) -> pa.Table:
    """The rows of a table: its stored columns by the names and in the types of the model, kept ones first, and how many
    children each has. Where a table gets no ``new`` rows and none has children yet, each counts alike."""
    table, own = plan[name], live[name]
    key = table.table.primary_key
    order = tuple(own.columns[c] for c in key.columns) if key is not None else ()
    read = pa.Table.from_batches(
        list(database.read(ReadRequest(own.name, tuple(own.columns.values()), order_by=order), snapshot))
    )
    columns = {
        c: retyped(combined(read.column(theirs)), arrow_type(table.table.column(c).type), f"{own.name}.{theirs}")
        for c, theirs in own.columns.items()
    }
    rows = _kept_first(table, pa.table(columns))
    for degree in table.degrees:
        child = live[degree.child]
        names = tuple(child.columns[c] for c in degree.key.columns)
        counted = database.degrees(child.name, names, None, snapshot)
        ours = [rows.column(c) for c in degree.key.ref_columns]
        at = row_index(ours, [counted.column(c) for c in names])
        counts = np.append(counted.column("n").to_numpy(), 0)[at]
        if not new and not counts.any():
            counts = np.ones(len(counts), np.int64)
        rows = rows.append_column(degree.column, pa.array(counts.astype(np.int64)))
    return rows


def _kept_first(table: TablePlan, rows: pa.Table) -> pa.Table:
    kept = table.kept
    if kept is None or not table.degrees:
        return rows
    for degree in table.degrees:
        key = degree.key.ref_columns
        at = row_index([kept.rows.column(c) for c in key], [rows.column(c) for c in key])
        if (at < 0).any():
            told = f"{int((at < 0).sum())} of the {kept.count} lookup rows that the model knows"
            raise TargetRefused(f"table {table.name} has lost {told}", hint=ANEW)
    others = np.setdiff1d(np.arange(rows.num_rows), at)
    return rows.take(pa.array(np.concatenate([at, others])))
