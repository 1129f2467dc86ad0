"""A variational mixture of normal distributions in one dimension, on weighted points.

The mode-specific normalisation of Xu et al. 2019, "Modeling Tabular Data using Conditional GAN", §4.2, finds the modes
of a numeric column by one. A column of codes has few points however many rows, so a fit costs milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

LARGEST = 1e307
"""Of points: differences and multiples of larger ones are no numbers."""
MOST = 10
"""Components at the start."""
PRIOR = 1e-3
"""Rows' worth of weight of a component beforehand: so little that those which explain nothing die out."""
LEAST_SHARE = 0.005
"""Components with less of the rows are dropped."""
ROUNDS = 300
SETTLED = 1e-4
"""Largest change of a component's share in one round at which the fit ends."""


@dataclass(frozen=True)
class Mixture:
    """``means``, ``deviations``, ``shares`` float64 (components,), by rising mean."""

    means: np.ndarray
    deviations: np.ndarray
    shares: np.ndarray

    def posterior(self, points: np.ndarray) -> np.ndarray:
        """float64 (points, components): how likely each component made each point; rows sum to 1."""
        away = (points[:, None] - self.means) / self.deviations
        return _normalised(np.log(self.shares) - np.log(self.deviations) - 0.5 * away**2)


def fit(points: np.ndarray, counts: np.ndarray) -> Mixture:
    """``points`` float64 (points,) within ±``LARGEST``, each seen ``counts`` times (≥ 0, not all 0).

    Bishop 2006, §10.2: the approximate posterior of weights (Dirichlet, prior ``PRIOR``), means and precisions
    (Gauss-Wishart around the mean and variance of all points) in closed-form rounds until the shares settle."""
    points, counts = points[counts > 0], counts[counts > 0].astype(np.float64)
    origin = points[len(points) // 2]
    away = points - origin  # or what tells large numbers from each other would be lost
    size = float(np.abs(away).max())
    if size == 0.0:
        return Mixture(points[:1], np.array([max(abs(float(origin)), 1.0) * 1e-3]), np.ones(1))
    scaled = away / size
    mean = float(np.average(scaled, weights=counts))
    spread = math.sqrt(float(np.average((scaled - mean) ** 2, weights=counts)))
    x = (scaled - mean) / spread
    means, variances, shares = _rounds(x, counts, _start(x, counts))
    keep = shares >= LEAST_SHARE
    order = np.argsort(means[keep], kind="stable")
    means, deviations, shares = means[keep][order], np.sqrt(variances[keep][order]), shares[keep][order]
    deviations = np.maximum(deviations * spread * size, np.finfo(np.float64).tiny)
    return Mixture(origin + (means * spread + mean) * size, deviations, shares / shares.sum())


def _start(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Memberships float64 (points, components) of Lloyd's k-means from points evenly spaced in rank: these differ even
    where one value makes up most rows."""
    unique = np.unique(x)
    centres = unique[np.linspace(0, len(unique) - 1, min(MOST, len(unique))).round().astype(np.int64)]
    nearest = np.zeros(len(x), np.int64)
    for _ in range(ROUNDS):
        nearest, before = np.abs(x[:, None] - centres).argmin(1), nearest
        weight = np.bincount(nearest, weights=counts, minlength=len(centres))
        total = np.bincount(nearest, weights=counts * x, minlength=len(centres))
        centres = np.where(weight > 0, total / np.maximum(weight, 1e-300), centres)
        if (nearest == before).all():
            break
    return np.eye(len(centres))[nearest]


def _rounds(x: np.ndarray, counts: np.ndarray, member: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means, variances and shares (components,) for standardised ``x``. The prior mean is 0 with the weight of one row,
    the prior variance 1 with one degree of freedom."""
    shares = np.zeros(member.shape[1])
    for turn in range(ROUNDS):
        rows = counts @ member
        sums = (counts * x) @ member
        centre = sums / np.maximum(rows, 1e-300)
        inner = np.einsum("nk,n->k", member * (x[:, None] - centre) ** 2, counts)
        weight, freedom = 1.0 + rows, 1.0 + rows
        means = sums / weight
        scatter = 1.0 + inner + rows / weight * centre**2  # the inverse of Bishop's W
        before, shares = shares, rows / counts.sum()
        if np.abs(shares - before).max() < SETTLED or turn == ROUNDS - 1:
            break
        log_share = _digamma(PRIOR + rows) - _digamma(np.array([PRIOR * len(rows) + counts.sum()]))
        log_precision = _digamma(freedom / 2.0) + math.log(2.0) - np.log(scatter)
        away = 1.0 / weight + freedom / scatter * (x[:, None] - means) ** 2
        member = _normalised(log_share + 0.5 * log_precision - 0.5 * away)
    return means, scatter / freedom, shares


def _normalised(logs: np.ndarray) -> np.ndarray:
    weights = np.exp(logs - logs.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True))


def _digamma(x: np.ndarray) -> np.ndarray:
    out: np.ndarray = torch.digamma(torch.from_numpy(x)).numpy()
    return out
