"""Each column by itself: smoothed frequencies of its codes. For tables too small to learn more from, and where training
failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from dbsynth.codec.base import State
from dbsynth.model.base import Budget, Checkpoint, FitReport, TrainingData
from dbsynth.model.settings import NONE, Allowed

SMOOTHING = 0.02
"""Rows' worth of weight that all codes of a column share."""


def marginals(codes: np.ndarray, cardinalities: Sequence[int], smoothing: float = SMOOTHING) -> list[np.ndarray]:
    """Per column the share of each code, float64, none of them 0."""
    out = []
    for j, size in enumerate(cardinalities):
        counts = np.bincount(codes[:, j], minlength=size).astype(np.float64) + smoothing / size
        out.append(counts / counts.sum())
    return out


class IndependentModel:
    def __init__(self, shares: Sequence[np.ndarray], report: FitReport) -> None:
        self.shares, self.report = list(shares), report

    def sample(
        self,
        context: np.ndarray,
        rng: np.random.Generator,
        *,
        given: np.ndarray | None = None,
        allowed: Sequence[np.ndarray | None] | None = None,
    ) -> np.ndarray:
        """See ``FittedModel.sample``."""
        rows, columns = len(context), len(self.shares)
        u = rng.random((rows, columns))
        out = np.empty((rows, columns), np.int32)
        for j, share in enumerate(self.shares):
            mask = allowed[j] if allowed is not None else None
            weight = share if mask is None or not mask.any() else np.where(mask, share, 0.0)
            total = np.cumsum(weight)
            out[:, j] = np.minimum(np.searchsorted(total, u[:, j] * total[-1], side="right"), len(share) - 1)
        return out if given is None else np.where(given >= 0, given, out).astype(np.int32)

    def state(self) -> State:
        return State({"strategy": "independent"}, {f"share{j}": share for j, share in enumerate(self.shares)})


class Independent:
    name = "independent"
    settings: Allowed = NONE

    def fit(
        self,
        data: TrainingData,
        *,
        seed: int,
        budget: Budget,
        progress: Callable[[float], None] = lambda share: None,
        checkpoint: Checkpoint | None = None,
    ) -> IndependentModel:
        report = FitReport(self.name, None, 0, 0.0, 0.0, "frequencies counted")
        progress(1.0)
        return IndependentModel(marginals(data.codes, data.cardinalities), report)

    def restore(self, state: State, report: FitReport) -> IndependentModel:
        shares = [np.asarray(state.arrays[f"share{j}"]) for j in range(len(state.arrays))]
        return IndependentModel(shares, replace(report))
