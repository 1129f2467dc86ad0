"""Facts between parents and children while rows are made: columns copied from the parent as soon as it is chosen, and
columns of a parent computed when its children are made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.dialect import Database, ReadRequest
from dbsynth.pipeline.facts import late_facts
from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.pipeline.row_rules import recomputed
from dbsynth.pipeline.rules import Rules
from dbsynth.pipeline.spool import Made
from dbsynth.relation.aggregates import Families, Formula, evaluate, own_scale
from dbsynth.relation.copies import equal, fitting
from dbsynth.relation.facts import Aggregate, Copy, key_of
from dbsynth.relation.keys import combined, row_index, take
from dbsynth.relation.numbers import Numbers, numbers, written
from dbsynth.rng import generator
from dbsynth.schema.model import Column, TableName

if TYPE_CHECKING:
    from dbsynth.pipeline.draft import Draft


def copies_of(plan: Plan, table: TablePlan) -> list[Copy]:
    return [f for f in plan.facts if isinstance(f, Copy) and f.table == table.name]


def copy_codes(
    database: Database, plan: Plan, table: TablePlan, frame: pa.Table, snapshot: str | None
) -> dict[str, pa.Array]:
    """Per partial copy 1 where a row of ``frame`` (of the source) copies all its columns, else 0: int64 (rows,)."""
    codes = {}
    for fact in copies_of(plan, table):
        if fact.exact:
            continue
        key = key_of(table.table, fact.key)
        request = ReadRequest(fact.parent, tuple(dict.fromkeys(key.ref_columns + fact.sources)))
        parents = pa.Table.from_batches(list(database.read(request, snapshot)))
        at = row_index([frame.column(c) for c in key.columns], [parents.column(c) for c in key.ref_columns])
        rows = np.arange(frame.num_rows)
        same = at >= 0
        for own, source in zip(fact.columns, fact.sources, strict=True):
            same &= equal(frame, own, rows, parents, source, at)
        codes[fact.code] = pa.array(same.astype(np.int64))
    return codes


def shared_values(
    database: Database, plan: Plan, table: TablePlan, frame: pa.Table, snapshot: str | None
) -> dict[str, pa.Array]:
    """Values of learned columns that children copy, each k times, if k rows of the children have it: a price that one
    product has and k order lines repeat, a city of one customer to which k orders are shipped. Such a value may be told
    of the children, so it may be of what they copy, whose clones could not have their clones' values otherwise. Not of
    personal columns."""
    found: dict[str, pa.Array] = {}
    for fact in plan.facts:
        if not isinstance(fact, Copy) or fact.parent != table.name or table.kept is not None:
            continue
        for own, source in zip(fact.columns, fact.sources, strict=True):
            column = table.by_column[source]
            if source in found or column.how != "modelled" or column.personal:
                continue
            counted = database.degrees(fact.table, (own,), None, snapshot)
            values = combined(counted.column(own).filter(pc.greater_equal(counted.column("n"), plan.privacy_k)))
            values = values.filter(pc.is_in(values, combined(frame.column(source)).cast(values.type)))
            found[source] = take(values, np.repeat(np.arange(len(values)), plan.privacy_k))
    return found


def copy_columns(draft: Draft, rows: np.ndarray, *, made: bool) -> None:
    """Set the copied columns of ``rows`` from the rows that their keys point at: those that would else be made
    (``made``), which need a value first, or the others, in whose light the former are made. A value that the column
    cannot hold is not taken."""
    for fact in copies_of(draft.plan, draft.table):
        at = draft.member[fact.key][rows]
        if not fact.exact:
            at = np.where(draft.codes[rows, draft.spans[fact.code].start] == 1, at, -1)
        parents = draft.parents[fact.parent].rows
        for own, source in zip(fact.columns, fact.sources, strict=True):
            if (draft.table.by_column[own].how == "made") != made:
                continue
            values = take(parents.column(source), at)
            if not fact.whole:
                values = _where_fitting(values, at >= 0, take(draft.columns[own], rows), draft.table.table.column(own))
            draft.set(own, rows, values)


def _where_fitting(values: pa.Array, wanted: np.ndarray, before: pa.Array, column: Column) -> pa.Array:
    """``values`` where ``wanted`` and the column can hold them, else ``before``."""
    good = wanted & fitting(values, column)
    index = np.arange(len(values)) + np.where(good, len(values), 0)
    return take(pa.concat_arrays([before, values.cast(before.type)]), index)


def copy_again(draft: Draft) -> None:
    """For all rows, after their keys have changed."""
    for made in (False, True):
        copy_columns(draft, np.arange(draft.n), made=made)


def held_columns(draft: Draft) -> set[str]:
    """The columns that exact copies decide."""
    return {c for f in copies_of(draft.plan, draft.table) if f.exact for c in f.columns}


def tied_keys(draft: Draft) -> set[str]:
    """Names of the foreign keys that decide exact copies: the parent must not change without them."""
    return {f.key for f in copies_of(draft.plan, draft.table) if f.exact}


@dataclass(frozen=True)
class GivenUp:
    """A fact that is not kept, in ``rows`` rows for the reason ``why``, a text with a place for their number."""

    fact: str
    why: str
    rows: int

    def describe(self) -> str:
        return f"{self.fact}: not kept: {self.why.format(self.rows)}"


def settle_late(
    plan: Plan,
    table: TablePlan,
    made: Made,
    related: Callable[[Aggregate | Copy], pa.Table],
    rules: Rules,
    seed: int,
    without: Collection[str] = (),
) -> tuple[Made, list[GivenUp]]:
    """``made`` with its late columns (see ``late_columns``) computed from the rows of other tables that are ``related``
    to its rows by a fact, as they will be loaded; but for the rows that are in the target already. A fact whose values
    the table's CHECKs do not allow, even when other columns are moved, is given up; those ``without`` are not tried."""
    given_up: list[GivenUp] = []
    whole, rows = made.stored(), made.stored().slice(made.standing)
    fixed = {c for key in table.table.unique_keys for c in key} | {c for i in rules.indexes for c in i.columns}
    fixed |= {c for k in table.keys for c in k.key.columns}
    fixed |= {c for f in copies_of(plan, table) if f.exact for c in f.columns}
    before = rules.broken(_batch(rows))
    for fact in late_facts(plan.facts, table.name):
        if fact.id in without:
            continue
        of_itself = other_of(fact) == table.name
        others = pa.concat_tables([whole.slice(0, made.standing), rows]) if of_itself else related(fact)
        fresh = (
            aggregated(fact, table, rows, others, plan)
            if isinstance(fact, Aggregate)
            else _copied(fact, table, made, rows, others)
        )
        bad = {c: ~fitting(v, table.table.column(c)) for c, v in fresh.items()}
        if lost := int(np.logical_or.reduce(list(bad.values())).sum()):
            given_up.append(GivenUp(fact.id, "the column cannot hold the value in {} rows", lost))
            continue
        fresh |= recomputed(plan, table, _with(rows, fresh), set(fresh))
        changed = _with(rows, fresh)
        rng = generator(seed, "facts", fact.id)
        changed, broken = _repaired(rules, changed, fixed | set(fresh), before, rng)
        if broken:
            given_up.append(GivenUp(fact.id, "{} rows would break a CHECK", broken))
            continue
        rows = changed
        fixed |= set(fresh)
    rows = pa.concat_tables([whole.slice(0, made.standing), rows.cast(whole.schema)])
    columns = {n: made.rows.column(n) for n in made.rows.column_names} | {n: rows.column(n) for n in rows.column_names}
    return replace(made, rows=pa.table(columns, schema=made.rows.schema)), given_up


