"""How many children each parent gets: the learned counts, adjusted so that they add up to the rows wanted."""

from __future__ import annotations

import numpy as np

NUDGED_SHARE = 0.3
"""Up to this share of the parents get one child more or less before all numbers are scaled."""


def spread(
    counts: np.ndarray, total: int, rng: np.random.Generator, *, cap: np.ndarray | int | None = None
) -> np.ndarray:
    """Integers close to ``counts`` (float or int, >= 0) in proportion that add up to ``total``.

    A small difference is made up by one child more or less for some of the parents that have any, so that the others
    keep their number; a large one in proportion, by randomised rounding (systematic sampling of the remainders). With
    ``cap`` no parent gets more than that; what is over goes to the others, and the sum is smaller than ``total`` only
    where every parent is full. All-zero counts share evenly.
    """
    n = len(counts)
    if n == 0 or total <= 0:
        return np.zeros(n, np.int64)
    limit = np.full(n, total, np.int64) if cap is None else np.broadcast_to(np.asarray(cap, np.int64), (n,)).copy()
    weights = np.asarray(counts, np.float64).clip(min=0)
    whole_counts = np.round(weights).astype(np.int64)
    short = total - int(whole_counts.sum())
    able = np.flatnonzero(whole_counts >= (1 if short > 0 else 2))
    if abs(short) <= NUDGED_SHARE * len(able) and (whole_counts <= limit - (short > 0)).all():
        whole_counts[rng.permutation(able)[: abs(short)]] += np.sign(short)
        return whole_counts
    out = np.zeros(n, np.int64)
    left = min(total, int(limit.sum()))
    while left > 0:
        room = limit - out
        open_ = room > 0
        share = np.where(open_, weights, 0.0)
        if share.sum() <= 0:
            share = open_.astype(np.float64)
        share = share * (left / share.sum())
        whole = np.floor(share)
        add = whole.astype(np.int64)
        rest = left - int(add.sum())
        if rest > 0:
            remainder = share - whole
            if remainder.sum() <= 0:
                remainder = open_.astype(np.float64)
            # systematic sampling in random order: each parent at most once where its remainder is below 1
            order = rng.permutation(n)
            edges = np.cumsum(remainder[order]) * (rest / remainder.sum())
            at = np.searchsorted(edges, rng.random() + np.arange(rest), side="right").clip(max=n - 1)
            np.add.at(add, order[at], 1)
        add = np.minimum(add, room)
        if add.sum() == 0:  # only full parents were hit: give one to each open one in random order
            hit = rng.permutation(np.flatnonzero(open_))[:left]
            add[hit] = 1
        out += add
        left -= int(add.sum())
    return out


def expand(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Parent row and position among its siblings (0, 1, ...) of every child, children of one parent together."""
    parent = np.repeat(np.arange(len(counts)), counts)
    start = np.cumsum(counts) - counts
    return parent, np.arange(len(parent)) - start[parent]


POSITIONS = 33


def position_codes(position: np.ndarray, siblings: np.ndarray) -> np.ndarray:
    """0..15: the place itself in families of up to 16, 16..31: the sixteenth of the family, int32; ``POSITIONS``-1 is
    left for rows without a parent."""
    small = siblings <= 16
    return np.where(small, position, 16 + (16 * position) // np.maximum(siblings, 1)).astype(np.int32)
