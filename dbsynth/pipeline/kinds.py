"""By what the parents over a foreign key are told apart, in the source and in the clone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from dbsynth.dialect import Database, ReadRequest
from dbsynth.pipeline.plan import Plan, TablePlan, degree_column
from dbsynth.pipeline.spool import CONTEXT, Made
from dbsynth.pipeline.units import present_codes
from dbsynth.relation.cluster import Clusters
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import row_index, take
from dbsynth.rng import generator
from dbsynth.schema.model import TableName

ABOVE = "^"
"""Begins the name of a column of the row that a parent itself was made under."""
MOST_OWN_KINDS = 24
"""Of rows that point at rows of their own table: they are drawn level by level, from those of one level only."""


def features(plan: Plan, table: TablePlan) -> tuple[list[str], set[str]]:
    """The columns that tell rows of ``table`` apart: modelled ones, and keys to kept tables (equal in the clone); the
    second result is the latter alone."""
    kept = {
        c for k in table.keys if k.fill != "dropped" and plan[k.key.ref_table].kept is not None for c in k.key.columns
    }
    keys = {c.name for c in table.columns if c.how == "foreign key" and c.name in kept}
    return [c.name for c in table.columns if c.how == "modelled" or c.name in keys], keys


def above(plan: Plan, table: TablePlan) -> TablePlan | None:
    """The table whose rows tell rows of ``table`` apart too: that of their context, unless it is kept (then the key
    says as much)."""
    if table.context is None or plan[table.context.key.ref_table].kept is not None:
        return None
    return plan[table.context.key.ref_table]


def source_parents(database: Database, plan: Plan, child: TableName, k: KeyPlan, snapshot: str | None) -> pa.Table:
    """The parents over ``k`` with the columns that tell them apart, how often they are referred to, and what the rows
    above them say. In the order of their key: what is drawn from them depends on it."""
    parent = plan[k.key.ref_table]
    upper = above(plan, parent)
    linked = parent.context.key.columns if parent.context is not None and upper is not None else ()
    rows = _read(database, parent, (*k.key.ref_columns, *features(plan, parent)[0], *linked), k, snapshot)
    counts = database.degrees(child, k.key.columns, None, snapshot)
    at = row_index([rows.column(c) for c in k.key.ref_columns], [counts.column(c) for c in k.key.columns])
    n = np.append(counts.column("n").to_numpy(), 0)[at]
    rows = rows.append_column(degree_column(child, k.key), pa.array(n.astype(np.int64)))
    if upper is not None and parent.context is not None:
        grand = _read(database, upper, (*parent.context.key.ref_columns, *features(plan, upper)[0]), None, snapshot)
        at = row_index([rows.column(c) for c in linked], [grand.column(c) for c in parent.context.key.ref_columns])
        rows = with_above(rows, grand, at, features(plan, upper)[0])
    return rows


def _read(
    database: Database, table: TablePlan, columns: tuple[str, ...], k: KeyPlan | None, snapshot: str | None
) -> pa.Table:
    request = ReadRequest(table.name, tuple(dict.fromkeys(columns)), order_by=k.key.ref_columns if k else ())
    return pa.Table.from_batches(list(database.read(request, snapshot))).combine_chunks()


def with_above(rows: pa.Table, upper: pa.Table, at: np.ndarray, columns: list[str]) -> pa.Table:
    """``rows`` with ``columns`` of the rows ``at`` (-1: none) of ``upper``."""
    for c in columns:
        rows = rows.append_column(ABOVE + c, take(upper.column(c), at))
    return rows


def made_parents(made: Made, clusters: Clusters | None, upper: Made | None) -> pa.Table:
    """The rows of ``made`` with what ``clusters`` asks of the rows above them."""
    wanted = [f.name[1:] for f in clusters.features if f.name.startswith(ABOVE)] if clusters else []
    if not wanted or upper is None:
        return made.rows
    return with_above(made.rows, upper.rows, made.rows.column(CONTEXT).to_numpy(), wanted)


def fit_kinds(plan: Plan, child: TableName, k: KeyPlan, frame: pa.Table, parents: pa.Table, seed: int) -> Clusters:
    """The kinds of ``parents`` (of ``source_parents``), each counting as often as ``frame``, rows of ``child``, has
    it."""
    parent = plan[k.key.ref_table]
    columns, keys = features(plan, parent)
    columns.append(degree_column(child, k.key))
    if (upper := above(plan, parent)) is not None:
        theirs, their_keys = features(plan, upper)
        columns += [ABOVE + c for c in theirs]
        keys = keys | {ABOVE + c for c in their_keys}
    at = row_index([frame.column(c) for c in k.key.columns], [parents.column(c) for c in k.key.ref_columns])
    weights = np.bincount(at[at >= 0], minlength=parents.num_rows).astype(np.float64)
    rng = generator(seed, plan.stream(k.key.ref_table), k.key.stream, "clusters")
    return Clusters.fit(parents, columns, weights, plan.privacy_k, rng, keys=keys)


def fit_own_kinds(plan: Plan, table: TablePlan, k: KeyPlan, frame: pa.Table, seed: int) -> Clusters:
    """The kinds of rows of ``table`` that its key ``k`` to itself points at."""
    columns, keys = features(plan, table)
    at = row_index([frame.column(c) for c in k.key.columns], [frame.column(c) for c in k.key.ref_columns])
    weights = np.bincount(at[at >= 0], minlength=frame.num_rows).astype(np.float64)
    rng = generator(seed, plan.stream(table.name), k.key.stream, "clusters")
    return Clusters.fit(frame, columns, weights, plan.privacy_k, rng, keys=keys, most=MOST_OWN_KINDS)


def kind_codes(k: KeyPlan, own: list[pa.ChunkedArray], clusters: Clusters, parents: pa.Table) -> np.ndarray:
    """0 null, 1 + the kind of the parent."""
    if clusters.count == 1:
        return present_codes(own)
    at = row_index(own, [parents.column(c) for c in k.key.ref_columns])
    return np.where(at >= 0, clusters.assign(parents)[at] + 1, 0)
