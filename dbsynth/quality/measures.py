"""Distances between two samples, as docs/quality.md defines them: 0..1, 1 best. Numbers are float64 with NaN where
there is no value, categories int64 codes with -1 where there is none; what is missing is left out unless said."""

from __future__ import annotations

import numpy as np


def present(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)] if values.dtype.kind == "f" else values[values >= 0]


def ks(real: np.ndarray, made: np.ndarray) -> float:
    """1 − the Kolmogorov–Smirnov statistic of two samples of numbers (Massey 1951; SDMetrics' KSComplement). Nothing on
    both sides is alike, on one side it is not."""
    a, b = np.sort(present(real)), np.sort(present(made))
    if not len(a) or not len(b):
        return float(len(a) == len(b))
    at = np.concatenate([a, b])
    gap = np.searchsorted(a, at, side="right") / len(a) - np.searchsorted(b, at, side="right") / len(b)
    return 1.0 - float(np.abs(gap).max())


def weighted_ks(real: np.ndarray, made: np.ndarray, weight_real: np.ndarray, weight_made: np.ndarray) -> float:
    """1 − the largest difference between two weighted distribution functions."""
    if not weight_real.sum() or not weight_made.sum():
        return float(weight_real.sum() == weight_made.sum())
    at = np.unique(np.concatenate([real, made]))
    heights = []
    for values, weight in ((real, weight_real), (made, weight_made)):
        order = np.argsort(values, kind="stable")
        total = np.concatenate([[0.0], np.cumsum(weight[order])])
        heights.append(total[np.searchsorted(values[order], at, side="right")] / total[-1])
    return 1.0 - float(np.abs(heights[0] - heights[1]).max())


def tv(real: np.ndarray, made: np.ndarray) -> float:
    """1 − the total variation distance between the shares of the codes (SDMetrics' TVComplement)."""
    a, b = present(real), present(made)
    if not len(a) or not len(b):
        return float(len(a) == len(b))
    size = int(max(a.max(), b.max())) + 1
    return 1.0 - 0.5 * float(np.abs(shares(a, size) - shares(b, size)).sum())


def shares(codes: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(codes, minlength=size) / max(1, len(codes))


def alike(real: float, made: float) -> float:
    """1 − the difference of two shares (of null shares: SDMetrics' MissingValueSimilarity)."""
    return 1.0 - abs(real - made)


def correlations(real: tuple[np.ndarray, np.ndarray], made: tuple[np.ndarray, np.ndarray]) -> float:
    """1 − half the difference of two of Spearman's correlations (SDMetrics' CorrelationSimilarity). Of pairs of
    arrays as ``ordered`` returns them. NaN where the real columns have none; a made pair without one has lost it, as if
    it were 0."""
    known, found = spearman(*real), spearman(*made)
    return 1.0 - abs(known - (0.0 if np.isnan(found) else found)) / 2.0


def ordered(values: np.ndarray) -> np.ndarray:
    """int64: which of the different values in rising order each is; -1 for NaN."""
    there = ~np.isnan(values)
    places = np.full(len(values), -1)
    places[there] = np.unique(values[there], return_inverse=True)[1]
    return places


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Of two arrays as ``ordered`` returns them, over the rows that have both; NaN where one of them does not vary."""
    both = (x >= 0) & (y >= 0)
    a, b = (ranks(z if both.all() else z[both]) for z in (x, y))
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip((a @ b) / norm, -1.0, 1.0)) if norm > 0 else float("nan")


def ranks(places: np.ndarray) -> np.ndarray:
    """Of int64 places ≥ 0, less their mean; ties share theirs."""
    count = np.bincount(places)
    rank = np.cumsum(count) - (count - 1) / 2.0
    return np.asarray(rank[places] - (len(places) + 1) / 2.0)


def contingency(real: np.ndarray, made: np.ndarray) -> float:
    """1 − the total variation distance of two tables of shares of pairs (SDMetrics' ContingencySimilarity)."""
    return 1.0 - 0.5 * float(np.abs(real - made).sum())


def joint(a: np.ndarray, b: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    """(sizes) shares of the pairs of two arrays of codes ≥ 0."""
    n, m = sizes
    return np.bincount(a * m + b, minlength=n * m).reshape(n, m) / max(1, len(a))
