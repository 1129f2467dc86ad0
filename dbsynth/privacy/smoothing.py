"""Numbers of rows without any row's own: what may be stored of an ordered quantity."""

from __future__ import annotations

import math

import numpy as np


def smoothed(values: np.ndarray, k: int) -> np.ndarray:
    """float64, ascending: the means of each k neighbouring ``values`` in their order (microaggregation, Domingo-Ferrer
    & Mateo-Sanz 2002). What k rows share stays as it is, the ends move inwards. Of fewer than k, their ``centre``."""
    ordered = np.sort(values).astype(np.float64)
    n = len(ordered)
    if n < k:
        return np.array([centre(ordered, k)])
    middle = ordered[n // 2]  # sums of what is near 0 lose no digits
    total = np.concatenate([[0.0], np.cumsum(ordered - middle)])
    means = np.clip((total[k:] - total[:-k]) / k + middle, ordered[: n - k + 1], ordered[k - 1 :])
    return np.asarray(np.maximum.accumulate(means))


def centre(values: np.ndarray, k: int) -> float:
    """The mean. Where fewer than k rows all have one value, that would be told: then its first digit."""
    if not len(values):
        return 0.0
    mean = float(np.mean(values))
    if len(values) >= k or values.min() < values.max():
        return mean
    return float(f"{mean:.0e}") if math.isfinite(mean) else 0.0
