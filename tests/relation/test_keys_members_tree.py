import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.relation import tree
from dbsynth.relation.keys import duplicates, group_ids, row_index, take
from dbsynth.relation.members import draw_by_degree, draw_within
from dbsynth.rng import generator


def test_equal_tuples_have_equal_numbers_and_nulls_have_none():
    ids, _ = group_ids([pa.array([1, 1, None, 2]), pa.array(["a", "a", "a", "b"])])
    assert ids[0] == ids[1] != ids[3]
    assert ids[2] == -1


def test_keys_of_different_integer_width_and_text_match_by_value():
    assert row_index([pa.array([3, 1, 9])], [pa.array([1, 2, 3]).cast(pa.int16())]).tolist() == [2, 0, -1]


def test_a_composite_key_matches_column_by_column():
    child = [pa.array(["a", "b"]), pa.array([2, 1])]
    parent = [pa.array(["b", "a", "a"]), pa.array([1, 1, 2])]
    assert row_index(child, parent).tolist() == [2, 0]


def test_only_later_occurrences_are_duplicates():
    assert duplicates(np.array([5, 3, 5, -1, -1, 3])).tolist() == [False, False, True, False, False, True]


def test_take_gives_null_for_negative_places():
    assert take(pa.array([10, 20]), np.array([1, -1, 0])).to_pylist() == [20, None, 10]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.integers(0, 2**32))
def test_members_are_drawn_exactly_as_often_as_their_degree(degrees, seed):
    total = sum(degrees)
    rng = generator(seed)
    drawn = draw_by_degree(np.zeros(total, int), np.zeros(len(degrees), int), np.array(degrees), rng)
    assert np.bincount(drawn, minlength=len(degrees)).tolist() == degrees


def test_rows_take_members_of_the_kind_they_ask_for_while_there_are_some():
    wanted = np.array([0, 0, 1, 1, 1])
    drawn = draw_by_degree(wanted, np.array([1, 0]), np.array([3, 2]), generator(1))
    assert drawn.tolist() == [1, 1, 0, 0, 0]


def test_a_row_without_a_member_in_its_group_gets_none():
    drawn = draw_within(np.array([7, 8]), np.array([8, 8, 9]), np.array([0.0, 1.0, 1.0]), generator(2))
    assert drawn.tolist() == [-1, 1]


def test_depths_count_from_the_root():
    assert tree.depth_codes(np.array([-1, 0, 1, 3, -2])).tolist() == [0, 1, 2, tree.ITSELF, 1]


@given(st.lists(st.integers(0, tree.ITSELF), min_size=1, max_size=60), st.booleans(), st.integers(0, 2**32))
def test_chosen_parents_never_make_a_cycle(codes, nullable, seed):
    rng = generator(seed)
    depth = tree.settle_depths(np.array(codes, np.int32), rng, nullable=nullable)
    parent = tree.choose_parents(depth, np.ones(len(codes)), rng)
    assert nullable or (parent >= 0).all()
    for start in range(len(codes)):
        row, steps = start, 0
        while parent[row] not in (-1, row):
            row, steps = parent[row], steps + 1
            assert steps <= len(codes)
