import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.relation import tree
from dbsynth.relation.key_facts import in_order
from dbsynth.rng import generator

seeds = st.integers(0, 2**32)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), seeds)
def test_parents_meet_what_is_asked_of_them_and_make_no_cycle(codes, seed):
    rng = generator(seed)
    depth = tree.settle_depths(np.array(codes, np.int32), rng, nullable=True)
    pay = rng.integers(0, 50, len(codes))
    parent = tree.choose_parents(depth, np.ones(len(codes)), rng, allowed=lambda at, above: pay[at] < pay[above])
    below = np.flatnonzero(parent >= 0)
    assert (pay[below] < pay[parent[below]]).all()
    assert (depth[parent[below]] < depth[below]).all()
    roots = np.flatnonzero(depth == 0)
    for row in np.flatnonzero((parent < 0) & (depth > 0)):
        assert pay[roots].max() <= pay[row] or len(codes) > 20  # all roots were tried where they are few


def test_parents_are_of_the_kind_that_is_wanted_while_their_degrees_last():
    depth = np.repeat([0, 1], [20, 200]).astype(np.int32)
    kinds, degrees = np.arange(220) % 2, np.where(depth == 0, 10.0, 0.0)
    wanted = np.where(depth == 1, np.repeat([0, 1], 110), -1)
    parent = tree.choose_parents(depth, degrees, generator(3), wanted=wanted, kinds=kinds)
    assert (kinds[parent[20:]] == wanted[20:]).mean() > 0.85
    assert (np.bincount(parent[20:], minlength=20)[:20] == 10).all()


@given(st.integers(2, 60), st.sampled_from(["<", "<=", ">", ">="]), seeds)
def test_exchanged_values_stand_in_order_along_every_path(n, order, seed):
    rng = generator(seed)
    parent = np.array([-1, *(int(rng.integers(0, i)) for i in range(1, n))])
    values = rng.permutation(n).astype(float)
    where = tree.exchange_values(values, parent, np.ones(n, bool), order)
    assert sorted(where.tolist()) == list(range(n))
    now = values[where]
    assert in_order(order, now[1:], now[parent[1:]]).all()


def test_rows_that_stay_keep_their_values():
    values, parent = np.array([1.0, 5.0, 9.0]), np.array([-1, 0, 1])
    where = tree.exchange_values(values, parent, np.array([False, True, True]), "<")
    assert values[where].tolist() == [1.0, 9.0, 5.0]


@given(st.integers(1, 60), seeds)
def test_levels_count_from_the_root(n, seed):
    rng = generator(seed)
    parent = np.array([-1, *(int(rng.integers(-1, i)) for i in range(1, n))])
    level = tree.levels(parent)
    assert (level[parent < 0] == 0).all()
    below = np.flatnonzero(parent >= 0)
    assert (level[below] == level[parent[below]] + 1).all()
