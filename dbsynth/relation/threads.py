"""Trees inside families: an answer belongs to the thread of what it answers."""

from __future__ import annotations

import numpy as np


def choose_within(
    depth: np.ndarray,
    group: np.ndarray,
    place: np.ndarray,
    degrees: np.ndarray,
    rng: np.random.Generator,
    *,
    headed: bool,
) -> np.ndarray:
    """An earlier row of the same ``group`` for each row, int64, -1 for none.

    ``depth`` int64: 0 for rows that are to point at none, else how far below such a row; ``group`` int64 (-1: no
    family, such rows point at none); ``place`` orders the rows of a group; ``degrees`` float: how often each row is to
    be drawn. Where a group has no earlier row one level above, the row moves up to the deepest level that has one.
    ``headed``: the first row of each group, and no other, points at none."""
    n = len(depth)
    parent = np.full(n, -1, np.int64)
    order = np.lexsort((place, group))
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    first = np.zeros(n, bool)
    first[order] = np.concatenate([[True], group[order][1:] != group[order][:-1]]) if n else np.zeros(0, bool)
    wanted = np.maximum(depth, 1) if headed else depth.copy()
    wanted[first | (group < 0)] = 0
    level = np.where(wanted == 0, 0, -1)
    for d in range(1, int(wanted.max(initial=0)) + 1):
        open_ = np.flatnonzero((wanted == d) & (level < 0))
        for above in range(d - 1, -1, -1):
            if not len(open_):
                break
            found = _earlier(open_, np.flatnonzero(level == above), group, rank, order, degrees, rng)
            parent[open_] = found
            level[open_[found >= 0]] = above + 1
            open_ = open_[found < 0]
        level[open_] = 0
    return parent


def _earlier(
    rows: np.ndarray,
    candidates: np.ndarray,
    group: np.ndarray,
    rank: np.ndarray,
    order: np.ndarray,
    degrees: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """For each of ``rows`` one of the ``candidates`` of its group that ranks before it, by ``degrees``; -1 for none."""
    ranked = np.sort(rank[candidates])
    own_group = group[order[ranked]]
    begin = np.searchsorted(own_group, group[rows], side="left")
    end = np.searchsorted(ranked, rank[rows], side="left")
    total = np.concatenate([[0.0], np.cumsum(np.maximum(degrees[order[ranked]], 0.0) + 1e-6)])
    some = end > begin
    point = total[begin] + rng.random(len(rows)) * (total[np.maximum(end, begin)] - total[begin])
    at = (np.searchsorted(total, point, side="right") - 1).clip(min=begin, max=np.maximum(end - 1, begin))
    at = at.clip(max=max(len(ranked) - 1, 0))
    return np.where(some, order[ranked[at]], -1) if len(ranked) else np.full(len(rows), -1, np.int64)
