"""Strategy ``auto``: whichever of several strategies comes nearest to rows it has not seen.

A large table is learned once by each candidate, and the rows that all of them hold out decide. In a small one so few
rows are held out that they say nothing: there each candidate learns one half of the rows and is measured on the other,
both ways (two-fold cross-validation, Stone 1974), and the better one then learns all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from dbsynth.codec.base import State
from dbsynth.model import fidelity
from dbsynth.model.base import Budget, Checkpoint, FitReport, FittedModel, TrainingData
from dbsynth.model.clock import Clock
from dbsynth.model.registry import load_strategy, restored
from dbsynth.model.settings import WITH_CRITIC, Allowed, check
from dbsynth.model.training import split
from dbsynth.rng import derive, generator

CANDIDATES = ("ctgan", "copula")
"""The first wins where they come out equal."""
TINY = 50
"""Of fewer rows halves tell nothing: the copula, which has least to learn, takes all of them."""


class Auto:
    name = "auto"
    settings: Allowed = WITH_CRITIC
    """Of the first candidate."""

    def fit(
        self,
        data: TrainingData,
        *,
        seed: int,
        budget: Budget,
        progress: Callable[[float], None] = lambda share: None,
        checkpoint: Checkpoint | None = None,
    ) -> FittedModel:
        """The chosen strategy's model, under that strategy's name; its report says what the choice was between.

        ``budget`` is what the first candidate may spend in all; the copula's share of its work does not count, that of
        its time does. Overrides are the first candidate's. A ``checkpoint`` is used where each learns once."""
        check(self.name, self.settings, budget.overrides)
        clock = Clock(budget.seconds)
        if len(data.codes) < TINY or not data.cardinalities:
            model = load_strategy("copula").fit(data, seed=seed, budget=_without_overrides(budget), progress=progress)
            return _told(model, f"fewer than {TINY} rows")
        _, held_out = split(data.groups, seed)
        if len(held_out) >= fidelity.LEAST_ROWS:
            models = [  # the quick ones first: the last has the time that is left
                self._fit(name, data, seed, _within(budget, clock), progress, checkpoint)
                for name in reversed(CANDIDATES)
            ][::-1]
            scores = [fidelity.of_model(m, data, held_out, derive(seed, "auto")) or 0.0 for m in models]
            return _told(models[int(np.argmax(scores))], _words(scores))
        scores = self._halves(data, seed, budget)
        best = CANDIDATES[int(np.argmax(scores))]
        return _told(self._fit(best, data, seed, _within(budget, clock), progress, None), _words(scores))

    def restore(self, state: State, report: FitReport) -> FittedModel:
        return restored(state, report)

    def _fit(
        self,
        name: str,
        data: TrainingData,
        seed: int,
        budget: Budget,
        progress: Callable[[float], None] = lambda share: None,
        checkpoint: Checkpoint | None = None,
    ) -> FittedModel:
        if name != CANDIDATES[0]:
            return load_strategy(name).fit(data, seed=seed, budget=_without_overrides(budget))
        return load_strategy(name).fit(data, seed=seed, budget=budget, progress=progress, checkpoint=checkpoint)

    def _halves(self, data: TrainingData, seed: int, budget: Budget) -> list[float]:
        """The fidelity of each candidate to the half it has not seen, mean of both ways."""
        shuffled = generator(seed, "halves").permutation(len(data.codes))
        halves = (np.sort(shuffled[::2]), np.sort(shuffled[1::2]))
        part = replace(budget, flops=budget.flops / 4, seconds=None if budget.seconds is None else budget.seconds / 6)
        scores = []
        for name in CANDIDATES:
            own = []
            for seen, unseen in (halves, halves[::-1]):
                model = self._fit(name, _rows(data, seen), derive(seed, "half"), part)
                made = model.sample(data.context[unseen], generator(seed, "auto"))
                own.append(fidelity.of_codes(data.codes[unseen], made, data.cardinalities))
            scores.append(float(np.mean(own)))
        return scores


def _rows(data: TrainingData, rows: np.ndarray) -> TrainingData:
    return replace(data, codes=data.codes[rows], context=data.context[rows], groups=data.groups[rows])


def _without_overrides(budget: Budget) -> Budget:
    return replace(budget, overrides={})


def _within(budget: Budget, clock: Clock) -> Budget:
    return replace(budget, seconds=clock.limit())


def _words(scores: Sequence[float]) -> str:
    return ", ".join(f"{name} {score:.3f}" for name, score in zip(CANDIDATES, scores, strict=True))


def _told(model: FittedModel, why: str) -> FittedModel:
    model.report = replace(model.report, stopped=f"{model.report.stopped}; auto: {why}")
    return model
