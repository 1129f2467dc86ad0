"""Strategy ``autoregressive``: the conditional network of ``network.py``, trained by likelihood."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from dbsynth.codec.base import State
from dbsynth.model import fidelity, sizing
from dbsynth.model.base import Budget, Checkpoint, FitReport, FittedModel, TrainingData
from dbsynth.model.clock import Clock
from dbsynth.model.independent import Independent, marginals
from dbsynth.model.network import ConditionalNet, Shape, flops_per_row
from dbsynth.model.registry import restored
from dbsynth.model.relevance import relevant
from dbsynth.model.settings import NETWORK, Allowed
from dbsynth.model.settings import check as check_settings
from dbsynth.model.training import Diverged, Outcome, Settings, single_thread, split, train
from dbsynth.rng import derive

LEAST_ROWS = 30
"""Below, frequencies are all that can be learned."""
ATTEMPTS = 3
MOST_RESERVED = 0.35
"""Of the time that is left: what comes after training is left out where it would take more."""
TIMED = 7
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
        masks = [
            None if m is None or m.all() else torch.from_numpy(np.asarray(m, bool)) for m in allowed or [None] * columns
        ]
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
        return restored, (self.state(), self.report)


@dataclass
class Trained:
    """A trained network and what it was trained with. ``clock``: the time left; ``reserved``: seconds that what
    comes after takes; ``notes``: what the report adds to why training stopped."""

    net: ConditionalNet
    data: TrainingData
    rows: np.ndarray
    held_out: np.ndarray
    settings: Settings
    outcome: Outcome
    clock: Clock
    reserved: float
    notes: list[str] = field(default_factory=list)


class Autoregressive:
    name = "autoregressive"
    settings: Allowed = NETWORK

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
        Raises ConfigError for an override that is none of ``settings``."""
        check_settings(self.name, self.settings, budget.overrides)
        if len(data.codes) < LEAST_ROWS or not data.cardinalities:
            return Independent().fit(data, seed=seed, budget=budget, progress=progress)
        warnings: list[str] = []
        clock = Clock(budget.seconds)
        with single_thread():
            trained = self.trained(data, seed, budget, clock, progress, checkpoint, warnings)
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
        clock: Clock,
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
            reserved = 0.0
            if budget.seconds is not None:
                reserved = self.steps_after(rows, held_out, budget) * step_seconds(net, data, rows, own.batch)
                later = reserved if reserved < MOST_RESERVED * clock.left() else 0.0
                own = replace(own, seconds=clock.left() - later)
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
                return Trained(net, data, rows, held_out, own, outcome, clock, reserved)
        return None

    def steps_after(self, rows: np.ndarray, held_out: np.ndarray, budget: Budget) -> int:
        """Steps of training that take as long as ``finish``: so much of a limit of time is kept for it."""
        return 0

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


def step_seconds(net: ConditionalNet, data: TrainingData, rows: np.ndarray, batch: int) -> float:
    """How long a step of training takes on the processor: the median of some that leave no trace."""
    some = rows[:batch]
    codes, context = (torch.from_numpy(x[some].astype(np.int64)) for x in (data.codes, data.context))
    times = []
    for _ in range(TIMED):
        began = time.monotonic()
        torch.autograd.backward(net.loss(codes, context).sum())
        net.zero_grad()
        times.append(time.monotonic() - began)
    return float(np.median(times))


def plan(data: TrainingData, budget: Budget) -> tuple[Shape, Settings, torch.device]:
    """What ``budget`` buys for ``data``."""
    given = dict.fromkeys(NETWORK) | {"device": budget.device} | budget.overrides
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
