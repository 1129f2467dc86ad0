"""Codes as cuts of a hidden normal variable, and the correlations of these variables from the codes of few rows.

A code stands for an interval of its column's hidden variable that has the code's share of the normal distribution.
Codes correlate less than what they are cuts of, the less the fewer there are, so correlations of scores are taken back
to the hidden ones by Mehler's expansion (Mehler 1866; for two cut normal variables: Olsson 1979, "polychoric").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

TERMS = 24
"""Of Mehler's expansion. Later ones matter beyond a correlation of 0.95 only."""
STRONGEST = 0.995
LEAST_EIGENVALUE = 1e-3
BISECTIONS = 24
FAR = 8.0
"""Standard deviations beyond which the normal distribution has no mass that double precision sees."""


def quantile(u: np.ndarray) -> np.ndarray:
    """Of the standard normal distribution, float64; -inf at 0, inf at 1."""
    out: np.ndarray = torch.special.ndtri(torch.from_numpy(np.ascontiguousarray(u, np.float64))).numpy()
    return out


def cdf(x: np.ndarray) -> np.ndarray:
    """Of the standard normal distribution, float64."""
    out: np.ndarray = torch.special.ndtr(torch.from_numpy(np.ascontiguousarray(x, np.float64))).numpy()
    return out


@dataclass(frozen=True)
class Cuts:
    """One column. ``order`` int32 (cardinality,): codes by place; ``edges`` float64 (cardinality + 1,): the code in
    place i is what lies in edges[i]..edges[i + 1], from -inf to inf (of no width for a code never seen)."""

    order: np.ndarray
    edges: np.ndarray

    @staticmethod
    def fit(codes: np.ndarray, order: np.ndarray) -> Cuts:
        """From ``codes`` int (rows,), at least one, and all codes of the column in ``order`` of their places."""
        counts = np.bincount(codes, minlength=len(order))
        below = np.concatenate([[0], np.cumsum(counts[order])])
        return Cuts(order.astype(np.int32), quantile(below / len(codes)))

    @property
    def places(self) -> np.ndarray:
        """int64 (cardinality,): the place of each code."""
        return np.argsort(self.order, kind="stable")

    @property
    def scores(self) -> np.ndarray:
        """float64 (cardinality,) by place: the mean of the hidden variable inside the interval."""
        density = np.exp(-0.5 * self.edges**2) / math.sqrt(2.0 * math.pi)
        share = np.diff(cdf(self.edges))
        inside = np.where(share > 0, -np.diff(density) / np.where(share > 0, share, 1.0), 0.0)
        nearest = np.clip(np.clip(0.0, self.edges[:-1], self.edges[1:]), -FAR, FAR)
        return np.where(share > 0, inside, nearest)

    def values(self, codes: np.ndarray) -> np.ndarray:
        """The scores of ``codes`` (rows,), standardised; 0 where all are the same."""
        x = self.scores[self.places[codes]]
        x = x - x.mean()
        spread = math.sqrt(float((x**2).mean()))
        return np.asarray(x / spread if spread > 1e-9 else np.zeros(len(x)))

    def code(self, z: np.ndarray) -> np.ndarray:
        """int32 (rows,) for hidden values ``z`` (rows,)."""
        return np.asarray(self.order[np.searchsorted(self.edges[1:-1], z, side="right")])


def correlations(codes: np.ndarray, cuts: Sequence[Cuts]) -> np.ndarray:
    """float64 (columns, columns), positive definite with ones on the diagonal, of the hidden variables of ``codes`` int
    (rows, columns)."""
    rows, columns = codes.shape
    if rows < 2 or not columns:
        return np.eye(columns)
    x = np.column_stack([c.values(codes[:, j]) for j, c in enumerate(cuts)])
    seen = _sure(x.T @ x / rows, (x**2).T @ (x**2) / rows, rows)
    series = np.column_stack([_series(c, c.scores) for c in cuts])
    a, b = np.nonzero(np.triu(seen, 1))
    hidden = np.eye(columns)
    hidden[a, b] = hidden[b, a] = _uncut(seen[a, b], series[:, a] * series[:, b])
    return np.round(_definite(hidden, 1.0 / (1.0 + rows)), 9)  # alike whatever the number of threads that summed it


def _sure(correlation: np.ndarray, fourth: np.ndarray, rows: int) -> np.ndarray:
    """Each correlation shrunk by what chance explains of it: by 1 - t·variance/r², 0 where that is negative, with the t
    that the largest of so many pairs would reach by chance (Bickel & Levina 2008; thresholds entry by entry after Cai &
    Liu 2011), so that columns of noise cost the others nothing. ``fourth``: mean of x²y²."""
    t = 2.0 * math.log(max(math.e, len(correlation)))
    square = correlation**2
    variance = np.maximum(fourth - square, (1.0 - square) ** 2) / (rows - 1)
    return np.asarray(correlation * np.maximum(0.0, 1.0 - t * variance / np.maximum(square, 1e-12)))


def _series(cuts: Cuts, scores: np.ndarray) -> np.ndarray:
    """(TERMS,) coefficients of the standardised scores in normalised Hermite polynomials of the hidden variable: the
    integral of h_k against the normal density is -h_(k-1) times the density, over √k."""
    inner = np.where(np.isfinite(cuts.edges), cuts.edges, 0.0)
    density = np.where(np.isfinite(cuts.edges), np.exp(-0.5 * inner**2) / math.sqrt(2.0 * math.pi), 0.0)
    out = np.zeros(TERMS)
    before, h = np.zeros(len(inner)), np.ones(len(inner))
    for k in range(1, TERMS + 1):
        out[k - 1] = -(scores * np.diff(h * density)).sum() / math.sqrt(k)
        before, h = h, (inner * h - math.sqrt(k - 1) * before) / math.sqrt(k)
    spread = math.sqrt(float((np.diff(cdf(cuts.edges)) * scores**2).sum()))
    return np.asarray(out / max(spread, 1e-9))


def _uncut(seen: np.ndarray, products: np.ndarray) -> np.ndarray:
    """The hidden correlations (pairs,) under which scores correlate as ``seen``: Σ products_k ρ^k = seen, rising in ρ.
    ``products`` (TERMS, pairs)."""
    low, high = np.full(len(seen), -STRONGEST), np.full(len(seen), STRONGEST)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        value = np.zeros(len(seen))
        for term in products[::-1]:
            value = (value + term) * middle
        below = value < seen
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2.0)


def _definite(matrix: np.ndarray, shrink: float) -> np.ndarray:
    """``matrix`` drawn towards the identity by ``shrink``, and no eigenvalue below LEAST_EIGENVALUE."""
    matrix = (1.0 - shrink) * matrix + shrink * np.eye(len(matrix))
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < LEAST_EIGENVALUE:
        matrix = (vectors * np.maximum(values, LEAST_EIGENVALUE)) @ vectors.T
        scale = 1.0 / np.sqrt(np.diag(matrix))
        matrix = matrix * scale[:, None] * scale
        matrix = (matrix + matrix.T) / 2.0
        np.fill_diagonal(matrix, 1.0)
    return matrix
