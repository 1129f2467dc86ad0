"""Intervals that may not overlap: moved as little as needed, never changed in length."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.relation.intervals import BETWEEN, FIRST, LAST, overlapping, placed, pushed

ROWS = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 60), st.integers(1, 9)), max_size=40)


def arrays(rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    group, start, length = (np.array([r[i] for r in rows], np.int64) for i in range(3))
    return group, start, length


def windows(n: int, low: int = 0, high: int = 70) -> tuple[np.ndarray, np.ndarray]:
    return np.full(n, low), np.full(n, high)


@settings(max_examples=300)
@given(ROWS, st.sampled_from([1, 5]))
def test_nothing_overlaps_and_what_did_not_stays(rows: list[tuple[int, int, int]], step: int) -> None:
    group, start, length = arrays([(g, s * step, n * step) for g, s, n in rows])
    new = placed(group, np.full(len(rows), BETWEEN), start, length, windows(len(rows), high=70 * step), step)
    assert not overlapping(group, new, new + length).any()
    assert not (new % step).any()
    assert (new >= 0).all()
    for g in set(group.tolist()) - {-1}:
        mine = group == g
        if not overlapping(group, start, start + length)[mine].any():
            assert np.array_equal(new[mine], start[mine])
        if length[mine].sum() <= 70 * step:
            assert (new + length)[mine].max() <= max(70 * step, (start + length)[mine].max())


@settings(max_examples=200)
@given(ROWS)
def test_overlaps_are_those_of_pairs(rows: list[tuple[int, int, int]]) -> None:
    group, start, length = arrays(rows)
    end = start + length
    pairs = [
        (i, j)
        for i in range(len(rows))
        for j in range(i)
        if group[i] == group[j] >= 0 and start[i] < end[j] and start[j] < end[i]
    ]
    assert overlapping(group, start, end).any() == bool(pairs)


def test_open_ends_come_first_and_last() -> None:
    group, start, length = np.zeros(3, np.int64), np.array([5, 9, 2]), np.array([0, 0, 4])
    new = placed(group, np.array([LAST, FIRST, BETWEEN]), start, length, windows(3, high=100))
    assert new[1] <= new[2]
    assert new[2] + 4 <= new[0]


@settings(max_examples=100)
@given(ROWS, st.lists(st.integers(-1, 3), min_size=40, max_size=40))
def test_two_groupings_at_once(rows: list[tuple[int, int, int]], other: list[int]) -> None:
    group, start, length = arrays(rows)
    second = np.array(other[: len(rows)], np.int64)
    new = pushed([group, second], np.full(len(rows), BETWEEN), start, length)
    assert (new >= start).all()
    for grouping in (group, second):
        assert not overlapping(grouping, new, new + length).any()
