"""Strategy ``tvae``: the variational autoencoder of Xu et al. 2019, "Modeling Tabular Data using Conditional GAN",
§4.5, over the same mode-specific rows as ``ctgan-2019``. Context codes are inputs of encoder and decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dbsynth.codec.base import State
from dbsynth.model import epochs
from dbsynth.model.adam import Adam
from dbsynth.model.base import Budget, Checkpoint, FitReport, FittedModel, TrainingData
from dbsynth.model.epochs import Settings
from dbsynth.model.independent import Independent
from dbsynth.model.latent import quantile
from dbsynth.model.layers import Context, Linear
from dbsynth.model.modes import Modes
from dbsynth.model.noise import uniforms
from dbsynth.model.registry import restored
from dbsynth.model.settings import EPOCHS, Allowed
from dbsynth.model.training import single_thread
from dbsynth.rng import derive

DEFAULT = Settings(epochs=300, batch=500, rate=1e-3)
BETAS, DECAY = (0.9, 0.999), 1e-5
HIDDEN = LATENT = 128
FACTOR = 2.0
"""Weight of the reconstruction against the prior."""
SPREAD, LEAST_SPREAD, MOST_SPREAD = 0.1, 0.01, 1.0
"""Standard deviation of an alpha at the start, and its limits."""
CANDIDATES = 8
"""Latent vectors a row with given codes chooses from."""
PART = 2048
"""Rows sampled at once."""


class Encoder(nn.Module):
    """(row vectors, context) → mean and log variance of the latent vector."""

    def __init__(self, width: int, context: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        self.context = Context(context, generator)
        self.first = Linear(width + self.context.width, HIDDEN, generator)
        self.second = Linear(HIDDEN, HIDDEN, generator)
        self.mean = Linear(HIDDEN, LATENT, generator)
        self.log_variance = Linear(HIDDEN, LATENT, generator)

    def forward(self, vectors: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.relu(self.first(torch.cat([vectors, self.context(context)], dim=1)))
        x = torch.relu(self.second(x))
        return self.mean(x), self.log_variance(x)


class Decoder(nn.Module):
    """(latent vectors, context) → raw row vectors: alphas before tanh, one-hots as logits. ``spread`` (alphas,): the
    standard deviation of each alpha."""

    def __init__(self, width: int, alphas: int, context: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        self.context = Context(context, generator)
        self.first = Linear(LATENT + self.context.width, HIDDEN, generator)
        self.second = Linear(HIDDEN, HIDDEN, generator)
        self.last = Linear(HIDDEN, width, generator)
        self.spread = nn.Parameter(torch.full((alphas,), SPREAD))

    def forward(self, latent: Tensor, context: Tensor) -> Tensor:
        x = torch.relu(self.first(torch.cat([latent, self.context(context)], dim=1)))
        out: Tensor = self.last(torch.relu(self.second(x)))
        return out

    def loss(self, raw: Tensor, modes: Modes, hot: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
        """Negative log density (less a constant) of the alphas (rows, alphas) and of the one-hots (rows, columns in the
        order of ``modes``) of rows, given ``raw`` (rows, width)."""
        away = (alpha - torch.tanh(raw[:, : alpha.shape[1]])) / self.spread
        return 0.5 * away**2 + torch.log(self.spread), modes.totals(raw) - raw.gather(1, hot[:, modes.order].long())


class TvaeModel:
    """``context``: cardinalities of the context columns."""

    def __init__(self, net: Decoder, modes: Modes, context: Sequence[int], report: FitReport) -> None:
        self.net, self.modes, self.context, self.report = net.eval(), modes, tuple(context), report

    def sample(
        self,
        context: np.ndarray,
        rng: np.random.Generator,
        *,
        given: np.ndarray | None = None,
        allowed: Sequence[np.ndarray | None] | None = None,
    ) -> np.ndarray:
        """See ``FittedModel.sample``. A row with given codes takes, of ``CANDIDATES`` latent vectors, one by how likely
        each makes them (sampling importance resampling, Rubin 1987)."""
        rows, columns = len(context), len(self.modes.cardinalities)
        u = rng.random((rows, columns))
        out = np.empty((rows, columns), np.int32)
        if not columns:
            return out
        with single_thread():
            for begin in range(0, rows, PART):
                own = slice(begin, begin + PART)
                out[own] = self._part(context[own], u[own], None if given is None else given[own], allowed)
        return out if given is None else np.where(given >= 0, given, out).astype(np.int32)

    @torch.no_grad()
    def _part(
        self,
        context: np.ndarray,
        u: np.ndarray,
        given: np.ndarray | None,
        allowed: Sequence[np.ndarray | None] | None,
    ) -> np.ndarray:
        numbers, width = len(self.modes.numbers), self.modes.width
        above = torch.from_numpy(context.astype(np.int64))
        more = uniforms(u, LATENT + width)
        latent = torch.from_numpy(quantile(more[:, :LATENT])).float()
        if given is not None:
            bound = np.flatnonzero((given >= 0).any(1))
            latent[torch.from_numpy(bound)] = self._explaining(given[bound], above[torch.from_numpy(bound)], u[bound])
        raw = self.net(latent, above).numpy()
        noise = quantile(more[:, LATENT : LATENT + numbers]) * self.net.spread.numpy()
        alpha = np.clip(np.tanh(raw[:, :numbers]) + noise, -1.0, 1.0)
        scores = raw.astype(np.float64)
        scores[:, numbers:] -= np.log(-np.log(more[:, LATENT + numbers :]))
        return self.modes.decode(alpha, scores, allowed)

    def _explaining(self, given: np.ndarray, context: Tensor, u: np.ndarray) -> Tensor:
        """Latent vectors (rows, LATENT), one of the candidates of each row."""
        rows = len(given)
        more = uniforms(u, CANDIDATES * (LATENT + 1), stream=1)
        latent = torch.from_numpy(quantile(more[:, CANDIDATES:])).float().reshape(rows * CANDIDATES, LATENT)
        hot, alpha = (torch.from_numpy(a).repeat_interleave(CANDIDATES, 0) for a in self.modes.encode(given.clip(0)))
        raw = self.net(latent, context.repeat_interleave(CANDIDATES, 0))
        numbers, one_hots = self.net.loss(raw, self.modes, hot, alpha)
        known = torch.from_numpy(given >= 0).repeat_interleave(CANDIDATES, 0)
        loss = (one_hots * known[:, self.modes.order]).sum(1) + (numbers * known[:, list(self.modes.numbers)]).sum(1)
        gumbel = -np.log(-np.log(more[:, :CANDIDATES]))
        chosen = torch.from_numpy((gumbel - loss.reshape(rows, CANDIDATES).numpy()).argmax(1))
        return latent.reshape(rows, CANDIDATES, LATENT)[torch.arange(rows), chosen]

    def state(self) -> State:
        config = {"strategy": Tvae.name, "cardinalities": list(self.modes.cardinalities), "context": list(self.context)}
        return State(config, {**epochs.weights(self.net), **self.modes.arrays()})

    def __reduce__(self) -> tuple[Any, ...]:
        return restored, (self.state(), self.report)


class Tvae:
    name = "tvae"
    settings: Allowed = EPOCHS

    def fit(
        self,
        data: TrainingData,
        *,
        seed: int,
        budget: Budget,
        progress: Callable[[float], None] = lambda share: None,
        checkpoint: Checkpoint | None = None,
    ) -> FittedModel:
        """``budget.overrides``: epochs, batch, rate, device. ``budget.flops`` does not count,
        ``seconds`` do.

        See ``epochs.fit`` for what happens where training fails. Raises ConfigError for an unknown override."""
        return epochs.fit(
            self.name,
            data,
            epochs.settings(budget, DEFAULT, self.name, self.settings),
            lambda rows, own, at: Training(data, rows, own, at),
            seed=seed,
            budget=budget,
            progress=progress,
            checkpoint=checkpoint,
        )

    def restore(self, state: State, report: FitReport) -> FittedModel:
        config, arrays = state.config, state.arrays
        if config["strategy"] == Independent.name:
            return Independent().restore(state, report)
        modes = Modes.restore([int(k) for k in config["cardinalities"]], arrays)
        net = Decoder(modes.width, len(modes.numbers), config["context"], torch.Generator())
        epochs.put_weights(net, arrays)
        return TvaeModel(net, modes, config["context"], report)


class Training:
    """See ``epochs.Trainer``."""

    def __init__(self, data: TrainingData, rows: np.ndarray, settings: Settings, seed: int) -> None:
        codes, self.device, self.seed = data.codes[rows], torch.device(settings.device), seed
        scales = data.scales or [None] * len(data.cardinalities)
        self.modes = Modes.fit(codes, data.cardinalities, scales)
        hot, alpha = self.modes.encode(codes, seed)
        self.hot, self.alpha = torch.from_numpy(hot).to(self.device), torch.from_numpy(alpha).to(self.device)
        self.context = torch.from_numpy(data.context[rows].astype(np.int32)).to(self.device)
        self.sizes, self.rows = data.context_cardinalities, len(rows)
        self.batch = min(settings.batch, self.rows)
        starts = torch.Generator().manual_seed(derive(seed, "weights"))
        self.encoder = Encoder(self.modes.width, self.sizes, starts).to(self.device)
        self.decoder = Decoder(self.modes.width, len(self.modes.numbers), self.sizes, starts).to(self.device)
        weights = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.adam = Adam(weights, rate=settings.rate, betas=BETAS, decay=DECAY)
        self.flops = 6.0 * self.batch * len(self.adam.values)
        self.epoch, self.shuffled = -1, torch.zeros(0, dtype=torch.int64)

    def step(self, number: int) -> None:
        noise = torch.Generator(self.device).manual_seed(derive(self.seed, "step", number))
        at = self._batch(number)
        hot, alpha, context = self.hot[at], self.alpha[at], self.context[at].long()
        mean, log_variance = self.encoder(self.modes.vectors(hot, alpha), context)
        drawn = torch.randn(mean.shape, generator=noise, device=self.device)
        raw = self.decoder(mean + drawn * torch.exp(0.5 * log_variance), context)
        numbers, one_hots = self.decoder.loss(raw, self.modes, hot, alpha)
        divergence = -0.5 * (1.0 + log_variance - mean**2 - log_variance.exp()).sum()
        self.adam.minimise((FACTOR * (numbers.sum() + one_hots.sum()) + divergence) / len(at), number + 1)
        with torch.no_grad():
            self.decoder.spread.clamp_(LEAST_SPREAD, MOST_SPREAD)

    def _batch(self, number: int) -> Tensor:
        """Rows in a new random order each epoch, cut into batches of equal size."""
        epoch, place = divmod(number, self.rows // self.batch)
        if epoch != self.epoch:
            order = torch.Generator().manual_seed(derive(self.seed, "epoch", epoch))
            self.epoch, self.shuffled = epoch, torch.randperm(self.rows, generator=order).to(self.device)
        return self.shuffled[place * self.batch : (place + 1) * self.batch]

    def arrays(self) -> dict[str, np.ndarray]:
        return self.adam.arrays("weights")

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.adam.load("weights", arrays)

    def finite(self) -> bool:
        return bool(torch.isfinite(self.adam.values).all())

    def model(self, report: FitReport) -> FittedModel:
        self.decoder.zero_grad(set_to_none=True)
        return TvaeModel(self.decoder.cpu(), self.modes, self.sizes, report)
