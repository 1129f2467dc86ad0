"""What the published algorithms (``ctgan-2019``, ``tvae``) share: steps for so many epochs, checkpoints, a look at what
came out, and another attempt at a lower rate where it is of no use."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch

from dbsynth.codec.base import State
from dbsynth.model import fidelity
from dbsynth.model.base import Budget, Checkpoint, FitReport, FittedModel, TrainingData
from dbsynth.model.independent import Independent
from dbsynth.model.settings import Allowed, check
from dbsynth.model.training import Diverged, single_thread, split
from dbsynth.rng import derive, generator

ATTEMPTS = 3
CHECKS = 10
"""Times in a training that weights are looked at and a checkpoint is written."""
CHECKPOINT_SECONDS = 10.0
LEAST_ROWS = 20
"""Of fewer rows it cannot be told whether a sample is collapsed."""
MOST_ROWS = 2000
CONSTANT = 0.95
"""A column varies where its most frequent code has less than this share of the rows."""


@dataclass(frozen=True)
class Settings:
    """``epochs`` over the rows in steps of ``batch`` of them at the learning ``rate``; the critic sees ``pac`` rows at
    once."""

    epochs: int
    batch: int
    rate: float
    pac: int = 1
    device: str = "cpu"


class Trainer(Protocol):
    """One training from the first step on: what a step draws depends on the seed and its number only."""

    flops: float
    """Of one step."""

    def step(self, number: int) -> None:
        """Numbers count from 0."""

    def arrays(self) -> dict[str, np.ndarray]:
        """All that later steps depend on."""

    def load(self, arrays: Mapping[str, np.ndarray]) -> None: ...

    def finite(self) -> bool:
        """False where a weight is not a number."""

    def model(self, report: FitReport) -> FittedModel: ...


def settings(budget: Budget, default: Settings, strategy: str, allowed: Allowed) -> Settings:
    """``default`` with the overrides of ``budget``. Raises ConfigError for those that ``strategy`` does not allow."""
    check(strategy, allowed, budget.overrides)
    given: dict[str, Any] = dict(budget.overrides)
    device = given.pop("device", budget.device)
    cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    typed = {name: float(value) if name == "rate" else int(value) for name, value in given.items()}
    return replace(default, **typed, device="cuda" if cuda else "cpu")  # type: ignore[arg-type]


def fit(
    name: str,
    data: TrainingData,
    chosen: Settings,
    make: Callable[[np.ndarray, Settings, int], Trainer],
    *,
    seed: int,
    budget: Budget,
    progress: Callable[[float], None],
    checkpoint: Checkpoint | None,
) -> FittedModel:
    """The model of ``make(training rows, settings, seed)`` after its last step, or where ``budget.seconds`` are over.

    Weights that are no numbers and collapsed output start it again at a quarter of the rate; after ``ATTEMPTS`` of them
    the columns are taken as independent, and the report says so."""
    if not len(data.codes) or not data.cardinalities:
        return Independent().fit(data, seed=seed, budget=budget, progress=progress)
    rows, held_out = split(data.groups, seed)
    saved = checkpoint.read() if checkpoint is not None else None
    if saved is not None and saved.config.get("strategy") != name:
        saved = None
    first = int(saved.config["attempt"]) if saved else 0
    warnings: list[str] = list(saved.config["warnings"]) if saved else []
    clock = _Clock(budget.seconds, float(saved.config["seconds"]) if saved else 0.0)
    steps = chosen.epochs * max(1, len(rows) // chosen.batch)
    with single_thread():
        for attempt in range(first, ATTEMPTS):
            own = replace(chosen, rate=chosen.rate / 4.0**attempt)
            trainer = make(rows, own, derive(seed, "attempt", attempt))
            begin = 0
            if saved is not None and attempt == first:
                trainer.load(saved.arrays)
                begin = int(saved.config["step"])
            facts = {"strategy": name, "attempt": attempt, "warnings": list(warnings)}
            try:
                done = _run(trainer, begin, steps, clock, progress, checkpoint, facts)
                stopped = "budget" if done == steps else "time is up"
                epochs = done * chosen.batch / len(rows)
                report = FitReport(name, None, done, epochs, done * trainer.flops, stopped, tuple(warnings))
                model = trainer.model(report)
                _look(model, data, rows, seed)
            except Diverged as error:
                warnings.append(f"training at rate {own.rate:.2g} failed: {error}")
                continue
            model.report = replace(report, fidelity=fidelity.of_model(model, data, held_out, seed))
            progress(1.0)
            return model
    fallen = Independent().fit(data, seed=seed, budget=budget, progress=progress)
    fallen.report = replace(fallen.report, warnings=(*warnings, "falls to independent columns"))
    return fallen


class _Clock:
    def __init__(self, limit: float | None, spent: float) -> None:
        self.limit, self.begin = limit, time.monotonic() - spent

    @property
    def spent(self) -> float:
        return time.monotonic() - self.begin

    def is_over(self) -> bool:
        return self.limit is not None and self.spent >= self.limit


def _run(
    trainer: Trainer,
    begin: int,
    steps: int,
    clock: _Clock,
    progress: Callable[[float], None],
    checkpoint: Checkpoint | None,
    facts: Mapping[str, Any],
) -> int:
    """Steps ``begin``..``steps``; how many have been made in all. Raises Diverged."""
    every = max(1, steps // CHECKS)
    written = time.monotonic()
    for done in range(begin + 1, steps + 1):
        trainer.step(done - 1)
        over = clock.is_over()
        due = done % every == 0 or done == steps or over
        if due:
            if not trainer.finite():
                raise Diverged(f"a weight is not a number after {done} steps")
            progress(done / steps)
        if checkpoint is not None and (due or time.monotonic() - written > CHECKPOINT_SECONDS):
            checkpoint.write(State({**facts, "step": done, "seconds": clock.spent}, trainer.arrays()))
            written = time.monotonic()
        if over:
            return done
    return steps


def _look(model: FittedModel, data: TrainingData, rows: np.ndarray, seed: int) -> None:
    """Raises Diverged where rows of the model do not vary as those of the table do (mode collapse)."""
    rng = generator(seed, "look")
    some = rows if len(rows) <= MOST_ROWS else np.sort(rng.permutation(rows)[:MOST_ROWS])
    if len(some) < LEAST_ROWS:
        return
    real, made = data.codes[some], model.sample(data.context[some], rng)
    varies = np.array([np.bincount(column).max() < CONSTANT * len(some) for column in real.T])
    constant = varies & (made == made[0]).all(0)
    if 2 * constant.sum() > varies.sum():
        raise Diverged(f"collapsed: {constant.sum()} of {varies.sum()} columns are constant")
    kinds, real_kinds = len(np.unique(made, axis=0)), len(np.unique(real, axis=0))
    if 10 * kinds < real_kinds:
        raise Diverged(f"collapsed: {kinds} different rows where the table has {real_kinds}")


def weights(net: torch.nn.Module) -> dict[str, np.ndarray]:
    """Of a trained network, as it is saved beside other arrays."""
    return {f"net.{name}": tensor.numpy().copy() for name, tensor in net.state_dict().items()}


def put_weights(net: torch.nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """What ``weights`` gave."""
    own = {name.removeprefix("net."): a for name, a in arrays.items() if name.startswith("net.")}
    net.load_state_dict({name: torch.from_numpy(np.array(a)) for name, a in own.items()})
