"""Columns to codes and back: what is promised of every kind, for whatever values a column holds."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import types as sqltypes

from dbsynth.codec.base import ColumnSpec, State
from dbsynth.codec.table import TableCodec
from dbsynth.codec.units import moment_as
from dbsynth.rng import generator
from dbsynth.schema.types import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
    arrow_type,
)

K = 5
INTEGERS = st.one_of(st.integers(-5, 5), st.integers(-(2**63) + 2, 2**63 - 2))
DECIMALS = st.decimals(-(10**27), 10**27, places=10, allow_nan=False)
MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(3000, 1, 1))


def spec_of(type_: sqltypes.TypeEngine, kind: str, **more: object) -> ColumnSpec:
    return ColumnSpec("c", type_, kind, **more)  # type: ignore[arg-type]


def through(values: pa.Array, spec: ColumnSpec, rows: int = 300) -> tuple[TableCodec, np.ndarray, pa.Array]:
    """Fit, draw codes of the source at random, decode."""
    codec = TableCodec.fit(pa.table({"c": values}), [spec], k=K, seed=1)
    codes = codec.encode(pa.table({"c": values}))
    drawn = codes[generator(2).integers(0, len(codes), rows)]
    return codec, codes, codec.decode(drawn, generator(3))["c"]


@settings(max_examples=60)
@given(st.lists(INTEGERS, min_size=2 * K, max_size=60), st.integers(0, 9))
def test_whole_numbers_stay_in_their_range_and_rare_ones_unseen(known: list[int], nulls: int) -> None:
    array = pa.array([*known, *[None] * nulls], pa.int64())
    codec, codes, made = through(array, spec_of(sqltypes.BigInteger(), "number"))
    assert (codes >= 0).all()
    assert (codes < np.array(codec.cardinalities)).all()
    out = [v for v in made.to_pylist() if v is not None] if codec.kinds["c"] == "number" else []
    assert made.type == pa.int64() or codec.kinds["c"] == "presence"
    assert all(min(known) <= v <= max(known) for v in out)


@settings(max_examples=40)
@given(st.lists(DECIMALS, min_size=2 * K, max_size=40))
def test_decimals_keep_their_scale(values: list[Decimal]) -> None:
    type_ = sqltypes.Numeric(38, 10)
    codec, _, made = through(pa.array(values, arrow_type(type_)), spec_of(type_, "number"))
    if codec.kinds["c"] == "number":
        assert made.type == arrow_type(type_)
        assert all(min(values) <= v <= max(values) for v in made.to_pylist())


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["a", "b", "c", "rare", None]), min_size=1, max_size=60))
def test_a_category_seen_in_fewer_rows_than_k_never_comes_out(values: list[str | None]) -> None:
    codec, _, made = through(pa.array(values, pa.string()), spec_of(sqltypes.Text(), "category"))
    counts = Counter(values)
    if codec.kinds["c"] == "category":
        assert {v for v in made.to_pylist() if v is not None} <= {v for v, n in counts.items() if n >= K}


@settings(max_examples=40)
@given(st.lists(MOMENTS, min_size=2 * K, max_size=60))
def test_moments_stay_between_the_first_and_the_last(known: list[datetime]) -> None:
    codec, _, made = through(pa.array(known, pa.timestamp("us")), spec_of(sqltypes.TIMESTAMP(), "moment"))
    if codec.kinds["c"] == "moment":
        first, last = min(known).date(), max(known).date()
        assert all(first <= v.date() <= last for v in made.to_pylist() if v is not None)


@pytest.mark.parametrize(
    ("type_", "kind", "values"),
    [
        (sqltypes.Integer(), "number", [3, 7, 7, 12]),
        (sqltypes.Numeric(10, 2), "number", [Decimal("1.25"), Decimal("-3.99"), Decimal("0.00")]),
        (sqltypes.Numeric(38, 10), "number", [Decimal("1234567890123456789012345678.0123456789"), Decimal("0")]),
        (sqltypes.Double(), "number", [0.5, float("nan"), float("inf"), -2.25]),
        (sqltypes.Date(), "moment", [date(2024, 2, 29), date(1, 1, 1), date(9999, 12, 31)]),
        (sqltypes.TIMESTAMP(), "moment", [datetime(2024, 1, 1, 12, 30, 1, 123456), datetime(1970, 1, 1)]),
        (sqltypes.Boolean(), "category", [True, False]),
        (sqltypes.Text(), "category", ["ä", "", " x "]),
        (sqltypes.BigInteger(), "number", [2**63 - 1, -(2**63), 0]),
    ],
)
def test_what_k_rows_share_comes_back_exactly(type_: sqltypes.TypeEngine, kind: str, values: list[object]) -> None:
    array = pa.array([v for v in [*values, None] for _ in range(K)], arrow_type(type_))
    spec = spec_of(type_, kind)
    codec = TableCodec.fit(pa.table({"c": array}), [spec], k=K, seed=1)
    back = codec.decode(codec.encode(pa.table({"c": array})), generator(1))["c"]
    assert [repr(v) for v in back.to_pylist()] == [repr(v) for v in array.to_pylist()]


@pytest.mark.parametrize("values", [[], [None], [None] * 40, [7], [7] * 40])
def test_empty_null_and_constant_columns(values: list[int | None]) -> None:
    array = pa.array(values, pa.int32())
    codec = TableCodec.fit(pa.table({"c": array}), [spec_of(sqltypes.Integer(), "number")], k=K, seed=1)
    codes = codec.encode(pa.table({"c": array}))
    made = codec.decode(codes, generator(1))["c"]
    assert len(made) == len(values)
    if len(values) == 40:
        assert codec.kinds["c"] == "presence" or made.to_pylist() == values


def test_bounds_of_checks_hold() -> None:
    array = pa.array(range(100), pa.int32())
    _, _, made = through(array, spec_of(sqltypes.Integer(), "number", low=10, high=20))
    assert 10 <= min(made.to_pylist()) <= max(made.to_pylist()) <= 20


def test_a_saved_codec_decodes_alike() -> None:
    table = pa.table({"c": pa.array([1, 1, 2, 3, 5, 8, None] * 30, pa.int64()), "d": pa.array(list("abcabca") * 30)})
    specs = [ColumnSpec("c", sqltypes.BigInteger(), "number"), ColumnSpec("d", sqltypes.Text(), "category")]
    codec = TableCodec.fit(table, specs, k=K, seed=1)
    state = codec.state()
    again = TableCodec.restore(State(state.config, dict(state.arrays)), {s.name: s for s in specs})
    codes = codec.encode(table)
    assert (again.encode(table) == codes).all()
    for name, values in codec.decode(codes, generator(1)).items():
        assert again.decode(codes, generator(1))[name].equals(values)


def test_a_few_timestamps_keep_their_time_of_day() -> None:
    """Of rows that came with one load or another: no day with the time of day of another load."""
    loads = [datetime(2008, 4, 30), datetime(2014, 2, 8, 10, 17, 21, 587000)]
    _, codes, made = through(pa.array(loads * 40, pa.timestamp("us")), spec_of(sqltypes.TIMESTAMP(), "moment"))
    assert codes.shape[1] == 1
    assert set(made.to_pylist()) == set(loads)
    rare = [*loads * 40, datetime(2020, 1, 1, 5)]
    _, codes, made = through(pa.array(rare, pa.timestamp("us")), spec_of(sqltypes.TIMESTAMP(), "moment"))
    assert codes.shape[1] == 2
    assert rare[-1] not in made.to_pylist()


def test_days_become_moments_and_infinity_stays_it() -> None:
    days = pa.array([0, -1, None, DATE_INFINITY, DATE_MINUS_INFINITY, 200_000_000], pa.int32()).cast(pa.date32())
    made = moment_as(days, pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
    day = 86_400_000_000
    ends = (TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY, TIMESTAMP_INFINITY)
    assert made == [0, -day, None, *ends]
    assert moment_as(days.slice(0, 2), pa.date32()).equals(days.slice(0, 2))
