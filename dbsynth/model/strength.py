"""How much of what a column learned to believe, judged by rows that it has not seen.

In a small table some columns depend on others and some are noise; one network learns both, the noise by heart. So each
column's logits are drawn towards its marginal distribution, log p = m + s·(logits - m), with the strength s in 0..1
that held-out rows favour: a shrinkage estimator per column. The gain over the marginals counts less its standard error
(the one-standard-error rule, Breiman et al. 1984, §3.4), so that a column must earn its dependence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from dbsynth.model.network import ConditionalNet

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
PART = 1024


@dataclass(frozen=True)
class Judgement:
    """``strengths`` float (columns,): the best of each column; ``loss``: its negative log-likelihood a row plus the
    standard error of its gain, over all columns; ``full``: the loss of the network as it is."""

    strengths: Tensor
    loss: float
    full: float


@torch.no_grad()
def judge(
    net: ConditionalNet, log_marginals: Sequence[Tensor], codes: Tensor, context: Tensor, rows: Tensor
) -> Judgement:
    """``log_marginals``: per column (cardinality,). Without ``rows`` every strength is 1 and the losses are 0."""
    columns, n = len(log_marginals), len(rows)
    if not n:
        return Judgement(torch.ones(columns), 0.0, 0.0)
    total = torch.zeros(len(STRENGTHS), columns, dtype=torch.float64)
    square = torch.zeros(len(STRENGTHS), columns, dtype=torch.float64)
    for begin in range(0, n, PART):
        part = rows[begin : begin + PART]
        own = codes[part]
        for j, logits in net.logits(own, context[part]):
            base = log_marginals[j]
            target = own[:, j]
            without = -base[target]
            for i, strength in enumerate(STRENGTHS):
                mixed = F.cross_entropy(torch.lerp(base, logits, strength), target, reduction="none")
                total[i, j] += mixed.sum().cpu()
                square[i, j] += ((mixed - without) ** 2).sum().cpu()
    mean = total / n
    gain = mean - mean[0]
    risk = mean + torch.sqrt((square / n - gain**2).clamp_min(0.0) / n)
    best, at = risk.min(0)
    return Judgement(torch.tensor(STRENGTHS)[at], float(best.sum()), float(mean[-1].sum()))


@torch.no_grad()
def apply(net: ConditionalNet, log_marginals: Sequence[Tensor], strengths: Tensor) -> None:
    """Scale the output layers so that the network's logits are those of the given strengths."""
    for j, strength in enumerate(strengths.tolist()):
        net.heads[j].mul_(strength)
        base = log_marginals[j].to(net.head_bias[j].device)
        net.head_bias[j].copy_(torch.lerp(base, net.head_bias[j], strength))
