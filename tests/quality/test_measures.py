"""Distances between samples: what is the same scores 1, what is apart less, whatever stands in the columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dbsynth.quality import measures

numbers = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40).map(lambda x: np.array(x, np.float64))
codes = st.lists(st.integers(-1, 6), max_size=40).map(lambda x: np.array(x, np.int64))


@given(numbers, numbers)
def test_ks_is_symmetric_bounded_and_1_for_the_same(a: np.ndarray, b: np.ndarray) -> None:
    assert measures.ks(a, a) == 1.0
    assert measures.ks(a, b) == pytest.approx(measures.ks(b, a))
    assert 0.0 <= measures.ks(a, b) <= 1.0


@given(codes, codes)
def test_tv_is_symmetric_bounded_and_1_for_the_same(a: np.ndarray, b: np.ndarray) -> None:
    assert measures.tv(a, a) == 1.0
    assert measures.tv(a, b) == pytest.approx(measures.tv(b, a))
    assert -1e-12 <= measures.tv(a, b) <= 1.0


@given(numbers)
def test_the_order_of_rows_does_not_count(a: np.ndarray) -> None:
    assert measures.ks(a, a[::-1]) == 1.0


@given(st.lists(st.tuples(st.integers(-3, 9), st.integers(-3, 9)), min_size=3, max_size=40))
def test_spearman_is_that_of_scipy(rows: list[tuple[int, int]]) -> None:
    x, y = (np.array(c, np.float64) for c in zip(*rows, strict=True))
    found = measures.spearman(measures.ordered(x), measures.ordered(y))
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(stats.spearmanr(x, y).statistic)


def test_spearman_leaves_rows_out_that_lack_one() -> None:
    x, y = np.array([1.0, np.nan, 2, 3]), np.array([2.0, 9, 4, np.nan])
    assert measures.spearman(measures.ordered(x), measures.ordered(y)) == 1.0


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_weighted_ks_is_ks_of_repeated_rows(a: list[int], b: list[int]) -> None:
    x, y = np.array(a, np.float64), np.array(b, np.float64)
    weighted = measures.weighted_ks(x, y, x, y)
    repeated = measures.ks(np.repeat(x, a), np.repeat(y, b))
    assert weighted == pytest.approx(repeated)


def test_nothing_on_one_side_is_not_alike() -> None:
    none, some = np.array([np.nan, np.nan]), np.array([1.0, 2.0])
    assert measures.ks(none, none) == 1.0
    assert measures.ks(none, some) == 0.0
    assert measures.tv(np.array([-1]), np.array([0])) == 0.0
