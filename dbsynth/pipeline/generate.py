"""From a model to the rows of one table: context, codes, foreign keys, unique keys, values, CHECKs, in this order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from dbsynth.pipeline.check_rows import drop_broken, keep_checks
from dbsynth.pipeline.copies import avoid_copies
from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.foreign_keys import assign_key, point_at_own_rows
from dbsynth.pipeline.kept import kept_rows
from dbsynth.pipeline.plan import TablePlan, degree_column
from dbsynth.pipeline.room import check_fits
from dbsynth.pipeline.spool import CONTEXT, Made
from dbsynth.pipeline.unique_keys import keep_unique
from dbsynth.pipeline.units import unwhole, whole
from dbsynth.relation.context import Above, context_codes
from dbsynth.relation.counts import expand, position_codes, spread
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import row_index
from dbsynth.schema.types import arrow_type


def make(draft: Draft, ancestors: list[TablePlan]) -> Made:
    """Make the rows of ``draft``. ``ancestors``: the context parent and grandparent, nearest first
    (their codes are what the rows see). Raises UnsatisfiableConstraint where no valid rows can be made and constraints
    are enforced."""
    place_under_parents(draft, ancestors)
    draft.codes = draft.sample(np.arange(draft.n), None, "rows")
    serials(draft)
    for key in draft.table.keys:
        assign_key(draft, key)
    draft.decode(np.arange(draft.n), "values")
    if draft.enforce:
        keep_unique(draft)
        keep_checks(draft)
    else:
        drop_broken(draft)
    avoid_copies(draft)
    point_at_own_rows(draft)
    return finish(draft)


def place_under_parents(draft: Draft, ancestors: list[TablePlan]) -> None:
    n, context = draft.table.made_rows, draft.table.context
    rng = draft.rng("counts")
    if context is None:
        draft.n = n
        draft.parent = np.full(n, -1, np.int64)
        draft.position = np.zeros(n, np.int64)
        draft.context, draft.siblings = np.zeros((n, 0), np.int32), np.ones(n, np.int64)
        return
    above = draft.parents[context.key.ref_table]
    counts = above.rows.column(degree_column(draft.table.name, context.key)).to_numpy()
    without = n if len(counts) == 0 else round(n * draft.learned.null_context)
    shares = spread(counts, n - without, rng, cap=capacity(draft, context, above))
    if (short := n - without - int(shares.sum())) > 0:
        draft.warnings.append(f"{short} rows fewer than wanted: its keys allow no more under {context.key.ref_table}")
    parent, position = expand(shares)
    draft.n = len(parent) + without
    draft.parent = np.concatenate([parent, np.full(without, -1, np.int64)])
    draft.position = np.concatenate([position, np.zeros(without, np.int64)])
    draft.siblings = np.concatenate([shares[parent], np.ones(without, np.int64)])
    generations: list[tuple[Above, np.ndarray]] = []
    at, name = draft.parent, context.key.ref_table
    for ancestor in ancestors:
        made = draft.parents[name]
        kept = np.where(np.arange(made.rows.num_rows) < made.kept, np.arange(made.rows.num_rows), -1)
        generations.append(
            (Above(made.codes, made.cardinalities, kept, ancestor.kept.count if ancestor.kept else 0), at)
        )
        at = np.append(made.context, -1)[at]
        if ancestor.context is not None:
            name = ancestor.context.key.ref_table
    place = position_codes(draft.position, draft.siblings) if generations else None
    draft.context, _ = context_codes(draft.n, generations, place)


def capacity(draft: Draft, context: KeyPlan, above: Made) -> np.ndarray | None:
    """How many rows a parent can have where a unique key holds nothing but foreign keys."""
    most = None
    for unique in draft.table.table.unique_keys:
        rest = set(unique) - set(context.key.columns)
        if not set(context.key.columns) <= set(unique):
            continue
        others = [k for k in draft.table.keys if rest and rest <= set(k.key.columns) and k.fill != "self"]
        cap = 1 if not rest else draft.parents[others[0].key.ref_table].rows.num_rows if others else None
        if cap is not None:
            most = cap if most is None else min(most, cap)
    if most is None:
        return None
    out = np.full(above.rows.num_rows, most, np.int64)
    if draft.table.kept is not None:
        taken = row_index(
            [draft.table.kept.rows.column(c) for c in context.key.columns],
            [above.rows.column(c) for c in context.key.ref_columns],
        )
        np.subtract.at(out, taken[taken >= 0], 1)
    return out.clip(min=0)


def serials(draft: Draft) -> None:
    for column in draft.table.columns:
        declared = draft.table.table.by_name[column.name]
        kept = draft.table.kept.rows.column(column.name) if draft.table.kept else None
        if column.how == "serial":
            start = max(1, draft.rules.least(column.name) or 1)
            if kept is not None and len(kept):
                start = max(start, int(whole(kept).max()) + 1)
            check_fits(draft.table.name, declared, draft.n, start + draft.n - 1)
            draft.columns[column.name] = unwhole(np.arange(start, start + draft.n), arrow_type(declared.type))
        elif column.name in draft.learned.lines:
            check_fits(draft.table.name, declared, draft.n, int(draft.position.max(initial=0)) + 1)
            draft.columns[column.name] = unwhole(draft.position + 1, arrow_type(declared.type))


def finish(draft: Draft) -> Made:
    fields = [(c.name, arrow_type(c.type)) for c in draft.table.table.stored_columns]
    arrays = {n: draft.columns[n].cast(t) for n, t in fields}
    derived: dict[str, pa.Array] = {k.code: pa.array(draft.code(k)) for k in draft.key_codes}
    for d in draft.table.degrees:
        rng = draft.rng("degree", d.child.name, d.key.stream)
        derived[d.column] = draft.learned.codec.decode_column(d.column, draft.codes, rng)
        derived[d.column] = derived[d.column].cast(pa.int64())
    made = pa.table(arrays | derived | {CONTEXT: pa.array(draft.parent, pa.int64())})
    kept = draft.table.kept
    if kept is not None and kept.count:
        made = pa.concat_tables([kept_rows(draft, made.schema), made])
    return Made(
        made.combine_chunks(),
        draft.learned.codec.encode(made),
        kept.count if kept else 0,
        draft.learned.codec.cardinalities,
        len(fields),
    )
