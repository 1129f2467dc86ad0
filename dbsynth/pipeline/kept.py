"""The rows of lookup tables that keep their keys and labels, in the form of the rows that are made."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.spool import CONTEXT
from dbsynth.pipeline.unfolding import remade_paths
from dbsynth.pipeline.units import category_codes, present_codes
from dbsynth.relation import tree
from dbsynth.relation.assign import fill_columns, match
from dbsynth.relation.keys import combined, row_index, take

REDRAWS = 8
"""Rounds in which remade values that break a CHECK are drawn again, before the row is repaired."""


def kept_rows(draft: Draft, schema: pa.Schema) -> pa.Table:
    """The kept rows in the form of the made ones. Keys that point to tables that are not kept are drawn anew: the
    parents of the source are not there."""
    kept = draft.table.kept
    assert kept is not None
    columns: dict[str, pa.Array] = {n: combined(kept.rows.column(n)) for n in kept.rows.column_names}
    columns.update(remake(draft, columns))
    context = np.full(kept.count, -1, np.int64)
    for key in draft.table.keys:
        rng = draft.rng("kept", key.key.stream)
        own = [columns[c] for c in key.key.columns]
        if key.fill in ("self", "dropped"):
            codes = np.zeros(kept.count, np.int64)
            if key.fill == "self":
                at = row_index(own, [columns[c] for c in key.key.ref_columns])
                codes = tree.depth_codes(np.where(present_codes(own) > 0, np.where(at < 0, -2, at), -1))
                if key.kind_code in draft.spans:
                    kinds = draft.learned.clusters[key.code].assign(pa.table(columns)) + 1
                    columns[key.kind_code] = pa.array(np.append(kinds, 0)[at])
                outside = at < 0
                for c in key.free:
                    if draft.table.table.column(c).nullable:
                        columns[c] = take(columns[c], np.where(outside, -1, np.arange(kept.count)))
        elif key.fill == "cycle":
            codes = present_codes([columns[c] for c in key.free])
        else:
            parent = draft.parent_of(key)
            at = row_index(own, parent.columns(key))
            astray = np.flatnonzero((at < 0) & (present_codes(own) > 0))
            if len(astray) and parent.rows.num_rows:
                at[astray] = match(key, columns, parent, astray, rng)
            nullable = {c: draft.table.table.column(c).nullable for c in key.key.columns}
            columns.update(fill_columns(key, at, parent, nullable, rng))
            clusters = draft.learned.clusters.get(key.code)
            codes = np.where(at >= 0, 1, 0)
            if key.fill == "category":
                codes = category_codes(own, draft.plan[key.key.ref_table], key)
            elif clusters is not None and clusters.count > 1:
                codes = np.where(at >= 0, clusters.assign(parent.rows)[at] + 1, 0)
            if key.fill == "context":
                context = at
        if key.code in draft.spans:
            columns[key.code] = pa.array(codes.astype(np.int64))
    columns[CONTEXT] = pa.array(context)
    return pa.table({f.name: columns[f.name].cast(f.type) for f in schema})


def remake(draft: Draft, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """The remade columns of the kept rows. Learned ones pass through their codec, which knows nothing but what k rows
    share, so that a value stays near what it was; made ones come from their generators. Rows that cannot meet the
    CHECKs this way keep what they had."""
    kept = draft.table.kept
    assert kept is not None
    if not kept.remade:
        return {}
    plain = [c.name for c in draft.table.table.stored_columns]
    before = pa.RecordBatch.from_arrays([columns[n] for n in plain], names=plain)
    fixed = set(plain) - set(kept.remade)
    now = _drawn(draft, before, kept.remade, 0)
    for turn in range(1, REDRAWS + 1):
        broken = draft.rules.broken(now)
        if not broken.any():
            break
        now = _merged(now, _drawn(draft, now, kept.remade, turn), broken)
    if draft.rules.any:
        now, broken = draft.rules.repair(now, draft.rng("kept", "repair"), fixed)
        if broken.any():
            draft.warnings.append(
                f"{int(broken.sum())} rows of the lookup table are kept whole: no others meet its CHECKs"
            )
            now = _merged(now, before, broken)
    return {n: now.column(n) for n in kept.remade}


def _drawn(draft: Draft, rows: pa.RecordBatch, names: tuple[str, ...], turn: int) -> pa.RecordBatch:
    fresh = {n: rows.column(n) for n in rows.schema.names}
    codec = draft.learned.codec
    for name in names:
        if draft.table.by_column[name].how == "modelled":
            whole = np.zeros((rows.num_rows, len(codec.cardinalities)), np.int32)
            whole[:, codec.spans[name]] = codec.encode_column(name, fresh[name])
            values = codec.decode_column(name, whole, draft.rng("kept", name, turn))
            fresh[name] = combined(values).cast(fresh[name].type)
    paths = remade_paths(draft, fresh, draft.rng("kept", "paths", turn))
    for i, maker in enumerate(draft.learned.generators):
        if set(maker.columns) & set(names):
            present = {c: fresh[c].is_valid().to_numpy(zero_copy_only=False) for c in maker.columns}
            made = maker.generate(present, fresh | paths, draft.rng("kept", "made", i, turn))
            fresh |= {c: combined(v).cast(fresh[c].type) for c, v in made.items() if c in names}
    return pa.RecordBatch.from_arrays(list(fresh.values()), names=list(fresh))


def _merged(rows: pa.RecordBatch, other: pa.RecordBatch, where: np.ndarray) -> pa.RecordBatch:
    """``other`` where ``where``, else ``rows``."""
    index = np.arange(rows.num_rows) + np.where(where, rows.num_rows, 0)
    arrays = [
        take(pa.concat_arrays([rows.column(n), other.column(n).cast(rows.column(n).type)]), index)
        for n in rows.schema.names
    ]
    return pa.RecordBatch.from_arrays(arrays, names=rows.schema.names)
