"""Moments of siblings as gaps: found where families are sequences, and exactly undone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import types as sqltypes

from dbsynth.codec.base import ColumnSpec
from dbsynth.codec.gaps import from_gaps, moments_of, ticks, to_gaps
from dbsynth.relation.siblings import Places
from dbsynth.relation.steps import ABOVE, Steps

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
    assert steps.drawn == ("day",)
    beside = steps.columns(values, places())
    gaps = to_gaps(values, beside[steps.before])
    later = pa.array(places().place > 0)
    assert set(gaps.filter(later).to_pylist()) == {1}
    assert gaps.null_count == FAMILIES
    spec = ColumnSpec("day", sqltypes.Date(), "moment")
    assert from_gaps(gaps, beside[steps.before], spec).filter(later).equals(values.filter(later))
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
    assert steps.gaps == {"day": steps.before, steps.lead: ABOVE + "opened"}
    lead = steps.columns(days(values), places())[steps.lead]
    head = pa.array(places().place == 0)
    np.testing.assert_array_equal(ticks(lead.filter(head)), values[places().place == 0])
    assert lead.filter(pa.array(places().place > 0)).null_count == FAMILIES * (SIZE - 1)


def test_what_first_rows_and_others_draw_is_kept_apart() -> None:
    steps = find(days(daily(np.random.default_rng(6))))
    assert steps is not None
    codes = np.where(places().place == 0, 0, 2)
    seen = steps.seen({"day": codes}, {"day": 4}, places())
    first, later = [True, False, False, False], [False, False, True, False]
    assert [m.tolist() for m in (*seen.first, *seen.later)] == [first, later]


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


def test_the_latest_is_a_moment_on_the_grid_that_few_rows_reach() -> None:
    values = daily(np.random.default_rng(5)) * 7
    steps = find(days(values))
    assert steps is not None
    assert steps.latest % 7 == values[0] % 7
    assert (values >= steps.latest).sum() <= 5
