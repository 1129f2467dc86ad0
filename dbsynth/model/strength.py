"""How much of what a column learned to believe, judged by rows that it has not seen.

In a small table some columns depend on others and some are noise; one network learns both, the noise by heart. So each
column's logits are drawn towards its marginal distribution, log p = m + s·(logits - m), with the strength s in 0..1
that held-out rows favour: a shrinkage estimator per column. The gain over the marginals counts less a part of its
standard error (after the one-standard-error rule of Breiman et al. 1984, §3.4), so that a column must earn its
dependence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from dbsynth.model.network import ConditionalNet, Level

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
DOUBT = 0.25
"""Standard errors. With a whole one, what some hundred rows show of how many children which parents have is lost."""
PART = 1024


@dataclass(frozen=True)
class Judgement:
    """``strengths`` float (columns, 2): the best of each column, for its classes (or codes) and for the members of the
    classes; ``loss``: its negative log-likelihood a row plus ``DOUBT`` of the standard error of its gain, over all
    columns; ``full``: the loss of the network as it is."""

    strengths: Tensor
    loss: float
    full: float


@torch.no_grad()
def judge(net: ConditionalNet, marginals: Sequence[Level], codes: Tensor, context: Tensor, rows: Tensor) -> Judgement:
    """``marginals``: what the net started with. Without ``rows`` every strength is 1 and the losses are 0."""
    columns, n = len(marginals), len(rows)
    if not n:
        return Judgement(torch.ones(columns, 2), 0.0, 0.0)
    total = torch.zeros(len(STRENGTHS), columns, 2, dtype=torch.float64)
    square = torch.zeros(len(STRENGTHS), columns, 2, dtype=torch.float64)
    for begin in range(0, n, PART):
        part = rows[begin : begin + PART]
        own = codes[part]
        for j, levels in net.believed(own, context[part], marginals):
            for level, (logits, base, target) in enumerate(levels):
                without = _loss(logits, base, target, 0.0)
                for i, strength in enumerate(STRENGTHS):
                    mixed = _loss(logits, base, target, strength)
                    total[i, j, level] += mixed.sum().cpu()
                    square[i, j, level] += ((mixed - without) ** 2).sum().cpu()
    mean = total / n
    gain = mean - mean[0]
    risk = mean + DOUBT * torch.sqrt((square / n - gain**2).clamp_min(0.0) / n)
    best, at = risk.min(0)
    return Judgement(torch.tensor(STRENGTHS)[at], float(best.sum()), float(mean[-1].sum()))


def _loss(logits: Tensor, base: Tensor, target: Tensor, strength: float) -> Tensor:
    """float (rows,)"""
    return F.cross_entropy(torch.lerp(base.expand_as(logits), logits, strength), target, reduction="none")


@torch.no_grad()
def apply(net: ConditionalNet, marginals: Sequence[Level], strengths: Tensor) -> None:
    """Scale the output layers so that the network's logits are those of the given strengths."""
    for j, (strength, inside) in enumerate(strengths.tolist()):
        _draw_back(net.head(j).bias, marginals[j].bias, [net.head(j).weight, net.head(j).smooth], strength)
        if (members := net.members_of(j)) is not None and (base := marginals[j].members) is not None:
            _draw_back(members.bias, base, [members.out, members.smooth], inside)


def _draw_back(bias: Tensor, start: Tensor, weights: Sequence[Tensor | None], strength: float) -> None:
    bias.copy_(torch.lerp(start, bias, strength))
    for weight in weights:
        if weight is not None:
            weight.mul_(strength)
