"""Moments that follow each other keep what lies between them."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import types as sqltypes

from dbsynth.codec.base import ColumnSpec
from dbsynth.codec.gaps import find_gaps, from_gaps, to_gaps
from dbsynth.codec.table import TableCodec
from dbsynth.rng import generator

START = datetime(2024, 1, 1)
NAMES = ("ordered", "shipped", "delivered")
SPECS = [ColumnSpec(name, sqltypes.TIMESTAMP(), "moment") for name in NAMES]


def orders(rows: int = 400) -> pa.Table:
    rng = generator(1)
    ordered = [START + timedelta(minutes=int(m)) for m in rng.integers(0, 600_000, rows)]
    shipped = [o + timedelta(minutes=int(m)) for o, m in zip(ordered, rng.integers(0, 3_000, rows), strict=True)]
    delivered = [s + timedelta(minutes=int(m)) for s, m in zip(shipped, rng.integers(0, 500, rows), strict=True)]
    open_ = rng.random(rows) < 0.2
    return pa.table(
        {
            "ordered": pa.array(ordered, pa.timestamp("us")),
            "shipped": pa.array(shipped, pa.timestamp("us"), mask=open_),
            "delivered": pa.array(delivered, pa.timestamp("us"), mask=open_),
        }
    )


def test_each_moment_is_counted_from_the_nearest_before_it() -> None:
    assert find_gaps(orders(), SPECS) == {"shipped": "ordered", "delivered": "shipped"}


def test_unrelated_moments_are_left_alone() -> None:
    rng = generator(2)
    moments = {n: pa.array(rng.integers(0, 10**15, 300), pa.timestamp("us")) for n in NAMES}
    assert find_gaps(pa.table(moments), SPECS) == {}


def test_a_moment_that_is_there_without_the_earlier_one_is_left_alone() -> None:
    table = orders()
    ordered = table.column("ordered").combine_chunks().to_pylist()
    table = table.set_column(0, "ordered", pa.array([None, *ordered[1:]], pa.timestamp("us")))
    shipped = table.column("shipped").combine_chunks().to_pylist()
    table = table.set_column(1, "shipped", pa.array([START, *shipped[1:]], pa.timestamp("us")))
    assert "shipped" not in find_gaps(table, SPECS)


def test_decoded_moments_follow_each_other() -> None:
    table = orders()
    codec = TableCodec.fit(table, SPECS, k=5, seed=1, gaps=find_gaps(table, SPECS))
    made = codec.decode(codec.encode(table)[generator(3).permutation(400)], generator(4))
    hours = (to_gaps(made["shipped"], made["ordered"])).drop_null().to_numpy() / 3.6e9
    assert hours.min() >= 0
    assert hours.max() <= 50
    assert made["shipped"].null_count == table.column("shipped").null_count


@given(st.lists(st.one_of(st.none(), st.integers(-(10**15), 10**15)), min_size=1, max_size=30))
def test_there_and_back(gaps: list[int | None]) -> None:
    earlier = pa.array(np.arange(len(gaps)) * 10**9, pa.timestamp("us"))
    array = pa.array(gaps, pa.int64())
    later = from_gaps(array, earlier, SPECS[1])
    assert to_gaps(later, earlier).equals(array)
