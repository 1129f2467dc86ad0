"""The one training loop: steps of AdamW on held-in rows, an average of the weights, and a held-out measure that says
which of them to keep, how far to believe them and when to stop."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dbsynth.model.base import TrainingData
from dbsynth.model.network import ConditionalNet, flops_per_row
from dbsynth.model.strength import Judgement, apply, judge
from dbsynth.rng import generator

HELD_OUT_SHARE = 0.1
HELD_OUT_MOST = 2048
EVALUATIONS = 12
LEAST_GROUPS = 50
WIDE, FEW_EVALUATIONS = 256, 4
"""Columns beyond which an evaluation costs more than the steps between two of them."""
PATIENCE = 3
"""Evaluations without improvement after which training stops."""
GRADIENT_NORM = 5.0
"""Gradients longer than this times √columns are shortened."""


@dataclass(frozen=True)
class Settings:
    """``steps`` of ``batch`` rows; ``rate``: the highest learning rate, reached after ``warmup`` of the steps and
    falling along a cosine; ``drop``: share of inputs hidden at each step; ``average``: decay of the weights' mean."""

    steps: int
    batch: int
    rate: float
    drop: float
    decay: float
    warmup: float = 0.05
    average: float = 0.99


@dataclass(frozen=True)
class Outcome:
    """``loss``: held-out negative log-likelihood a row of the weights kept; ``stopped``: why training ended."""

    loss: float
    steps: int
    flops: float
    stopped: str


class Diverged(Exception):
    """The loss is no longer a number, or far above that of the untrained network."""


@contextlib.contextmanager
def single_thread() -> Iterator[None]:
    """Sums are added in the same order only with the same number of threads; and small matrices are slower with two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def split(groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(training rows, held-out rows): whole groups are drawn at random until a tenth of the rows is held out. Rows
    without a group (< 0) stand for themselves; so do all rows of fewer than ``LEAST_GROUPS`` groups: those are few
    enough to be learned one by one, and the clone has the same."""
    n = len(groups)
    alone = groups < 0
    if len(np.unique(groups[~alone])) < LEAST_GROUPS:
        alone = np.ones(n, bool)
    ids = np.where(alone, np.arange(n) + (groups.max(initial=0) + 1), groups)
    _, index = np.unique(ids, return_inverse=True)
    order = generator(seed, "split").permutation(int(index.max(initial=-1)) + 1)
    sizes = np.bincount(index)[order]
    target = min(HELD_OUT_SHARE * n, HELD_OUT_MOST)
    held = np.zeros(len(order), bool)
    held[order[: int(np.searchsorted(np.cumsum(sizes), target))]] = True
    out = held[index.reshape(-1)]
    return np.flatnonzero(~out), np.flatnonzero(out)


class Flat:
    """All weights of a network in one vector, so that an update is a few long vector operations, and so are averages,
    norms and copies. ``matrices``: how many of them, standing first, decay; ``masked``: gradients of the first layer,
    of which the mask hides a part."""

    def __init__(self, net: ConditionalNet) -> None:
        parameters = sorted((p for p in net.parameters() if p.numel()), key=lambda p: p.dim() == 1)
        self.values = torch.cat([p.detach().reshape(-1) for p in parameters])
        self.gradients = torch.zeros_like(self.values)
        self.matrices = sum(p.numel() for p in parameters if p.dim() > 1)
        begin, at = 0, {}
        for p in parameters:
            at[id(p)] = begin
            own = slice(begin, begin + p.numel())
            p.data = self.values[own].view_as(p)
            p.grad = self.gradients[own].view_as(p)
            begin = own.stop
        first = [(w, mask.to(w.device)) for w, mask in zip(net.first, net.masks(), strict=True) if w.numel()]
        self.masked = [(self.gradients[at[id(w)] : at[id(w)] + w.numel()], mask.reshape(-1)) for w, mask in first]

    def mask(self) -> None:
        for gradient, mask in self.masked:
            gradient.mul_(mask)


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019) on a flat vector.

    torch.optim's does the same, but its first use imports the compiler: two seconds in every worker process."""

    FIRST, SECOND, EPSILON = 0.9, 0.98, 1e-8

    def __init__(self, flat: Flat, decay: float) -> None:
        self.flat, self.decay, self.step_number = flat, decay, 0
        self.mean, self.square = torch.zeros_like(flat.values), torch.zeros_like(flat.values)

    def step(self, rate: float) -> None:
        """One update from ``flat.gradients``, which it sets to zero."""
        self.step_number += 1
        gradient, t = self.flat.gradients, self.step_number
        self.mean.lerp_(gradient, 1.0 - self.FIRST)
        self.square.mul_(self.SECOND).addcmul_(gradient, gradient, value=1.0 - self.SECOND)
        torch.sqrt(self.square, out=gradient)
        gradient.mul_(1.0 / math.sqrt(1.0 - self.SECOND**t)).add_(self.EPSILON)
        self.flat.values[: self.flat.matrices].mul_(1.0 - rate * self.decay)
        self.flat.values.addcdiv_(self.mean, gradient, value=-rate / (1.0 - self.FIRST**t))
        gradient.zero_()


