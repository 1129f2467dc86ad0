"""Sorted runs are merged in blocks: places are those of all values sorted at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.relation.runs import places, splitters

FEW, MANY = st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1)


@given(
    runs=st.lists(st.lists(st.one_of(FEW, MANY), max_size=60).map(sorted), min_size=1, max_size=8),
    block=st.integers(1, 80),
)
def test_places_are_those_of_one_sort(runs: list[list[int]], block: int) -> None:
    arrays = [np.array(r, np.int64) for r in runs]
    out = [np.full(len(r), -1, np.int64) for r in runs]
    places(arrays, out, block)
    expected = np.empty(sum(map(len, runs)), np.int64)
    expected[np.argsort(np.concatenate(arrays), kind="stable")] = np.arange(len(expected))
    assert np.concatenate(out).tolist() == expected.tolist()


@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=12),
    values=st.sampled_from([2, 30, 10**6]),
    block=st.integers(5, 200),
    seed=st.integers(0, 2**31),
)
def test_blocks_are_bounded(sizes: list[int], values: int, block: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrays = [np.sort(rng.integers(0, values, n)) for n in sizes]
    found = splitters(arrays, block)
    whole = np.sort(np.concatenate(arrays))
    cut = np.searchsorted(whole, found, "left"), np.searchsorted(whole, found, "right")
    between = np.append(cut[0], len(whole)) - np.append(0, cut[1])
    assert between.max() < 2 * max(block, len(sizes)), "of values that have to be sorted"
