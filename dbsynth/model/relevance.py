"""Which columns have anything to do with each other: in a small table a column that looks at thirty others learns their
noise, so it is shown only those with which it depends beyond chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

MOST_ROWS = 20_000
"""Beyond so many rows the network tells signal from noise by itself."""
FEW = 3
"""Columns that cannot drown each other, and whose dependence of three (c = a xor b) no test of two would find; the more
rows, the more columns."""
MANY_CODES = 256
"""Of a column with more codes each stands for a few rows: it can tell a row by heart, so even among few columns it is
shown only to those that depend on it."""
MOST_LEVELS = 12
Z = 3.1
"""Of the normal distribution: one pair in a thousand that has nothing to do with each other passes."""


def relevant(codes: np.ndarray, cardinalities: Sequence[int]) -> np.ndarray:
    """bool (columns, columns), symmetric: True where Pearson's test of independence on merged levels fails. The
    distribution of chi² is approximated by Wilson & Hilferty (1931)."""
    rows, columns = codes.shape
    out = np.ones((columns, columns), bool)
    if rows > MOST_ROWS:
        return out
    few = columns <= max(FEW, math.sqrt(rows) / 8)
    hot = _levels(codes, cardinalities)
    for a in range(columns):
        for b in range(a):
            if not few or max(cardinalities[a], cardinalities[b]) > MANY_CODES:
                out[a, b] = out[b, a] = _depends(hot[a], hot[b])
    return out


def dependence(left: np.ndarray, right: np.ndarray, cardinalities: Sequence[int]) -> np.ndarray:
    """bool (columns, columns): True where a column of ``left`` and one of ``right``, int (rows, columns) of the same
    cardinalities, depend on each other by the same test, on at most ``MOST_ROWS`` rows spread evenly."""
    step = max(1, len(left) // MOST_ROWS)
    a, b = _levels(left[::step], cardinalities), _levels(right[::step], cardinalities)
    return np.array([[_depends(x, y) for y in b] for x in a])


def _levels(codes: np.ndarray, cardinalities: Sequence[int]) -> list[np.ndarray]:
    """Each column one-hot over few levels, float32 (rows, levels)."""
    most = int(np.clip(math.sqrt(len(codes)) / 4, 2, MOST_LEVELS))
    levels = [_merged(codes[:, j], cardinalities[j], most) for j in range(codes.shape[1])]
    return [np.eye(int(v.max(initial=0)) + 1, dtype=np.float32)[v] for v in levels]


def _depends(a: np.ndarray, b: np.ndarray) -> bool:
    expected = np.outer(a.sum(0), b.sum(0)) / max(1, len(a))
    freedom = (a.shape[1] - 1) * (b.shape[1] - 1)
    chi2 = float(((a.T @ b - expected) ** 2 / expected).sum()) if freedom else 0.0
    return freedom > 0 and _surprising(chi2, freedom)


def _surprising(chi2: float, freedom: int) -> bool:
    spread = 2.0 / (9.0 * freedom)
    z: float = ((chi2 / freedom) ** (1.0 / 3.0) - (1.0 - spread)) / math.sqrt(spread)
    return z > Z


def _merged(codes: np.ndarray, cardinality: int, most: int) -> np.ndarray:
    """Neighbouring codes merged to at most ``most`` levels of about equal share, numbered without gaps."""
    share = np.bincount(codes, minlength=cardinality) / max(1, len(codes))
    level = np.minimum(((np.cumsum(share) - share / 2) * most).astype(np.int64), most - 1)
    _, merged = np.unique(level[codes], return_inverse=True)
    return merged.reshape(-1)
