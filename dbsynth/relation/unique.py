"""Uniqueness by construction: values moved to free places of their lattice, parents exchanged for unused ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dbsynth.privacy.smoothing import smoothed
from dbsynth.relation.key_facts import Allowed

SWITCHES = 40
"""Rounds in which rows look for a partner to exchange members with, per kind of partner."""
DRAWS = 80
"""Members that are tried for a row that no exchange helps."""


@dataclass(frozen=True)
class Lattice:
    """The places a key column can take: ``origin + i * step``; rows of the source lie between ``low`` and ``high``
    (all int64, in the unit of the column: whole numbers, scaled decimals, days, microseconds)."""

    origin: int
    step: int
    low: int
    high: int

    @classmethod
    def of(cls, values: np.ndarray, k: int) -> Lattice:
        """Step: greatest common divisor of the distances. Ends: the means of the ``k`` outermost values; of fewer than
        ``k`` values in all no step, and ends of one digit."""
        if len(values) == 0:
            return cls(0, 1, 0, 0)
        ordered = np.sort(values)
        if len(ordered) < k:
            size = 10 ** len(str(int(np.abs(ordered.astype(np.float64)).max())))
            return cls(0, 1, -size if ordered[0] < 0 else 0, min(size, 2**62))
        step = int(np.gcd.reduce(np.diff(ordered))) or 1
        origin, ends = int(ordered[0]) % step, smoothed(ordered, k)
        low, high = (origin + round((end - origin) / step) * step for end in (float(ends[0]), float(ends[-1])))
        return cls(origin, step, low, high)

    def places(self, high: int) -> int:
        """How many there are from ``low`` to ``high``."""
        return max(0, (high - self.low) // self.step + 1)

    def share(self, number: int, shares: int) -> Lattice:
        """One place of ``shares``, evenly: no two shares have one in common, all together have all."""
        step = self.step * shares
        origin = (self.origin + number * self.step) % step
        low = origin - (origin - self.low) // step * step
        return Lattice(origin, step, low, max(low, origin + (self.high - origin) // step * step))

    def nearest(self, values: np.ndarray) -> np.ndarray:
        """The places between ``low`` and ``high`` that are nearest to int64 ``values``."""
        at = (values.clip(self.low, self.high) - self.low + self.step // 2) // self.step
        out: np.ndarray = np.minimum(self.low + at * self.step, self.high)
        return out


def spread_distinct(
    values: np.ndarray, groups: np.ndarray, lattice: Lattice, *, least: int | None = None, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Move int64 ``values`` as little as possible so that no two rows of one group share a value.

    Every value becomes a lattice point. Within a group the order stays; ties move up to the next free point, and down
    where the upper end is reached. ``least``/``most`` are hard bounds (of the type or a CHECK); a group that is larger
    than its lattice first grows beyond the source's range and only rows beyond the hard bounds are given up.

    Returns the values and a bool mask of the rows that found no place.
    """
    n = len(values)
    if n == 0:
        return values.copy(), np.zeros(0, bool)
    places = np.round((values - lattice.origin) / lattice.step).astype(np.int64)
    low = (lattice.low - lattice.origin) // lattice.step
    high = (lattice.high - lattice.origin) // lattice.step
    order = np.lexsort((places, groups))
    g = groups[order]
    starts = np.concatenate([[True], g[1:] != g[:-1]])
    first = np.flatnonzero(starts)
    number = np.cumsum(starts) - 1
    rank = np.arange(n) - first[number]
    size = np.diff(np.append(first, n))[number]
    p = places[order].clip(low, high)
    # pushed up: a running maximum per group of (place - rank), groups kept apart by an offset
    span = int(p.max() - p.min()) + int(size.max()) + 2
    lifted = np.maximum.accumulate(p - rank + number * span) - number * span + rank
    top = high + np.maximum(0, size - (high - low + 1))
    if most is not None:
        top = np.minimum(top, (most - lattice.origin) // lattice.step)
    settled = np.minimum(lifted, top - (size - 1 - rank))
    lost = np.zeros(n, bool)
    if least is not None:
        lost = settled < -((lattice.origin - least) // lattice.step)
    out = np.empty(n, np.int64)
    out[order] = settled * lattice.step + lattice.origin
    homeless = np.zeros(n, bool)
    homeless[order] = lost
    return out, homeless


def switch_members(
    bad: np.ndarray,
    group: np.ndarray,
    member: np.ndarray,
    kinds: Sequence[np.ndarray],
    rng: np.random.Generator,
    *,
    allowed: Allowed | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Resolve pairs (group, member) that are there twice, or not ``allowed``, by exchanging members between two rows,
    so that both sides keep their numbers of rows (the double edge swap of random graphs with given degrees, Fosdick et
    al. 2018).

    ``group``/``member`` int64 over all rows (group -1: nothing to keep apart); ``bad``: the rows to be resolved.
    Partners are rows of the same kind: of the first of ``kinds`` (int64 over all rows) at first, of the next later.
    Returns the members of all rows and those of ``bad`` that found no partner.
    """
    out = member.copy()
    width = int(member.max(initial=0)) + 1
    able = np.flatnonzero(member >= 0)
    left = bad[member[bad] >= 0]
    taken = added = np.zeros(0, np.int64)
    for kind in kinds:
        order = able[np.argsort(kind[able], kind="stable")]
        ordered = kind[order]
        for turn in range(SWITCHES):
            if len(left) == 0:
                return out, np.setdiff1d(bad, able)
            if turn % 8 == 0:  # what was let go is free again
                taken, added = np.unique(_pairs(group[able], out[able], width)), np.zeros(0, np.int64)
            start = np.searchsorted(ordered, kind[left], side="left")
            end = np.searchsorted(ordered, kind[left], side="right")
            other = order[start + (rng.random(len(left)) * (end - start)).astype(np.int64)]
            mine, theirs = _pairs(group[left], out[other], width), _pairs(group[other], out[left], width)
            good = ((group[left] != group[other]) | (mine < 0)) & (out[left] != out[other])
            for pairs in (mine, theirs):
                good &= (pairs < 0) | ~(_among(pairs, taken) | _among(pairs, added))
            if allowed is not None:
                good &= allowed(left, out[other]) & allowed(other, out[left])
            # no row and no pair twice in one round
            at = np.flatnonzero(good)
            good[at] &= _once(left[at], other[at]) & _once(mine[at], theirs[at])
            at = np.flatnonzero(good)
            if len(at) == 0:
                continue
            a, b = left[at], other[at]
            out[a], out[b] = out[b], out[a]
            added = np.union1d(added, np.concatenate([mine[at], theirs[at]]))
            left = left[~good & ~np.isin(left, b)]
    return out, np.union1d(left, np.setdiff1d(bad, able))


def _pairs(group: np.ndarray, member: np.ndarray, width: int) -> np.ndarray:
    return np.where(group < 0, -1, group * width + member)


def _once(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """True where neither value has occurred before, left to right; negative ones may repeat."""
    both = np.concatenate([left, right])
    once = both < 0
    once[np.unique(both, return_index=True)[1]] = True
    first: np.ndarray = once[: len(left)] & once[len(left) :]
    return first


def draw_allowed(rows: np.ndarray, weights: np.ndarray, allowed: Allowed, rng: np.random.Generator) -> np.ndarray:
    """A member for each of ``rows`` that is ``allowed``, by ``weights`` at first, evenly where the likely ones are not;
    -1 where none was met."""
    out = np.full(len(rows), -1, np.int64)
    safe = np.maximum(weights.astype(np.float64), 1e-6)
    for turn in range(DRAWS):
        open_ = np.flatnonzero(out < 0)
        if len(open_) == 0:
            break
        edges = np.cumsum(safe if turn < DRAWS // 2 else np.ones(len(safe)))
        drawn = np.searchsorted(edges, rng.random(len(open_)) * edges[-1], side="right").clip(max=len(edges) - 1)
        out[open_] = np.where(allowed(rows[open_], drawn), drawn, -1)
    return out


def _among(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    if len(ordered) == 0:
        return np.zeros(len(values), bool)
    found: np.ndarray = ordered[np.searchsorted(ordered, values).clip(max=len(ordered) - 1)] == values
    return found


def redraw_unused(
    rows: np.ndarray,
    group: np.ndarray,
    member: np.ndarray,
    weights: np.ndarray,
    rng: np.random.Generator,
    *,
    member_group: np.ndarray | None = None,
    row_group: np.ndarray | None = None,
) -> np.ndarray:
    """Give each of ``rows`` (whose pair (group, member) is taken) another member that its group has not used yet.

    ``group``/``member`` int64 over all rows; ``weights`` float over all members. Weighted drawing without replacement
    within each group (Efraimidis & Spirakis 2006: largest log-uniform / weight). ``member_group``/``row_group``: only
    members of the row's own subgroup may be drawn. Returns the new member for each of ``rows``, -1 where none is left.
    """
    out = np.full(len(rows), -1, np.int64)
    if len(rows) == 0:
        return out
    keep = np.ones(len(group), bool)
    keep[rows] = False
    kept = np.flatnonzero(keep & (member >= 0))
    kept = kept[np.argsort(group[kept], kind="stable")]
    kept_group = group[kept]
    safe = np.maximum(weights.astype(np.float64), 1e-6)
    order = np.argsort(group[rows], kind="stable")
    wanted = group[rows][order]
    cuts = np.flatnonzero(np.concatenate([[True], wanted[1:] != wanted[:-1]]))
    for start, end in zip(cuts, np.append(cuts[1:], len(wanted)), strict=True):
        block = order[start:end]
        lo, hi = np.searchsorted(kept_group, [wanted[start], wanted[start] + 1])
        free = np.ones(len(weights), bool)
        free[member[kept[lo:hi]]] = False
        if member_group is not None and row_group is not None:
            for sub in np.unique(row_group[rows[block]]):
                part = block[row_group[rows[block]] == sub]
                out[part] = _without_replacement(np.flatnonzero(free & (member_group == sub)), safe, len(part), rng)
                free[out[part][out[part] >= 0]] = False
        else:
            out[block] = _without_replacement(np.flatnonzero(free), safe, len(block), rng)
    return out


def _without_replacement(
    candidates: np.ndarray, weights: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    out = np.full(count, -1, np.int64)
    take = min(count, len(candidates))
    if take:
        score = np.log(rng.random(len(candidates))) / weights[candidates]
        best = np.argpartition(-score, take - 1)[:take]
        out[:take] = candidates[best]
    return out
