"""Is that more than chance?"""

from __future__ import annotations

import math

SURE = 1e-3
"""A verification looks at some hundred columns: what chance gives once in so many times is not held against a clone."""


def tail(hits: int, expected: float) -> float:
    """The chance of ``hits`` or more where ``expected`` are (Poisson)."""
    if hits <= 0:
        return 1.0
    if expected <= 0:
        return 0.0
    if expected > 1000:
        return 0.5 * math.erfc((hits - 0.5 - expected) / math.sqrt(2 * expected))
    below = sum(math.exp(i * math.log(expected) - expected - math.lgamma(i + 1)) for i in range(hits))
    return max(0.0, 1.0 - below)


def surprising(hits: int, rows: int, base_hits: int, base_rows: int) -> bool:
    """``hits`` of ``rows``, where ``base_hits`` of ``base_rows`` are by chance: a count that is itself off by its root,
    and never nothing for certain (half a row: Jeffreys' prior)."""
    if not rows or not base_rows:
        return False
    expected = rows * (base_hits + math.sqrt(base_hits) + 0.5) / base_rows
    return tail(hits, expected) < SURE


def wilson(hits: float, rows: float, z: float = 1.96) -> tuple[float, float]:
    """Centre and half width of the interval of a share (Wilson 1927)."""
    if not rows:
        return 0.5, 0.5
    share, square = hits / rows, z * z
    centre = (share + square / (2 * rows)) / (1 + square / rows)
    width = z / (1 + square / rows) * math.sqrt(share * (1 - share) / rows + square / (4 * rows * rows))
    return centre, width
