"""Moments of siblings as gaps: found where families are sequences, and exactly undone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import types as sqltypes

from dbsynth.codec.base import ColumnSpec
from dbsynth.codec.gaps import from_gaps, to_gaps
from dbsynth.relation.siblings import Places
from dbsynth.relation.steps import ABOVE, Steps, moments_of, ticks

FAMILIES, SIZE = 80, 6


def places() -> Places:
    return Places.of(np.repeat(np.arange(FAMILIES), SIZE), np.tile(np.arange(SIZE), FAMILIES))


def days(values: np.ndarray) -> pa.Array:
    return moments_of(values, pa.date32())


def daily(rng: np.random.Generator) -> np.ndarray:
    start = rng.integers(15_000, 18_000, FAMILIES)
    return (start[:, None] + np.arange(SIZE)).reshape(-1)


def find(values: pa.Array, above: dict[str, pa.Array] | None = None) -> Steps | None:
    return Steps.find("day", values, above or {}, places(), 5, np.random.default_rng(0))


def test_daily_rows_are_a_sequence() -> None:
    values = days(daily(np.random.default_rng(1)))
    steps = find(values)
    assert steps is not None
    assert steps.above is None
    beside = steps.columns(values, None, places())
    gaps = to_gaps(values, beside[steps.before]).to_numpy()
    assert (gaps[places().place > 0] == 1).all()
    spec = ColumnSpec("day", sqltypes.Date(), "moment")
    assert from_gaps(pa.array(gaps), beside[steps.before], spec).equals(values)
    assert beside[steps.clock].equals(values)


def test_moments_dealt_by_chance_are_none() -> None:
    rng = np.random.default_rng(2)
    values = np.sort(rng.integers(15_000, 15_400, (FAMILIES, SIZE)), axis=1).reshape(-1)
    assert find(days(values)) is None


def test_the_first_counts_from_the_parents_moment_where_it_follows_on_it() -> None:
    rng = np.random.default_rng(3)
    start = rng.integers(10_000, 18_000, FAMILIES)
    values = (start[:, None] + rng.integers(1, 5, (FAMILIES, 1)) + 3 * np.arange(SIZE)).reshape(-1)
    above = {ABOVE + "opened": days(np.repeat(start, SIZE)), ABOVE + "born": days(np.repeat(start - 9000, SIZE)[::-1])}
    steps = find(days(values), above)
    assert steps is not None
    assert steps.above == ABOVE + "opened"
    base = ticks(steps.columns(days(values), above[steps.above], places())[steps.before])
    np.testing.assert_array_equal(base[places().place == 0], start)


@pytest.mark.parametrize("spoiled", ["null", "infinite", "time"])
def test_moments_that_do_not_count_are_none(spoiled: str) -> None:
    values = daily(np.random.default_rng(4))
    if spoiled == "null":
        array = pa.array([None, *days(values)[1:].to_pylist()], pa.date32())
    elif spoiled == "infinite":
        values[0] = 2**31 - 1
        array = days(values)
    else:
        array = pa.array(values, pa.time64("us"))
    assert find(array) is None


def test_the_origin_is_no_moment_of_the_source() -> None:
    values = daily(np.random.default_rng(5))
    steps = find(days(values))
    assert steps is not None
    assert steps.origin < values.min()
    assert steps.latest <= values.max()
    assert (values >= steps.latest).sum() <= 5
