"""Foreign keys of generated rows: from codes to parent rows, and rows that point at rows of their own table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.plan import degree_column
from dbsynth.pipeline.units import present_codes, unwhole
from dbsynth.relation import tree
from dbsynth.relation.assign import choose, fill_columns
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import combined, row_index, take
from dbsynth.schema.types import arrow_type


def assign_key(draft: Draft, key: KeyPlan) -> None:
    nullable = {c: draft.table.table.column(c).nullable for c in key.key.columns}
    rng = draft.rng("key", key.key.stream)
    if key.fill == "dropped":
        return
    if key.fill in ("self", "cycle"):
        hold_place(draft, key)
        return
    parent = draft.parent_of(key)
    if key.fill == "context":
        member = draft.parent
    else:
        member = choose(key, draft.code(key), draft.columns, parent, draft.learned.clusters.get(key.code), rng)
    draft.member[key.key.name] = member
    draft.columns.update(fill_columns(key, member, parent, nullable, rng))


def hold_place(draft: Draft, key: KeyPlan) -> None:
    """Null or not is known now, which row only when all rows are made: a value of the type stands in for it."""
    code = draft.code(key)
    assert code is not None
    for column in key.free:
        type_ = arrow_type(draft.table.table.column(column).type)
        present = (code > 0) if draft.table.table.column(column).nullable else np.ones(draft.n, bool)
        stand_in = pa.array(["0"] * draft.n).cast(type_) if pt.is_string(type_) else unwhole(np.zeros(draft.n), type_)
        draft.columns[column] = take(stand_in, np.where(present, np.arange(draft.n), -1))


def point_at_own_rows(draft: Draft) -> None:
    for key in draft.table.keys:
        if key.fill == "self":
            fill_self(draft, key)


def fill_self(draft: Draft, key: KeyPlan) -> None:
    code = draft.code(key)
    assert code is not None
    rng = draft.rng("key", key.key.stream)
    kept = draft.table.kept
    nullable = any(draft.table.table.column(c).nullable for c in key.free)
    depth, before = code, 0
    degrees = degree(draft, key)
    refs = [draft.columns[r] for r in key.key.ref_columns]
    if kept is not None and kept.count:
        before = kept.count
        own = row_index(
            [kept.rows.column(c) for c in key.key.columns], [kept.rows.column(c) for c in key.key.ref_columns]
        )
        known = present_codes([kept.rows.column(c) for c in key.key.columns]).astype(bool)
        depth = np.concatenate([tree.depth_codes(np.where(known, np.where(own < 0, -2, own), -1)), code])
        degrees = np.concatenate([kept.rows.column(degree_column(draft.table.name, key.key)).to_numpy(), degrees])
        refs = [pa.concat_arrays([combined(kept.rows.column(r)), a.cast(kept.rows.column(r).type)])
                for r, a in zip(key.key.ref_columns, refs, strict=True)]  # fmt: skip
    depth = tree.settle_depths(depth, rng, nullable=nullable)
    parent = tree.choose_parents(depth, degrees.astype(np.float64), rng)
    for column, ref in zip(key.key.columns, refs, strict=True):
        if column in key.free:
            draft.columns[column] = take(ref, parent)[before:].cast(arrow_type(draft.table.table.column(column).type))


def degree(draft: Draft, key: KeyPlan) -> np.ndarray:
    decoded = draft.learned.codec.decode_column(
        degree_column(draft.table.name, key.key), draft.codes, draft.rng("degree", key.key.stream)
    )
    return decoded.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]
