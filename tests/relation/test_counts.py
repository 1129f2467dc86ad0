import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.relation.counts import POSITIONS, expand, in_proportion, position_codes, spread
from dbsynth.rng import generator

counts = st.lists(st.integers(0, 50), min_size=1, max_size=40)


@given(counts, st.integers(0, 500), st.integers(0, 2**32))
def test_the_counts_add_up_to_the_rows_wanted(values, total, seed):
    assert spread(np.array(values), total, generator(seed)).sum() == total


@given(counts, st.integers(0, 500), st.integers(0, 5), st.integers(0, 2**32))
def test_no_parent_gets_more_than_its_cap(values, total, cap, seed):
    out = spread(np.array(values), total, generator(seed), cap=cap)
    assert out.max() <= cap
    assert out.sum() == min(total, cap * len(values))


@given(counts, st.integers(0, 2**32))
def test_the_same_total_gives_the_same_counts(values, seed):
    assert spread(np.array(values), sum(values), generator(seed)).tolist() == (
        values if sum(values) else [0] * len(values)
    )


def test_parents_without_children_stay_without():
    assert spread(np.array([0, 4, 0, 6]), 20, generator(1)).tolist() == [0, 8, 0, 12]


def test_remainders_go_to_parents_by_their_share():
    rng = generator(3)
    mean = np.mean([spread(np.array([1, 3]), 2, rng) for _ in range(2000)], axis=0)
    assert np.allclose(mean, [0.5, 1.5], atol=0.05)


def test_children_of_one_parent_stand_together_and_are_numbered():
    parent, position = expand(np.array([2, 0, 3]))
    assert parent.tolist() == [0, 0, 2, 2, 2]
    assert position.tolist() == [0, 1, 0, 1, 2]


@given(st.integers(1, 5000))
def test_position_codes_stay_in_their_range_and_order(size):
    codes = position_codes(np.arange(size), np.full(size, size))
    assert codes.min() >= 0
    assert codes.max() < POSITIONS - 1
    assert (np.diff(codes) >= 0).all()


@given(st.lists(st.sampled_from([0, 48]), min_size=30, max_size=120), st.integers(-4, 4), st.integers(0, 2**32))
def test_a_small_difference_is_made_up_with_numbers_that_occur(values, more, seed):
    total = sum(values) + 48 * more
    if len(set(values)) == 2 and 0 < total <= 48 * len(values) and abs(48 * more) <= 0.3 * total:
        out = spread(np.array(values), total, generator(seed))
        assert set(out.tolist()) <= {0, 48}
        assert out.sum() == total


def test_what_no_exchange_makes_up_is_nudged_in_a_few_parents():
    values = np.repeat([0, 48], [260, 850])
    out = spread(values, int(values.sum()) + 48 * 5 + 3, generator(1))
    assert np.isin(out, (0, 48)).sum() == len(values) - 3
    assert out.sum() == values.sum() + 243


@given(st.lists(st.integers(0, 9), min_size=2, max_size=60), st.integers(0, 2**32))
def test_parents_that_all_have_children_keep_one(values, seed):
    values = np.array(values) + 1
    out = spread(values, int(values.sum() * 1.1), generator(seed))
    assert out.min() >= 1


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers(0, 400))
def test_shares_are_right_to_less_than_one(weights, total):
    weights = np.array(weights)
    if weights.sum():
        out = in_proportion(weights, total)
        assert out.sum() == total
        assert np.abs(out - weights * total / weights.sum()).max() < 1
