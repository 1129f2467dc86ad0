"""How near sampled codes are to real ones, 0..1: one minus the distance of marginals and of pairs, averaged."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from dbsynth.model.base import FittedModel, TrainingData
from dbsynth.rng import generator

LEAST_ROWS = 100
"""Fewer held-out rows say little about a model."""
PAIRS = 200
SHAPE_LEVELS = 40
LEVELS = 12
"""Codes of a column are merged to so many levels for pairs, by their share among the real rows."""


def of_model(model: FittedModel, data: TrainingData, held_out: np.ndarray, seed: int) -> float | None:
    """Of rows sampled in the contexts of the held-out rows; None where there are too few to tell."""
    if len(held_out) < LEAST_ROWS:
        return None
    made = model.sample(data.context[held_out], generator(seed, "fidelity"))
    return of_codes(data.codes[held_out], made, data.cardinalities)


def of_codes(real: np.ndarray, synthetic: np.ndarray, cardinalities: Sequence[int]) -> float:
    """Mean of ``shapes`` and ``trends``."""
    return (shapes(real, synthetic, cardinalities) + trends(real, synthetic, cardinalities)) / 2.0


def shapes(real: np.ndarray, synthetic: np.ndarray, cardinalities: Sequence[int]) -> float:
    """Mean over columns of 1 − total variation between the shares of the codes; those of a column with more than
    ``SHAPE_LEVELS`` are merged, or their differences would be chance alone."""
    scores = []
    for j, size in enumerate(cardinalities):
        a, b = real[:, j], synthetic[:, j]
        if size > SHAPE_LEVELS:
            (a, b), size = _levels(a, b, size, SHAPE_LEVELS), SHAPE_LEVELS
        p, q = (np.bincount(x, minlength=size) / max(1, len(x)) for x in (a, b))
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


def _levels(real: np.ndarray, synthetic: np.ndarray, size: int, most: int = LEVELS) -> tuple[np.ndarray, np.ndarray]:
    """Neighbouring codes merged to levels of about equal share."""
    share = np.bincount(real, minlength=size) / max(1, len(real))
    level = np.minimum(((np.cumsum(share) - share / 2) * most).astype(np.int64), most - 1)
    return level[real], level[synthetic]
