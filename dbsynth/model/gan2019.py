"""Generator and critic of Xu et al. 2019, "Modeling Tabular Data using Conditional GAN", §4.4."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dbsynth.model.layers import Context, Linear
from dbsynth.model.modes import Modes

NOISE = 128
HIDDEN = 256
TEMPERATURE = 0.2
SLOPE = 0.2
DROPOUT = 0.5
MOMENTUM, EPSILON = 0.1, 1e-5
"""Of batch normalisation."""


class _Residual(nn.Module):
    """Linear layer, batch normalisation, ReLU; its input is passed on beside its output."""

    mean: Tensor
    variance: Tensor

    def __init__(self, inputs: int, generator: torch.Generator) -> None:
        super().__init__()
        self.linear = Linear(inputs, HIDDEN, generator)
        self.scale = nn.Parameter(torch.ones(HIDDEN))
        self.shift = nn.Parameter(torch.zeros(HIDDEN))
        self.register_buffer("mean", torch.zeros(HIDDEN))
        self.register_buffer("variance", torch.ones(HIDDEN))

    def forward(self, x: Tensor) -> Tensor:
        y = F.batch_norm(
            self.linear(x), self.mean, self.variance, self.scale, self.shift, self.training, MOMENTUM, EPSILON
        )
        return torch.cat([torch.relu(y), x], dim=1)


class Generator(nn.Module):
    """(noise, condition, context) → raw row vectors of ``width``: alphas before tanh, one-hots as logits."""

    def __init__(self, width: int, condition: int, context: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        self.context = Context(context, generator)
        inputs = NOISE + condition + self.context.width
        self.first = _Residual(inputs, generator)
        self.second = _Residual(inputs + HIDDEN, generator)
        self.last = Linear(inputs + 2 * HIDDEN, width, generator)

    def forward(self, noise: Tensor, condition: Tensor, context: Tensor) -> Tensor:
        x = torch.cat([noise, condition, self.context(context)], dim=1)
        out: Tensor = self.last(self.second(self.first(x)))
        return out


def activated(raw: Tensor, modes: Modes, noise: torch.Generator) -> Tensor:
    """Row vectors: tanh of alphas, Gumbel-softmax of one-hots."""
    parts = [torch.tanh(raw[:, : len(modes.numbers)])]
    gumbel = torch.empty(raw.shape, device=raw.device).exponential_(generator=noise).log_().neg_()
    scores = (raw + gumbel) / TEMPERATURE
    parts += [torch.softmax(block, dim=2).flatten(1) for _, block in modes.one_hots(scores)]
    return torch.cat(parts, dim=1)


class Critic(nn.Module):
    """PacGAN (Lin et al. 2018): ``pac`` row vectors at once, each with its condition and context → one score."""

    def __init__(self, width: int, context: Sequence[int], pac: int, generator: torch.Generator) -> None:
        super().__init__()
        self.pac = pac
        self.context = Context(context, generator)
        self.first = Linear(pac * (width + self.context.width), HIDDEN, generator)
        self.second = Linear(HIDDEN, HIDDEN, generator)
        self.last = Linear(HIDDEN, 1, generator)

    def packed(self, vectors: Tensor, condition: Tensor, context: Tensor) -> Tensor:
        """float (rows / pac, inputs)."""
        x = torch.cat([vectors, condition, self.context(context)], dim=1)
        return x.reshape(len(x) // self.pac, -1)

    def forward(self, packed: Tensor, noise: torch.Generator) -> Tensor:
        """Scores (packs,)."""
        for layer in (self.first, self.second):
            packed = layer(packed)
            packed = packed * _slopes(packed, noise)
        scores: Tensor = self.last(packed).squeeze(1)
        return scores

    def penalty(self, packed: Tensor, noise: torch.Generator) -> Tensor:
        """Mean square of (length of the gradient of the score by its inputs) - 1 (Gulrajani et al. 2017).

        The layers are piecewise linear, so the gradient is a product of their weights and slopes: one backward pass
        through that product is what a second one through the network would give."""
        with torch.no_grad():
            hidden = self.first(packed)
            inner = _slopes(hidden, noise)
            outer = _slopes(self.second(hidden * inner), noise)
        gradient = (((self.last.weight * outer) @ self.second.weight) * inner) @ self.first.weight
        length = torch.sqrt((gradient**2).sum(1) + 1e-12)  # of a slope that is 0 at 0 it would be no number
        return ((length - 1.0) ** 2).mean()


def _slopes(x: Tensor, noise: torch.Generator) -> Tensor:
    """Of LeakyReLU and dropout: factors as large as ``x``."""
    kept = torch.rand(x.shape, generator=noise, device=x.device) >= DROPOUT
    return torch.where(x > 0, 1.0, SLOPE) * kept / (1.0 - DROPOUT)
