"""More uniforms for a row than the protocol draws: a model with a hidden layer of noise needs hundreds where
``FittedModel.sample`` may draw one a column, and row i may depend on its own uniforms only."""

from __future__ import annotations

import numpy as np

_STEP, _FIRST, _SECOND = (np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def uniforms(u: np.ndarray, width: int, stream: int = 0) -> np.ndarray:
    """float64 (rows, width) inside (0, 1), row i determined by row i of the uniforms ``u`` float64 (rows, columns): the
    generator SplitMix64 (Steele, Lea & Flood 2014), seeded by them. Each ``stream`` gives others."""
    seeds = np.full(len(u), stream, np.uint64)
    for column in np.ascontiguousarray(u.T).view(np.uint64):
        seeds = _mixed(seeds + _STEP ^ column)
    bits = _mixed(seeds[:, None] + np.arange(1, width + 1, dtype=np.uint64) * _STEP)
    return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _mixed(bits: np.ndarray) -> np.ndarray:
    """Every bit depends on every bit."""
    bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
    bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
    return np.asarray(bits ^ (bits >> np.uint64(31)))
