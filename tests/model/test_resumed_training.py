"""A training that dies at any step and is started again ends with the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from published import Killed, Memory, same

from dbsynth.model import ctgan, sizing, training
from dbsynth.model.autoregressive import Autoregressive
from dbsynth.model.base import Budget, Checkpoint, FittedModel, Strategy, TrainingData
from dbsynth.model.ctgan import Ctgan
from dbsynth.model.network import ConditionalNet
from dbsynth.rng import generator

STEPS = 96
"""Six for each evaluation."""
STRATEGIES = pytest.mark.parametrize("strategy", [Autoregressive(), Ctgan()], ids=lambda s: s.name)


class Died(Exception):
    pass


class Dying:
    """``training.batch_at``, and the end of the process at a step."""

    def __init__(self, at: int) -> None:
        self.at, self.steps, self.call = at, 0, training.batch_at

    def __call__(self, rows: np.ndarray, step: int, size: int, seed: int) -> np.ndarray:
        self.steps = step
        if step == self.at:
            raise Died
        return self.call(rows, step, size, seed)


def data(rows: int = 500) -> TrainingData:
    """Two columns that follow each other, an ordered one of many codes, and a context."""
    rng = generator(1)
    a = rng.integers(0, 5, rows)
    b = np.where(rng.random(rows) < 0.9, (a + 1) % 5, rng.integers(0, 5, rows))
    many = np.clip(a * 60 + rng.integers(0, 60, rows), 0, 299)
    context = rng.integers(0, 3, (rows, 1)).astype(np.int32)
    codes = np.column_stack([a, b, many]).astype(np.int32)
    return TrainingData(codes, (5, 5, 300), context, (3,), np.full(rows, -1), (None, None, np.arange(300.0)))


@pytest.fixture(autouse=True)
def _saved_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "SAVE_SECONDS", -1.0)
    monkeypatch.setattr(ctgan, "LEAST_UNSEEN", 20)
    monkeypatch.setattr(ctgan, "TELLS", 0.0)
    monkeypatch.setattr(ctgan, "STEPS", 5)
    monkeypatch.setattr("dbsynth.model.critic.STEPS", 16)


def fit(strategy: Strategy, source: TrainingData, checkpoint: Checkpoint | None = None) -> FittedModel:
    budget = Budget(sizing.recommended_flops(source), {"steps": STEPS})
    return strategy.fit(source, seed=4, budget=budget, checkpoint=checkpoint)


def fit_until(at: int, strategy: Strategy, source: TrainingData, memory: Memory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "batch_at", Dying(at))
        with pytest.raises(Died):
            fit(strategy, source, memory)


@STRATEGIES
def test_killed_at_five_random_steps(strategy: Strategy) -> None:
    source, memory = data(), Memory()
    whole = fit(strategy, source)
    last = whole.report.steps
    assert last > 50
    assert ("critic" in whole.report.stopped) == (strategy.name == "ctgan")
    kills = np.sort(generator(9).choice(np.arange(2, last), 4, replace=False)).tolist()
    kills.append(last)  # in the cooling phase, at the very end
    for at in kills:
        fit_until(at, strategy, source, memory)
    assert memory.writes >= 5
    again = fit(strategy, source, memory)
    assert again.report == whole.report
    assert same(whole, again, source)


def test_what_was_kept_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    source, memory = data(), Memory()
    whole = fit(Autoregressive(), source)
    at = whole.report.steps - 2
    fit_until(at, Autoregressive(), source, memory)
    counted = Dying(-1)
    firsts: list[int] = []

    def first(rows: np.ndarray, step: int, size: int, seed: int) -> np.ndarray:
        firsts.append(step)
        return counted(rows, step, size, seed)

    monkeypatch.setattr(training, "batch_at", first)
    assert same(whole, fit(Autoregressive(), source, memory), source)
    assert firsts[0] == at
    assert firsts == list(range(firsts[0], whole.report.steps + 1))


@STRATEGIES
def test_killed_while_it_writes(strategy: Strategy) -> None:
    """Each step is kept here, those of the cooling phase too."""
    source, memory = data(), Memory()
    whole = fit(strategy, source, memory)
    assert memory.writes == whole.report.steps
    for writes in (1, 30, memory.writes - 5, memory.writes):
        memory = Memory(kill_after=writes)
        with pytest.raises(Killed):
            fit(strategy, source, memory)
        assert memory.read().config["step"] == writes  # type: ignore[union-attr]
        assert same(whole, fit(strategy, source, memory), source)
    assert memory.read().config["cooling"] is not None  # type: ignore[union-attr]


def test_killed_in_the_second_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """One at the full rate diverges; the next has a lower rate and streams of its own."""
    source, memory = data(), Memory()
    judge, calls = training.judge, 0

    def failing(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise training.Diverged("for a test")
        return judge(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "judge", failing)
    whole = fit(Autoregressive(), source)
    assert "diverged" in whole.report.warnings[0]
    calls = 0
    with pytest.MonkeyPatch.context() as patch:
        dying = Dying(-1)

        def second(rows: np.ndarray, step: int, size: int, seed: int) -> np.ndarray:
            if step == 40 and calls > 4:
                raise Died
            return dying(rows, step, size, seed)

        patch.setattr(training, "batch_at", second)
        with pytest.raises(Died):
            fit(Autoregressive(), source, memory)
    calls = 5
    again = fit(Autoregressive(), source, memory)
    assert again.report.warnings == whole.report.warnings
    assert same(whole, again, source)


def test_a_checkpoint_of_another_strategy_is_not_gone_on_with() -> None:
    source, memory = data(), Memory()
    fit_until(60, Autoregressive(), source, memory)
    assert same(fit(Ctgan(), source), fit(Ctgan(), source, memory), source)


@pytest.mark.parametrize("size", [7, 64, 700])
def test_batches_go_through_every_row_once_an_epoch(size: int) -> None:
    rows = np.arange(100, 800)
    steps = 3 * len(rows) // size
    seen = np.concatenate([training.batch_at(rows, step, size, 5) for step in range(1, steps + 1)])
    whole = seen[: len(seen) // len(rows) * len(rows)].reshape(-1, len(rows))
    assert all(np.array_equal(np.sort(epoch), rows) for epoch in whole)
    assert not np.array_equal(whole[0], whole[1])


def test_a_state_of_training_is_what_it_was_restored_from() -> None:
    net_source = data(60)
    shape = sizing.shape_of(net_source)
    net = ConditionalNet(shape, [np.ones(k) / k for k in shape.cardinalities], torch.Generator().manual_seed(1))
    flat = training.Flat(net)
    optimizer = training.AdamW(flat, 0.1)
    flat.gradients.copy_(torch.linspace(-1, 1, len(flat.gradients)))
    optimizer.step(0.01)
    at = training.Progress(
        flat.values + 1, flat.values + 2, flat.values + 3, torch.ones(3, 2) / 3, 0.1, 0.2, step=3, cooling=(0.3, 0.9)
    )
    kept = at.state(flat, optimizer)
    before = {n: a.copy() for n, a in kept.arrays.items()}
    flat.values.zero_()
    other, fresh = training.Progress(*(torch.zeros(1) for _ in range(4)), 0.0, 0.0), training.AdamW(flat, 0.1)
    other.restore(type(kept)(kept.config, before), flat, fresh)
    again = other.state(flat, fresh)
    assert again.config == kept.config
    assert all(np.array_equal(again.arrays[n], before[n]) for n in before)
