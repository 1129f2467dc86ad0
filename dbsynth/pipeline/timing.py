"""Moments that count from others: from the parent's, and from those of the row before under the same parent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from dbsynth.codec.base import ColumnSpec
from dbsynth.codec.units import moment_as
from dbsynth.dialect import Database, ReadRequest
from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.relation.keys import combined, row_index, take
from dbsynth.relation.siblings import Places
from dbsynth.relation.steps import ABOVE, Steps
from dbsynth.schema.types import arrow_type

MOST_PARENTS = 300_000
"""Of more parents the moments are not read to see what follows on them."""


def moments_above(
    database: Database, plan: Plan, table_plan: TablePlan, frame: pa.Table, snapshot: str | None
) -> dict[str, pa.Array]:
    """The moments of the context parent of each row, by ``ABOVE`` + name; none where there are too many parents."""
    context = table_plan.context
    if context is None or plan[context.key.ref_table].source_rows > MOST_PARENTS or table_plan.kept is not None:
        return {}
    own = [frame.schema.field(c.name).type for c in table_plan.columns if c.how == "modelled" and c.kind == "moment"]
    types = [t for t in own if pt.is_date32(t) or pt.is_timestamp(t)]
    finest = next((t for t in types if pt.is_timestamp(t)), None)
    wanted = {}
    for column in plan[context.key.ref_table].columns:
        type_ = arrow_type(plan[context.key.ref_table].table.column(column.name).type)
        if types and column.how == "modelled" and column.kind == "moment":
            if type_ in types:
                wanted[column.name] = type_
            elif finest is not None and (pt.is_date32(type_) or pt.is_timestamp(type_)):
                wanted[column.name] = finest  # a day is the moment at which it begins, a zone is that of UTC
    if not wanted:
        return {}
    columns = tuple(dict.fromkeys(context.key.ref_columns + tuple(wanted)))
    parents = pa.Table.from_batches(list(database.read(ReadRequest(context.key.ref_table, columns), snapshot)))
    at = row_index([frame.column(c) for c in context.key.columns], [parents.column(c) for c in context.key.ref_columns])
    return {ABOVE + c: moment_as(take(parents.column(c), at), type_) for c, type_ in wanted.items()}


def moments_first(plan: TablePlan) -> bool:
    """True where siblings are ordered by a moment that is learned."""
    first = plan.by_column[plan.sibling_order[0]] if plan.sibling_order and plan.context is not None else None
    return first is not None and first.how == "modelled" and first.kind == "moment"


def steps_of(
    plan: TablePlan,
    frame: pa.Table,
    above: dict[str, pa.Array],
    places: Places,
    gaps: Mapping[str, str],
    k: int,
    rng: np.random.Generator,
) -> Steps | None:
    """Of the column by which siblings are ordered, where it is learned and does not follow another in its row."""
    if not moments_first(plan):
        return None
    column = plan.sibling_order[0]
    if column in gaps and not gaps[column].startswith(ABOVE):
        return None
    return Steps.find(column, combined(frame.column(column)), above, places, k, rng)


def timed(specs: list[ColumnSpec], steps: Steps) -> list[ColumnSpec]:
    """Lead, gap and clock come right after the keys: all else is learned in their light."""
    own = next(s for s in specs if s.name == steps.column)
    rest = [s for s in specs if s is not own]
    first = next((i for i, s in enumerate(rest) if s.kind != "code"), len(rest))
    leads = [replace(own, name=c, nullable=True) for c in steps.drawn]
    return [*rest[:first], *leads, replace(own, name=steps.clock), *rest[first:]]
