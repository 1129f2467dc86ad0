"""Columns drawn from noisy histograms: what is learned of a column by itself under differential privacy.

Values of a known set are counted with Gaussian noise. Of an open set only values are shown whose noisy count reaches a
threshold that a value of one row almost never does (stable histograms: Korolova et al. 2009; Bun, Nissim & Stemmer
2016). Ordered values are counted in bins that depend on nothing but earlier noisy counts: first powers of two, then
parts of those that hold many rows. What is drawn afterwards costs nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.relation.counts import in_proportion

ROUNDS = 3
"""Histograms of an ordered column beside that of its frequent values."""
LEAST_EXPONENT, MOST_EXPONENT = -20, 63
PARTS_MOST, PARTS_LEAST = 64, 4
NOISE_A_PART = 12.0
"""A part should hold so many times the noise of its count."""
SURE = 4.0
"""Of the noise: a count below it says nothing."""


@dataclass
class Counter:
    """Counts with Gaussian noise of the standard deviation ``noise``, times ``sensitivity``: the length by which the
    exact counts may differ between neighbouring sources. ``least``: rows below which a value of an open set is not
    shown, whatever the noise. ``spent``: histograms that were counted. ``rng`` must be secret."""

    noise: float
    threshold: float
    least: int
    rng: np.random.Generator
    spent: int = 0
    sensitivity: float = 1.0

    def counts(self, exact: np.ndarray) -> np.ndarray:
        """float64 (bins,)"""
        self.spent += 1
        return exact + self.rng.normal(0.0, self.noise * self.sensitivity, len(exact))

    @property
    def reached(self) -> float:
        return max(float(self.least), 1.0 + (self.threshold - 1.0) * self.sensitivity)


def categories(values: pa.Array, known: pa.Array | None, nullable: bool, counter: Counter) -> pa.Array:
    """As many values as ``values`` from its noisy shares; of the ``known`` ones, or of those that the threshold shows.
    Null where nothing is shown, even if not ``nullable``. One histogram, and without ``known`` one threshold."""
    if known is None:
        found = pc.value_counts(values.drop_null())
        order = pc.sort_indices(found.field("values"))  # what is shown must not stand in the order of the rows
        domain, exact = found.field("values").take(order), found.field("counts").take(order).to_numpy()
    else:
        at = pc.index_in(values, value_set=known).drop_null().to_numpy(zero_copy_only=False)
        domain, exact = known, np.bincount(at, minlength=len(known))
    noisy = counter.counts(np.append(exact, values.null_count).astype(np.float64))
    shares, null = noisy[:-1], noisy[-1] if nullable else 0.0
    shares = np.where(shares >= counter.reached, shares, 0.0) if known is None else shares.clip(min=0.0)
    weights = np.append(shares, max(null, 0.0))
    if not weights[:-1].any() and known is not None and len(known):
        weights[:-1] = 1.0  # noise alone: each as likely
    drawn = _drawn(weights, len(values), counter.rng)
    return domain.take(pa.array(drawn, mask=drawn == len(domain)))


def ordered(
    values: np.ndarray,
    step: float,
    nullable: bool,
    counter: Counter,
    low: float = -np.inf,
    high: float = np.inf,
) -> tuple[np.ndarray, np.ndarray]:
    """As many numbers as ``values`` (float64, NaN for null), and where they are null (bool). ``step``: of the lattice
    on which values lie (0: none); ``low``, ``high``: bounds known to everybody. ``ROUNDS`` + 1 histograms, one
    threshold."""
    n = len(values)
    known = np.clip(values[~np.isnan(values)], max(low, -(2.0**62)), min(high, 2.0**62))
    unique, counts = np.unique(known, return_counts=True)
    noisy = counter.counts(np.append(counts, n - len(known)).astype(np.float64))
    shown = noisy[:-1] >= counter.reached
    spikes, weight = unique[shown], noisy[:-1][shown]
    rest = known[~np.isin(known, spikes)]
    lows, highs = _octaves(low, high)
    mass = _counted(rest, lows, highs, counter)
    for _ in range(ROUNDS - 1):
        keep = mass >= SURE * counter.noise * counter.sensitivity
        lows, highs, mass = lows[keep], highs[keep], mass[keep]
        parts = int(np.clip(mass.sum() / (NOISE_A_PART * counter.noise), PARTS_LEAST, PARTS_MOST))
        lows, highs = _divided(lows, highs, mass, parts, step)
        mass = _counted(rest, lows, highs, counter)
    mass = mass.clip(min=0.0)
    null = max(float(noisy[-1]), 0.0) if nullable else 0.0
    weights = np.concatenate([weight, mass, [null]])
    if not weights[:-1].any() and not nullable:
        return np.full(n, np.clip(0.0, low, high)), np.zeros(n, bool)
    drawn = _drawn(weights, n, counter.rng)
    inside = drawn - len(spikes)
    is_bin = (inside >= 0) & (inside < len(mass))
    out = np.zeros(n)
    out[inside < 0] = spikes[drawn[inside < 0]]
    at = inside[is_bin]
    u = lows[at] + counter.rng.random(len(at)) * (highs[at] - lows[at])
    out[is_bin] = np.clip(np.floor(u / step + 1e-9) * step if step else u, low, high)
    return out, inside == len(mass)


def _octaves(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """The ends of bins between powers of two, of both signs, with one around zero; within the bounds."""
    powers = 2.0 ** np.arange(LEAST_EXPONENT, MOST_EXPONENT)
    edges = np.concatenate([-powers[::-1], powers])
    lows, highs = edges[:-1].clip(low, high), edges[1:].clip(low, high)
    some = highs > lows
    return (lows[some], highs[some]) if some.any() else (np.array([low]), np.array([low + 1.0]))


def _counted(values: np.ndarray, lows: np.ndarray, highs: np.ndarray, counter: Counter) -> np.ndarray:
    """Noisy numbers of values in the disjoint ascending bins; a value at an upper end counts in the bin below it only
    where no bin begins there."""
    if not len(lows):
        counter.spent += 1
        return np.zeros(0)
    at = (np.searchsorted(lows, values, side="right") - 1).clip(min=0)
    there = (values >= lows[at]) & (values <= highs[at])
    return counter.counts(np.bincount(at[there], minlength=len(lows)).astype(np.float64))


def _divided(
    lows: np.ndarray, highs: np.ndarray, mass: np.ndarray, parts: int, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Each bin in as many equal parts as its share of ``parts`` says, none narrower than ``step``."""
    if not len(lows):
        return lows, highs
    wanted = np.maximum(1, np.round(parts * mass / mass.sum()))
    if step:
        wanted = np.minimum(wanted, np.maximum(1, np.floor((highs - lows) / step)))
    count = wanted.astype(np.int64)
    bin_, place = (
        np.repeat(np.arange(len(lows)), count),
        np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count),
    )
    width = (highs - lows) / count
    begin = lows[bin_] + place * width[bin_]
    return begin, np.where(place + 1 == count[bin_], highs[bin_], begin + width[bin_])


def _drawn(weights: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """int64 (n,): places in ``weights``, each as often as its share says, in a random order."""
    if not n or not weights.sum() > 0:
        return np.full(n, len(weights) - 1, np.int64)
    return rng.permutation(np.repeat(np.arange(len(weights)), in_proportion(weights, n)))
