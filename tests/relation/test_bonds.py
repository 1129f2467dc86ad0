import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.relation.assign import Agree, Bond, Family, Parent, choose
from dbsynth.relation.fills import KeyPlan
from dbsynth.rng import generator
from dbsynth.schema.model import ForeignKey, TableName

KEY = KeyPlan(ForeignKey("k", ("p",), TableName("s", "parent"), ("id",)), "cluster", "", ("p",))
seeds = st.integers(0, 2**32)


def parents(customer: np.ndarray) -> Parent:
    return Parent(pa.table({"id": np.arange(len(customer)), "customer": customer}), np.ones(len(customer)))


def agree(own: np.ndarray, parent: Parent, where: np.ndarray | None = None) -> Agree:
    return Agree(pa.array(own), parent.rows.column("customer"), np.ones(len(own), bool) if where is None else where)


@given(st.integers(1, 40), st.integers(1, 80), seeds)
def test_a_chosen_parent_agrees_or_there_is_none_that_would(members, rows, seed):
    rng = generator(seed)
    customer, own = rng.integers(0, 12, members), rng.integers(0, 12, rows)
    parent = parents(customer)
    drawn = choose(KEY, np.ones(rows, np.int64), {}, parent, None, rng, Bond((agree(own, parent),)))
    found = drawn >= 0
    assert (customer[drawn[found]] == own[found]).all()
    assert not np.isin(own[~found], customer).any()


def test_rows_whose_other_key_is_null_are_free():
    parent = parents(np.array([1, 2]))
    bond = Bond((agree(np.array([9, 9]), parent, np.array([True, False])),))
    drawn = choose(KEY, np.ones(2, np.int64), {}, parent, None, generator(1), bond)
    assert (drawn[0], drawn[1] >= 0) == (-1, True)


@given(seeds)
def test_a_family_that_stays_together_has_one_parent(seed):
    rng = generator(seed)
    family, customer = np.repeat(np.arange(20), 3), np.repeat(np.arange(5), 6)
    parent = parents(customer)
    bond = Bond((agree(family % 5, parent),), family=Family(family, together=True))
    drawn = choose(KEY, np.ones(60, np.int64), {}, parent, None, rng, bond)
    assert (drawn.reshape(20, 3) == drawn.reshape(20, 3)[:, :1]).all()


def test_nested_families_share_hardly_a_parent():
    family, customer = np.repeat(np.arange(60), 3), np.repeat(np.arange(3), 40)
    parent = parents(customer)

    def shared(nested: bool) -> float:
        bond = Bond((agree(family % 3, parent),), family=Family(family, nested=nested))
        drawn = choose(KEY, np.ones(180, np.int64), {}, parent, None, generator(2), bond)
        return float(np.mean([len(np.unique(family[drawn == m])) for m in np.unique(drawn)]))

    assert shared(nested=True) < 1.4 < shared(nested=False)


@given(st.integers(2, 30), st.integers(2, 120), seeds)
def test_two_keys_to_one_table_are_never_equal_and_every_parent_keeps_its_rows(members, rows, seed):
    rng = generator(seed)
    other = rng.integers(0, members, rows)
    parent = parents(np.zeros(members, np.int64))
    bond = Bond(allowed=lambda at, drawn: drawn != other[at])
    drawn = choose(KEY, np.ones(rows, np.int64), {}, parent, None, rng, bond)
    assert (drawn >= 0).all()
    assert (drawn != other).all()


def test_exchanging_keeps_the_numbers_of_rows():
    rng = generator(4)
    other = rng.integers(0, 10, 500)
    parent = Parent(pa.table({"id": np.arange(10)}), np.arange(1.0, 11.0) * 500 / 55)
    free = choose(KEY, np.ones(500, np.int64), {}, parent, None, generator(7))
    bond = Bond(allowed=lambda at, drawn: drawn != other[at])
    apart = choose(KEY, np.ones(500, np.int64), {}, parent, None, generator(7), bond)
    assert np.bincount(free).tolist() == np.bincount(apart).tolist()
    assert (apart != free).mean() < 0.25
