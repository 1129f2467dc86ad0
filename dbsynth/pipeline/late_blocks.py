"""Late columns of large tables, block by block: memory holds one block of rows and the rows of other tables that belong
to it. What decides on a block are the numbers of rows, never the number of workers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.pipeline.fact_rows import GivenUp, other_of, settle_late
from dbsynth.pipeline.facts import late_facts
from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.pipeline.rules import Rules
from dbsynth.pipeline.spool import Made
from dbsynth.relation.facts import Aggregate, Copy, key_of
from dbsynth.relation.keys import combined
from dbsynth.rng import derive
from dbsynth.schema.model import TableName
from dbsynth.schema.types import arrow_type

BLOCK = 500_000
"""Rows of a block, of the table or of those that belong to it. Fewer than two blocks are settled in one."""
Final = Callable[[TableName], pa.Table]


def settle_in_blocks(
    plan: Plan,
    table: TablePlan,
    made: Made,
    final: Final,
    rules: Rules,
    seed: int,
    write: Callable[[Iterator[pa.Table]], None],
) -> list[str]:
    """``write`` the rows of ``made`` with their late columns computed from the ``final`` rows of other tables; once
    more without a fact that some block has to give up. Gives warnings."""
    size = block_rows(plan, table, made, final)
    given_up: list[GivenUp] = []
    while True:
        found: list[GivenUp] = []
        without = {g.fact for g in given_up}
        write(_blocks(plan, table, made, final, rules, seed, size, without, found))
        if size >= made.rows.num_rows or not found:
            return [g.describe() for g in given_up + found]
        first = next(f.id for f in late_facts(plan.facts, table.name) if f.id in {g.fact for g in found})
        alike = [g for g in found if g.fact == first]
        rows = sum(g.rows for g in alike if g.why == alike[0].why)
        given_up.append(replace(alike[0], rows=rows))


def _blocks(
    plan: Plan,
    table: TablePlan,
    made: Made,
    final: Final,
    rules: Rules,
    seed: int,
    size: int,
    without: Collection[str],
    given_up: list[GivenUp],
) -> Iterator[pa.Table]:
    """The settled rows; what blocks give up is added to ``given_up``."""
    if size >= made.rows.num_rows:
        one, lost = settle_late(plan, table, made, lambda fact: final(other_of(fact)), rules, seed, without)
        given_up += lost
        yield one.rows
        return
    for number, start in enumerate(range(0, made.rows.num_rows, size)):
        block = replace(made, rows=made.rows.slice(start, size))
        near = partial(related, plan, table, block.stored(), final)
        one, lost = settle_late(plan, table, block, near, rules, derive(seed, "block", number), without)
        given_up += lost
        yield one.rows


def block_rows(plan: Plan, table: TablePlan, made: Made, final: Final) -> int:
    """How many rows of ``made`` make a block; all of them where there are few, or where a block cannot be settled by
    itself."""
    rows: int = made.rows.num_rows
    facts = late_facts(plan.facts, table.name)
    most: int = max([rows, *(final(other_of(f)).num_rows for f in facts if isinstance(f, Aggregate))])
    if most < 2 * BLOCK or made.standing or not all(_by_itself(f, table) for f in facts):
        return max(1, rows)
    return -(-rows // -(-most // BLOCK))


def _by_itself(fact: Aggregate | Copy, table: TablePlan) -> bool:
    """Whether the values of a row say nothing of those of the others: no sums of rows of the same table, which are late
    themselves, and no text whose decimals are those of all values."""
    if isinstance(fact, Copy):
        return fact.parent != table.name
    text = pt.is_string(arrow_type(table.table.column(fact.column).type))
    return fact.child != table.name and (fact.scale is not None or not text)


def related(plan: Plan, table: TablePlan, rows: pa.Table, final: Final, fact: Aggregate | Copy) -> pa.Table:
    """The rows of the other table that ``fact`` may compute ``rows`` from, in their order: those with the values of the
    key that occur in ``rows``, each column by itself."""
    others = final(other_of(fact))
    if isinstance(fact, Aggregate):
        key = key_of(plan[fact.child].table, fact.key)
        own, theirs, read = key.ref_columns, key.columns, tuple(f.column for f in fact.factors)
    else:
        key = key_of(table.table, fact.key)
        own, theirs, read = key.columns, key.ref_columns, fact.sources
    others = others.select(list(dict.fromkeys((*theirs, *read))))
    keep = None
    for a, b in zip(own, theirs, strict=True):
        met = _among(others.column(b), rows.column(a))
        keep = met if keep is None else pc.and_(keep, met)
    return others.filter(keep)


def _among(column: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whether each of ``column`` is one of ``values``; of different types as text, as keys are compared elsewhere."""
    if column.type != values.type:
        column, values = column.cast(pa.string()), values.cast(pa.string())
    return pc.is_in(column, value_set=combined(values).drop_null(), skip_nulls=True)
