"""From a model to the rows of one table: context, codes, foreign keys, unique keys, values, CHECKs, in this order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbsynth.pipeline.check_rows import drop_broken, keep_checks
from dbsynth.pipeline.copies import avoid_copies
from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.drawing import draw_rows
from dbsynth.pipeline.exclusions import drop_overlapping, keep_apart
from dbsynth.pipeline.fact_rows import copies_of, copy_again
from dbsynth.pipeline.foreign_keys import all_degrees, assign_key
from dbsynth.pipeline.kept import kept_rows
from dbsynth.pipeline.own_rows import point_at_own_rows
from dbsynth.pipeline.plan import TablePlan, degree_column
from dbsynth.pipeline.profiles import PROFILE
from dbsynth.pipeline.room import check_fits
from dbsynth.pipeline.settle import rule_at_last, settle, settle_at_last
from dbsynth.pipeline.spool import CONTEXT, Made
from dbsynth.pipeline.standing import first_lines, standing_rows, tell_makers
from dbsynth.pipeline.unfolding import finished_paths
from dbsynth.pipeline.unique_keys import keep_unique
from dbsynth.pipeline.units import unwhole, whole
from dbsynth.relation.context import Above, context_codes
from dbsynth.relation.counts import expand, position_codes, spread
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.key_facts import Exclusive
from dbsynth.relation.keys import combined, row_index
from dbsynth.relation.siblings import Places
from dbsynth.schema.types import arrow_type


@dataclass(frozen=True)
class Families:
    """How many rows the parents ``first`` and following get, int64 (parents,), and how many rows have none."""

    shares: np.ndarray
    alone: int
    first: int = 0

    @property
    def rows(self) -> int:
        return int(self.shares.sum()) + self.alone


def make(draft: Draft, ancestors: Sequence[TablePlan], families: Families) -> Made:
    """Make the rows of ``draft``. ``ancestors``: the context parent and those above it, nearest first
    (their codes are what the rows see). Raises UnsatisfiableConstraint where no valid rows can be made and constraints
    are enforced."""
    if draft.standing is not None:
        tell_makers(draft, {n: combined(draft.standing.column(n)) for n in draft.standing.column_names})
    place_under_parents(draft, ancestors, families)
    draw_rows(draft)
    serials(draft)
    for key in draft.table.keys:
        assign_key(draft, key)
    draft.decode(np.arange(draft.n), "values")
    settle(draft)
    if draft.enforce:
        keep_unique(draft)
        copy_again(draft)
        keep_checks(draft)
    else:
        drop_broken(draft)
    avoid_copies(draft)
    settle_at_last(draft)
    (keep_apart if draft.enforce else drop_overlapping)(draft)
    point_at_own_rows(draft)
    rule_at_last(draft)
    return finish(draft)


def families_of(draft: Draft) -> Families:
    """Of all rows."""
    n, context = draft.table.made_rows, draft.table.context
    if context is None:
        return Families(np.zeros(0, np.int64), n)
    above = draft.parents[context.key.ref_table]
    counts = above.rows.column(degree_column(draft.table.name, context.key)).to_numpy()
    if 0 < above.standing < above.rows.num_rows:  # families are whole: new children have new parents
        counts = np.where(np.arange(len(counts)) < above.standing, 0, counts)
    without = n if len(counts) == 0 else round(n * draft.learned.null_context)
    shares = spread(counts, n - without, draft.rng("counts"), cap=capacity(draft, context, above))
    if (short := n - without - int(shares.sum())) > 0:
        draft.warnings.append(f"{short} rows fewer than wanted: its keys allow no more under {context.key.ref_table}")
    return Families(shares, without)


def place_under_parents(draft: Draft, ancestors: Sequence[TablePlan], families: Families) -> None:
    context, without = draft.table.context, families.alone
    if context is None:
        draft.n = n = families.alone
        draft.parent = np.full(n, -1, np.int64)
        draft.position = np.zeros(n, np.int64)
        draft.context, draft.siblings = np.zeros((n, 0), np.int32), np.ones(n, np.int64)
        return
    parent, position = expand(families.shares)
    draft.n = len(parent) + without
    draft.parent = np.concatenate([parent + families.first, np.full(without, -1, np.int64)])
    draft.position = np.concatenate([position, np.zeros(without, np.int64)])
    draft.siblings = np.concatenate([families.shares[parent], np.ones(without, np.int64)])
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
    if any(isinstance(f, Exclusive) and draft.table.name in f.children for f in draft.plan.facts):
        out = above.rows.column(degree_column(draft.table.name, context.key)).to_numpy().clip(max=most)
    there = draft.kept_table()
    if there is not None:
        taken = row_index(
            [there.column(c) for c in context.key.columns],
            [above.rows.column(c) for c in context.key.ref_columns],
        )
        np.subtract.at(out, taken[taken >= 0], 1)
    return out.clip(min=0)


def serials(draft: Draft) -> None:
    kept = draft.kept_table()
    for column in draft.table.columns:
        declared = draft.table.table.by_name[column.name]
        if column.how == "serial":
            start = max(1, draft.rules.least(column.name) or 1) + draft.before
            there = whole(kept.column(column.name)) if kept is not None else np.zeros(0, np.int64)
            if len(there):
                start = max(start, int(there.max()) + 1)
            check_fits(draft.table.name, declared, draft.n, start + draft.n - 1)
            draft.columns[column.name] = unwhole(np.arange(start, start + draft.n), arrow_type(declared.type))
        elif column.name in draft.learned.lines:
            line = first_lines(draft, column.name) + draft.position + 1
            check_fits(draft.table.name, declared, draft.n, int(line.max(initial=0)))
            draft.columns[column.name] = unwhole(line, arrow_type(declared.type))


def finish(draft: Draft) -> Made:
    fields = [(c.name, arrow_type(c.type)) for c in draft.table.table.stored_columns]
    arrays = {n: draft.columns[n].cast(t) for n, t in fields}
    derived: dict[str, pa.Array] = {k.code: pa.array(draft.code(k)) for k in draft.key_codes}
    for name in (k.kind_code for k in draft.key_codes if k.kind_code in draft.spans):
        derived[name] = pa.array(draft.codes[:, draft.spans[name].start].astype(np.int64))
    for fact in copies_of(draft.plan, draft.table):
        if not fact.exact:
            derived[fact.code] = pa.array(draft.codes[:, draft.spans[fact.code].start].astype(np.int64))
    derived |= {name: pa.array(counts) for name, counts in all_degrees(draft).items()}
    for name in (n for n in draft.spans if n.startswith(PROFILE)):
        derived[name] = pa.array(draft.codes[:, draft.spans[name].start].astype(np.int64))
    made = pa.table(arrays | derived | {CONTEXT: pa.array(draft.parent, pa.int64())})
    kept = draft.table.kept
    if draft.standing is not None:
        made = pa.concat_tables([standing_rows(draft, made.schema), made])
    elif kept is not None and kept.count:
        made = pa.concat_tables([kept_rows(draft, made.schema), made])
    made, shown = made.combine_chunks(), draft.learned.shown
    cardinalities = tuple(draft.learned.codec.cardinalities[j] for j in shown)
    standing = draft.standing.num_rows if draft.standing is not None else 0
    codes = encoded(draft, made)[:, shown]
    return Made(made, codes, kept.count if kept else 0, cardinalities, len(fields), standing)


def encoded(draft: Draft, made: pa.Table) -> np.ndarray:
    """Codes of the finished rows, int32 (rows, code columns)."""
    steps = draft.learned.steps
    beside = draft.outside | finished_paths(draft, made)
    if steps is not None:
        alone = Places.of(np.full(made.num_rows, -1), np.zeros(made.num_rows, np.int64))
        beside |= steps.columns(combined(made.column(steps.column)), alone)  # others see the clock only
    for name, array in beside.items():
        made = made.append_column(name, array)
    return draft.learned.codec.encode(made)
