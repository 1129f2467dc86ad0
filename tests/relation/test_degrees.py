import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.relation.degrees import Degrees
from dbsynth.relation.members import balanced, draw_within
from dbsynth.rng import generator


@given(st.lists(st.integers(5, 90), min_size=1, max_size=60), st.integers(0, 2**32))
def test_as_many_rows_get_exactly_the_learned_numbers_in_the_order_of_what_was_drawn(counts, seed):
    rng = generator(seed)
    drawn = rng.random(len(counts))
    out = Degrees.of(np.array(counts), 5).imposed(drawn, rng)
    assert sorted(out.tolist()) == sorted(counts)
    assert (np.diff(out[np.argsort(drawn)]) >= 0).all()


def test_a_larger_clone_has_each_number_as_many_times_more():
    out = Degrees.of(np.array([0, 0, 7, 60]), 1).imposed(np.arange(40), generator(1))
    assert np.unique(out, return_counts=True)[1].tolist() == [20, 10, 10]


def test_a_small_number_that_few_parents_have_is_not_told():
    found = Degrees.of(np.array([1] * 8 + [2, 3, 4, 4] + [11]), 5)
    assert found.numbers.tolist() == [1, 3, 11]
    assert found.parents.tolist() == [8, 4, 1]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=80), st.integers(0, 2**32))
def test_balanced_codes_occur_as_often_as_wanted_and_only_the_surplus_changes(codes, seed):
    rng = generator(seed)
    codes = np.array(codes)
    wanted = np.bincount(rng.integers(0, 6, len(codes)), minlength=6)
    out = balanced(codes, wanted, rng)
    assert np.bincount(out, minlength=6).tolist() == wanted.tolist()
    assert (out != codes).sum() == np.maximum(np.bincount(codes, minlength=6) - wanted, 0).sum()


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(0, 2**32))
def test_the_rows_of_a_group_share_its_members_by_their_weights(weights, seed):
    weights = np.array(weights, float)
    rows = int(weights.sum())
    drawn = draw_within(np.zeros(rows, int), np.zeros(len(weights), int), weights, generator(seed))
    assert np.abs(np.bincount(drawn, minlength=len(weights)) - weights).max() <= 1


def test_a_small_table_keeps_the_numbers_of_a_parent_together():
    orders, shipments = np.array([40, 7, 900, 9, 60]), np.array([0, 0, 800, 0, 20])
    found = Degrees.of_table({"orders": orders, "shipments": shipments}, 5)
    drawn = np.array([3, 1, 2, 8, 5])
    made = {name: d.imposed(drawn, generator(1)) for name, d in found.items()}
    assert made["orders"].tolist() == [40, 7, 9, 900, 60]
    assert made["shipments"].tolist() == [0, 0, 0, 800, 20]
