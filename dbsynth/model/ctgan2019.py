"""Strategy ``ctgan-2019``: Xu et al. 2019, "Modeling Tabular Data using Conditional GAN", §4, as published. The
reference that others are measured by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dbsynth.codec.base import State
from dbsynth.model import epochs
from dbsynth.model.adam import Adam
from dbsynth.model.base import Budget, Checkpoint, FitReport, FittedModel, TrainingData
from dbsynth.model.conditions import Conditions, RowSampler
from dbsynth.model.epochs import Settings
from dbsynth.model.gan2019 import NOISE, Critic, Generator, activated
from dbsynth.model.independent import Independent
from dbsynth.model.latent import quantile
from dbsynth.model.modes import Modes
from dbsynth.model.noise import uniforms
from dbsynth.model.registry import restored
from dbsynth.model.settings import PACKED, Allowed
from dbsynth.model.training import single_thread
from dbsynth.rng import derive

DEFAULT = Settings(epochs=300, batch=500, rate=2e-4, pac=10)
BETAS, DECAY = (0.5, 0.9), 1e-6
PENALTY = 10.0
PART = 2048
"""Rows sampled at once."""


class Ctgan2019Model:
    """``context``: cardinalities of the context columns."""

    def __init__(
        self, net: Generator, modes: Modes, conditions: Conditions, context: Sequence[int], report: FitReport
    ) -> None:
        self.net, self.modes, self.conditions = net.eval(), modes, conditions
        self.context, self.report = tuple(context), report

    def sample(
        self,
        context: np.ndarray,
        rng: np.random.Generator,
        *,
        given: np.ndarray | None = None,
        allowed: Sequence[np.ndarray | None] | None = None,
    ) -> np.ndarray:
        """See ``FittedModel.sample``. Of a row's given codes that of the first category column is its condition; others
        are kept, but tell the rest of the row nothing: the network has no other way in."""
        rows, columns = len(context), len(self.modes.cardinalities)
        u = rng.random((rows, columns))
        out = np.empty((rows, columns), np.int32)
        if not columns:
            return out
        with single_thread():
            for begin in range(0, rows, PART):
                own = slice(begin, begin + PART)
                fixed = None if given is None else given[own]
                out[own] = self._part(context[own], u[own], fixed, allowed)
        return out if given is None else np.where(given >= 0, given, out).astype(np.int32)

    @torch.no_grad()
    def _part(
        self,
        context: np.ndarray,
        u: np.ndarray,
        given: np.ndarray | None,
        allowed: Sequence[np.ndarray | None] | None,
    ) -> np.ndarray:
        modes = self.modes
        more = uniforms(u, 2 + NOISE + modes.width)
        condition = torch.zeros(len(u), 0)
        if self.conditions.width:
            places = self.conditions.drawn(more[:, :2], allowed, given)
            condition = self.conditions.vectors(torch.from_numpy(places))
        noise = torch.from_numpy(quantile(more[:, 2 : 2 + NOISE])).float()
        raw = self.net(noise, condition, torch.from_numpy(context.astype(np.int64))).numpy()
        alpha = np.tanh(raw[:, : len(modes.numbers)])
        return modes.decode(alpha, raw - np.log(-np.log(more[:, 2 + NOISE :])), allowed)

    def state(self) -> State:
        config = {
            "strategy": Ctgan2019.name,
            "cardinalities": list(self.modes.cardinalities),
            "context": list(self.context),
            "conditions": list(self.conditions.columns),
        }
        return State(config, {**epochs.weights(self.net), **self.modes.arrays(), "frequencies": self.conditions.counts})

    def __reduce__(self) -> tuple[Any, ...]:
        return restored, (self.state(), self.report)


class Ctgan2019:
    name = "ctgan-2019"
    settings: Allowed = PACKED

    def fit(
        self,
        data: TrainingData,
        *,
        seed: int,
        budget: Budget,
        progress: Callable[[float], None] = lambda share: None,
        checkpoint: Checkpoint | None = None,
    ) -> FittedModel:
        """``budget.overrides``: epochs, batch, rate, pac, device. ``budget.flops`` does not count, ``seconds`` do.

        See ``epochs.fit`` for what happens where training fails. Raises ConfigError for an unknown override."""
        chosen = epochs.settings(budget, DEFAULT, self.name, self.settings)
        return epochs.fit(
            self.name,
            data,
            chosen,
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
        sizes = [modes.cardinalities[j] for j in config["conditions"]]
        first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        conditions = Conditions(tuple(config["conditions"]), first, np.array(arrays["frequencies"]))
        net = Generator(modes.width, conditions.width, config["context"], torch.Generator())
        epochs.put_weights(net, arrays)
        return Ctgan2019Model(net, modes, conditions, config["context"], report)


class Training:
    """See ``epochs.Trainer``. One step: the critic on one batch, then the generator on another."""

    def __init__(self, data: TrainingData, rows: np.ndarray, settings: Settings, seed: int) -> None:
        codes, self.device, self.seed = data.codes[rows], torch.device(settings.device), seed
        scales = data.scales or [None] * len(data.cardinalities)
        self.modes = Modes.fit(codes, data.cardinalities, scales)
        self.conditions = Conditions.fit(codes, self.modes.categories, data.cardinalities)
        self.sampler = RowSampler(self.conditions, codes, self.device)
        hot, alpha = self.modes.encode(codes, seed)
        self.hot, self.alpha = torch.from_numpy(hot).to(self.device), torch.from_numpy(alpha).to(self.device)
        self.context = torch.from_numpy(data.context[rows].astype(np.int32)).to(self.device)
        self.sizes = data.context_cardinalities
        self.pac = settings.pac
        self.batch = -(-max(2, settings.batch) // self.pac) * self.pac
        """A whole number of packs, and batch normalisation needs two rows."""
        starts = torch.Generator().manual_seed(derive(seed, "weights"))
        width, condition = self.modes.width, self.conditions.width
        self.generator = Generator(width, condition, self.sizes, starts).to(self.device)
        self.critic = Critic(width + condition, self.sizes, self.pac, starts).to(self.device)
        self.adam, self.critic_adam = (
            Adam(net.parameters(), rate=settings.rate, betas=BETAS, decay=DECAY)
            for net in (self.generator, self.critic)
        )
        # the places of the conditional vector in the row vector, and the number of the column among all one-hots
        parts = zip(self.modes.categories, np.diff(self.conditions.first).tolist(), strict=True)
        places = [self.modes.start[j] + np.arange(size) for j, size in parts]
        owners = np.repeat([self.modes.order.index(j) for j in self.modes.categories], np.diff(self.conditions.first))
        self.places = torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *places])).to(self.device)
        self.owners = torch.from_numpy(owners.astype(np.int64)).to(self.device)
        # forward and backward: the critic on three batches of packs, the generator twice forward and once backward
        self.flops = self.batch * (8.0 * len(self.adam.values) + 30.0 * len(self.critic_adam.values) / self.pac)

    def step(self, number: int) -> None:
        noise = torch.Generator(self.device).manual_seed(derive(self.seed, "step", number))
        self._judge(number, noise)
        self._forge(number, noise)

    def _judge(self, number: int, noise: torch.Generator) -> None:
        condition, _, rows, context = self._drawn(noise)
        with torch.no_grad():
            fake = activated(self._raw(condition, context, noise), self.modes, noise)
            real = self.modes.vectors(self.hot[rows], self.alpha[rows])
        fake_packs = self.critic.packed(fake, condition, context)
        real_packs = self.critic.packed(real, condition, context)
        share = torch.rand(len(real_packs), 1, generator=noise, device=self.device)
        with torch.no_grad():
            between = torch.lerp(real_packs, fake_packs, share)
        scores = self.critic(torch.cat([fake_packs, real_packs]), noise)
        fakes, reals = scores.chunk(2)
        loss = fakes.mean() - reals.mean() + PENALTY * self.critic.penalty(between, noise)
        self.critic_adam.minimise(loss, number + 1)

    def _forge(self, number: int, noise: torch.Generator) -> None:
        condition, places, _, context = self._drawn(noise)
        raw = self._raw(condition, context, noise)
        fake = activated(raw, self.modes, noise)
        loss = -self.critic(self.critic.packed(fake, condition, context), noise).mean()
        if self.conditions.width:
            loss = loss + self._missed(raw, places)
        self.adam.minimise(loss, number + 1)

    def _drawn(self, noise: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(conditional vectors, their places, real rows that meet them, the context of these)."""
        places, rows = self.sampler.draw(self.batch, noise)
        return self._vectors(places), places, rows, self.context[rows].long()

    def _vectors(self, places: Tensor) -> Tensor:
        if not self.conditions.width:
            return torch.zeros(len(places), 0, device=self.device)
        return self.conditions.vectors(places)

    def _raw(self, condition: Tensor, context: Tensor, noise: torch.Generator) -> Tensor:
        z = torch.randn(self.batch, NOISE, generator=noise, device=self.device)
        out: Tensor = self.generator(z, condition, context)
        return out

    def _missed(self, raw: Tensor, places: Tensor) -> Tensor:
        """Cross-entropy of the conditional column's one-hot and the condition: rows must be what was asked for."""
        wanted = raw.gather(1, self.places[places].unsqueeze(1))
        return (self.modes.totals(raw).gather(1, self.owners[places].unsqueeze(1)) - wanted).mean()

    def arrays(self) -> dict[str, np.ndarray]:
        buffers = {f"buffer.{name}": b.cpu().numpy().copy() for name, b in self.generator.named_buffers()}
        return {**self.adam.arrays("generator"), **self.critic_adam.arrays("critic"), **buffers}

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.adam.load("generator", arrays)
        self.critic_adam.load("critic", arrays)
        for name, buffer in self.generator.named_buffers():
            buffer.copy_(torch.from_numpy(np.array(arrays[f"buffer.{name}"])))

    def finite(self) -> bool:
        tensors = [self.adam.values, self.critic_adam.values, *self.generator.buffers()]
        return all(bool(torch.isfinite(t).all()) for t in tensors)

    def model(self, report: FitReport) -> FittedModel:
        self.generator.zero_grad(set_to_none=True)
        return Ctgan2019Model(self.generator.cpu(), self.modes, self.conditions, self.sizes, report)