def train(
    net: ConditionalNet,
    data: TrainingData,
    rows: np.ndarray,
    held_out: np.ndarray,
    settings: Settings,
    *,
    seed: int,
    device: torch.device,
    progress: Callable[[float], None],
) -> Outcome:
    """Leaves ``net`` with the best averaged weights seen. Raises Diverged."""
    net.to(device)
    codes = torch.from_numpy(np.ascontiguousarray(data.codes, np.int64)).to(device)
    context = torch.from_numpy(np.ascontiguousarray(data.context, np.int64)).to(device)
    held = torch.from_numpy(held_out).to(device)
    flat = Flat(net)
    optimizer = AdamW(flat, settings.decay)
    averaged, best = flat.values.clone(), flat.values.clone()
    batches = _batches(rows, settings, seed)
    noise = torch.Generator().manual_seed(generator(seed, "dropout").integers(2**62).item())
    steepest = GRADIENT_NORM * math.sqrt(codes.shape[1])
    every = max(1, settings.steps // (EVALUATIONS if codes.shape[1] <= WIDE else FEW_EVALUATIONS))
    log_marginals = [b.detach().clone() for b in net.head_bias]  # where the output starts
    start = best_loss = judge(net, log_marginals, codes, context, held).loss
    strengths = torch.ones(codes.shape[1]) if not len(held_out) else torch.zeros(codes.shape[1])
    since = step = 0
    stopped = "budget"
    for step in range(1, settings.steps + 1):
        batch = torch.from_numpy(next(batches)).to(device)
        keep = _kept_inputs(len(batch), codes.shape[1], settings.drop, noise, device)
        loss = net.loss(codes[batch], context[batch], keep).sum() / len(batch)
        torch.autograd.backward(loss)
        with torch.no_grad():
            flat.mask()
            flat.gradients.mul_(torch.clamp(steepest / (flat.gradients.norm() + 1e-6), max=1.0))
            optimizer.step(settings.rate * schedule(step / settings.steps, settings.warmup))
            averaged.lerp_(flat.values, 1.0 - min(settings.average, (1 + step) / (10 + step)))
        if step % every and step != settings.steps:
            continue
        measured = _measure(flat, averaged, lambda: judge(net, log_marginals, codes, context, held))
        if not math.isfinite(measured.full) or measured.full > 2.0 * start + 10.0:
            raise Diverged(f"held-out loss {measured.full:.4g} after {step} steps")
        progress(step / settings.steps)
        if measured.loss < best_loss or not len(held_out):
            best_loss, since = measured.loss, 0
            strengths = measured.strengths
            best.copy_(averaged)
            continue
        since += 1
        if since >= PATIENCE:
            stopped = "held-out loss no longer falls"
            break
    with torch.no_grad():
        flat.values.copy_(best)
    if not bool(torch.isfinite(best).all()):
        raise Diverged("a weight is not a number")
    apply(net, log_marginals, strengths)
    net.cpu()
    return Outcome(best_loss, step, step * settings.batch * flops_per_row(net.shape), stopped)


def _kept_inputs(rows: int, columns: int, drop: float, noise: torch.Generator, device: torch.device) -> Tensor | None:
    """Factors of the inputs: 0 for a share of ``drop``, which makes up for them in the others."""
    if not drop:
        return None
    kept = torch.rand(rows, columns, generator=noise) >= drop
    return kept.to(device, torch.float32) / (1.0 - drop)


def schedule(share: float, warmup: float) -> float:
    """The learning rate at ``share`` of the steps, as a share of the highest."""
    if share < warmup:
        return share / warmup
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * (share - warmup) / (1.0 - warmup)))


def _batches(rows: np.ndarray, settings: Settings, seed: int) -> Iterator[np.ndarray]:
    """Rows in a new random order each epoch, cut into batches of equal size."""
    rng = generator(seed, "batches")
    left = np.zeros(0, np.int64)
    while True:
        while len(left) < settings.batch:
            left = np.concatenate([left, rng.permutation(rows)])
        yield left[: settings.batch]
        left = left[settings.batch :]


def _measure(flat: Flat, values: Tensor, call: Callable[[], Judgement]) -> Judgement:
    """``call()`` while the network has ``values`` for weights."""
    with torch.no_grad():
        own = flat.values.clone()
        flat.values.copy_(values)
        result = call()
        flat.values.copy_(own)
    return result
