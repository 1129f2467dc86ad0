"""The one training loop: steps of AdamW on held-in rows, an average of the weights, and a held-out measure that says
which of them to keep, how far to believe them and when to stop."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from dbsynth.codec.base import State
from dbsynth.model.base import Checkpoint, TrainingData
from dbsynth.model.network import ConditionalNet, flops_per_row
from dbsynth.model.strength import Judgement, apply, judge
from dbsynth.rng import derive, generator

HELD_OUT_SHARE = 0.1
HELD_OUT_MOST = 2048
LEAST_GROUPS = 50
PATIENCE = 2
"""Evaluations without improvement after which the learning rate falls."""
COOL_AT = 0.65
"""The share of the budget after which it falls in any case."""
WARMUP = 20
"""Steps in which it rises."""
SAVE_SECONDS = 10.0
"""Between two checkpoints."""
GRADIENT_NORM = 5.0
"""Gradients longer than this times √columns are shortened."""


@dataclass(frozen=True)
class Settings:
    """At most ``steps`` of ``batch`` rows, or ``seconds`` in all instead; ``rate``: the highest learning rate;
    ``drop``: share of inputs hidden at each step; ``average``: decay of the weights' mean; ``evaluations``: how often
    held-out rows are asked."""

    steps: int
    batch: int
    rate: float
    drop: float
    decay: float
    average: float = 0.99
    evaluations: int = 16
    seconds: float | None = None


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
        self.steepest = GRADIENT_NORM * math.sqrt(len(net.shape.cardinalities))
        begin, at = 0, {}
        for p in parameters:
            at[id(p)] = begin
            own = slice(begin, begin + p.numel())
            p.data = self.values[own].view_as(p)
            p.grad = self.gradients[own].view_as(p)
            begin = own.stop
        first = [(w, mask.to(w.device)) for w, mask in zip(net.first, net.masks(), strict=True) if w.numel()]
        self.masked = [(self.gradients[at[id(w)] : at[id(w)] + w.numel()], mask.reshape(-1)) for w, mask in first]

    @torch.no_grad()
    def update(self, optimizer: AdamW, rate: float) -> None:
        """One step along the gradients, masked and shortened, which are then set to zero."""
        for gradient, mask in self.masked:
            gradient.mul_(mask)
        self.gradients.mul_(torch.clamp(self.steepest / (self.gradients.norm() + 1e-6), max=1.0))
        optimizer.step(rate)


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


@dataclass
class Progress:
    """Where a training stands. ``share``: 0..1 of the budget spent; ``cooling``: the share at which the rate began to
    fall and the share at which it will be 0, None before; ``since``: evaluations without improvement; vectors as in
    ``Flat``: ``averaged`` the mean of the weights, ``best`` that of the best evaluation, ``kept`` the weights
    themselves at that time, from which the cooling starts."""

    averaged: Tensor
    best: Tensor
    kept: Tensor
    strengths: Tensor
    best_loss: float
    start: float
    step: int = 0
    evaluated: int = 0
    since: int = 0
    seconds: float = 0.0
    cooling: tuple[float, float] | None = None
    stopped: str = "budget"

    def state(self, flat: Flat, optimizer: AdamW) -> State:
        tensors = {
            **{name: getattr(self, name) for name in ("averaged", "best", "kept", "strengths")},
            "values": flat.values,
            "mean": optimizer.mean,
            "square": optimizer.square,
        }
        config = {name: getattr(self, name) for name in _SCALARS} | {"updates": optimizer.step_number}
        return State(config, {name: t.detach().cpu().numpy() for name, t in tensors.items()})

    def restore(self, state: State, flat: Flat, optimizer: AdamW) -> None:

        def read(name: str) -> Tensor:
            return torch.from_numpy(np.array(state.arrays[name])).to(flat.values.device)

        for name in ("averaged", "best", "kept", "strengths"):
            setattr(self, name, read(name))
        self.strengths = self.strengths.cpu()
        for name in _SCALARS:
            setattr(self, name, state.config[name])
        self.cooling = None if self.cooling is None else (self.cooling[0], self.cooling[1])
        flat.values.copy_(read("values"))
        optimizer.mean, optimizer.square = read("mean"), read("square")
        optimizer.step_number = int(state.config["updates"])


_SCALARS = ("best_loss", "start", "step", "evaluated", "since", "seconds", "cooling", "stopped")


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
    checkpoint: Checkpoint | None = None,
) -> Outcome:
    """Leaves ``net`` with the best averaged weights seen. Raises Diverged.

    The rate is constant until held-out rows no longer gain, or ``COOL_AT`` of the budget is spent; then it falls to 0
    from the best weights on (warm-up, stable, decay: Hu et al. 2024, §4), in half the time that led there."""
    began = time.monotonic()
    net.to(device)
    codes = torch.from_numpy(np.ascontiguousarray(data.codes, np.int64)).to(device)
    context = torch.from_numpy(np.ascontiguousarray(data.context, np.int64)).to(device)
    held = torch.from_numpy(held_out).to(device)
    flat = Flat(net)
    optimizer = AdamW(flat, settings.decay)
    marginals = net.start()
    first = judge(net, marginals, codes, context, held).loss
    limit = settings.seconds
    if limit is not None:  # the weights are judged once more at the end
        limit = max(limit - (time.monotonic() - began), 1e-3)
    strengths = (torch.zeros if len(held_out) else torch.ones)(codes.shape[1], 2)
    at = Progress(flat.values.clone(), flat.values.clone(), flat.values.clone(), strengths, first, first)
    if checkpoint is not None and (saved := checkpoint.read()) is not None:
        at.restore(saved, flat, optimizer)
    clock, saved_at = began - at.seconds, time.monotonic()
    while (share := at.step / settings.steps if limit is None else at.seconds / limit) < 1.0:
        if at.cooling is not None and share >= at.cooling[1]:
            break
        at.step += 1
        batch = torch.from_numpy(batch_at(rows, at.step, settings.batch, seed)).to(device)
        keep = _kept_inputs(len(batch), codes.shape[1], settings.drop, derive(seed, "dropout", at.step), device)
        with autocast(device):
            loss = net.loss(codes[batch], context[batch], keep).sum() / len(batch)
        torch.autograd.backward(loss)
        with torch.no_grad():
            flat.update(optimizer, settings.rate * schedule(at.step, share, at.cooling))
            at.averaged.lerp_(flat.values, 1.0 - min(settings.average, (1 + at.step) / (10 + at.step)))
        at.seconds = time.monotonic() - clock
        spent = at.step / settings.steps if limit is None else at.seconds / limit
        if at.cooling is None and int(spent * settings.evaluations) > at.evaluated:
            at.evaluated = int(spent * settings.evaluations)
            improved = _evaluate(net, flat, at, lambda: judge(net, marginals, codes, context, held), len(held_out) > 0)
            if improved:
                at.kept.copy_(flat.values)
            progress(spent)
            if at.since >= PATIENCE or spent >= COOL_AT:
                at.cooling = (spent, min(1.0, spent + max(0.5 * spent, 2.0 / settings.evaluations)))
                at.stopped = "budget" if spent >= COOL_AT else "held-out loss no longer falls"
                with torch.no_grad():
                    flat.values.copy_(at.kept)
                    at.averaged.copy_(at.best)
        if checkpoint is not None and time.monotonic() - saved_at > SAVE_SECONDS:
            checkpoint.write(at.state(flat, optimizer))
            saved_at = time.monotonic()
    _evaluate(net, flat, at, lambda: judge(net, marginals, codes, context, held), len(held_out) > 0)
    with torch.no_grad():
        flat.values.copy_(at.best)
    if not bool(torch.isfinite(at.best).all()):
        raise Diverged("a weight is not a number")
    apply(net, marginals, at.strengths)
    net.cpu()
    return Outcome(at.best_loss, at.step, at.step * settings.batch * flops_per_row(net.shape), at.stopped)


def _evaluate(net: ConditionalNet, flat: Flat, at: Progress, call: Callable[[], Judgement], any_held_out: bool) -> bool:
    """Measure the averaged weights; keep them if they are the best so far. Raises Diverged."""
    measured = _measure(flat, at.averaged, call)
    if not math.isfinite(measured.full) or measured.full > 2.0 * at.start + 10.0:
        raise Diverged(f"held-out loss {measured.full:.4g} after {at.step} steps")
    if any_held_out and measured.loss >= at.best_loss:
        at.since += 1
        return False
    at.best_loss, at.since, at.strengths = measured.loss, 0, measured.strengths
    at.best.copy_(at.averaged)
    return True


def _kept_inputs(rows: int, columns: int, drop: float, seed: int, device: torch.device) -> Tensor | None:
    """Factors of the inputs: 0 for a share of ``drop``, which makes up for them in the others."""
    if not drop:
        return None
    kept = torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed)) >= drop
    return kept.to(device, torch.float32) / (1.0 - drop)


def schedule(step: int, share: float, cooling: tuple[float, float] | None) -> float:
    """The learning rate of a step as a share of the highest: up in ``WARMUP`` steps, down in a line while cooling."""
    if cooling is None:
        return min(1.0, step / WARMUP)
    begin, end = cooling
    return max(0.0, 1.0 - (share - begin) / max(end - begin, 1e-9))


def batch_at(rows: np.ndarray, step: int, size: int, seed: int) -> np.ndarray:
    """The rows of batch ``step`` (1, 2, ...): each epoch in a random order of its own, cut into batches of ``size``
    that may reach into the next. Depends on its arguments only, so that a training can go on anywhere."""
    begin, parts = (step - 1) * size, []
    while size > 0:
        epoch, offset = divmod(begin, len(rows))
        part = _order(rows.tobytes(), epoch, seed)[offset : offset + size]
        parts.append(part)
        begin, size = begin + len(part), size - len(part)
    return np.concatenate(parts)


@lru_cache(maxsize=2)
def _order(rows: bytes, epoch: int, seed: int) -> np.ndarray:
    return generator(seed, "batches", epoch).permutation(np.frombuffer(rows, np.int64))


@contextlib.contextmanager
def autocast(device: torch.device) -> Iterator[None]:
    """On CUDA matrix products in bfloat16, where the device has it; elsewhere nothing."""
    if device.type != "cuda" or not torch.cuda.is_bf16_supported():
        yield
        return
    with torch.autocast("cuda", dtype=torch.bfloat16):
        yield


def _measure(flat: Flat, values: Tensor, call: Callable[[], Judgement]) -> Judgement:
    """``call()`` while the network has ``values`` for weights."""
    with torch.no_grad():
        own = flat.values.clone()
        flat.values.copy_(values)
        result = call()
        flat.values.copy_(own)
    return result
