"""Rows that stand in a target already when rows are appended to it: in the form of the rows that are made, before which
they come. They are never written; keys, unique values and ranges of new rows keep clear of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dbsynth.pipeline.fact_rows import copies_of
from dbsynth.pipeline.plan import TablePlan
from dbsynth.pipeline.spool import CONTEXT
from dbsynth.pipeline.units import category_codes, present_codes
from dbsynth.relation import tree
from dbsynth.relation.copies import equal
from dbsynth.relation.keys import combined, row_index, take

if TYPE_CHECKING:
    from dbsynth.pipeline.draft import Draft


@dataclass(frozen=True)
class Appended(TablePlan):
    """A table to which rows are appended: ``rows`` counts the ``standing`` ones too. Of a run, never of a model."""

    standing: int = 0

    @classmethod
    def of(cls, plan: TablePlan, new: int, standing: int) -> Appended:
        known = {f.name: getattr(plan, f.name) for f in fields(TablePlan)}
        return cls(**(known | {"rows": new + standing, "standing": standing}))

    @property
    def made_rows(self) -> int:
        return self.rows - self.standing


def standing_rows(draft: Draft, schema: pa.Schema) -> pa.Table:
    """The standing rows with the columns of ``schema``: codes of keys and copies, counts of children, context. What a
    model knows of a row by rows that point at it (its profile) is told of none."""
    rows = draft.standing
    assert rows is not None
    n = rows.num_rows
    columns: dict[str, pa.Array] = {name: combined(rows.column(name)) for name in rows.column_names}
    context, members = np.full(n, -1, np.int64), {}
    for key in draft.table.keys:
        own = [columns[c] for c in key.key.columns]
        codes = np.zeros(n, np.int64)
        if key.fill == "self":
            at = row_index(own, [columns[c] for c in key.key.ref_columns])
            codes = tree.depth_codes(np.where(present_codes(own) > 0, np.where(at < 0, -2, at), -1)).astype(np.int64)
            if key.kind_code in draft.spans:
                kinds = draft.learned.clusters[key.code].assign(rows) + 1
                columns[key.kind_code] = pa.array(np.append(kinds, 0)[at])
        elif key.fill == "cycle":
            codes = present_codes([columns[c] for c in key.free])
        elif key.fill != "dropped":
            parent = draft.parent_of(key)
            at = members[key.key.name] = row_index(own, parent.columns(key))
            clusters = draft.learned.clusters.get(key.code)
            codes = np.where(at >= 0, 1, 0)
            if key.fill == "category":
                codes = category_codes(own, draft.plan[key.key.ref_table], key)
            elif clusters is not None and clusters.count > 1:
                codes = np.where(at >= 0, np.append(clusters.assign(parent.rows), -1)[at] + 1, 0)
            if key.fill == "context":
                context = at
        if key.code in draft.spans:
            columns[key.code] = pa.array(codes.astype(np.int64))
    for fact in copies_of(draft.plan, draft.table):
        if not fact.exact:
            at = members[fact.key]
            same, parents = at >= 0, draft.parents[fact.parent].rows
            for own_column, source in zip(fact.columns, fact.sources, strict=True):
                same = same & equal(rows, own_column, np.arange(n), parents, source, at)
            columns[fact.code] = pa.array(same.astype(np.int64))
    columns[CONTEXT] = pa.array(context)
    none = pa.array(np.zeros(n, np.int64))
    return pa.table({f.name: columns.get(f.name, none).cast(f.type) for f in schema})


def first_lines(draft: Draft, column: str) -> np.ndarray:
    """int64 (rows,): the last number of ``column``, which counts the rows under a parent, that stands under the parent
    of each row; 0 where none does."""
    rows, context = draft.standing, draft.table.context
    out = np.zeros(draft.n, np.int64)
    if rows is None or context is None or not rows.num_rows:
        return out
    at = row_index([rows.column(c) for c in context.key.columns], draft.parent_of(context).columns(context))
    numbers = combined(rows.column(column))
    there = np.flatnonzero((at >= 0) & numbers.is_valid().to_numpy(zero_copy_only=False))
    last = np.zeros(int(max(at.max(initial=-1), draft.parent.max(initial=-1))) + 2, np.int64)
    np.maximum.at(last, at[there], take(numbers, there).cast(pa.int64(), safe=False).to_numpy())
    last[-1] = 0  # of rows without a parent
    out[:] = last[draft.parent]
    return out


def tell_makers(draft: Draft, standing: Mapping[str, pa.Array]) -> None:
    """Values of unique columns that stand already are not made again, and codes that count go on after the last."""
    for maker in draft.learned.generators:
        maker.avoid({c: standing[c] for c in maker.columns})
