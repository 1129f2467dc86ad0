"""How near sampled codes are to real ones, 0..1: one minus the distance of marginals and of pairs, averaged."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

PAIRS = 200
LEVELS = 12
"""Codes of a column are merged to so many levels for pairs, by their share among the real rows."""


def shapes(real: np.ndarray, synthetic: np.ndarray, cardinalities: Sequence[int]) -> float:
    """Mean over columns of 1 − total variation between the shares of the codes."""
    scores = []
    for j, size in enumerate(cardinalities):
        p, q = (np.bincount(x[:, j], minlength=size) / max(1, len(x)) for x in (real, synthetic))
        scores.append(1.0 - 0.5 * float(np.abs(p - q).sum()))
    return float(np.mean(scores)) if scores else 1.0


def trends(real: np.ndarray, synthetic: np.ndarray, cardinalities: Sequence[int]) -> float:
    """Mean over pairs of columns (at most ``PAIRS``, always the same) of 1 − total variation of the joint levels."""
    both = [_levels(real[:, j], synthetic[:, j], size) for j, size in enumerate(cardinalities)]
    pairs = list(itertools.combinations(range(len(both)), 2))
    if len(pairs) > PAIRS:
        pairs = [pairs[i] for i in np.random.default_rng(0).permutation(len(pairs))[:PAIRS]]
    scores = []
    for a, b in pairs:
        p, q = (
            np.bincount(x * LEVELS + y, minlength=LEVELS * LEVELS) / max(1, len(x))
            for x, y in zip(both[a], both[b], strict=True)
        )
        scores.append(1.0 - 0.5 * float(np.abs(p - q).sum()))
    return float(np.mean(scores)) if scores else 1.0


def _levels(real: np.ndarray, synthetic: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Neighbouring codes merged to levels of about equal share."""
    share = np.bincount(real, minlength=size) / max(1, len(real))
    level = np.minimum(((np.cumsum(share) - share / 2) * LEVELS).astype(np.int64), LEVELS - 1)
    return level[real], level[synthetic]
