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


def draw_within(
    group: np.ndarray, member_group: np.ndarray, weights: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A member whose ``member_group`` equals the row's ``group``, by ``weights``; -1 where no member has that group."""
    if len(member_group) == 0 or len(group) == 0:
        return np.full(len(group), -1, np.int64)
    order = np.argsort(member_group, kind="stable")
    sorted_group = member_group[order]
    cumulative = np.concatenate([[0.0], np.cumsum(np.maximum(weights[order], 0.0) + 1e-9)])
    start = np.searchsorted(sorted_group, group, side="left")
    end = np.searchsorted(sorted_group, group, side="right")
    point = cumulative[start] + rng.random(len(group)) * (cumulative[end] - cumulative[start])
    at = (np.searchsorted(cumulative, point, side="right") - 1).clip(min=start, max=np.maximum(end - 1, start))
    return np.where(end > start, order[at.clip(max=len(order) - 1)], -1)
