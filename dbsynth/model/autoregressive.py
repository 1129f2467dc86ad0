"""Strategy ``autoregressive``: the conditional network of ``network.py``, trained by likelihood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from dbsynth.codec.base import State
from dbsynth.errors import ConfigError
from dbsynth.model import fidelity, sizing
from dbsynth.model.base import Budget, Checkpoint, FitReport, FittedModel, TrainingData
from dbsynth.model.independent import Independent, marginals
from dbsynth.model.network import ConditionalNet, Shape, flops_per_row
from dbsynth.model.registry import load_strategy
from dbsynth.model.relevance import relevant
from dbsynth.model.training import Diverged, Outcome, Settings, single_thread, split, train
from dbsynth.rng import derive

LEAST_ROWS = 30
"""Below, frequencies are all that can be learned."""
ATTEMPTS = 3
OVERRIDES = ("group", "batch", "rate", "drop", "decay", "steps", "critic", "device")
SAMPLE_CELLS = 2**18
"""Cells of a part that is sampled at once: bounds memory, and keeps it in the processor's cache."""


class AutoregressiveModel:
    """``strategy``: the name of the one that trained it, and restores it."""

    def __init__(self, net: ConditionalNet, report: FitReport, strategy: str) -> None:
        self.net, self.report, self.strategy = net.eval(), report, strategy

    def sample(
        self,
        context: np.ndarray,
        rng: np.random.Generator,
        *,
        given: np.ndarray | None = None,
        allowed: Sequence[np.ndarray | None] | None = None,
    ) -> np.ndarray:
        """See ``FittedModel.sample``."""
        rows, columns = len(context), len(self.net.shape.cardinalities)
        out = np.empty((rows, columns), np.int32)
        if not columns or not rows:
            return out
        masks = [None if m is None else torch.from_numpy(np.asarray(m, bool)) for m in allowed or [None] * columns]
        part = max(64, min(4096, SAMPLE_CELLS // columns))
        with single_thread():
            for begin in range(0, rows, part):
                own = slice(begin, begin + part)
                out[own] = self.net.sample_codes(context[own], rng, None if given is None else given[own], masks)
        return out

    def state(self) -> State:
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in self.net.state_dict().items()}
        return State({"strategy": self.strategy, "shape": self.net.shape.as_config()}, arrays)

    def __reduce__(self) -> tuple[Any, ...]:
        # torch would write the storage of all weights once for each of them: after training they are views of one
        return _restored, (self.state(), self.report)


def _restored(state: State, report: FitReport) -> FittedModel:
    return load_strategy(state.config["strategy"]).restore(state, report)


@dataclass
class Trained:
    """A trained network and what it was trained with. ``notes``: what the report adds to why training stopped."""

    net: ConditionalNet
    data: TrainingData
    rows: np.ndarray
    held_out: np.ndarray
    settings: Settings
    outcome: Outcome
    notes: list[str] = field(default_factory=list)


class Autoregressive:
    name = "autoregressive"

    def fit(
        self,
        data: TrainingData,
        *,
        seed: int,
        budget: Budget,
        progress: Callable[[float], None] = lambda share: None,
        checkpoint: Checkpoint | None = None,
    ) -> FittedModel:
        """``budget.overrides``: group, batch, rate, drop, decay, steps, device ("cpu", "cuda", "auto").

        Falls to ``independent`` for fewer than ``LEAST_ROWS`` rows and where training diverges at every rate.
        Raises ConfigError for an unknown override."""
        if len(data.codes) < LEAST_ROWS or not data.cardinalities:
            return Independent().fit(data, seed=seed, budget=budget, progress=progress)
        warnings: list[str] = []
        with single_thread():
            trained = self.trained(data, seed, budget, progress, checkpoint, warnings)
            if trained is None:
                fallen = Independent().fit(data, seed=seed, budget=budget, progress=progress)
                fallen.report = replace(fallen.report, warnings=(*warnings, "falls to independent columns"))
                return fallen
            self.finish(trained, seed, budget)
        model = AutoregressiveModel(trained.net, self._report(trained, warnings), self.name)
        model.report = replace(model.report, fidelity=fidelity.of_model(model, data, trained.held_out, seed))
        progress(1.0)
        return model

    def trained(
        self,
        data: TrainingData,
        seed: int,
        budget: Budget,
        progress: Callable[[float], None],
        checkpoint: Checkpoint | None,
        warnings: list[str],
    ) -> Trained | None:
        """None where training diverged at every rate; ``warnings`` then says so."""
        shape, settings, device = plan(data, budget)
        rows, held_out = split(data.groups, seed)
        shares = marginals(data.codes[rows], data.cardinalities, smoothing=1.0)
        related = relevant(data.codes[rows], data.cardinalities)
        saved = checkpoint.read() if checkpoint is not None else None
        if saved is not None and saved.config["strategy"] != self.name:
            saved = None
        first = int(saved.config["attempt"]) if saved is not None else 0
        warnings += saved.config["warnings"] if saved is not None else []
        for attempt in range(first, ATTEMPTS):
            own, stream = replace(settings, rate=settings.rate / 4.0**attempt), derive(seed, "attempt", attempt)
            net = ConditionalNet(shape, shares, torch.Generator().manual_seed(stream), related)
            at = None
            if checkpoint is not None:
                facts = {"strategy": self.name, "attempt": attempt, "warnings": list(warnings)}
                at = _Attempt(checkpoint, facts, saved if attempt == first else None)
            try:
                outcome = train(
                    net,
                    data,
                    rows,
                    held_out,
                    own,
                    seed=stream,
                    device=device,
                    progress=progress,
                    checkpoint=at,
                )
            except Diverged as error:
                warnings.append(f"training at rate {own.rate:.2g} diverged ({error})")
            else:
                return Trained(net, data, rows, held_out, own, outcome)
        return None

    def finish(self, trained: Trained, seed: int, budget: Budget) -> None:
        """What a strategy does with a network that is trained by likelihood; this one nothing."""

    def _report(self, trained: Trained, warnings: list[str]) -> FitReport:
        outcome, batch = trained.outcome, trained.settings.batch
        epochs = outcome.steps * batch / max(1, len(trained.data.codes))
        stopped = "; ".join([outcome.stopped, *trained.notes])
        return FitReport(self.name, None, outcome.steps, epochs, outcome.flops, stopped, tuple(warnings))

    def restore(self, state: State, report: FitReport) -> FittedModel:
        shape = Shape.from_config(state.config["shape"])
        net = ConditionalNet(shape, [np.ones(k) for k in shape.cardinalities], torch.Generator())
        net.load_state_dict({name: torch.from_numpy(np.array(a)) for name, a in state.arrays.items()})
        return AutoregressiveModel(net, report, self.name)


@dataclass(frozen=True)
class _Attempt:
    """The checkpoint of one attempt, with what has to be known of it."""

    checkpoint: Checkpoint
    facts: dict[str, Any]
    saved: State | None

    def read(self) -> State | None:
        return self.saved

    def write(self, state: State) -> None:
        self.checkpoint.write(State({**state.config, **self.facts}, state.arrays))


def plan(data: TrainingData, budget: Budget) -> tuple[Shape, Settings, torch.device]:
    """What ``budget`` buys for ``data``. Raises ConfigError for an unknown override."""
    unknown = set(budget.overrides) - set(OVERRIDES)
    if unknown:
        raise ConfigError(
            f"unknown training settings: {', '.join(sorted(unknown))}", hint=f"known: {', '.join(OVERRIDES)}"
        )
    given = dict.fromkeys(OVERRIDES) | {"device": budget.device} | budget.overrides
    shape = sizing.shape_of(data)
    if given["group"]:
        shape = replace(shape, group=int(given["group"]))
    rows = len(data.codes)
    batch = int(given["batch"] or sizing.batch_size(rows))
    affordable = int(budget.flops / (flops_per_row(shape) * batch))
    settings = Settings(
        steps=int(given["steps"] or max(20, min(affordable, sizing.most_steps(rows, batch)))),
        batch=batch,
        rate=float(given["rate"] or sizing.learning_rate(batch)),
        drop=sizing.input_dropout(rows) if given["drop"] is None else float(given["drop"]),
        decay=sizing.weight_decay(rows) if given["decay"] is None else float(given["decay"]),
        evaluations=sizing.evaluations(len(data.cardinalities)),
        seconds=budget.seconds,
    )
    wanted = given["device"]
    cuda = wanted == "cuda" or (wanted == "auto" and torch.cuda.is_available())
    return shape, settings, torch.device("cuda" if cuda else "cpu")
