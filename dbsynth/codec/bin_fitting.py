"""How bins are fitted, so that no single row shapes them.

The rule of privacy: a value is kept exactly only where at least k rows share it. Other rows enter as *segments* of at
least k rows, known by the points midway between neighbouring values; the tails end at the mean of the k outermost rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dbsynth.codec.bins import Bins, span
from dbsynth.privacy.smoothing import centre

SPIKE_SHARE = 0.004
"""A value held by this share of the rows is an item of its own: the model then learns what goes with it."""
EXACT_LIMIT = 200
"""Up to so many distinct values, each seen k times, are all items of their own."""
MAX_BINS = 128
KNOTS = 12
"""Segments a bin."""
FINE_ROWS = 1000
"""From so many rows outside the spikes on, the segments are items of their own: the model then learns where in a bin a
value lies, and with what that goes."""
MAX_DAYS = 60_000
"""Up to so many days in all segments, each is a segment of its own."""


def bin_count(rows: int) -> int:
    """Quantile bins for so many rows outside the spikes: about √rows each way, so that bins and their contents are
    learned equally well."""
    return int(np.clip(2 * np.sqrt(rows), 1, MAX_BINS))


def fit_bins(
    values: np.ndarray,
    *,
    k: int,
    low: float | int | None = None,
    high: float | int | None = None,
    exact_limit: int = EXACT_LIMIT,
    weekly: bool = False,
) -> Bins:
    """``values`` (rows,) int64 or finite float64. ``low``/``high``: inclusive bounds of what may be decoded.
    ``weekly``: the values are days, and those outside the spikes keep the weights of the days of the week."""
    dtype = np.dtype(np.float64) if values.dtype.kind == "f" else np.dtype(np.int64)
    ordered = np.sort(values.astype(dtype))
    unique, counts = _runs(ordered)
    lattice = _lattice(unique)
    n = len(values)
    few = n < 2 * k and counts.max(initial=0) < k
    bounds = _bounds(ordered, 0 if few else k, lattice, low, high)
    if n == 0:
        zero = np.clip(np.zeros(1, dtype), bounds[0], bounds[1])
        return _assemble(zero, _no_segments(dtype), bounds)
    least = k if len(unique) <= exact_limit else max(k, int(np.ceil(SPIKE_SHARE * n)))
    spike = counts >= least
    spike &= (unique >= bounds[0]) & (unique <= bounds[1])
    rest = int(counts[~spike].sum())
    if spike.any() and rest < k:
        return _assemble(unique[spike], _no_segments(dtype), bounds)
    if few:  # too few rows to tell anything but about where they are
        return _assemble(np.zeros(0, dtype), _haze(unique, counts, bounds, k), bounds)
    return _assemble(unique[spike], _segments(unique, counts, spike, k, lattice, bounds, weekly), bounds)


def _runs(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of a sorted array and how often each stands in it."""
    if not len(ordered):
        return ordered, np.zeros(0, np.int64)
    begin = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return ordered[begin], np.diff(np.r_[begin, len(ordered)])


@dataclass(frozen=True)
class _Segments:
    """``low``, ``high``, ``weight``, ``bins``: of each segment; ``edges``, ``step``, ``offset``: of each bin."""

    low: np.ndarray
    high: np.ndarray
    weight: np.ndarray
    bins: np.ndarray
    edges: np.ndarray
    step: np.ndarray
    offset: np.ndarray


def _no_segments(dtype: np.dtype[Any]) -> _Segments:
    empty, whole = np.zeros(0, dtype), np.zeros(0, np.int64)
    return _Segments(empty, empty, np.zeros(0), whole, empty, whole, whole)


def _assemble(spikes: np.ndarray, parts: _Segments, bounds: np.ndarray) -> Bins:
    count = len(parts.edges)
    first = np.searchsorted(parts.bins, np.arange(count + 1)).astype(np.int64)
    total = parts.weight.sum() or 1.0
    cumulative = np.concatenate([[0.0], np.cumsum(parts.weight) / total])
    unsorted = np.arange(len(spikes) + count)
    bins = Bins(
        spikes, parts.edges, unsorted, parts.low, parts.high, cumulative, first, parts.step, parts.offset, bounds
    )
    middle = bins.decode(unsorted, np.full(len(unsorted), 0.5))
    return replace(bins, items=np.argsort(middle, kind="stable").astype(np.int64))


