"""The outer form of texts: how many words, digits and characters they have, together.

Cells of at least 2k rows that have digits or none, are alike in words, then in digits; inside a cell quantiles of
groups of k rows.
Blanks count, so that texts with lines between their paragraphs have as many."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

BLANK = re.compile(r"\s")
KNOTS = 33
MOST_CELLS = 48
"""By the number of words; fewer by that of digits inside each."""
MOST_INNER = 8
MOST_GROUPS = 200
LEAST_SIZES = 4
"""Times k: fewer rows take their sizes from all that have as many words."""


class Forms:
    """``weights`` float (cells,); ``words``, ``digits``, ``sizes`` float (cells, KNOTS): quantiles; ``sizes`` are
    characters a word."""

    def __init__(self, weights: np.ndarray, words: np.ndarray, digits: np.ndarray, sizes: np.ndarray) -> None:
        self.weights, self.words, self.digits, self.sizes = weights, words, digits, sizes

    @classmethod
    def fit(cls, values: Sequence[str], k: int) -> Forms:
        if not values:
            values = ["word"]
        words = np.array([1 + len(BLANK.findall(v)) for v in values])
        digits = np.array([sum(map(str.isdigit, v)) for v in values])
        sizes = np.array([len(v) for v in values]) / words
        weights, knots = [], []
        for part in _parts(digits > 0, k):
            cells = cells_of(words[part], 2 * k, MOST_CELLS)
            for outer in (part[cells == c] for c in range(cells.max() + 1)):
                inner = cells_of(digits[outer], 2 * k, MOST_INNER)
                for rows in (outer[inner == c] for c in range(inner.max() + 1)):
                    like = rows if len(rows) >= LEAST_SIZES * k else outer
                    weights.append(float(len(rows)))
                    knots.append([quantiles(v, k) for v in (words[like], digits[rows], sizes[like])])
        return cls(np.array(weights), *np.array(knots).transpose(1, 0, 2))

    def draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """int (count,) each: words, digits, characters."""
        cell = choose(self.weights, count, rng)
        words = np.maximum(1, np.rint(_inside(self.words, cell, rng))).astype(np.int64)
        digits = np.rint(_inside(self.digits, cell, rng)).astype(np.int64)
        return words, digits, np.rint(_inside(self.sizes, cell, rng) * words).astype(np.int64)


def _parts(some: np.ndarray, k: int) -> list[np.ndarray]:
    """Rows without and with digits, where there are 2k of each."""
    parts = [np.flatnonzero(~some), np.flatnonzero(some)]
    return parts if min(map(len, parts)) >= 2 * k else [np.arange(len(some))]


def cells_of(values: np.ndarray, least: int, most: int) -> np.ndarray:
    """int (n,): cells 0, 1, ... of neighbouring values, each of at least ``least`` of them; one that is frequent alone
    has its own."""
    known, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    size = max(least, len(values) // most)
    cell = np.zeros(len(known), np.int64)
    now, held = 0, 0
    for i, n in enumerate(counts):
        if held and (held >= size or (n >= size and held >= least)):
            now, held = now + 1, 0
        cell[i] = now
        held += int(n)
    if held < least and now:
        cell[cell == now] = now - 1
    return np.asarray(cell[at])


def quantiles(values: np.ndarray, k: int, count: int = KNOTS) -> np.ndarray:
    """float (count,): the quantile function of ``values``, all at least 0, drawn through the means of groups of at
    least k neighbours (microaggregation, Domingo-Ferrer and Mateo-Sanz 2002): no point of it is one row's. Of fewer
    than 2k, evenly around their mean."""
    ordered = np.sort(values).astype(np.float64)
    groups = max(1, len(ordered) // max(k, len(ordered) // MOST_GROUPS))
    ends = np.linspace(0, len(ordered), groups + 1).astype(np.int64)
    means = np.add.reduceat(ordered, ends[:-1]) / np.diff(ends)
    at = (ends[:-1] + ends[1:]) / (2 * len(ordered))
    if groups == 1:
        spread = np.sqrt(3) * ordered.std()
        return np.asarray(np.linspace(means[0] - spread, means[0] + spread, count).clip(min=0))
    # half a group further at both ends
    low, high = (means[1] - means[0]) / 2, (means[-1] - means[-2]) / 2
    means, at = np.r_[means[0] - low, means, means[-1] + high], np.r_[0.0, at, 1.0]
    return np.asarray(np.interp(np.linspace(0, 1, count), at, means).clip(min=0))


def choose(weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """int (count,): indices in proportion to ``weights``, spread evenly, in random order."""
    until = np.cumsum(weights)
    return np.asarray(np.minimum(np.searchsorted(until, even(count, rng) * until[-1], "right"), len(until) - 1))


def even(count: int, rng: np.random.Generator) -> np.ndarray:
    """float (count,) in [0, 1): one in each of ``count`` equal parts, in random order."""
    return np.asarray(rng.permutation((np.arange(count) + rng.random(count)) / max(1, count)))


def _inside(knots: np.ndarray, cell: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    at = rng.random(len(cell)) * (knots.shape[1] - 1)
    low = at.astype(np.int64)
    below, above = knots[cell, low], knots[cell, np.minimum(low + 1, knots.shape[1] - 1)]
    return np.asarray(below + (at - low) * (above - below))
