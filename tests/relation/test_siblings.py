"""What rows see of their siblings: the same while they are made as in the finished table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dbsynth.relation import siblings
from dbsynth.relation.siblings import Memory, Places, SiblingState, shuffled


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siblings, "LEAST_FOLLOWERS", 50)


def families(sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    return groups, np.concatenate([np.arange(s) for s in sizes]).astype(np.int64)


def sticky(rng: np.random.Generator, groups: np.ndarray) -> np.ndarray:
    """Two columns: a level that a family keeps, and noise."""
    level = rng.integers(0, 8, groups.max() + 1)[groups]
    return np.stack([level, rng.integers(0, 5, len(groups))], axis=1).astype(np.int32)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(0, 2**32 - 1))
def test_places_number_the_rows_of_each_family(sizes: list[int], seed: int) -> None:
    groups, position = families(sizes)
    order = np.random.default_rng(seed).permutation(len(groups))
    places = Places.of(groups[order], position[order])
    before, first = places.before(), places.first()
    for i, at in enumerate(before):
        assert (at < 0) == (places.place[i] == 0)
        assert at < 0 or (places.piece[at] == places.piece[i] and places.place[at] == places.place[i] - 1)
        assert places.piece[first[i]] == places.piece[i]
        assert places.place[first[i]] == 0


def test_rows_without_parent_stand_alone_and_long_families_are_cut() -> None:
    groups = np.array([-1, -1, *[0] * (siblings.SEGMENT + 2)])
    places = Places.of(groups, np.concatenate([[0, 0], np.arange(siblings.SEGMENT + 2)]))
    assert places.pieces == 4
    assert (places.place[:2] == 0).all()
    assert places.place.max() == siblings.SEGMENT - 1


def test_a_level_that_families_keep_is_seen_and_noise_is_not() -> None:
    groups, position = families([6] * 100)
    codes = sticky(np.random.default_rng(1), groups)
    state = SiblingState.fit(codes, (8, 5), (True, False), Places.of(groups, position))
    assert state is not None
    assert state.last == (0,)
    assert state.running == (0,)
    assert state.first == ()


def test_independent_rows_see_nothing() -> None:
    groups, position = families([6] * 100)
    codes = np.random.default_rng(2).integers(0, 4, (600, 3)).astype(np.int32)
    assert SiblingState.fit(codes, (4, 4, 4), (True, False, False), Places.of(groups, position)) is None


def test_lone_rows_see_nothing() -> None:
    groups, position = families([1] * 300)
    codes = sticky(np.random.default_rng(3), groups)
    assert SiblingState.fit(codes, (8, 5), (True, False), Places.of(groups, position)) is None


@given(st.lists(st.integers(1, 7), min_size=60, max_size=80), st.integers(0, 2**32 - 1), st.booleans())
def test_memory_sees_what_the_finished_table_shows(sizes: list[int], seed: int, ordered: bool) -> None:
    groups, position = families(sizes)
    codes = sticky(np.random.default_rng(seed), groups)
    places = Places.of(groups, position)
    state = SiblingState.fit(codes, (8, 5), (ordered, False), places)
    assume(state is not None)
    assert state is not None
    whole, memory = state.of(codes, places), Memory(state, places.pieces)
    for place in range(int(places.place.max()) + 1):
        rows = np.flatnonzero(places.place == place)
        np.testing.assert_array_equal(memory.see(places.piece[rows]), whole[rows])
        memory.note(places.piece[rows], codes[rows])
    assert (whole < np.array(state.sizes)).all()
    assert (whole >= 0).all()
    assert len(state.order) == len(state.sizes)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=20), st.integers(0, 2**32 - 1))
def test_shuffled_places_are_a_permutation_of_each_family(sizes: list[int], seed: int) -> None:
    groups, _ = families(sizes)
    places = shuffled(groups, np.random.default_rng(seed))
    for g, size in enumerate(sizes):
        assert sorted(places[groups == g]) == list(range(size))