def other_of(fact: Aggregate | Copy) -> TableName:
    """The table from whose rows a late column is computed."""
    return fact.child if isinstance(fact, Aggregate) else fact.parent


def _repaired(
    rules: Rules, rows: pa.Table, fixed: set[str], before: np.ndarray, rng: np.random.Generator
) -> tuple[pa.Table, int]:
    """``rows`` with what CHECKs compute computed anew and others moved, and how many break a CHECK that did not."""
    if not rules.any:
        return rows, 0
    rows = _with(rows, rules.computed(_batch(rows), fixed))
    broken = rules.broken(_batch(rows)) & ~before
    if broken.any():
        repaired, still = rules.repair(_batch(rows), rng, fixed)
        rows, broken = pa.Table.from_batches([repaired]), still & ~before
    return rows, int(broken.sum())


def aggregated(
    fact: Aggregate, table: TablePlan, rows: pa.Table, children: pa.Table, plan: Plan
) -> dict[str, pa.Array]:
    key = key_of(plan[fact.child].table, fact.key)
    at = row_index([children.column(c) for c in key.columns], [rows.column(c) for c in key.ref_columns])
    families = Families.of(at)
    before = combined(rows.column(fact.column))
    read = {f.column: numbers(children.column(f.column)) for f in fact.factors}
    columns = {c: x for c, x in read.items() if x is not None}
    formula = Formula(fact.function, fact.factors)
    scale = fact.scale if fact.scale is not None or not pt.is_string(before.type) else own_scale(formula, columns)
    found = evaluate(formula, columns, families, scale)
    index = np.full(rows.num_rows, -1, np.int64)
    index[families.parents[found.there]] = np.flatnonzero(found.there)
    values = take(written(found, before.type), index)
    declared = table.table.column(fact.column)
    nothing = index < 0
    if fact.empty == "free" or (fact.empty == "null" and not declared.nullable):
        values = _chosen(values, before, nothing)
    elif fact.empty == "zero":
        scale = found.scale if found.scale is not None else fact.scale
        zero = written(
            Numbers(np.zeros(rows.num_rows, np.int64), scale or 0, np.ones(rows.num_rows, bool)), before.type
        )
        missing = nothing & before.is_null().to_numpy(zero_copy_only=False)
        values = _chosen(values, zero, nothing & ~missing)
    return {fact.column: values}


def _chosen(values: pa.Array, others: pa.Array, where: np.ndarray) -> pa.Array:
    index = np.arange(len(values)) + np.where(where, len(values), 0)
    return take(pa.concat_arrays([values, others.cast(values.type)]), index)


def _copied(fact: Copy, table: TablePlan, made: Made, rows: pa.Table, parents: pa.Table) -> dict[str, pa.Array]:
    key = key_of(table.table, fact.key)
    at = row_index([rows.column(c) for c in key.columns], [parents.column(c) for c in key.ref_columns])
    if not fact.exact:
        at = np.where(made.rows.column(fact.code).to_numpy()[made.standing :] == 1, at, -1)
    return {
        own: _where_fitting(
            take(parents.column(source), at), at >= 0, combined(rows.column(own)), table.table.column(own)
        )
        for own, source in zip(fact.columns, fact.sources, strict=True)
    }


def _with(rows: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    for name, array in columns.items():
        at = rows.column_names.index(name)
        rows = rows.set_column(at, rows.schema.field(at), array.cast(rows.schema.field(at).type))
    return rows


def _batch(rows: pa.Table) -> pa.RecordBatch:
    arrays = [combined(rows.column(n)) for n in rows.column_names]
    return pa.RecordBatch.from_arrays(arrays, names=rows.column_names)
