"""Rows that repeat a key of rows that stand already move; those that stand do not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.relation.assign import Parent
from dbsynth.relation.enforce import Choice, exchange_categories, exchange_members, move_off, repeated
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.unique import Lattice
from dbsynth.schema.model import ForeignKey, TableName

PARENTS = 30
few = st.integers(0, 4)
places = st.integers(0, PARENTS - 1)
pairs = st.lists(st.tuples(few, places), min_size=1, max_size=25, unique=True)
KEY = KeyPlan(ForeignKey("fk", ("b",), TableName("s", "p"), ("id",), ""), "cluster", "", ("b",))


def columns(rows: list[tuple[int, int]]) -> dict[str, pa.Array]:
    return {"a": pa.array([a for a, _ in rows], pa.int64()), "b": pa.array([b for _, b in rows], pa.int64())}


@given(made=st.lists(st.tuples(few, places), min_size=1, max_size=25), kept=pairs, seed=st.integers(0, 99))
def test_members_keep_clear_of_kept_rows(made: list[tuple[int, int]], kept: list[tuple[int, int]], seed: int) -> None:
    own, there = columns(made), pa.table(columns(kept))
    bad = np.flatnonzero(repeated(("a", "b"), own, there))
    parent = Parent(pa.table({"id": np.arange(PARENTS)}), np.ones(PARENTS))
    choice = Choice(KEY, parent, own["b"].to_numpy())
    member = exchange_members(("a", "b"), choice, own, bad, np.random.default_rng(seed), kept=there)
    fresh = own | {"b": pa.array(member, mask=member < 0)}
    assert not repeated(("a", "b"), fresh, there).any()
    # 5 groups of 25 rows at most, beside 25 kept ones: 30 parents are enough for most
    taken = np.bincount([a for a, _ in made + kept], minlength=5).max()
    assert (member >= 0).all() or taken > PARENTS


@given(made=st.lists(st.tuples(few, places), min_size=1, max_size=25), kept=pairs, seed=st.integers(0, 99))
def test_categories_keep_clear_of_kept_rows(
    made: list[tuple[int, int]], kept: list[tuple[int, int]], seed: int
) -> None:
    own, there = columns(made), pa.table(columns(kept))
    bad = np.flatnonzero(repeated(("a", "b"), own, there))
    closed = pa.array(np.arange(PARENTS))
    fresh, lost = exchange_categories(("a", "b"), "b", own, bad, np.random.default_rng(seed), closed, there)
    kept_on = np.flatnonzero(~lost)
    left = {"a": own["a"].take(pa.array(kept_on)), "b": fresh.take(pa.array(kept_on))}
    assert not repeated(("a", "b"), left, there).any()


@given(values=st.lists(places, min_size=1, max_size=25), kept=st.sets(places), seed=st.integers(0, 99))
def test_values_move_off_kept_ones(values: list[int], kept: set[int], seed: int) -> None:
    there = pa.table({"b": pa.array(sorted(kept), pa.int64())})
    repeats = lambda x: repeated(("b",), {"b": pa.array(x)}, there)  # noqa: E731
    rng = np.random.default_rng(seed)
    out, lost = move_off(np.array(values), repeats, Lattice(0, 1, 0, PARENTS - 1), (None, None), rng)
    assert not lost.any()
    assert len({*out.tolist()} | kept) == len(values) + len(kept)
    out, lost = move_off(np.array(values), repeats, Lattice(0, 1, 0, PARENTS - 1), (None, PARENTS - 1), rng)
    assert out.max() < PARENTS
    assert not repeated(("b",), {"b": pa.array(out[~lost])}, there).any()
