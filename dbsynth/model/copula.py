"""Strategy ``copula``: a Gaussian copula over the empirical distributions of the codes, for tables too small for a
network. Closed form: no steps, no rates, nothing that could diverge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dbsynth.codec.base import State
from dbsynth.model import fidelity
from dbsynth.model.arrange import arranged
from dbsynth.model.base import Budget, Checkpoint, FitReport, FittedModel, TrainingData
from dbsynth.model.independent import Independent
from dbsynth.model.latent import FAR, Cuts, cdf, correlations, quantile
from dbsynth.model.noise import uniforms
from dbsynth.model.registry import restored
from dbsynth.model.settings import NONE, Allowed
from dbsynth.model.training import single_thread, split

PART_CELLS = 2**20
"""Cells of a part that is sampled at once: bounds memory."""


class CopulaModel:
    """``cuts``: of the ``context`` context columns, then of the code columns; ``correlation`` of all of them."""

    def __init__(self, cuts: Sequence[Cuts], context: int, correlation: np.ndarray, report: FitReport) -> None:
        self.cuts, self.context, self.correlation, self.report = list(cuts), context, correlation, report
        self.places = [c.places for c in cuts]
        self.scores = [c.scores for c in cuts]

    def sample(
        self,
        context: np.ndarray,
        rng: np.random.Generator,
        *,
        given: np.ndarray | None = None,
        allowed: Sequence[np.ndarray | None] | None = None,
    ) -> np.ndarray:
        """See ``FittedModel.sample``. Given codes and masks count for all other columns, whatever their order."""
        rows, columns = len(context), len(self.cuts) - self.context
        u = rng.random((rows, columns))
        out = np.empty((rows, columns), np.int32)
        if not columns or not rows:
            return out
        own = np.full((rows, columns), -1, np.int32) if given is None else given
        masks = [None] * self.context + [self._mask(j, m) for j, m in enumerate(allowed or [None] * columns)]
        patterns, of_row = np.unique(own >= 0, axis=0, return_inverse=True)
        with single_thread():
            for i, pattern in enumerate(patterns):
                order, lower = self._conditioned_on(pattern, masks)
                known = self.context + int(pattern.sum())
                at = np.flatnonzero(of_row.reshape(-1) == i)
                part = max(64, PART_CELLS // max(len(order), max(map(_size, masks))))
                for begin in range(0, len(at), part):
                    mine = at[begin : begin + part]
                    fixed = np.concatenate([context[mine], own[mine]], axis=1)
                    place = np.concatenate([uniforms(u[mine], self.context), u[mine]], axis=1)
                    out[mine] = self._drawn(fixed, known, place, order, lower, masks)[:, self.context :]
        return out

    def _mask(self, column: int, allowed: np.ndarray | None) -> np.ndarray | None:
        """By place, None where it forbids nothing that could be drawn."""
        if allowed is None or not allowed.any():
            return None
        cuts = self.cuts[self.context + column]
        by_place: np.ndarray = np.asarray(allowed, bool)[cuts.order]
        return None if by_place[cuts.edges[1:] > cuts.edges[:-1]].all() else by_place

    def _conditioned_on(self, given: np.ndarray, masks: Sequence[np.ndarray | None]) -> tuple[np.ndarray, np.ndarray]:
        """The order of drawing (context, given columns, those with a mask, others) and the Cholesky factor in it."""
        last = np.array([2 if m is None else 1 for m in masks])
        last[: self.context] = 0
        last[self.context :][given] = 0
        order = np.argsort(last, kind="stable")
        return order, np.linalg.cholesky(self.correlation[np.ix_(order, order)])

    def _drawn(
        self,
        fixed: np.ndarray,
        known: int,
        u: np.ndarray,
        order: np.ndarray,
        lower: np.ndarray,
        masks: Sequence[np.ndarray | None],
    ) -> np.ndarray:
        """Codes (rows, all columns) one column after the other, each hidden variable drawn given those before it; that
        of a fixed code from inside its interval (Geweke 1991; the GHK sampler). ``fixed``: codes of the first ``known``
        columns of ``order``."""
        out = fixed.astype(np.int32)
        hidden = np.zeros((len(u), len(order)))
        for i, j in enumerate(order.tolist()):
            mean, spread = hidden[:, :i] @ lower[i, :i], lower[i, i]
            mask = masks[j]
            if i < known:
                place = self.places[j][fixed[:, j]]
                hidden[:, i] = self._inside(j, place, u[:, j], mean, spread)
            elif mask is None:
                hidden[:, i] = quantile(np.clip(u[:, j], 1e-15, 1.0 - 1e-15))
                out[:, j] = self.cuts[j].code(mean + spread * hidden[:, i])
            else:
                place, rest = self._allowed(j, mask, u[:, j], mean, spread)
                hidden[:, i] = self._inside(j, place, rest, mean, spread)
                out[:, j] = self.cuts[j].order[place]
        return out

    def _inside(self, j: int, place: np.ndarray, u: np.ndarray, mean: np.ndarray, spread: float) -> np.ndarray:
        """Standard normal values (rows,) that put column ``j`` into ``place``, at ``u`` of the mass there; where it has
        none that can be told from 0, at the score."""
        edges = self.cuts[j].edges
        low, high = cdf((edges[place] - mean) / spread), cdf((edges[place + 1] - mean) / spread)
        drawn = quantile(np.clip(low + u * (high - low), 1e-15, 1.0 - 1e-15))
        return np.clip(np.where(high - low > 1e-12, drawn, (self.scores[j][place] - mean) / spread), -FAR, FAR)

    def _allowed(
        self, j: int, mask: np.ndarray, u: np.ndarray, mean: np.ndarray, spread: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """An allowed place each (rows,) by its mass given ``mean`` and ``spread``, all equal where none has any; and
        where in its interval ``u`` falls."""
        mass = np.diff(cdf((self.cuts[j].edges - mean[:, None]) / spread), axis=1) * mask
        mass = np.where(mass.sum(1, keepdims=True) > 1e-12, mass, mask)
        total = np.cumsum(mass, axis=1)
        aim = u * total[:, -1]
        last = np.flatnonzero(mask)[-1]
        place = np.minimum((total <= aim[:, None]).sum(1), last)
        at = np.arange(len(u)), place
        rest = (aim - total[at] + mass[at]) / np.maximum(mass[at], 1e-300)
        return place, np.clip(rest, 0.0, 1.0)

    def state(self) -> State:
        sizes = [len(c.order) for c in self.cuts]
        arrays = {
            "order": np.concatenate([c.order for c in self.cuts]),
            "edges": np.concatenate([c.edges for c in self.cuts]),
            "correlation": self.correlation,
        }
        return State({"strategy": Copula.name, "cardinalities": sizes, "context": self.context}, arrays)

    def __reduce__(self) -> tuple[Any, ...]:
        return restored, (self.state(), self.report)


def _size(mask: np.ndarray | None) -> int:
    return 0 if mask is None else len(mask)


class Copula:
    name = "copula"
    settings: Allowed = NONE

    def fit(
        self,
        data: TrainingData,
        *,
        seed: int,
        budget: Budget,
        progress: Callable[[float], None] = lambda share: None,
        checkpoint: Checkpoint | None = None,
    ) -> FittedModel:
        """Needs neither budget nor checkpoint. Learns from the training rows of the split where enough are held out to
        tell its fidelity, from all rows of a smaller table. Falls to ``independent`` without rows or columns."""
        if not len(data.codes) or not data.cardinalities:
            return Independent().fit(data, seed=seed, budget=budget, progress=progress)
        rows, held_out = split(data.groups, seed)
        if len(held_out) < fidelity.LEAST_ROWS:
            rows = np.arange(len(data.codes))
        with single_thread():
            model = _fitted(data, rows)
        model.report = replace(model.report, fidelity=fidelity.of_model(model, data, held_out, seed))
        progress(1.0)
        return model

    def restore(self, state: State, report: FitReport) -> FittedModel:
        if state.config["strategy"] == Independent.name:
            return Independent().restore(state, report)
        sizes = [int(k) for k in state.config["cardinalities"]]
        orders = np.split(np.array(state.arrays["order"]), np.cumsum(sizes)[:-1])
        edges = np.split(np.array(state.arrays["edges"]), np.cumsum([k + 1 for k in sizes])[:-1])
        cuts = [Cuts(o, e) for o, e in zip(orders, edges, strict=True)]
        return CopulaModel(cuts, int(state.config["context"]), np.array(state.arrays["correlation"]), report)


def _fitted(data: TrainingData, rows: np.ndarray) -> CopulaModel:
    """Codes of a context column come in an order of their own (numbers rising, categories by falling frequency)."""
    codes = np.concatenate([data.context[rows], data.codes[rows]], axis=1)
    context = len(data.context_cardinalities)
    ordered = [True] * context + [s is not None for s in data.scales or [None] * len(data.cardinalities)]
    sizes = [*data.context_cardinalities, *data.cardinalities]
    cuts = arranged(codes, sizes, ordered)
    report = FitReport(Copula.name, None, 0, 1.0, 2.0 * len(rows) * len(sizes) ** 2, "correlations computed")
    return CopulaModel(cuts, context, correlations(codes, cuts), report)
