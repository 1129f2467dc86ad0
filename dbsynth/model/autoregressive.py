"""Strategy ``autoregressive``: the conditional network of ``network.py``, trained by likelihood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from dbsynth.codec.base import State
from dbsynth.errors import ConfigError
from dbsynth.model import fidelity, sizing
from dbsynth.model.base import Budget, FitReport, FittedModel, TrainingData
from dbsynth.model.independent import Independent, marginals
from dbsynth.model.network import ConditionalNet, Shape, flops_per_row
from dbsynth.model.relevance import relevant
from dbsynth.model.training import Diverged, Outcome, Settings, single_thread, split, train
from dbsynth.rng import derive, generator

LEAST_ROWS = 30
"""Below, frequencies are all that can be learned."""
ATTEMPTS = 3
SAMPLE_CELLS = 2**18
"""Cells of a part that is sampled at once: bounds memory, and keeps it in the processor's cache."""


class AutoregressiveModel:
    def __init__(self, net: ConditionalNet, report: FitReport, device: torch.device) -> None:
        self.net, self.report, self.device = net.eval(), report, device

    def sample(
        self,
        context: np.ndarray,
        rng: np.random.Generator,
        *,
        given: np.ndarray | None = None,
        allowed: Sequence[np.ndarray | None] | None = None,
    ) -> np.ndarray:
        """See ``FittedModel.sample``."""
        shape = self.net.shape
        rows, columns = len(context), len(shape.cardinalities)
        u = rng.random((rows, columns))
        out = np.empty((rows, columns), np.int32)
        if not columns or not rows:
            return out
        masks = [None if m is None else torch.from_numpy(np.asarray(m, bool)) for m in allowed or [None] * columns]
        part = max(64, min(4096, SAMPLE_CELLS // columns))
        with single_thread():
            for begin in range(0, rows, part):
                own = slice(begin, begin + part)
                kept = None if given is None else torch.from_numpy(given[own].astype(np.int64))
                codes = self.net.sample(
                    torch.from_numpy(context[own].astype(np.int64)),
                    torch.from_numpy(u[own].astype(np.float32)),
                    kept,
                    masks,
                )
                out[own] = codes.numpy()
        return out

    def state(self) -> State:
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in self.net.state_dict().items()}
        return State({"strategy": "autoregressive", "shape": self.net.shape.as_config()}, arrays)

    def __reduce__(self) -> tuple[Any, ...]:
        # torch would write the storage of all weights once for each of them: after training they are views of one
        return _restored, (self.state(), self.report)


def _restored(state: State, report: FitReport) -> FittedModel:
    return Autoregressive().restore(state, report)


class Autoregressive:
    name = "autoregressive"

    def fit(
        self,
        data: TrainingData,
        *,
        seed: int,
        budget: Budget,
        progress: Callable[[float], None] = lambda share: None,
    ) -> FittedModel:
        """``budget.overrides``: group, batch, rate, drop, decay, steps, device ("cpu", "cuda", "auto").

        Falls to ``independent`` for fewer than ``LEAST_ROWS`` rows and where training diverges at every rate.
        Raises ConfigError for an unknown override."""
        rows = len(data.codes)
        if rows < LEAST_ROWS or not data.cardinalities:
            return Independent().fit(data, seed=seed, budget=budget, progress=progress)
        shape, settings, device = plan(data, budget)
        warnings: list[str] = []
        train_rows, held_out = split(data.groups, seed)
        shares = marginals(data.codes[train_rows], data.cardinalities, smoothing=1.0)
        related = relevant(data.codes[train_rows], data.cardinalities)
        with single_thread():
            for attempt in range(ATTEMPTS):
                own = derive(seed, "attempt", attempt)
                net = ConditionalNet(shape, shares, torch.Generator().manual_seed(own), related)
                try:
                    outcome = train(
                        net, data, train_rows, held_out, settings, seed=own, device=device, progress=progress
                    )
                except Diverged as error:
                    warnings.append(f"training at rate {settings.rate:.2g} diverged ({error})")
                    settings = replace(settings, rate=settings.rate / 4)
                else:
                    model = AutoregressiveModel(net, _report(outcome, settings, rows, warnings), torch.device("cpu"))
                    model.report = replace(model.report, fidelity=_fidelity(model, data, held_out, seed))
                    progress(1.0)
                    return model
        fallen = Independent().fit(data, seed=seed, budget=budget, progress=progress)
        warnings.append("falls to independent columns")
        fallen.report = replace(fallen.report, warnings=tuple(warnings))
        return fallen

    def restore(self, state: State, report: FitReport) -> FittedModel:
        if state.config["strategy"] == Independent.name:
            return Independent().restore(state, report)
        shape = Shape.from_config(state.config["shape"])
        net = ConditionalNet(shape, [np.ones(k) for k in shape.cardinalities], torch.Generator())
        net.load_state_dict({name: torch.from_numpy(np.array(a)) for name, a in state.arrays.items()})
        return AutoregressiveModel(net, report, torch.device("cpu"))


def plan(data: TrainingData, budget: Budget) -> tuple[Shape, Settings, torch.device]:
    """What ``budget`` buys for ``data``. Raises ConfigError for an unknown override."""
    known: dict[str, Any] = {"group": None, "batch": None, "rate": None, "drop": None, "decay": None, "steps": None}
    unknown = set(budget.overrides) - set(known) - {"device"}
    if unknown:
        raise ConfigError(f"unknown training settings: {', '.join(sorted(unknown))}", hint=f"known: {', '.join(known)}")
    given = {**known, **budget.overrides}
    shape = sizing.shape_of(data)
    if given["group"]:
        shape = replace(shape, group=int(given["group"]))
    rows = len(data.codes)
    batch = int(given["batch"] or sizing.batch_size(rows))
    affordable = int(budget.flops / (flops_per_row(shape) * batch))
    steps = int(given["steps"] or max(20, min(affordable, sizing.most_steps(rows, batch))))
    settings = Settings(
        steps=steps,
        batch=batch,
        rate=float(given["rate"] or sizing.learning_rate(batch)),
        drop=sizing.input_dropout(rows) if given["drop"] is None else float(given["drop"]),
        decay=sizing.weight_decay(rows) if given["decay"] is None else float(given["decay"]),
    )
    wanted = str(given.get("device", "cpu"))
    cuda = wanted == "cuda" or (wanted == "auto" and torch.cuda.is_available())
    return shape, settings, torch.device("cuda" if cuda else "cpu")


def _report(outcome: Outcome, settings: Settings, rows: int, warnings: list[str]) -> FitReport:
    epochs = outcome.steps * settings.batch / max(1, rows)
    return FitReport(
        "autoregressive", None, outcome.steps, epochs, outcome.flops, outcome.stopped, tuple(warnings)
    )  # fmt: skip


def _fidelity(model: AutoregressiveModel, data: TrainingData, held_out: np.ndarray, seed: int) -> float | None:
    """Of rows sampled in the contexts of held-out rows; None where there are too few to tell."""
    if len(held_out) < 100:
        return None
    made = model.sample(data.context[held_out], generator(seed, "fidelity"))
    real = data.codes[held_out]
    scores = [f(real, made, data.cardinalities) for f in (fidelity.shapes, fidelity.trends)]
    return float(np.mean(scores))
