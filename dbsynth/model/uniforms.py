"""The random numbers from which rows are drawn: spread so evenly that shares of what is drawn come out as they were
learned, not more or less by chance."""

from __future__ import annotations

import numpy as np


def spread(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Numbers float64 (rows, columns) in 0..1, uniform each for itself; those of any 2^k rows in a row (counted from a
    multiple of 2^k) lie in different 2^k-ths of the range: the sequence of van der Corput (1935), scrambled anew in
    each column (Owen 1995), without which columns sorted by each other would repeat one another.

    Given to rows that are sorted by what was drawn for them before, they reduce the variance of every joint share
    (array randomised quasi-Monte Carlo, L'Ecuyer, Lécot & Tuffin 2008)."""
    row = np.arange(rows)
    depth = max(1, int(rows - 1).bit_length())
    bits = np.zeros((rows, columns), np.int64)
    for level in range(depth):
        flips = rng.integers(0, 2, (2**level, columns), dtype=np.int8)
        bits = 2 * bits + (((row >> level) & 1)[:, None] ^ flips[row & (2**level - 1)])
    return np.asarray((bits + rng.random((rows, columns))) / 2.0**depth)
