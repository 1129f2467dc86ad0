"""Rows of lookup tables that a clone keeps as they are, because code names them: each of them is tested."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.quality.figures import Figure, Subject
from dbsynth.quality.measured import Measured, Result
from dbsynth.quality.score import score_of
from dbsynth.quality.variables import flat, row_codes
from dbsynth.relation.keys import row_index
from dbsynth.schema.model import TableName

KEPT = "kept rows"


def kept_whole(plan: Plan, name: TableName) -> bool:
    """Whether all rows of a table are taken over."""
    table = plan.by_name.get(name)
    return table is not None and table.kept is not None and table.kept.count >= table.source_rows


def moved(plan: Plan, name: TableName) -> set[str]:
    """Columns of the table's keys to rows that are made: what they point at has other keys now."""
    keys = plan[name].table.foreign_keys
    return {c for k in keys if k.ref_table in plan.by_name and not kept_whole(plan, k.ref_table) for c in k.columns}


def kept_rows(plan: TablePlan, made: pa.Table, moved: Collection[str], whole: bool) -> Result | None:
    """Share of the rows that were to be kept that the target has, by all columns that were. ``made``: all of its rows,
    or (not ``whole``) a sample: then the share of those that have the key of a kept row and its values too. None where
    there are none of these, or the table has no key to tell them by."""
    assert plan.kept is not None
    rows = plan.kept.rows
    columns = [c for c in made.column_names if c in rows.column_names and c not in {*plan.kept.remade, *moved}]
    if not columns:
        return None
    there, here = row_codes([[filled(t.column(c)) for c in columns] for t in (rows, made)])
    if whole:
        found = np.isin(there, here)
    else:
        key = plan.table.primary_key
        if key is None or not {*key.columns} <= {*columns}:
            return None
        at = row_index([made.column(c) for c in key.columns], [rows.column(c) for c in key.columns])
        found = np.isin(here[at >= 0], there)
    if not len(found):
        return None
    value = float(found.mean())
    says = f"{int((~found).sum()):,} of {len(found):,} reference rows are not as they were kept"
    figure = Figure(KEPT, Subject(plan.name), value, 1.0, score_of(KEPT, value, 1.0), (len(found), made.num_rows), says)
    return Result(figure, Measured(KEPT, (), value, says=says))


def filled(values: pa.ChunkedArray) -> pa.Array:
    """As text, null as one too."""
    return pc.fill_null(pc.cast(flat(values), pa.string()), "\x00")
