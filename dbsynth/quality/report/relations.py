"""How many rows of a child table a row of the parent has, on both sides."""

from __future__ import annotations

import numpy as np

from dbsynth.dialect import Sample
from dbsynth.quality.report.distribution import Distribution, Presence, Untold, of_numbers
from dbsynth.quality.sides import Side, Sides
from dbsynth.schema.model import ForeignKey, TableName


def children(sides: Sides, child: TableName, key: ForeignKey) -> Distribution:
    """The distribution of the number of children over the parents, those without any among them."""
    if not sides.lead(child, key):
        return Untold("a side lacks a column of the key", Presence(0.0, 0.0))
    share = min(sides.real.share(key, child), sides.made.share(key, child))
    real, made = (_degrees(side, child, key, share) for side in (sides.real, sides.made))
    return of_numbers(real, made, "whole", sides.plan.privacy_k, Presence(0.0, 0.0), "children")


def _degrees(side: Side, child: TableName, key: ForeignKey, share: float) -> np.ndarray:
    """float64 (parents,): counted by the database, of a ``share`` of the parents."""
    columns = tuple(side.columns[child][c] for c in key.columns)
    sample = None if share >= 1.0 else Sample(columns, share, side.salt)
    found = side.database.degrees(side.names[child], columns, sample, side.snapshot)
    counts = found.column("n").to_numpy().astype(np.float64)
    parents = round(side.counts[key.ref_table] * share)
    return np.concatenate([counts, np.zeros(max(0, parents - len(counts)))])
