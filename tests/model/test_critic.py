"""The critic: what it tells apart, and what it does not."""

from __future__ import annotations

import numpy as np
import pytest

from dbsynth.model import critic
from dbsynth.model.base import TrainingData
from dbsynth.model.clock import Clock
from dbsynth.model.critic import Opinion, auc
from dbsynth.model.sizing import shape_of
from dbsynth.model.training import single_thread
from dbsynth.rng import generator

Rows = tuple[np.ndarray, np.ndarray]


def brute(positive: np.ndarray, negative: np.ndarray) -> float:
    return float(np.mean([(p > n) + 0.5 * (p == n) for p in positive for n in negative]))


@pytest.mark.parametrize("seed", range(20))
def test_auc_is_the_share_of_pairs_in_the_right_order(seed: int) -> None:
    rng = generator(seed)
    levels = int(rng.integers(1, 12))  # few: many ties
    a, b = (rng.integers(0, levels, int(rng.integers(1, 40))).astype(np.float64) for _ in range(2))
    assert auc(a, b) == pytest.approx(brute(a, b))
    assert auc(a, b) + auc(b, a) == pytest.approx(1.0)


def test_auc_at_its_ends() -> None:
    assert auc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert auc(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 0.0
    assert auc(np.ones(5), np.ones(7)) == 0.5
    assert auc(np.zeros(0), np.ones(3)) == auc(np.ones(3), np.zeros(0)) == 0.5


def rows(n: int, seed: int, *, related: bool = True) -> Rows:
    """Two columns: the second is the first and one in nine of ten rows, or anything; a context that says nothing."""
    rng = generator(seed)
    a = rng.integers(0, 6, n)
    b = np.where(rng.random(n) < (0.9 if related else 0.0), (a + 1) % 6, rng.integers(0, 6, n))
    return np.column_stack([a, b]).astype(np.int32), rng.integers(0, 3, (n, 1)).astype(np.int32)


def ask(real: Rows, made: Rows, unseen: Rows, unseen_made: Rows, seconds: float | None = None) -> Opinion | None:
    shape = shape_of(TrainingData(real[0], (6, 6), real[1], (3,), np.full(len(real[0]), -1)))
    with single_thread():
        return critic.ask(shape, real, made, unseen, unseen_made, 3, Clock(seconds))


def test_samples_of_one_source_are_not_told_apart() -> None:
    opinion = ask(rows(3000, 1), rows(3000, 2), rows(1500, 3), rows(1500, 4))
    assert opinion is not None
    assert 0.5 <= opinion.auc < 0.54
    assert opinion.logits.shape == (3000,)


def test_rows_that_do_not_keep_a_dependence_are_told_and_weigh_less() -> None:
    made = rows(3000, 2, related=False)
    opinion = ask(rows(3000, 1), made, rows(1500, 3), rows(1500, 4, related=False))
    assert opinion is not None
    assert opinion.auc > 0.88  # nine in ten real rows are of six of 36 kinds
    kept = (made[0][:, 0] + 1) % 6 == made[0][:, 1]
    logits = opinion.logits.numpy()
    assert logits[kept].mean() > 0.5
    assert logits[~kept].mean() < -1.0


def test_obviously_different_rows_are_told() -> None:
    real, made = rows(1000, 1), rows(1000, 2)
    other = (made[0] * 0 + 5, made[1])
    opinion = ask(real, other, rows(500, 3), (other[0][:500], other[1][:500]))
    assert opinion is not None
    assert opinion.auc > 0.95


def test_the_context_counts() -> None:
    """The rows are the same, but go with another context."""
    codes, _ = rows(3000, 1)
    by = (codes[:, :1] % 3).astype(np.int32)
    opinion = ask(
        (codes, by), (codes, generator(1).permutation(by)), (codes, by), (codes, generator(2).permutation(by))
    )
    assert opinion is not None
    assert opinion.auc > 0.8


def test_the_seed_decides() -> None:
    arguments = rows(300, 1), rows(300, 2, related=False), rows(200, 3), rows(200, 4, related=False)
    one, two = ask(*arguments), ask(*arguments)
    assert one is not None
    assert two is not None
    assert one.auc == two.auc
    assert np.array_equal(one.logits.numpy(), two.logits.numpy())


def test_no_opinion_where_the_time_is_up() -> None:
    assert ask(rows(300, 1), rows(300, 2), rows(200, 3), rows(200, 4), seconds=0.0) is None
