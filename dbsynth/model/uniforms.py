"""The random numbers from which rows are drawn: spread so evenly that shares of what is drawn come out as they were
learned, not more or less by chance."""

from __future__ import annotations

import numpy as np


def spread(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Numbers float64 (rows, columns) in 0..1, uniform each for itself; those of any 2^k rows in a row (counted from a
    multiple of 2^k) lie in different 2^k-ths of the range, as in the sequence of van der Corput (1935), but in an order
    that is drawn anew for each of them and each column. With one order for all (Owen 1995), rows that are sorted by a
    column of many codes, a few rows each, would get numbers that repeat the column before it.

    Given to rows that are sorted by what was drawn for them before, they reduce the variance of every joint share
    (array randomised quasi-Monte Carlo, L'Ecuyer, Lécot & Tuffin 2008)."""
    row, column = np.arange(rows), np.arange(columns)
    depth = max(1, int(rows - 1).bit_length())
    bits = np.zeros((rows, columns), np.int64)
    for level in range(depth if rows else 0):
        block, half = row >> (level + 1), (row >> level) & 1
        flips = rng.integers(0, 2, (int(block[-1] + 1) << level, columns), dtype=np.int8)
        at = (block << level)[:, None] + bits  # of each block, one for each part that its halves share
        bits = 2 * bits + (half[:, None] ^ np.take(flips, at * columns + column))
    return np.asarray((bits + rng.random((rows, columns))) / 2.0**depth)
