"""Facts among siblings: looked for in whole families of the source when the plan is made, held by the rows made."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from sqlalchemy import types as sqltypes

from dbsynth.dialect import Database, ReadRequest, Sample
from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.relation.facts import MIN_ROWS, label
from dbsynth.relation.families import Columns
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.find_sequences import consistent, find_rising_key, find_sequences
from dbsynth.relation.keys import combined, group_ids, row_index, take
from dbsynth.relation.look import Look
from dbsynth.relation.not_before import find_not_before
from dbsynth.relation.sequences import Monotone, Sequence
from dbsynth.relation.steps import ABOVE
from dbsynth.schema.checks import implications, parse_checks

LOOKED_AT = 20_000
"""Rows of a table, in whole families."""
MOST_KEYS = 4
"""So many ways in which the rows of a table can be families are tried."""


def sequence_facts(database: Database, plan: Plan, snapshot: str | None) -> list[Sequence]:
    """Those of all tables whose rows are made, table by table in the order in which they are applied."""
    found: list[Sequence] = []
    for table in plan.tables:
        if table.source_rows >= MIN_ROWS and table.rows and table.kept is None:
            found += consistent([f for look in _looks(database, plan, table, snapshot) for f in _facts(table, look)])
    return found


def _facts(table: TablePlan, look: Look) -> list[Sequence]:
    serial = next((c.name for c in table.columns if c.how == "serial"), None)
    by_key = serial is not None and look.main == (serial,)
    rising = list(find_rising_key(look, serial)) if serial and (by_key or not look.family) else []
    found = [f for f in find_sequences(look) if not (by_key and isinstance(f, Monotone))]
    return [*rising, *found, *find_not_before(look)]


def _looks(database: Database, plan: Plan, table: TablePlan, snapshot: str | None) -> Iterator[Look]:
    settable = _settable(plan, table)
    exact = {c.name for c in table.table.stored_columns if isinstance(c.type, _EXACT)}
    made = {c.name for c in table.columns if c.how == "made"}
    whole = _read(database, table, (), snapshot) if table.source_rows <= LOOKED_AT else None
    for family in ((), *_families(table, settable)):
        rows = whole if whole is not None else _read(database, table, family, snapshot)
        columns = {c: combined(rows.column(c)) for c in rows.column_names}
        if table.context is not None and family == table.context.key.columns:
            columns |= _above(database, plan, table.context, table, columns, snapshot)
        name = label(table.name, plan.schema)
        yield Look(table.name, name, columns, family, _orders(table, family), settable, made, exact, plan.privacy_k)


_EXACT = (sqltypes.Integer, sqltypes.Numeric, sqltypes.Float, sqltypes.Date, sqltypes.DateTime)


def _above(
    database: Database, plan: Plan, context: KeyPlan, table: TablePlan, rows: Columns, snapshot: str | None
) -> dict[str, pa.Array]:
    """The moments of each row's context parent."""
    parent, key = plan[context.key.ref_table], context.key
    names = [c.name for c in parent.table.stored_columns if isinstance(c.type, sqltypes.Date | sqltypes.DateTime)]
    if not names:
        return {}
    sample = Sample(key.ref_columns, LOOKED_AT / table.source_rows) if table.source_rows > LOOKED_AT else None
    request = ReadRequest(parent.name, tuple(dict.fromkeys((*key.ref_columns, *names))), sample)
    above = pa.Table.from_batches(list(database.read(request, snapshot)))
    at = row_index([rows[c] for c in key.columns], [above.column(c) for c in key.ref_columns])
    return {ABOVE + c: take(above.column(c), at) for c in names}


def _settable(plan: Plan, table: TablePlan) -> set[str]:
    """Columns that nothing else decides: no foreign key, no CHECK that computes them."""
    implied = implications(parse_checks(table.table, plan.sqlglot_dialect), table.table, plan.now)
    keys = {c for k in table.keys if k.fill != "dropped" for c in k.key.columns}
    fixed = keys | {c for key in table.table.unique_keys for c in key}
    computed = {c.column for c in implied.computable(fixed)}
    return {c.name for c in table.columns if c.how in ("modelled", "made")} - keys - computed


def _families(table: TablePlan, settable: set[str]) -> list[tuple[str, ...]]:
    """By what rows of the table are siblings: the context parent, other parents, a unique key but for one column."""
    found = [table.context.key.columns] if table.context else []
    found += [k.key.columns for k in table.keys if k.fill not in ("context", "dropped", "self", "cycle")]
    for key in table.table.unique_keys:
        found += [tuple(c for c in key if c != own) for own in key if own in settable and len(key) > 1]
    return list(dict.fromkeys(found))[:MOST_KEYS]


def _orders(table: TablePlan, family: tuple[str, ...]) -> list[tuple[str, ...]]:
    """By what siblings may be ordered: a date, best one of a key; else their own part of the key; ties by number."""
    own = [c for key in table.table.unique_keys for c in key if c not in family]
    numbers = [c for c in own if isinstance(table.table.column(c).type, sqltypes.Integer | sqltypes.Numeric)]
    dates = [
        c.name
        for c in table.table.stored_columns
        if isinstance(c.type, sqltypes.Date | sqltypes.DateTime) and c.name not in family and not c.nullable
    ]
    first = [d for d in dates if d in own][:1] or dates[:1]
    orders = [tuple(dict.fromkeys(first + numbers)), tuple(dict.fromkeys(numbers))]
    return list(dict.fromkeys(o for o in orders if o))


def _read(database: Database, table: TablePlan, family: tuple[str, ...], snapshot: str | None) -> pa.Table:
    """About ``LOOKED_AT`` rows, as whole families (without ``family``: any rows)."""
    names = tuple(c.name for c in table.table.stored_columns)
    sample = None
    if table.source_rows > LOOKED_AT:
        sample = Sample(family, LOOKED_AT / table.source_rows)
    request = ReadRequest(table.name, names, sample, order_by=family, limit=2 * LOOKED_AT)
    rows = pa.Table.from_batches(list(database.read(request, snapshot))).combine_chunks()
    if family and rows.num_rows == 2 * LOOKED_AT:  # the last family may be cut
        groups, _ = group_ids([rows.column(c) for c in family])
        rows = rows.filter(pa.array(groups != groups[-1]))
    return rows
