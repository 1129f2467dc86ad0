"""DP-SGD (Abadi et al. 2016) for the network of ``dbsynth.model.network``: each step takes every row with the same
small chance (Poisson sampling), shortens the gradient of each row to at most ``CLIP``, adds Gaussian noise to their
sum, and moves the weights as Adam would. Gradients by row come from ``torch.func`` (Opacus' own hooks know torch's
layers, not ours); how much noise is needed, and what is spent, says Opacus' accountant (see ``budget``)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from dbsynth.model.network import ConditionalNet
from dbsynth.model.training import AdamW, Flat, schedule

CLIP = 1.0
TOGETHER = 128
"""Rows whose gradients are held at once."""
AVERAGE = 0.99


class RowLoss(nn.Module):
    """The negative log-likelihood of one row of codes long (columns,)."""

    def __init__(self, net: ConditionalNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, codes: Tensor) -> Tensor:
        row = codes.unsqueeze(0)
        return self.net.row_loss(row, row[:, :0])[0]


class RowGradients:
    """Gradients of single rows as float (rows, weights), in the order of ``Flat``; 0 where the mask hides a weight."""

    def __init__(self, net: ConditionalNet, flat: Flat) -> None:
        self.module = RowLoss(net)
        named = {id(p): n for n, p in self.module.named_parameters()}
        ordered = sorted((p for p in net.parameters() if p.numel()), key=lambda p: p.dim() == 1)
        self.names = [named[id(p)] for p in ordered]
        self.weights = {n: p.detach() for n, p in zip(self.names, ordered, strict=True)}
        flat.gradients.fill_(1.0)
        for part, mask in flat.masked:
            part.mul_(mask)
        self.mask = flat.gradients.clone()
        flat.gradients.zero_()
        self._gradients = vmap(grad(self._loss), in_dims=(None, 0))

    def _loss(self, weights: dict[str, Tensor], codes: Tensor) -> Tensor:
        loss: Tensor = functional_call(self.module, weights, (codes,))
        return loss

    def of(self, codes: Tensor) -> Tensor:
        found = self._gradients(self.weights, codes)
        parts: list[Tensor] = [found[n].reshape(len(codes), -1) for n in self.names]
        by_row = torch.cat(parts, dim=1)
        by_row.mul_(self.mask)
        return by_row


def clipped_sum(gradients: Tensor, most: float) -> Tensor:
    """The sum over rows of gradients (rows, weights), each shortened to the length ``most``."""
    factors: Tensor = most / gradients.norm(dim=1).clamp_min(most)
    return factors @ gradients


def train_privately(
    net: ConditionalNet,
    codes: np.ndarray,
    *,
    steps: int,
    rate: float,
    multiplier: float,
    learning_rate: float,
    decay: float,
    seed: int,
    progress: Callable[[float], None],
) -> None:
    """Leaves ``net`` with averaged weights after exactly ``steps`` steps, each of which samples every row of int
    ``codes`` (rows, columns) with the chance ``rate``. ``seed`` must be secret: who knows it can take the noise away.
    """
    flat = Flat(net)
    rows = RowGradients(net, flat)
    data = torch.from_numpy(np.ascontiguousarray(codes, np.int64))
    optimizer, noise = AdamW(flat, decay), torch.Generator().manual_seed(seed)
    averaged = flat.values.clone()
    expected = max(1.0, rate * len(data))
    for step in range(1, steps + 1):
        batch = data[torch.rand(len(data), generator=noise) < rate]
        with torch.no_grad():
            total = torch.zeros_like(flat.values)
            for part in torch.split(batch, TOGETHER):
                total += clipped_sum(rows.of(part), CLIP) if len(part) else 0.0
            total += torch.randn(len(total), generator=noise) * (multiplier * CLIP)
            flat.gradients.copy_(total * rows.mask / expected)
            optimizer.step(learning_rate * _rate(step, steps))
            averaged.lerp_(flat.values, 1.0 - min(AVERAGE, (1 + step) / (10 + step)))
        progress(step / steps)
    with torch.no_grad():
        flat.values.copy_(averaged)


def _rate(step: int, steps: int) -> float:
    share = step / steps
    return schedule(step, share, (0.5, 1.0) if share > 0.5 else None)
