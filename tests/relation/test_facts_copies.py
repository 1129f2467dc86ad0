"""Columns of children that repeat their parent's: found in data made with them, not where chance explains them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import types as sqltypes

from dbsynth.relation.copies import Match, always_fits, comparable, find_copies, fitting
from dbsynth.relation.keys import take
from dbsynth.schema.model import Column


def found(child: dict[str, pa.Array], parent: dict[str, pa.Array], at: np.ndarray) -> list[Match]:
    pairs = [(c, p) for c, a in child.items() for p, b in parent.items() if a.type == b.type]
    return list(find_copies(pa.table(child), pa.table(parent), at, pairs))


def column(type_: sqltypes.TypeEngine, declared: str = "", *, nullable: bool = True) -> Column:
    return Column("c", type_, declared or str(type_), nullable)


@given(seed=st.integers(0, 10_000), parents=st.integers(25, 80), nulls=st.booleans())
def test_an_exact_copy_is_found_and_noise_is_not(seed: int, parents: int, nulls: bool) -> None:
    rng = np.random.default_rng(seed)
    at = rng.integers(0, parents, 400)
    names = pa.array([f"name {i}" for i in range(parents)], mask=rng.random(parents) < 0.3 * nulls)
    child = {
        "copy": take(names, at),
        "noise": pa.array([f"name {i}" for i in rng.integers(0, parents, 400)]),
    }
    matches = found(child, {"name": names}, at)
    assert [(m.columns, m.sources, m.share) for m in matches] == [(("copy",), ("name",), 1.0)]
    assert matches[0].rows == 400
    assert matches[0].families == len(np.unique(at))


@pytest.mark.parametrize("share", [0.0, 0.02])
def test_what_is_nearly_constant_is_no_copy(share: float) -> None:
    """Two columns that are false but in one parent agree by chance."""
    rng = np.random.default_rng(1)
    flags = rng.random(100) < share
    at = rng.integers(0, 100, 500)
    assert not found({"f": pa.array(flags[at])}, {"f": pa.array(flags)}, at)


def test_a_flag_is_a_copy_where_many_parents_bear_witness() -> None:
    rng = np.random.default_rng(1)
    flags = rng.random(400) < 0.1
    at = rng.integers(0, 400, 2000)
    assert [m.share for m in found({"f": pa.array(flags[at])}, {"f": pa.array(flags)}, at)] == [1.0]


def test_columns_that_are_copied_together_are_one_group() -> None:
    rng = np.random.default_rng(2)
    parent = {c: pa.array([f"{c}{i}" for i in range(90)]) for c in ("street", "town")}
    parent["price"] = pa.array(np.arange(90) * 1.5)
    at = rng.integers(0, 90, 1500)
    same, cheap = rng.random(1500) < 0.8, rng.random(1500) < 0.7
    elsewhere = rng.integers(0, 90, 1500)
    child = {f"to_{c}": take(parent[c], np.where(same, at, elsewhere)) for c in ("street", "town")}
    child["paid"] = take(parent["price"], np.where(cheap, at, elsewhere))
    groups = {frozenset(m.columns): m for m in found(child, parent, at)}
    assert set(groups) == {frozenset({"to_street", "to_town"}), frozenset({"paid"})}
    address = groups[frozenset({"to_street", "to_town"})]
    assert dict(zip(address.columns, address.sources, strict=True)) == {"to_street": "street", "to_town": "town"}
    assert 0.75 < address.share < 0.85


def test_rows_without_a_parent_tell_whether_they_are_null_too() -> None:
    names = pa.array([f"n{i}" for i in range(60)])
    at = np.append(np.arange(60).repeat(3), [-1, -1])
    [match] = found({"c": take(names, at)}, {"n": names}, at)
    assert match.null_too
    filled = pa.concat_arrays([take(names, at[:-2]), pa.array(["x", "y"])])
    [match] = found({"c": filled}, {"n": names}, at)
    assert not match.null_too


def test_what_fits() -> None:
    short, long = column(sqltypes.String(3)), column(sqltypes.String(10))
    assert always_fits(long, short)
    assert not always_fits(short, long)
    assert not always_fits(column(sqltypes.String(10), nullable=False), short)
    assert list(fitting(pa.array(["abc", "abcd", None]), short)) == [True, False, True]
    assert list(fitting(pa.array(["abc", None]), column(sqltypes.Text(), nullable=False))) == [True, False]
    assert list(fitting(pa.array([1, 40_000]), column(sqltypes.SmallInteger()))) == [True, False]
    assert not always_fits(column(sqltypes.SmallInteger()), column(sqltypes.Integer()))
    label = column(sqltypes.Enum("a", "b"))
    assert list(fitting(pa.array(["a", "c"]), label)) == [True, False]
    price = column(sqltypes.Numeric(4, 2))
    assert list(fitting(pa.array([1, 100], pa.int64()).cast(pa.decimal128(38, 2)), price)) == [True, False]


def test_only_values_of_one_kind_compare() -> None:
    text, number = column(sqltypes.Text()), column(sqltypes.Integer())
    assert comparable(text, column(sqltypes.String(5)))
    assert not comparable(text, number)
    assert not comparable(text, column(sqltypes.Uuid(), "uuid"))
    assert not comparable(column(sqltypes.Numeric(8, 2)), column(sqltypes.Numeric(8, 4)))
