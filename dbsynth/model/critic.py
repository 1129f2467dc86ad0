"""The critic: tells real rows from made ones, in the context of each row.

A logistic classifier over the embedded codes; its logit estimates the log ratio of the two densities (Goodfellow et al.
2014, prop. 1), and how often it is right on rows it has not seen says how good the made ones are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dbsynth.model.adam import Adam
from dbsynth.model.clock import Clock
from dbsynth.model.levels import Embedding, even_classes
from dbsynth.model.network import Shape
from dbsynth.rng import derive, generator

WIDTH = 128
EMBEDDED = 8
DROPOUT = 0.2
STEPS, BATCH, RATE, DECAY = 320, 256, 2e-3, 1e-3
CHECKS = 8


class Critic(nn.Module):
    """Logit (rows,) that a row is real, for long codes (rows, columns) and context (rows, context columns)."""

    def __init__(self, shape: Shape, generator: torch.Generator) -> None:
        super().__init__()
        sizes = [*shape.cardinalities, *shape.context_cardinalities]
        ordered = [*shape.ordered, *shape.context_ordered]
        classes = [*shape.classes, *map(even_classes, shape.context_cardinalities)]
        self.embeddings = nn.ModuleList(
            Embedding(size, EMBEDDED, own, is_ordered, generator)
            for size, own, is_ordered in zip(sizes, classes, ordered, strict=True)
        )

        def matrix(outputs: int, inputs: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(outputs, inputs, generator=generator) * math.sqrt(2.0 / max(inputs, 1)))

        inputs = EMBEDDED * len(sizes)
        self.weights = nn.ParameterList([matrix(WIDTH, inputs), matrix(WIDTH, WIDTH), matrix(1, WIDTH)])
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(len(w))) for w in self.weights)

    def forward(self, codes: Tensor, context: Tensor, noise: torch.Generator | None = None) -> Tensor:
        """``noise``: for dropout, while it is trained."""
        both = torch.cat([codes, context], dim=1)
        x = torch.cat([embed(both[:, j]) for j, embed in enumerate(self.embeddings)], dim=1)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = F.linear(x, weight, bias)
            if i + 1 < len(self.weights):
                x = F.leaky_relu(x, 0.2)
                if noise is not None:
                    x = x * (torch.rand(x.shape, generator=noise) >= DROPOUT) / (1.0 - DROPOUT)
        return x.squeeze(1)


@dataclass(frozen=True)
class Opinion:
    """``auc``: area under the curve on rows the critic has not seen, .5 where it cannot tell; ``logits`` float (rows,)
    of the made rows, 0 where it cannot."""

    auc: float
    logits: Tensor


def ask(
    shape: Shape,
    real: tuple[np.ndarray, np.ndarray],
    made: tuple[np.ndarray, np.ndarray],
    unseen: tuple[np.ndarray, np.ndarray],
    unseen_made: tuple[np.ndarray, np.ndarray],
    seed: int,
    clock: Clock,
) -> Opinion | None:
    """Train a critic on ``real`` against ``made`` rows, each (codes, context), and stop where ``unseen`` rows are told
    from ``unseen_made`` ones best. None where the time of ``clock`` is up before."""
    critic = Critic(shape, torch.Generator().manual_seed(derive(seed, "weights")))
    optimizer = Adam(critic.parameters(), rate=RATE, betas=(0.9, 0.99), decay=DECAY)
    a, b, c, d = ([torch.from_numpy(x.astype(np.int64)) for x in pair] for pair in (real, made, unseen, unseen_made))
    best = Opinion(0.5, torch.zeros(len(made[0])))
    for step in range(1, STEPS + 1):
        if not clock.left():
            return None
        draw = generator(seed, "rows", step)
        noise = torch.Generator().manual_seed(derive(seed, "dropout", step))
        i, j = (torch.from_numpy(draw.integers(0, len(x[0]), BATCH)) for x in (a, b))
        yes, no = critic(a[0][i], a[1][i], noise), critic(b[0][j], b[1][j], noise)
        optimizer.minimise(F.softplus(-yes).mean() + F.softplus(no).mean(), step)
        if step % (STEPS // CHECKS) == 0:
            with torch.no_grad():
                seen = auc(critic(*c).numpy(), critic(*d).numpy())
                if seen > best.auc:
                    best = Opinion(seen, torch.cat([critic(b[0][k : k + 4096], b[1][k : k + 4096])
                                                    for k in range(0, len(b[0]), 4096)]))  # fmt: skip
    return best


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """The share of pairs in which the positive score is the higher one (Mann & Whitney 1947); .5 without pairs."""
    if not len(positive) or not len(negative):
        return 0.5
    scores = np.concatenate([positive, negative])
    _, at, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[at]
    return float((ranks[: len(positive)].sum() / len(positive) - (len(positive) + 1) / 2.0) / len(negative))
