import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.relation.unique import Lattice, redraw_unused, spread_distinct
from dbsynth.rng import generator

rows = st.lists(st.tuples(st.integers(0, 4), st.integers(-50, 50)), min_size=1, max_size=80)


@given(rows, st.integers(1, 5))
def test_no_two_rows_of_a_group_share_a_value(pairs, step):
    groups, values = (np.array(x) for x in zip(*pairs, strict=True))
    out, lost = spread_distinct(values, groups, Lattice(0, step, -30, 30))
    assert not lost.any()
    assert len(set(zip(groups.tolist(), out.tolist(), strict=True))) == len(pairs)
    assert (out % step == 0).all()


def test_distinct_values_on_the_lattice_stay_where_they_are():
    values = np.array([3, 9, 6, 3])
    out, _ = spread_distinct(values, np.array([0, 0, 0, 1]), Lattice(0, 3, 0, 30))
    assert out.tolist() == values.tolist()


def test_a_group_as_large_as_its_lattice_fills_it():
    out, lost = spread_distinct(np.full(10, 7), np.zeros(10, int), Lattice(0, 1, 0, 9))
    assert sorted(out.tolist()) == list(range(10))
    assert not lost.any()


def test_rows_beyond_hard_bounds_are_given_up():
    out, lost = spread_distinct(np.full(12, 5), np.zeros(12, int), Lattice(0, 1, 0, 9), least=0, most=9)
    assert lost.sum() == 2
    assert sorted(out[~lost].tolist()) == list(range(10))


def test_the_step_is_the_greatest_common_divisor_of_the_distances():
    lattice = Lattice.of(np.array([10, 17, 31, 10, 45]), k=1)
    assert (lattice.step, lattice.origin) == (7, 3)


@given(st.integers(1, 6), st.integers(1, 12), st.integers(0, 2**32))
def test_redrawn_members_are_unused_in_their_group(groups, members, seed):
    rng = generator(seed)
    n = groups * members
    group, member = rng.integers(0, groups, n), rng.integers(0, members, n)
    seen: set[tuple[int, int]] = set()
    bad = []
    for i, pair in enumerate(zip(group.tolist(), member.tolist(), strict=True)):
        if pair in seen:
            bad.append(i)
        seen.add(pair)
    fresh = redraw_unused(np.array(bad, int), group, member, np.ones(members), rng)
    kept = [(g, m) for i, (g, m) in enumerate(zip(group.tolist(), member.tolist(), strict=True)) if i not in set(bad)]
    drawn = [(int(group[i]), int(m)) for i, m in zip(bad, fresh, strict=True) if m >= 0]
    assert len(set(kept + drawn)) == len(kept) + len(drawn)
    for g in range(groups):
        given_up = sum(1 for i, m in zip(bad, fresh, strict=True) if group[i] == g and m < 0)
        assert given_up == max(0, int((group == g).sum()) - members)


@given(
    origin=st.integers(-50, 50),
    step=st.integers(1, 7),
    size=st.integers(0, 60),
    shares=st.integers(1, 8),
    values=st.lists(st.integers(-500, 500), min_size=1, max_size=30),
)
def test_shares_of_a_lattice_have_no_place_in_common(origin, step, size, shares, values):
    lattice = Lattice(origin % step, step, origin, origin + size * step)
    parts = [lattice.share(i, shares) for i in range(shares)]
    own = [set(range(p.low, p.high + 1, p.step)) for p in parts]
    assert all(p.low >= lattice.low for p in parts)
    assert sum(map(len, own)) == len(set().union(*own))
    assert set().union(*own) >= set(range(lattice.low, lattice.high + 1, step))
    for part, places in zip(parts, own, strict=True):
        near = part.nearest(np.array(values)).tolist()
        assert set(near) <= places
        for value, place in zip(values, near, strict=True):
            assert abs(value - place) == min(abs(value - p) for p in places)
        assert part.nearest(np.array(near)).tolist() == near
        moved, _ = spread_distinct(np.array(values), np.zeros(len(values), int), part)
        assert {m % part.step for m in moved.tolist()} == {part.low % part.step}
