"""Strategy ``auto``: which one it takes, and that it says why."""

from __future__ import annotations

import numpy as np
import pytest

from dbsynth.codec.base import State
from dbsynth.model.auto import TINY, Auto
from dbsynth.model.base import Budget, TrainingData
from dbsynth.rng import generator


def data_of(codes: np.ndarray, sizes: tuple[int, ...]) -> TrainingData:
    n = len(codes)
    return TrainingData(codes.astype(np.int32), sizes, np.zeros((n, 0), np.int32), (), np.arange(n))


def exclusive(rows: int) -> TrainingData:
    """Three columns, the last the exclusive or of the others: no correlation of two columns tells it."""
    a, b = generator(1, "a").integers(0, 2, (2, rows))
    return data_of(np.stack([a, b, a ^ b], axis=1), (2, 2, 2))


@pytest.mark.parametrize("rows", [4000, 400])
def test_takes_the_one_that_is_nearer_to_rows_it_has_not_seen(rows: int) -> None:
    data = exclusive(rows)
    model = Auto().fit(data, seed=1, budget=Budget(1e11))
    assert model.report.strategy == "ctgan"
    assert "auto: ctgan" in model.report.stopped
    assert "copula" in model.report.stopped
    made = model.sample(np.zeros((1000, 0), np.int32), generator(2))
    assert (made[:, 0] ^ made[:, 1] == made[:, 2]).mean() > 0.95


def test_a_tiny_table_is_a_copula() -> None:
    model = Auto().fit(exclusive(TINY - 1), seed=1, budget=Budget(1e9))
    assert model.report.strategy == "copula"
    assert "fewer than" in model.report.stopped


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows(rows: int) -> None:
    model = Auto().fit(exclusive(rows), seed=1, budget=Budget(1e9))
    assert model.sample(np.zeros((5, 0), np.int32), generator(1)).shape == (5, 3)


def test_what_was_chosen_comes_back() -> None:
    model = Auto().fit(exclusive(300), seed=3, budget=Budget(1e10))
    state = model.state()
    again = Auto().restore(State(state.config, dict(state.arrays)), model.report)
    context = np.zeros((50, 0), np.int32)
    assert np.array_equal(model.sample(context, generator(4)), again.sample(context, generator(4)))
