"""The model of a table under differential privacy: the network of ``autoregressive`` trained by DP-SGD from noisy
marginals on, or those marginals alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from dbsynth.errors import InternalError
from dbsynth.model import sizing
from dbsynth.model.autoregressive import AutoregressiveModel
from dbsynth.model.base import FitReport, FittedModel, TrainingData
from dbsynth.model.independent import IndependentModel, marginals
from dbsynth.model.network import ConditionalNet, flops_per_row
from dbsynth.model.training import single_thread
from dbsynth.privacy.budget import TableNoise
from dbsynth.privacy.sgd import train_privately
from dbsynth.rng import derive

LEAST_ROWS = 300
"""Below, noise is all that a network would learn."""
EXPECTED = 512
"""Rows that a step samples, on average."""
STEPS = 300
GROUP = 32
RATE = 0.01


def steps_of(rows: int, effort: float) -> int:
    """Fixed before anything is read."""
    return 0 if rows < LEAST_ROWS else max(20, round(STEPS * min(1.0, rows / 4000) * min(effort, 1.0)))


def sampled_share(rows: int) -> float:
    return min(0.5, EXPECTED / max(rows, 1))


def fit(
    data: TrainingData,
    shown: np.ndarray,
    noise: TableNoise,
    training: Mapping[str, Any],
    *,
    seed: int,
    secret: int,
    progress: Callable[[float], None] = lambda share: None,
) -> FittedModel:
    """``data``: the rows, without context; only the clipped, noisy gradient sees them. ``shown``: codes drawn from
    noisy marginals, from which the network has its shape and where it starts."""
    if data.context.shape[1]:
        raise InternalError("rows that see other rows cannot be learned under differential privacy")
    if not noise.steps or noise.multiplier is None or not data.cardinalities:
        report = FitReport("independent", None, 0, 0.0, 0.0, "noisy frequencies")
        progress(1.0)
        return IndependentModel(marginals(shown, data.cardinalities), report)
    public = replace(data, codes=shown)
    shape = replace(sizing.shape_of(public), group=int(training.get("group") or GROUP))
    with single_thread():
        net = ConditionalNet(
            shape, marginals(shown, data.cardinalities, smoothing=1.0), torch.Generator().manual_seed(seed)
        )
        train_privately(
            net,
            data.codes,
            steps=noise.steps,
            rate=noise.rate,
            multiplier=noise.multiplier,
            learning_rate=float(training.get("rate") or RATE),
            decay=0.0,
            seed=derive(secret, "sgd"),
            progress=progress,
        )
    seen = noise.steps * noise.rate * len(data.codes)
    report = FitReport(
        "autoregressive",
        None,
        noise.steps,
        noise.steps * noise.rate,
        seen * flops_per_row(shape),
        f"{noise.steps} steps, fixed beforehand (differential privacy)",
    )
    return AutoregressiveModel(net, report, "autoregressive")
