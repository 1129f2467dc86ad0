"""Self-references: rows that point to rows of their own table, made level by level, so that no row is its own ancestor
unless it points at itself in the source too."""

from __future__ import annotations

import numpy as np

from dbsynth.relation.members import draw_by_degree

MAX_DEPTH = 30
ITSELF = MAX_DEPTH + 1
CARDINALITY = MAX_DEPTH + 2
"""Codes of the model: 0 no parent, d = 1..30 the depth below a root, 31 the row points at itself."""


def depth_codes(parent: np.ndarray) -> np.ndarray:
    """Codes for int64 ``parent`` (row of the same table, -1 none, any place outside the sample counts as none known:
    pass -2 for it, it becomes depth 1). Rows on a cycle count from where they are first reached."""
    n = len(parent)
    depth = np.where(parent == -1, 0, np.where(parent == -2, 1, -1)).astype(np.int32)
    own = parent == np.arange(n)
    depth[own] = ITSELF
    for _ in range(MAX_DEPTH + 1):
        open_ = np.flatnonzero(depth < 0)
        if len(open_) == 0:
            break
        above = depth[parent[open_]]
        above = np.where(above == ITSELF, 0, above)
        ready = above >= 0
        if not ready.any():
            break
        depth[open_[ready]] = np.minimum(above[ready] + 1, MAX_DEPTH)
    depth[depth < 0] = 1  # on a cycle: from one level below a root on the tree has no cycle any more
    return depth


def settle_depths(depth: np.ndarray, rng: np.random.Generator, *, nullable: bool) -> np.ndarray:
    """Make every depth reachable: a row at depth d needs rows at depth d - 1. Depths above the deepest unbroken level
    move up to it; without any root, some rows become roots (null where ``nullable``, else pointing at themselves)."""
    out = depth.copy()
    if len(out) and not np.isin(out, (0, ITSELF)).any():
        out[rng.integers(len(out))] = 0 if nullable else ITSELF
    if not nullable:
        out[out == 0] = ITSELF
    level = 1
    for d in range(1, MAX_DEPTH + 1):
        here = out == d
        if here.any():
            out[here] = level
            level += 1
    return out


def choose_parents(depth: np.ndarray, degrees: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A parent row for each row (-1 for roots) one level above it, drawn by ``degrees``. ``depth`` is settled."""
    n = len(depth)
    parent = np.full(n, -1, np.int64)
    own = np.flatnonzero(depth == ITSELF)
    parent[own] = own
    for d in range(1, int(depth[depth < ITSELF].max(initial=0)) + 1):
        rows = np.flatnonzero(depth == d)
        above = np.flatnonzero(depth == d - 1) if d > 1 else np.flatnonzero((depth == 0) | (depth == ITSELF))
        zero = np.zeros(len(rows), np.int64)
        parent[rows] = above[draw_by_degree(zero, np.zeros(len(above), np.int64), degrees[above], rng)]
    return parent
