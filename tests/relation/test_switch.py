import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.relation.keys import duplicates
from dbsynth.relation.unique import switch_members
from dbsynth.rng import generator


@given(st.integers(2, 12), st.integers(3, 12), st.integers(2, 100), st.integers(0, 2**32))
def test_exchanging_members_keeps_the_numbers_of_both_sides_and_resolves_what_it_says(groups, members, n, seed):
    rng = generator(seed)
    group, member = rng.integers(0, groups, n), rng.integers(0, members, n)
    bad = np.flatnonzero(duplicates(group * members + member))
    out, left = switch_members(bad, group, member, [np.zeros(n, np.int64)], rng)
    assert np.bincount(out, minlength=members).tolist() == np.bincount(member, minlength=members).tolist()
    repeated = np.flatnonzero(duplicates(group * members + out))
    assert len(repeated) <= len(left)
    assert np.isin(left, bad).all()


def test_a_sparse_table_finds_a_partner_for_every_row():
    rng = generator(5)
    group, member = np.repeat(np.arange(40), 20), rng.permutation(np.repeat(np.arange(200), 4))
    bad = np.flatnonzero(duplicates(group * 200 + member))
    out, left = switch_members(bad, group, member, [np.zeros(800, np.int64)], rng)
    assert len(bad)
    assert len(left) == 0
    assert not duplicates(group * 200 + out).any()


def test_partners_of_the_same_kind_come_first():
    rng = generator(5)
    kind = np.tile([0, 1], 400)
    group, member = np.repeat(np.arange(40), 20), rng.integers(0, 100, 800) * 2 + kind
    out, _ = switch_members(np.flatnonzero(duplicates(group * 200 + member)), group, member, [kind], rng)
    assert (out % 2 == kind).all()
