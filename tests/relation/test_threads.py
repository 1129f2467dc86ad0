"""Trees inside families: every row points at an earlier one of its own family."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.relation.threads import choose_within


@given(st.lists(st.integers(1, 8), min_size=1, max_size=20), st.integers(0, 2**32 - 1), st.booleans())
def test_rows_point_at_earlier_rows_of_their_family(sizes: list[int], seed: int, headed: bool) -> None:
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(len(sizes)) - 1, sizes))
    place = rng.permutation(len(group))
    depth = rng.integers(0, 5, len(group))
    parent = choose_within(depth, group, place, rng.random(len(group)), rng, headed=headed)
    below = np.flatnonzero(parent >= 0)
    assert (group[parent[below]] == group[below]).all()
    assert (place[parent[below]] < place[below]).all()
    assert (group[below] >= 0).all()
    if headed:
        for g in np.unique(group[group >= 0]):
            rows = np.flatnonzero(group == g)
            assert (parent[rows] < 0).sum() == 1
            assert parent[rows[np.argmin(place[rows])]] == -1


def test_depths_are_as_wanted_where_there_is_room() -> None:
    depth = np.array([0, 1, 2, 2, 3, 1])
    parent = choose_within(depth, np.zeros(6, int), np.arange(6), np.ones(6), np.random.default_rng(1), headed=True)
    level = [0] * 6
    for i in range(1, 6):
        level[i] = level[parent[i]] + 1
    assert level == depth.tolist()


def test_no_rows() -> None:
    empty = np.zeros(0, int)
    assert choose_within(empty, empty, empty, np.zeros(0), np.random.default_rng(1), headed=True).tolist() == []
