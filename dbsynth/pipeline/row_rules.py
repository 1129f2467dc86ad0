"""Rules within a row: looked for when the plan is made, and made to hold in the rows of a draft."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from sqlalchemy import types as sqltypes

from dbsynth.pipeline.plan import ColumnPlan, Plan, TablePlan
from dbsynth.pipeline.unique_indexes import unique_indexes
from dbsynth.relation.copies import fitting, plain
from dbsynth.relation.facts import MIN_ROWS, Fact, FactWishes, label, named
from dbsynth.relation.families import Columns
from dbsynth.relation.keys import combined, take
from dbsynth.relation.sequences import RisingKey
from dbsynth.rules.compose import EXACT, composed, in_order
from dbsynth.rules.dates import find_date_parts
from dbsynth.rules.determined import find_allowed, find_determined
from dbsynth.rules.find_arithmetic import find_formulas
from dbsynth.rules.order import find_order
from dbsynth.rules.presence import find_one_of, find_presence
from dbsynth.rules.rule import Rule, chosen
from dbsynth.rules.texts import find_texts
from dbsynth.rules.view import View
from dbsynth.schema.checks import Implied, implications, parse_check, parse_checks
from dbsynth.schema.model import Column, TableName
from dbsynth.schema.types import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
)

if TYPE_CHECKING:
    from dbsynth.pipeline.draft import Draft

Read = Callable[[TablePlan], pa.Table]
Barred = Callable[[Rule, Sequence[Rule]], bool]
COMPUTING = (find_date_parts, find_texts, find_formulas)
SHAPING = (find_determined, find_one_of, find_presence, find_allowed, find_order)
ENDLESS = pa.array(["NaN", "Infinity", "-Infinity"])
MOMENTS_WITHOUT_END = (DATE_INFINITY, DATE_MINUS_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY)
LENDERS = 2_048
"""Rows beside those that are drawn again, whose values these may take."""
MOST_COLUMNS = 200
"""A wider table is not searched: what may hold between two columns grows with their square."""


def with_computed(plan: Plan, read: Read, wishes: FactWishes, barred: Barred) -> tuple[Plan, list[Rule]]:
    """``plan`` with the columns that others of their row tell: they are computed, not learned. Also gives all rules of
    this kind that were seen. Those that are ``barred`` are not taken."""
    seen: list[Rule] = []
    taken: list[Rule] = []
    tables = []
    for table in plan.tables:
        found = _found(plan, table, read, COMPUTING)
        seen += found
        whole_ones = [r for r in _wanted(found, wishes) if r.whole]
        rules = composed(_open_to(whole_ones, taken, barred))
        taken += rules
        whole = {r.column: r for r in rules}
        columns = tuple(_computed(c, whole.get(c.name)) for c in table.columns)
        tables.append(replace(table, columns=columns))
    return replace(plan, tables=tuple(tables), facts=(*plan.facts, *taken)), seen


def with_shapes(
    plan: Plan, read: Read, wishes: FactWishes, left: Sequence[Rule], barred: Barred
) -> tuple[Plan, list[Rule]]:
    """``plan`` with what holds between columns that are learned: dependences, combinations, presence, order; and of
    the rules ``left`` that compute columns those of columns that no fact decides. Facts go before them."""
    seen: list[Rule] = []
    decided = {(f.table, c) for f in plan.facts for c in _decided(f)}
    open_ = [r for r in left if not r.whole and (r.table, r.column) not in decided]
    facts: list[Fact] = list(plan.facts)
    for table in plan.tables:
        found = _found(plan, table, read, SHAPING)
        seen += found
        own = [r for r in open_ if r.table == table.name]
        before = [f for f in facts if isinstance(f, Rule)]
        rules = composed(_open_to(list(_wanted([*own, *found], wishes)), before, barred), rules_of(plan, table.name))
        facts = [*(f for f in facts if not (isinstance(f, Rule) and f.table == table.name)), *rules]
    return replace(plan, facts=tuple(facts)), seen


def _open_to(rules: Sequence[Rule], before: Sequence[Rule], barred: Barred) -> list[Rule]:
    """Those of ``rules`` that are not barred, beside those ``before``."""
    fine: list[Rule] = []
    for rule in rules:
        if not barred(rule, [*before, *fine]):
            fine.append(rule)
    return fine


def _decided(fact: Fact) -> tuple[str, ...]:
    """The columns that ``fact`` decides, and those in whose order it deals out keys."""
    return (*fact.columns, fact.by) if isinstance(fact, RisingKey) else fact.columns


def _wanted(found: Iterable[Rule], wishes: FactWishes) -> Iterator[Rule]:
    for rule in found:
        if not named(rule, wishes.refuse) and (rule.believed or named(rule, wishes.confirm)):
            yield rule


def _computed(column: ColumnPlan, rule: Rule | None) -> ColumnPlan:
    return column if rule is None else replace(column, how="computed", kind=None, evidence=rule.describe())


def rules_of(plan: Plan, table: TableName) -> list[Rule]:
    return [f for f in plan.facts if isinstance(f, Rule) and f.table == table]


def _found(plan: Plan, table: TablePlan, read: Read, finders: Sequence[Callable[[View], Iterator[Rule]]]) -> list[Rule]:
    if table.kept is not None or table.rows == 0 or table.source_rows < MIN_ROWS:
        return []
    if len(table.columns) > MOST_COLUMNS:
        return []
    view = _view(plan, table, read)
    return [rule for find in finders for rule in find(view)] if view is not None and view.open else []


def _view(plan: Plan, table: TablePlan, read: Read) -> View | None:
    keys = [k for k in table.keys if k.fill != "dropped"]
    late = {c for k in keys if k.fill in ("self", "cycle") for c in k.free}
    rows = read(table)
    names = [c for c in rows.column_names if c not in late]
    decided = {c for f in plan.facts if f.table == table.name for c in _decided(f)}
    open_ = [c for c in _open(plan, table) if c in names and c not in decided]
    open_ = [c for c in open_ if not _endless(combined(rows.column(c)))]
    if not open_ or rows.num_rows < MIN_ROWS:
        return None
    columns = {c: combined(rows.column(c)) for c in _in_order(rows, table).column_names if c in names}
    kinds = (sqltypes.Integer, sqltypes.Numeric, sqltypes.Float, sqltypes.Date, sqltypes.DateTime)
    by_name = table.by_column
    return View(
        table.name,
        label(table.name, plan.schema),
        columns,
        known=[c for c in names if c not in open_],
        open=open_,
        measures={c.name for c in table.columns if c.how == "modelled" and c.kind == "number"},
        counted={c for c in names if isinstance(table.table.column(c).type, kinds)},
        made={c for c in names if by_name[c].how == "made"},
        private={c for c in names if by_name[c].personal or not plain(table.table.column(c))},
        renamed={c for c in names if by_name[c].how == "serial"}
        | {c for k in keys if not _stays(plan, k.key.ref_table) for c in k.key.columns},
        nullable={c for c in names if table.table.column(c).nullable},
        k=plan.privacy_k,
        checked={(o.first, o.second) for o in _implied(plan, table).ordered},
    )


def _stays(plan: Plan, name: TableName) -> bool:
    """Whether the keys of a table are in the clone what they were; rows that are made beside kept ones get others."""
    return plan[name].kept is not None


def _endless(values: pa.Array) -> bool:
    """Whether some are infinite or no number: those are learned, not computed."""
    if pt.is_floating(values.type):
        return bool(pc.any(pc.invert(pc.is_finite(values))).as_py())
    if pt.is_string(values.type):
        return bool(pc.any(pc.is_in(values, value_set=ENDLESS)).as_py())
    if pt.is_date32(values.type) or pt.is_timestamp(values.type):
        ends = pc.min_max(values.cast(pa.int32() if pt.is_date32(values.type) else pa.int64())).as_py()
        return ends["max"] in MOMENTS_WITHOUT_END or ends["min"] in MOMENTS_WITHOUT_END
    return False


def _in_order(rows: pa.Table, table: TablePlan) -> pa.Table:
    """By the primary key, so that the same rows are the same sample whatever the database."""
    key = table.table.primary_key.columns if table.table.primary_key else ()
    names = [c for c in key if c in rows.column_names]
    return rows.sort_by([(c, "ascending") for c in names]) if names else rows


def _open(plan: Plan, table: TablePlan) -> list[str]:
    """The columns that a rule may decide: no key, none by which siblings are ordered, none that a CHECK computes."""
    held = {c for key in table.table.unique_keys for c in key}
    held |= {c for k in table.keys if k.fill != "dropped" for c in k.key.columns}
    held |= {c for i in unique_indexes(table.table, plan.sqlglot_dialect) for c in i.columns}
    held |= set(table.sibling_order)
    held |= {c.column for c in _implied(plan, table).computable()}
    return [c.name for c in table.columns if c.how in ("modelled", "made") and c.name not in held]


def _implied(plan: Plan, table: TablePlan) -> Implied:
    return implications(parse_checks(table.table, plan.sqlglot_dialect), table.table, plan.now)


def follow(draft: Draft, rows: np.ndarray | None = None) -> None:
    """Make the rules of the table hold in ``rows`` (None: all). Values are taken from other rows where a row lacks one:
    of few rows, from some of the others too."""
    rules = in_order(rules_of(draft.plan, draft.table.name))
    if not rules or not draft.n or (rows is not None and not len(rows)):
        return
    at = np.arange(draft.n)
    if rows is not None and len(rows) < draft.n:
        others = np.setdiff1d(at, rows, assume_unique=True)
        some = others[np.linspace(0, len(others) - 1, min(len(others), LENDERS)).astype(np.int64)]
        at = np.concatenate([some, rows])
    needed = dict.fromkeys(c for r in rules for c in (*r.reads, *r.columns))
    columns = {c: take(draft.columns[c], at) for c in needed if c in draft.columns}
    before = dict(columns)
    for rule in rules:
        if all(c in columns for c in (*rule.reads, *rule.columns)):
            columns |= held(rule.kept_by(columns), columns, draft.table)
    mine = np.arange(len(at) - (draft.n if rows is None else len(rows)), len(at))
    for name, array in columns.items():
        if array is not before[name] and not array.equals(before[name]):
            draft.set(name, at[mine], take(array, mine))


def held(settled: Mapping[str, pa.Array], before: Columns, table: TablePlan) -> dict[str, pa.Array]:
    """``settled`` where the columns can hold it; else the nearest number that they can, or what was there before."""
    out = {}
    for name, array in settled.items():
        declared = table.table.column(name)
        fits = fitting(array, declared)
        if not fits.all():
            array = chosen(array, _nearest(array, before[name], declared), np.flatnonzero(~fits))
        out[name] = array
    return out


def _nearest(values: pa.Array, before: pa.Array, declared: Column) -> pa.Array:
    type_ = declared.type
    if isinstance(type_, sqltypes.String) and type_.length is not None and not isinstance(type_, sqltypes.Enum):
        cut = pc.utf8_slice_codeunits(values, 0, type_.length)
        return pc.coalesce(cut, before)
    return before


def unruled(draft: Draft, bad: Callable[[], np.ndarray]) -> None:
    """``follow``, but rows that break a constraint then, and did not, stay what they were: constraints go first."""
    rules = rules_of(draft.plan, draft.table.name)
    if not rules or not draft.n:
        return
    names = {c for r in rules for c in r.columns if c in draft.columns}
    before, broke = {c: draft.columns[c] for c in names}, bad()
    follow(draft)
    lost = np.flatnonzero(bad() & ~broke)
    if len(lost):
        for name, array in before.items():
            draft.set(name, lost, take(array, lost))
    for rule in rules:
        columns = {c: draft.columns[c] for c in (*rule.reads, *rule.columns)}
        broken = int(rule.broken(columns).sum())
        if broken > int((1.0 - rule.share) * draft.n) + 1 and len(lost):
            draft.warnings.append(f"{rule.id}: {broken} of {draft.n} rows break it: a constraint stands against it")


def ruled_columns(plan: Plan, table: TableName) -> set[str]:
    """What the exact rules of a table decide."""
    return {c for r in rules_of(plan, table) if isinstance(r, EXACT) and r.share == 1.0 for c in r.columns}


def recomputed(plan: Plan, table: TablePlan, rows: pa.Table, changed: set[str]) -> dict[str, pa.Array]:
    """The columns that rules tell by ``changed`` columns, anew."""
    columns = {c: combined(rows.column(c)) for c in rows.column_names}
    moved = set(changed)
    for rule in in_order(rules_of(plan, table.name)):
        if moved & set(rule.reads) and not changed & set(rule.columns):
            columns |= held(rule.kept_by(columns), columns, table)
            moved |= set(rule.columns)
    return {c: columns[c] for c in moved - changed}


def tested(plan: Plan, read: Read) -> list[str]:
    """Warnings of declared rules that rows of the source break: how many of those that were looked at."""
    told = []
    for table in plan.tables:
        if not table.table.rules or not table.source_rows:
            continue
        rows = read(table)
        for check in table.table.rules:
            parsed = parse_check(check, table.table, plan.sqlglot_dialect)
            if parsed.evaluable and set(parsed.columns) <= set(rows.column_names):
                broken = int(parsed.violations(rows, plan.now).sum())
                if broken:
                    told.append(
                        f"{table.name}: rule {check.expression!r}: {broken:,} of {rows.num_rows:,} rows of the source "
                        "break it; no made row will"
                    )
    return told
