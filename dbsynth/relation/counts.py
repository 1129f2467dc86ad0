"""How many children each parent gets: the learned counts, adjusted so that they add up to the rows wanted."""

from __future__ import annotations

import numpy as np

NUDGED_SHARE = 0.3
"""Up to this share of the parents get one child more or less before all numbers are scaled."""
EXCHANGED_SHARE = 0.3
"""Up to this share of the children is made up for by parents that take the number of another parent."""
EXCHANGES = 16
"""Rounds of drawing such pairs: each leaves less than the smallest step, or a small part of what was missing."""


def spread(
    counts: np.ndarray, total: int, rng: np.random.Generator, *, cap: np.ndarray | int | None = None
) -> np.ndarray:
    """Integers close to ``counts`` (float or int, >= 0) in proportion that add up to ``total``.

    A small difference is made up by some parents that take the number of another one, so that no number occurs that
    was not learned (48 rows or none), and what is left by one child more or less for a few of the parents that have
    any; a large one in proportion, by randomised rounding (systematic sampling of the remainders). With ``cap`` no
    parent gets more than that; what is over goes to the others, and the sum is smaller than ``total`` only where every
    parent is full. All-zero counts share evenly.
    """
    n = len(counts)
    if n == 0 or total <= 0:
        return np.zeros(n, np.int64)
    limit = np.full(n, total, np.int64) if cap is None else np.broadcast_to(np.asarray(cap, np.int64), (n,)).copy()
    weights = np.asarray(counts, np.float64).clip(min=0)
    whole_counts = np.round(weights).astype(np.int64)
    if (whole_counts <= limit).all() and abs(total - int(whole_counts.sum())) <= EXCHANGED_SHARE * total:
        whole_counts = exchange(whole_counts, total, limit, rng)
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


def in_proportion(weights: np.ndarray, total: int) -> np.ndarray:
    """int64 that add up to ``total``, each its share of ``weights`` up or down to the next whole number (the method of
    largest remainders)."""
    share = weights * (total / weights.sum())
    out: np.ndarray = np.floor(share).astype(np.int64)
    most = np.argsort(out - share, kind="stable")[: total - int(out.sum())]
    out[most] += 1
    return out


def exchange(counts: np.ndarray, total: int, limit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int64 ``counts`` of which some are replaced by others that occur among them, none beyond ``limit``, so that they
    add up to ``total`` or come near it. Who changes, and to whose number, is drawn evenly: the shape of the
    distribution is kept but for the few that move."""
    out = counts.copy()
    n = len(out)
    for _ in range(EXCHANGES):
        short = total - int(out.sum())
        if short == 0:
            break
        mover = rng.permutation(n)
        number = counts[rng.integers(0, n, n)]
        step = (number - out[mover]) * np.sign(short)
        useful = (step > 0) & (step <= abs(short)) & (number <= limit[mover])
        mover, number, step = mover[useful], number[useful], step[useful]
        few = int(np.searchsorted(np.cumsum(step), abs(short), side="right"))
        out[mover[:few]] = number[:few]
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
