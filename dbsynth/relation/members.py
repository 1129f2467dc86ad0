"""Which parent a row points to where the parent is not the one it was made under."""

from __future__ import annotations

import numpy as np

from dbsynth.relation.counts import spread


def draw_by_degree(
    wanted: np.ndarray, cluster: np.ndarray, degrees: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A member (parent row) for each row, so that members are drawn about as often as their ``degrees`` say.

    ``wanted`` int (rows,): the cluster each row asks for; ``cluster`` int (members,). Each member offers as many slots
    as its degree (adjusted to the number of rows); rows take slots of their cluster at random, and rows that find none
    take what is left over. So the distribution of children per parent is kept, not only its mean.
    """
    rows = len(wanted)
    if len(cluster) == 0:
        raise ValueError("no member to draw from")
    slots = np.repeat(np.arange(len(cluster)), spread(degrees, rows, rng))
    slots = slots[rng.permutation(rows)]
    slots = slots[np.argsort(cluster[slots], kind="stable")]
    order = rng.permutation(rows)
    order = order[np.argsort(wanted[order], kind="stable")]
    size = int(max(cluster.max(initial=0), wanted.max(initial=0))) + 1
    offered = np.bincount(cluster[slots], minlength=size)
    asked = np.bincount(wanted, minlength=size)
    first_slot, first_row = np.cumsum(offered) - offered, np.cumsum(asked) - asked
    rank_row = np.arange(rows) - first_row[wanted[order]]
    rank_slot = np.arange(rows) - first_slot[cluster[slots]]
    met_row = rank_row < offered[wanted[order]]
    met_slot = rank_slot < asked[cluster[slots]]
    out = np.empty(rows, np.int64)
    out[order[met_row]] = slots[met_slot]
    out[order[~met_row]] = rng.permutation(slots[~met_slot])
    return out


def balanced(codes: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``codes`` int (rows,) in which code c occurs ``wanted[c]`` times. Only as many rows change as there are too many
    of their code, drawn at random among those; the sum of ``wanted`` is the number of rows."""
    rows, classes = len(codes), len(wanted)
    order = rng.permutation(rows)
    order = order[np.argsort(codes[order], kind="stable")]
    there = np.bincount(codes, minlength=classes)
    rank = np.arange(rows) - (np.cumsum(there) - there)[codes[order]]
    over = order[rank >= wanted[codes[order]]]
    missing = np.repeat(np.arange(classes), np.maximum(wanted - there, 0))
    out = codes.copy()
    out[over] = rng.permutation(missing)
    return out


def draw_within(
    group: np.ndarray,
    member_group: np.ndarray,
    weights: np.ndarray,
    rng: np.random.Generator,
    *,
    near: np.ndarray | None = None,
) -> np.ndarray:
    """A member whose ``member_group`` equals the row's ``group``; -1 where no member has that group. The rows of a
    group share its members by ``weights`` (systematic sampling: each member is drawn as often as its share says,
    up or down to the next whole number); rows that
    are equal in ``near`` (int64) get the same member or one next to it."""
    if len(member_group) == 0 or len(group) == 0:
        return np.full(len(group), -1, np.int64)
    order = np.argsort(member_group, kind="stable")
    sorted_group = member_group[order]
    cumulative = np.concatenate([[0.0], np.cumsum(np.maximum(weights[order], 0.0) + 1e-9)])
    start = np.searchsorted(sorted_group, group, side="left")
    end = np.searchsorted(sorted_group, group, side="right")
    point = cumulative[start] + _even_points(group, rng, near) * (cumulative[end] - cumulative[start])
    at = (np.searchsorted(cumulative, point, side="right") - 1).clip(min=start, max=np.maximum(end - 1, start))
    return np.where(end > start, order[at.clip(max=len(order) - 1)], -1)


def _even_points(group: np.ndarray, rng: np.random.Generator, near: np.ndarray | None) -> np.ndarray:
    """Points in [0, 1): those of one group are evenly spaced from a random start, in random order or that of
    ``near``."""
    n = len(group)
    order = rng.permutation(n) if near is None else np.argsort(near, kind="stable")
    order = order[np.argsort(group[order], kind="stable")]
    ordered = group[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    number = np.cumsum(np.concatenate([[True], ordered[1:] != ordered[:-1]])) - 1
    size = np.diff(np.append(first, n))
    out = np.empty(n)
    out[order] = (np.arange(n) - first[number] + rng.random(len(first))[number]) / size[number]
    return out
