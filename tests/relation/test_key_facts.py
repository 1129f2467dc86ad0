import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.relation import key_facts
from dbsynth.rng import generator

seeds = st.integers(0, 2**32)


@given(st.integers(20, 200), seeds)
def test_edges_that_rise_in_some_order_make_no_cycle_and_one_that_falls_makes_one(n, seed):
    rng = generator(seed)
    rank = rng.permutation(15)
    a, b = rng.integers(0, 15, (2, n))
    a, b = np.where(rank[a] < rank[b], a, b), np.where(rank[a] < rank[b], b, a)
    apart = a != b
    a, b = a[apart], b[apart]
    assert key_facts.acyclic(a, b)
    if len(a):
        assert not key_facts.acyclic(np.append(a, b[0]), np.append(b, a[0]))


def test_a_row_above_itself_is_a_cycle_and_nulls_are_no_edges():
    assert not key_facts.acyclic(np.array([3]), np.array([3]))
    assert key_facts.acyclic(np.array([3, -1, 2]), np.array([-1, 3, 3]))


@given(seeds)
def test_keys_to_few_rows_that_are_never_equal_are_found_and_independent_ones_are_not(seed):
    rng = generator(seed)
    a = rng.integers(0, 6, 200)
    assert key_facts.never_equal(a, (a + rng.integers(1, 6, 200)) % 6)
    assert not key_facts.never_equal(a, rng.integers(0, 6, 200))


def test_keys_that_chance_would_hardly_make_equal_prove_nothing():
    assert not key_facts.never_equal(np.arange(50), np.arange(50) + 1000)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40), seeds)
def test_heights_number_every_node_once_and_put_those_that_only_end_edges_last(pairs, seed):
    above, below = (np.array(x, float) for x in zip(*pairs, strict=True))
    rank = key_facts.heights(above, below, generator(seed))
    assert sorted(rank.tolist()) == list(range(len(pairs)))
    only_above, only_below = (above > 0) & (below == 0), (below > 0) & (above == 0)
    if only_above.any() and only_below.any():
        assert rank[only_above].max() < rank[only_below].min()


@given(seeds)
def test_an_order_is_found_where_it_holds_in_all_rows(seed):
    rng = generator(seed)
    own = rng.normal(size=60)
    assert key_facts.strict_order(own, own + rng.random(60) + 0.01) == "<"
    assert key_facts.strict_order(own, own - np.maximum(rng.normal(size=60), 0)) == ">="
    assert key_facts.strict_order(own, rng.normal(size=60)) is None
    assert key_facts.strict_order(own, own) is None


def test_nothing_is_out_of_order_with_null():
    assert key_facts.in_order("<", np.array([1.0, np.nan, 2.0]), np.array([2.0, 1.0, 2.0])).tolist() == [
        True, True, False,
    ]  # fmt: skip


def test_items_that_go_together_are_told_from_those_that_do_not():
    order = np.repeat(np.arange(50), 3)
    assert key_facts.stay_together(order, order % 7)
    assert not key_facts.stay_together(order, generator(1).integers(0, 7, 150))


def test_subtypes_are_found_and_children_that_chance_keeps_apart_are_not():
    rng = generator(1)
    kind = rng.integers(0, 3, 300)
    counts = np.stack([kind == 0, kind == 1, rng.random(300) < 0.5], axis=1).astype(np.int64)
    assert sorted(key_facts.exclusive(counts)) == [0, 1]
    assert key_facts.exclusive(counts[:, [0, 2]]) == []
