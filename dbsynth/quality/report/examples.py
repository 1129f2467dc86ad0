"""A few synthetic rows to look at, none of which could be one of the source's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.pipeline.plan import TablePlan
from dbsynth.quality.report.text import cell
from dbsynth.quality.sides import Sides
from dbsynth.relation.keys import combined, group_ids
from dbsynth.schema.model import TableName
from dbsynth.sqlbase.csv_text import writable

ROWS = 5
TRIED = 200
"""Rows of which the shown ones are taken."""
MOST_COLUMNS = 40
KEYS = ("foreign key", "serial", "line number")


@dataclass(frozen=True)
class Examples:
    """``rows``: values as text, None for null. ``left_out``: columns that are not shown."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    left_out: int


def examples(sides: Sides, name: TableName) -> Examples | None:
    """Rows of the target that were made: no kept ones, none that equals a row of the source but for its keys, none with
    a made value that the source's sample has too. None: there are none."""
    plan = sides.plan[name]
    made, real = sides.made.rows(name), sides.real.rows(name)
    columns = [c for c in made.column_names if c in real.column_names]
    made = _not_kept(made, plan)
    made = made.take(
        pa.array(np.unique(np.linspace(0, max(0, made.num_rows - 1), min(TRIED, made.num_rows)).astype(np.int64)))
    )
    if not made.num_rows:
        return None
    told = [c for c in columns if plan.by_column[c].how not in KEYS]
    good = np.ones(made.num_rows, bool)
    if told:
        ours, theirs = group_ids([_text(made, c) for c in told], [_text(real, c) for c in told])
        good &= ~np.isin(ours, theirs)
    for c in told:
        if plan.by_column[c].how == "made" or plan.by_column[c].personal:
            found = pc.is_in(_text(made, c), value_set=pc.unique(pc.drop_null(real.column(c).cast(pa.string()))))
            good &= ~(pc.and_(found, pc.is_valid(combined(made.column(c)))).to_numpy(zero_copy_only=False))
    chosen = made.filter(pa.array(good)).slice(0, ROWS).select(columns[:MOST_COLUMNS])
    if not chosen.num_rows:
        return None
    values = [[cell(v) for v in in_words(combined(chosen.column(c))).to_pylist()] for c in chosen.column_names]
    return Examples(tuple(chosen.column_names), tuple(zip(*values, strict=True)), max(0, len(columns) - MOST_COLUMNS))


def _text(rows: pa.Table, column: str) -> pa.Array:
    """Nulls as a text of their own, so that rows with nulls compare."""
    return pc.fill_null(pc.cast(combined(rows.column(column)), pa.string()), "\x00null")


def in_words(column: pa.Array) -> pa.Array:
    """Moments that Python has no object for (infinity, years before Christ) as text, those in arrays too."""
    if pa.types.is_list(column.type):
        column = pa.concat_arrays([column]) if column.offset else column  # offsets of a slice do not start at 0
        return pa.ListArray.from_arrays(column.offsets, in_words(column.values), mask=column.is_null())
    return writable(column)


def _not_kept(made: pa.Table, plan: TablePlan) -> pa.Table:
    key = plan.table.primary_key
    if plan.kept is None or key is None or not plan.kept.count or not made.num_rows:
        return made if plan.kept is None else made.slice(0, 0) if plan.made_rows <= 0 else made
    columns = [c for c in key.columns if c in made.column_names and c in plan.kept.rows.column_names]
    ours, theirs = group_ids([made.column(c) for c in columns], [plan.kept.rows.column(c) for c in columns])
    return made.filter(pa.array(~np.isin(ours, theirs)))
