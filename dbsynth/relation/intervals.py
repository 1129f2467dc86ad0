"""Intervals that may not overlap, placed along a line: each keeps its length and moves as little as needed.

With the lengths of what comes before taken off, starts that do not overlap are starts in order. The mean of the least
order above them and the greatest below is one (the two running extremes of an isotonic fit; where nothing overlaps,
both are the starts themselves, so nothing moves).
"""

from __future__ import annotations

import numpy as np

FIRST, BETWEEN, LAST = -1, 0, 1
"""Places of intervals without a beginning, with both ends, without an end."""


def overlapping(group: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """True for intervals [start, end) that begin before the end of an earlier one of their group; int64 arrays
    (rows,). Rows of group -1 overlap nothing."""
    order = np.lexsort((end, start, group))
    g, s, e = group[order], start[order], end[order]
    before = np.concatenate([[np.iinfo(np.int64).min], _running(np.maximum, e, g)[:-1]])
    first = np.concatenate([[True], g[1:] != g[:-1]]) if len(g) else np.zeros(0, bool)
    out = np.zeros(len(group), bool)
    out[order] = ~first & (s < before) & (g >= 0)
    return out


def _running(extreme: np.ufunc, values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The running maximum within groups that ascend, or the running minimum within groups that descend."""
    unique, rank = np.unique(values, return_inverse=True)
    _, number = np.unique(group, return_inverse=True)
    shift = number * len(unique)  # so what a group says does not reach into the next
    return np.asarray(unique[extreme.accumulate(rank + shift) - shift])


def placed(
    group: np.ndarray,
    place: np.ndarray,
    start: np.ndarray,
    length: np.ndarray,
    window: tuple[np.ndarray, np.ndarray],
    step: int = 1,
) -> np.ndarray:
    """New starts int64 (rows,) so that [start, start + length) of one group do not overlap. ``place``: FIRST, BETWEEN
    or LAST in the group, whatever the start. ``window``: per row the least start and the greatest end; a group that
    is too long for it goes beyond its end. Starts stay multiples of ``step`` where starts and lengths are."""
    order = np.lexsort((start, place, group))
    g, s, n = group[order], start[order], length[order]
    low, high = window[0][order], window[1][order]
    starts_group = np.concatenate([[True], g[1:] != g[:-1]]) if len(g) else np.zeros(0, bool)
    begin = np.maximum.accumulate(np.where(starts_group, np.arange(len(g)), 0))
    before = np.concatenate([[0], np.cumsum(n)[:-1]])
    before = before - before[begin]
    total = np.bincount(np.cumsum(starts_group) - 1, weights=n, minlength=int(starts_group.sum())).astype(np.int64)
    total = total[np.cumsum(starts_group) - 1]
    free = s - before
    up = _running(np.maximum, free, g)
    down = _running(np.minimum, free[::-1], g[::-1])[::-1]
    middle = down + (up - down) // 2
    middle = np.clip(middle, low, np.maximum(low, high - total))
    if step > 1:
        middle = np.where(middle == free, middle, free + (middle - free) // step * step)
        middle = _running(np.maximum, middle, g)
    out = np.empty_like(start)
    out[order] = middle + before
    return out


def pushed(groups: list[np.ndarray], place: np.ndarray, start: np.ndarray, length: np.ndarray) -> np.ndarray:
    """New starts so that intervals overlap in none of several groupings: one after the other, each no earlier than it
    is and not before all that it may not overlap have ended. Row by row: for what ``placed`` leaves of them."""
    out = start.copy()
    free: list[dict[int, int]] = [{} for _ in groups]
    for row in np.lexsort((start, place)):
        mine = [(ends, int(group[row])) for ends, group in zip(free, groups, strict=True) if group[row] >= 0]
        out[row] = max([int(start[row]), *(ends[g] for ends, g in mine if g in ends)])
        for ends, g in mine:
            ends[g] = int(out[row] + length[row])
    return out
