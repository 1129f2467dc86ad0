"""Which keys occur together: the joint presence of the optional parts of documents, as one code.

The *shape* of a document says of each part that it speaks of which kind of value is there, if any. Parts that come and
go by themselves would need a shape for each combination: they are left out, the least dependent first, until nearly all
documents have a shape that k share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COVERED = 0.98
"""Of the documents whose shape k share; the others take the nearest of these."""
LOOKED_AT = 20_000
MOST_SHAPES = 500
MOST_STATES = 40
"""A part of more states is in no shape."""
TELLING = 0.5
"""A value that tells so much of the shape stands in it: a type on which the other keys depend."""


@dataclass(frozen=True)
class Shapes:
    """``parts`` int (parts,): columns of the matrix of states that shapes speak of; ``states`` int (shapes, parts);
    ``weights`` float (shapes,): their shares, the commonest first."""

    parts: np.ndarray
    states: np.ndarray
    weights: np.ndarray

    @classmethod
    def fit(cls, states: np.ndarray, k: int) -> Shapes:
        """``states`` int (documents, parts): non-negative."""
        sample = states[:: max(1, len(states) // LOOKED_AT)]
        varying = [j for j in range(states.shape[1]) if 1 < len(np.unique(sample[:, j])) <= MOST_STATES]
        parts = _dependent(sample, varying, k)
        found, counts = np.unique(states[:, parts], axis=0, return_counts=True)
        order = np.lexsort((*found.T[::-1], -counts)) if len(parts) else np.arange(len(found))
        found, counts = found[order], counts[order]
        often = counts >= min(k, counts.max(initial=1))
        often[MOST_SHAPES:] = False
        shares = counts[often].astype(np.float64)
        if not len(shares):
            return cls(np.array(parts, np.int64), np.zeros((1, len(parts)), np.int64), np.ones(1))
        return cls(np.array(parts, np.int64), found[often].astype(np.int64), shares / shares.sum())

    def of(self, states: np.ndarray) -> np.ndarray:
        """int64 (documents,): the shape of each, or the nearest one (by the parts in which they differ, the commonest
        of several)."""
        if not len(self.parts) or not len(states):
            return np.zeros(len(states), np.int64)
        found, at = np.unique(states[:, self.parts], axis=0, return_inverse=True)
        nearest = np.array([int((self.states != row).sum(axis=1).argmin()) for row in found], np.int64)
        return np.asarray(nearest[at.ravel()])


def _dependent(states: np.ndarray, parts: list[int], k: int) -> list[int]:
    """Those of ``parts`` that share a limited number of shapes."""
    kept = list(parts)
    if not kept:
        return kept
    information = mutual_information(states[:, kept])
    own = information.diagonal().copy()
    np.fill_diagonal(information, 0.0)
    alive = np.ones(len(kept), bool)
    while alive.any():
        columns = [p for p, a in zip(kept, alive, strict=True) if a]
        counts = np.unique(states[:, columns], axis=0, return_counts=True)[1]
        often = counts >= k
        if counts[often].sum() >= COVERED * len(states) and often.sum() <= MOST_SHAPES:
            return columns
        # the entropy that the nearest other part leaves open: what makes for many shapes
        open_ = own - np.where(alive[None, :], information, 0.0).max(axis=1)
        alive[np.argmax(np.where(alive, open_, -np.inf))] = False
    return []


def mutual_information(states: np.ndarray) -> np.ndarray:
    """float (parts, parts), in nats; the diagonal holds the entropies."""
    codes = [np.unique(column, return_inverse=True)[1] for column in states.T]
    sizes = [int(c.max(initial=0)) + 1 for c in codes]
    out = np.zeros((len(codes), len(codes)))
    shares = [np.bincount(c) / len(c) for c in codes]
    entropies = [float(-(p[p > 0] * np.log(p[p > 0])).sum()) for p in shares]
    for i, a in enumerate(codes):
        out[i, i] = entropies[i]
        for j in range(i):
            joint = np.bincount(a * sizes[j] + codes[j]) / len(a)
            both = float(-(joint[joint > 0] * np.log(joint[joint > 0])).sum())
            out[i, j] = out[j, i] = max(0.0, entropies[i] + entropies[j] - both)
    return out


def telling(values: np.ndarray, states: np.ndarray) -> float:
    """The part of what there is to know of ``states`` (documents, parts) that ``values`` int (documents,) tell."""
    varying = [j for j in range(states.shape[1]) if len(np.unique(states[:, j])) > 1]
    if not varying or not len(values):
        return 0.0
    _, shape = np.unique(states[:, varying], axis=0, return_inverse=True)
    information = mutual_information(np.column_stack([values, shape.ravel()]))
    return float(information[0, 1] / information[1, 1]) if information[1, 1] > 0 else 0.0
