"""Foreign keys of generated rows: from the model's codes to a parent row, and from the parent row to key values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbsynth.relation.cluster import Clusters
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import group_ids, take
from dbsynth.relation.members import draw_by_degree, draw_within


@dataclass(frozen=True)
class Parent:
    """The finished table that a key points to. ``degrees`` float (rows,): how often each row is to be drawn;
    ``kept``: the first so many rows are the kept ones."""

    rows: pa.Table
    degrees: np.ndarray
    kept: int = 0

    def columns(self, key: KeyPlan) -> list[pa.ChunkedArray]:
        return [self.rows.column(c) for c in key.key.ref_columns]


def choose(
    key: KeyPlan,
    codes: np.ndarray | None,
    made: Mapping[str, pa.Array],
    parent: Parent,
    clusters: Clusters | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """The parent row of each row, -1 for null. ``codes`` int (rows,): the model's column for this key; ``made``: the
    columns of the rows that are set already."""
    if key.fill == "determined":
        own, theirs = group_ids([made[c] for c in key.key.columns], parent.columns(key))
        return draw_within(own, theirs, parent.degrees, rng)
    assert codes is not None
    out = np.full(len(codes), -1, np.int64)
    wanted = np.flatnonzero(codes > 0)
    if len(wanted) == 0 or parent.rows.num_rows == 0:
        return out
    if key.fill == "category":
        kept = codes[wanted] - 1
        other = kept >= parent.kept
        if other.any():
            start = parent.kept if parent.rows.num_rows > parent.kept else 0
            kept[other] = rng.integers(start, parent.rows.num_rows, int(other.sum()))
        out[wanted] = kept
    elif key.fill == "cluster":
        kinds = clusters.assign(parent.rows) if clusters is not None else np.zeros(parent.rows.num_rows, np.int64)
        out[wanted] = draw_by_degree(codes[wanted] - 1, kinds, parent.degrees, rng)
    else:
        out[wanted] = match(key, made, parent, wanted, rng)
    return out


def match(
    key: KeyPlan, made: Mapping[str, pa.Array], parent: Parent, rows: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """For ``rows``: a parent that agrees with the columns of ``key`` that are set already, by degree; -1 if none does
    or one of these columns is null. Without such columns any parent, by degree."""
    fixed = [(c, r) for c, r in zip(key.key.columns, key.key.ref_columns, strict=True) if c not in key.free]
    if not fixed:
        zero = np.zeros(len(rows), np.int64)
        return draw_by_degree(zero, np.zeros(parent.rows.num_rows, np.int64), parent.degrees, rng)
    own, theirs = group_ids([take(made[c], rows) for c, _ in fixed], [parent.rows.column(r) for _, r in fixed])
    members = np.flatnonzero(theirs >= 0)
    found = draw_within(own, theirs[members], parent.degrees[members], rng)
    return np.where((found >= 0) & (own >= 0), members[found] if len(members) else -1, -1)


def fill_columns(
    key: KeyPlan, member: np.ndarray, parent: Parent, nullable: Mapping[str, bool], rng: np.random.Generator
) -> dict[str, pa.Array]:
    """The free columns of ``key``. Where the key is null (member -1) its nullable columns are null; a NOT NULL column
    of a null key takes the value of some parent, so that it stays a value that occurs."""
    out: dict[str, pa.Array] = {}
    stand_in = member
    if parent.rows.num_rows and (member < 0).any():
        stand_in = np.where(member < 0, rng.integers(0, parent.rows.num_rows, len(member)), member)
    for column, ref in zip(key.key.columns, key.key.ref_columns, strict=True):
        if column in key.free:
            keep_value = not nullable[column] and any(nullable[c] for c in key.free)
            out[column] = take(parent.rows.column(ref), stand_in if keep_value else member)
    return out