def _bounds(
    ordered: np.ndarray, k: int, lattice: tuple[int, int], low: float | int | None, high: float | int | None
) -> np.ndarray:
    """[smallest, largest] value to decode: the mean of the k outermost rows, rounded inwards, within low and high. Any
    value between those for k = 0."""
    whole = ordered.dtype.kind == "i"
    limits: tuple[Any, Any] = (-(2**63), 2**63 - 1) if whole else (-np.finfo(np.float64).max, np.finfo(np.float64).max)
    bottom, top = limits
    if k and len(ordered):
        bottom, top = _tail(ordered[:k]), _mirror(_tail(_mirror(ordered[::-1][:k])))
        step, offset = lattice
        if step > 1 and bottom < top:
            bottom += (offset - bottom % step) % step
            top -= (top % step - offset) % step
    least, most = limits[0] if low is None else low, limits[1] if high is None else high
    return np.array([min(max(x, least), most) for x in (bottom, top)], ordered.dtype)


def _mirror(values: Any) -> Any:
    """Order reversed without overflow: −x−1 for whole numbers, −x for others."""
    return (
        ~values if isinstance(values, int) or (isinstance(values, np.ndarray) and values.dtype.kind == "i") else -values
    )


def _tail(outer: np.ndarray) -> Any:
    """The mean of the smallest rows (ascending), rounded up; more than the least unless all are equal."""
    if outer[0] == outer[-1]:
        return outer[0].item()
    if outer.dtype.kind == "f":
        return float(np.clip(np.sum(outer / len(outer)), np.nextafter(outer[0], outer[-1]), outer[-1]))
    values = outer.tolist()
    return -(-sum(values) // len(values))


def _haze(unique: np.ndarray, counts: np.ndarray, bounds: np.ndarray, k: int) -> _Segments:
    """One bin around the mean of the rows, as wide as they are spread and at least a tenth of the size. Of one
    value that fewer than ``k`` rows have only the first digit is told."""
    x = unique.astype(np.float64)
    size = float(np.abs(x).max()) or 1.0  # squares of what is scaled by it are in range
    mean = np.average(x / size, weights=counts)
    spread = max(float(np.sqrt(np.average((x / size - mean) ** 2, weights=counts))), abs(mean) / 10.0)
    with np.errstate(over="ignore"):  # the bounds cut what is beyond the largest number
        middle = mean * size if len(unique) > 1 else centre(np.repeat(x, counts), k)
        ends = np.array([middle - spread * size, middle + spread * size])
    if bounds.dtype.kind == "i":
        ends = np.clip(np.round(ends), -(2.0**62), 2.0**62)
        ends += [-1, 1]
    ends = np.clip(ends.astype(bounds.dtype), bounds[0], bounds[1])
    one = np.zeros(1, np.int64)
    return _Segments(ends[:1], ends[1:], np.ones(1), one, ends[1:], one, one)


def _segments(
    unique: np.ndarray,
    counts: np.ndarray,
    spike: np.ndarray,
    k: int,
    lattice: tuple[int, int],
    bounds: np.ndarray,
    weekly: bool,
) -> _Segments:
    """Segments of the rows outside the spikes: a value held by k rows is one, runs between those are cut into chunks
    of at least k rows, finer towards the tails, where a long segment would shift the mean."""
    at = np.flatnonzero(~spike)
    own = counts[at]
    rest = int(own.sum())
    bins = bin_count(rest)
    atom = own >= k
    apart = np.r_[True, np.diff(at) > 1]
    chunk = _merge_small(_chunks(own, atom, apart, k, max(k, rest // (bins * KNOTS))), unique[at], own, atom, k)
    begin = np.flatnonzero(np.r_[True, chunk[1:] != chunk[:-1]])
    end = np.r_[begin[1:], len(at)] - 1
    weight = np.add.reduceat(own, begin).astype(np.float64)
    shared = np.maximum.reduceat(np.where(atom, at, -1), begin)  # the value k rows hold, with what it took in
    begin, end = at[begin], at[end]
    low, high = _ends(unique, begin, end)
    low, high = (np.clip(np.where(shared < 0, x, unique[shared]), bounds[0], bounds[1]) for x in (low, high))
    edges = _between(unique[end], unique[begin[1:]], bounds[1])
    middle = np.cumsum(weight) - weight / 2
    of_bin = np.unique((middle * bins / rest).astype(np.int64), return_inverse=True)[1].reshape(-1)
    step, offset = _lattices(unique, counts >= k, begin, end, of_bin, lattice)
    if rest >= FINE_ROWS:
        fine = np.unique((middle * bins * KNOTS / rest).astype(np.int64), return_index=True, return_inverse=True)
        step, offset, of_bin = step[of_bin[fine[1]]], offset[of_bin[fine[1]]], fine[2].reshape(-1)
    edges = edges[np.flatnonzero(np.diff(of_bin, append=len(of_bin)))]
    if weekly and unique.dtype.kind == "i":
        low, high, weight, of_bin = _by_weekday(unique, np.where(counts >= k, 0, counts), low, high, weight, of_bin, k)
    return _Segments(low, high, weight, of_bin, edges, step, offset)


def _between(last: np.ndarray, first: np.ndarray, top: Any) -> np.ndarray:
    """The border of each segment, half-way from its ``last`` value to the ``first`` of the next: no row's value, unless
    there is none between the two. The uppermost is ``top``."""
    if last.dtype.kind == "f":
        middle = last[:-1] / 2 + first / 2
        below = np.where((middle >= last[:-1]) & (middle < first), middle, last[:-1])
    else:
        below = last[:-1] + (span(last[:-1], first) // np.uint64(2)).astype(np.int64)
    return np.asarray(np.append(below, top).astype(last.dtype))


def _chunks(own: np.ndarray, atom: np.ndarray, apart: np.ndarray, k: int, target: int) -> np.ndarray:
    """The chunk number of each value, not decreasing. ``own``: its rows; ``apart``: a spike stands before it."""
    rank = np.cumsum(own) - own / 2
    total = int(own.sum())
    tail: list[float] = []
    at = 0.0
    while at < total / 2 and (size := max(float(k), at / 4)) < target:
        at += size
        tail.append(at)
    steady = np.arange(at, total - at, target)[1:] if total - at > at + target else np.zeros(0)
    cuts = np.unique(np.concatenate([tail, steady, total - np.array(tail)]))
    by_rank = np.searchsorted(cuts, rank)
    change = np.r_[False, (by_rank[1:] != by_rank[:-1]) | atom[1:] | atom[:-1] | apart[1:]]
    return np.cumsum(change)


def _merge_small(chunk: np.ndarray, values: np.ndarray, own: np.ndarray, atom: np.ndarray, k: int) -> np.ndarray:
    """Joins chunks between two atoms until each has k rows. Where all of them together have fewer, the nearer atom
    takes them in: by themselves they would be told."""
    begin = np.flatnonzero(np.r_[True, chunk[1:] != chunk[:-1]])
    totals = np.add.reduceat(own, begin)
    target: np.ndarray = np.arange(len(begin))
    atoms = np.flatnonzero(atom[begin])
    for left, right in zip([-1, *atoms.tolist()], [*atoms.tolist(), len(begin)], strict=True):
        at, size = left + 1, 0
        for i in range(left + 1, right):
            if size >= k:
                at, size = i, 0
            target[i] = at
            size += totals[i]
        if size < k and at > left + 1:
            target[at:right] = target[at - 1]
        elif size < k and at < right:
            last = begin[right] - 1 if right < len(begin) else len(values) - 1
            below = values[begin[at]] / 2 - values[begin[left]] / 2 if left >= 0 else np.inf
            above = values[last + 1] / 2 - values[last] / 2 if right < len(begin) else np.inf
            target[at:right] = left if below <= above else right
    return np.asarray(target[chunk])


def _ends(unique: np.ndarray, begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value of each chunk: half-way to its neighbours, but no farther than its own spacing."""
    first, last = unique[begin], unique[end]
    before = unique[np.maximum(begin - 1, 0)]
    after = unique[np.minimum(end + 1, len(unique) - 1)]
    real = unique.dtype.kind == "f"
    gap_low = (first / 2 - before / 2) if real else span(before, first).astype(np.float64) / 2
    gap_high = (after / 2 - last / 2) if real else span(last, after).astype(np.float64) / 2
    inner = (last / 2 - first / 2) if real else span(first, last).astype(np.float64) / 2
    spacing = np.where(end > begin, inner / np.maximum(end - begin, 1), np.minimum(gap_low, gap_high))
    out_low, out_high = np.minimum(gap_low, spacing), np.minimum(gap_high, spacing)
    if real:
        return first - out_low, last + out_high
    # whole numbers: [first − ceil(gap) + 1, last + floor(gap)], so that neighbours neither overlap nor leave a hole
    down = np.maximum(np.ceil(out_low) - 1, 0).astype(np.uint64)
    up = np.floor(out_high).astype(np.uint64)
    low = (first.view(np.uint64) - down).view(np.int64)
    high = (last.view(np.uint64) + up).view(np.int64)
    return np.minimum(low, first), np.maximum(high, last)


def _lattices(
    unique: np.ndarray,
    apart: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    of_bin: np.ndarray,
    lattice: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Step and offset of the values of each bin (prices that all end in .99; large amounts in whole hundreds); those of
    the whole column where fewer than 20 values stand outside atoms: too few to tell."""
    count = int(of_bin[-1]) + 1
    step: np.ndarray = np.full(count, lattice[0], np.int64)
    offset: np.ndarray = np.full(count, lattice[1], np.int64)
    if unique.dtype.kind == "f":
        return step, offset
    starts = np.searchsorted(of_bin, np.arange(count + 1))
    for b in range(count):
        values = unique[begin[starts[b]] : end[starts[b + 1] - 1] + 1]
        values = values[~apart[begin[starts[b]] : end[starts[b + 1] - 1] + 1]]
        if len(values) >= 20:
            step[b], offset[b] = _lattice(values)
    return step, offset


def _lattice(unique: np.ndarray) -> tuple[int, int]:
    """(step, offset) such that every value is offset modulo step; (0, 0) where the step is 1 or there is none."""
    if unique.dtype.kind == "f" or len(unique) < 2:
        return 0, 0
    step = int(np.gcd.reduce(span(unique[:-1], unique[1:])))
    return (step, int(unique[0]) % step) if 1 < step < 2**62 else (0, 0)


def _by_weekday(
    unique: np.ndarray,
    counts: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    weight: np.ndarray,
    of_bin: np.ndarray,
    k: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Segments of days become one segment a day, weighted by the day of the week; a weekday seen in fewer than k rows
    has no weight."""
    days = span(low, high).astype(np.float64) + 1
    if days.sum() > MAX_DAYS:
        return low, high, weight, of_bin
    profile = np.bincount((unique % 7).astype(np.int64), weights=counts, minlength=7)
    profile[profile < k] = 0.0
    length = days.astype(np.int64)
    owner = np.repeat(np.arange(len(low)), length)
    start = np.cumsum(length) - length
    day = low[owner] + (np.arange(len(owner)) - start[owner])
    share = np.where(length[owner] == 1, 1.0, profile[day % 7])
    total = np.bincount(owner, weights=share, minlength=len(low))
    share = np.where(total[owner] > 0, share / np.maximum(total[owner], 1e-300), 1.0 / length[owner])
    keep = share > 0
    return day[keep], day[keep], (share * weight[owner])[keep], of_bin[owner][keep]
