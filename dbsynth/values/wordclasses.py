"""Words that stand in like places: classes for what a chain of words does not know, by the company that words keep
(Schütze 1995, "Distributional Part-of-Speech Tagging"): k-means over the frequent words on both their sides."""

from __future__ import annotations

import numpy as np

FREQUENT = 120
"""Tokens that are classes of their own, and features of the others."""
MOST_CLASSES = 60
WORDS_EACH = 12
ROUNDS = 12


def classes_of(
    tokens: np.ndarray, follows: np.ndarray, weights: np.ndarray, apart: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """int (size,): the class of each token. ``tokens``, ``follows``: as a chain is fitted on; ``weights`` float
    (size,): how often each occurs; ``apart`` bool (size,): tokens that are classes of their own."""
    size = len(weights)
    order = np.lexsort((np.arange(size), -weights))
    frequent = order[:FREQUENT]
    own = apart.copy()
    own[frequent] = True
    out = np.zeros(size, np.int64)
    out[own] = np.arange(int(own.sum()))
    rest = np.flatnonzero(~own)
    if not len(rest):
        return out
    feature = np.full(size, -1)
    feature[frequent] = np.arange(len(frequent))
    company = np.zeros((size, 2 * len(frequent) + 1))
    pairs = np.flatnonzero(follows[1:]) + 1
    left, right = tokens[pairs - 1], tokens[pairs]
    for word, other, shift in ((right, left, 0), (left, right, len(frequent))):
        known = feature[other] >= 0
        np.add.at(company, (word[known], feature[other[known]] + shift), 1.0)
    company = np.sqrt(company[rest])
    company[:, -1] = 0.1
    company /= np.linalg.norm(company, axis=1, keepdims=True)
    groups = max(1, min(MOST_CLASSES, len(rest) // WORDS_EACH))
    out[rest] = int(own.sum()) + _means(company, groups, weights[rest], rng)
    return out


def _means(points: np.ndarray, groups: int, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int (n,): the nearest of ``groups`` means, by cosine."""
    centres = points[rng.choice(len(points), groups, replace=False, p=weights / weights.sum())]
    group = np.zeros(len(points), np.int64)
    for _ in range(ROUNDS):
        group = np.argmax(points @ centres.T, axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, group, points * np.sqrt(weights)[:, None])
        size = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(size > 0, sums / np.maximum(size, 1e-12), centres)
    _, group = np.unique(group, return_inverse=True)
    return np.asarray(group)
