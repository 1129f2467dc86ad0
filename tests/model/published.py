"""Tables and checkpoints for the tests of the published algorithms."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dbsynth.codec.base import State
from dbsynth.model.base import Budget, Checkpoint, FittedModel, Strategy, TrainingData
from dbsynth.rng import generator

NULL_SHARE = 0.2


def related(rows: int = 2000) -> TrainingData:
    """Category b follows category a; number c is low or high with a and null in a fifth of the rows; d is above it;
    the context says what e is."""
    rng = generator(1)
    a = rng.integers(0, 3, rows)
    b = np.where(rng.random(rows) < 0.95, (a + 1) % 3, rng.integers(0, 3, rows))
    c = np.clip(a * 15 + rng.normal(0, 2, rows) + 5, 0, 39).astype(np.int64) + 1
    d = np.clip(c + rng.integers(0, 5, rows), 0, 49)
    context = rng.integers(0, 3, (rows, 1))
    e = np.where(rng.random(rows) < 0.95, context[:, 0], rng.integers(0, 3, rows))
    c = np.where(rng.random(rows) < NULL_SHARE, 0, c)
    scales = (None, None, np.r_[np.nan, np.arange(40.0)], np.arange(50.0) ** 2, None)
    codes = np.column_stack([a, b, c, d, e]).astype(np.int32)
    return TrainingData(codes, (3, 3, 41, 50, 3), context.astype(np.int32), (3,), np.full(rows, -1), scales)


def odd(rows: int, sizes: tuple[int, ...], numeric: bool = False) -> TrainingData:
    rng = generator(2)
    columns = [rng.integers(0, k, rows) for k in sizes]
    codes = np.stack(columns, axis=1).astype(np.int32) if sizes else np.zeros((rows, 0), np.int32)
    scales = tuple(np.linspace(-1, 1, k) * 1.7e308 if numeric else None for k in sizes)
    return TrainingData(codes, sizes, np.zeros((rows, 0), np.int32), (), np.full(rows, -1), scales)


ODD = [
    pytest.param(odd(1, (3, 2)), id="one row"),
    pytest.param(odd(2, (3, 2)), id="two rows"),
    pytest.param(odd(60, (1, 1)), id="constant columns"),
    pytest.param(odd(60, (1, 1), numeric=True), id="constant numbers"),
    pytest.param(odd(60, (7, 2000), numeric=True), id="huge numbers"),
    pytest.param(odd(300, (2000, 2)), id="2000 categories"),
    pytest.param(odd(40, (2,) * 300), id="300 columns"),
    pytest.param(odd(30, ()), id="no columns"),
    pytest.param(odd(0, (4, 3)), id="no rows"),
]


class Killed(Exception):
    pass


class Memory:
    """A checkpoint that is JSON and bytes, as on a disk; ``kill_after``: writes after which the process dies."""

    def __init__(self, kill_after: int | None = None) -> None:
        self.stored: tuple[str, dict[str, np.ndarray]] | None = None
        self.kill_after, self.writes = kill_after, 0

    def read(self) -> State | None:
        return None if self.stored is None else State(json.loads(self.stored[0]), self.stored[1])

    def write(self, state: State) -> None:
        self.stored = json.dumps(dict(state.config)), {n: a.copy() for n, a in state.arrays.items()}
        self.writes += 1
        if self.writes == self.kill_after:
            raise Killed


def fitted(
    strategy: Strategy, source: TrainingData, seed: int = 1, checkpoint: Checkpoint | None = None, **overrides: object
) -> FittedModel:
    return strategy.fit(source, seed=seed, budget=Budget(0.0, dict(overrides)), checkpoint=checkpoint)


def resumed(strategy: Strategy, source: TrainingData, kill_after: int, **overrides: object) -> FittedModel:
    """The model of a training that is killed after so many checkpoints and started again."""
    checkpoint = Memory(kill_after)
    with pytest.raises(Killed):
        fitted(strategy, source, checkpoint=checkpoint, **overrides)
    return fitted(strategy, source, checkpoint=checkpoint, **overrides)


def same(one: FittedModel, other: FittedModel, source: TrainingData) -> bool:
    """Byte for byte: weights and rows."""
    states = one.state().arrays, other.state().arrays
    alike = all(np.array_equal(states[0][n], states[1][n], equal_nan=True) for n in states[0] | states[1])
    rows = [m.sample(source.context, generator(5)).tobytes() for m in (one, other)]
    return alike and rows[0] == rows[1]


def check_codes(made: np.ndarray, rows: int, source: TrainingData) -> None:
    assert made.shape == (rows, len(source.cardinalities))
    assert made.dtype == np.int32
    assert ((made >= 0) & (made < np.array(source.cardinalities, np.int32))).all()
