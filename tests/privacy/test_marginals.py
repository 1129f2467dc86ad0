"""A row has a say in one bin of each histogram, and a value of few rows does not show."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.privacy.marginals import ROUNDS, Counter, _counted, _octaves, categories, ordered


class Exact(Counter):
    """Remembers what it was asked to count."""

    def counts(self, exact: np.ndarray) -> np.ndarray:
        self.asked = [*getattr(self, "asked", []), exact]
        return super().counts(exact)


def counter(noise: float = 3.0, threshold: float = 20.0, seed: int = 1) -> Exact:
    return Exact(noise, threshold, 5, np.random.default_rng(seed))


@settings(max_examples=60)
@given(
    st.lists(st.floats(-1e9, 1e9), max_size=30),
    st.one_of(st.floats(-1e9, 1e9), st.just(float("nan"))),
    st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=12, unique=True),
)
def test_one_value_more_is_one_more_in_at_most_one_bin(values: list[float], more: float, edges: list[float]) -> None:
    lows, highs = np.sort(edges)[:-1], np.sort(edges)[1:]
    few, many = counter(), counter()
    _counted(np.array(values), lows, highs, few)
    _counted(np.array([v for v in (*values, more) if not np.isnan(v)]), lows, highs, many)
    difference = np.abs(many.asked[0] - few.asked[0])
    assert difference.sum() <= 1


@given(st.floats(-1e15, 1e15), st.floats(-1e15, 1e15))
def test_first_bins_depend_on_public_bounds_only(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    lows, highs = _octaves(low, high)
    assert (highs > lows).all()
    assert (lows[1:] >= highs[:-1]).all()


def test_what_is_counted_is_paid_for() -> None:
    own = counter()
    ordered(np.array([1.0, 2.0, np.nan]), 1.0, True, own)
    assert own.spent == ROUNDS + 1
    own = counter()
    categories(pa.array(["a", None]), None, True, own)
    categories(pa.array([True, None]), pa.array([False, True]), True, own)
    assert own.spent == 2
    for empty in (np.zeros(0), np.full(4, np.nan)):
        own = counter()
        ordered(empty, 0.0, True, own)
        assert own.spent == ROUNDS + 1


@pytest.mark.parametrize("rows", [1, 4])
def test_a_value_of_few_rows_does_not_show(rows: int) -> None:
    common = ["common"] * 500
    for seed in range(200):
        drawn = categories(pa.array(common + ["unique"] * rows), None, False, counter(seed=seed))
        assert set(drawn.to_pylist()) == {"common"}
        numbers, _ = ordered(np.array([7.0] * 500 + [123_456.25] * rows), 0.0, False, counter(seed=seed))
        assert 123_456.25 not in numbers


def test_shares_and_nulls_come_out_as_they_are_but_for_noise() -> None:
    values = pa.array(["a"] * 6000 + ["b"] * 3000 + [None] * 1000)
    drawn = categories(values, None, True, counter()).to_pylist()
    assert len(drawn) == 10_000
    assert drawn.count("a") == pytest.approx(6000, abs=30)
    assert drawn.count(None) == pytest.approx(1000, abs=30)
    rng = np.random.default_rng(0)
    real = np.concatenate([rng.lognormal(3.0, 1.0, 8000).round(2), np.full(2000, np.nan)])
    made, null = ordered(real, 0.01, True, counter())
    assert null.mean() == pytest.approx(0.2, abs=0.01)
    known = real[~np.isnan(real)]
    for q in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert np.mean(made[~null] <= np.quantile(known, q)) == pytest.approx(q, abs=0.04)
    assert np.allclose(np.round(made, 2), made)


def test_bounds_and_known_values_hold_whatever_the_noise() -> None:
    for seed in range(20):
        loud = counter(noise=1000.0, threshold=5000.0, seed=seed)
        made, null = ordered(np.array([1.0, 5.0]), 1.0, False, loud, 1.0, 5.0)
        assert not null.any()
        assert ((made >= 1.0) & (made <= 5.0)).all()
        drawn = categories(pa.array(["x"]), pa.array(["x", "y"]), False, counter(noise=1000.0, seed=seed))
        assert drawn.to_pylist()[0] in ("x", "y")
