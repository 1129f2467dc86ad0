"""Minutes of training, shared out among tables; and what a strategy leaves out where its share is too small."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import types as sqltypes

from dbsynth.model import ctgan
from dbsynth.model.base import Budget, TrainingData
from dbsynth.model.clock import Clock
from dbsynth.model.ctgan import Ctgan
from dbsynth.pipeline.plan import ColumnPlan, Plan, TablePlan
from dbsynth.pipeline.train_time import train_seconds
from dbsynth.rng import generator
from dbsynth.schema.model import Column, Schema, Table, TableName


def plan(*tables: tuple[int, int]) -> Plan:
    """``tables``: rows and columns of each."""
    made = []
    for i, (rows, columns) in enumerate(tables):
        names = [f"c{j}" for j in range(columns)]
        table = Table(TableName("s", f"t{i}"), tuple(Column(n, sqltypes.Integer(), "integer") for n in names))
        own = tuple(ColumnPlan(n, "modelled", "number") for n in names)
        made.append(TablePlan(table, 0, rows, rows, rows, None, (), own))
    return Plan(Schema(tuple(t.table for t in made)), tuple(made), {}, "s", "t")


def seconds(minutes: float, workers: int, *tables: tuple[int, int]) -> list[float]:
    return list(train_seconds(plan(*tables), minutes, workers).values())


def test_without_a_limit_no_table_has_one() -> None:
    assert train_seconds(plan((1000, 5)), None, 2) == {}


def test_one_table_has_all_of_it_however_many_workers() -> None:
    assert seconds(2, 1, (1000, 5)) == seconds(2, 4, (1000, 5)) == [pytest.approx(120.0)]


def test_equal_tables_share_it() -> None:
    assert seconds(1, 1, (1000, 5), (1000, 5)) == [pytest.approx(30.0)] * 2
    assert seconds(1, 2, (1000, 5), (1000, 5)) == [pytest.approx(60.0)] * 2
    # two of the three run one after the other
    assert seconds(1, 2, (1000, 5), (1000, 5), (1000, 5)) == [pytest.approx(30.0)] * 3


def test_wide_tables_get_more_and_large_ones_less_than_their_rows_say() -> None:
    narrow, wide = seconds(1, 1, (1000, 5), (1000, 10))
    assert wide == pytest.approx(2 * narrow)
    small, large = seconds(1, 1, (1000, 5), (100_000, 5))
    assert small < large < 100 * small


def test_tables_without_rows_get_none() -> None:
    assert list(train_seconds(plan((0, 5), (10, 5)), 1, 2)) == [TableName("s", "t1")]
    assert train_seconds(plan((0, 5)), 1, 2) == {}


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 40)), min_size=1, max_size=12),
    st.integers(1, 8),
    st.floats(0.01, 1000),
)
def test_workers_that_take_the_longest_first_are_done_in_time(
    tables: list[tuple[int, int]], workers: int, minutes: float
) -> None:
    free = [0.0] * workers
    for own in sorted(seconds(minutes, workers, *tables), reverse=True):
        heapq.heapreplace(free, min(free) + own)
    assert max(free) == pytest.approx(60 * minutes)


def test_a_clock() -> None:
    assert (Clock(None).left(), Clock(None).limit()) == (math.inf, None)
    assert Clock(0.0).left() == 0.0
    assert Clock(0.0).limit() == 0.0
    assert 99 < Clock(100.0).left() <= 100


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> TrainingData:
    """Of enough rows for a critic."""
    monkeypatch.setattr(ctgan, "LEAST_UNSEEN", 200)
    rng = generator(1)
    a = rng.integers(0, 6, 3000)
    b = np.where(rng.random(3000) < 0.9, a, rng.integers(0, 6, 3000))
    codes = np.column_stack([a, b, rng.integers(0, 9, 3000)]).astype(np.int32)
    return TrainingData(codes, (6, 6, 9), np.zeros((3000, 0), np.int32), (), np.full(3000, -1))


def test_where_there_is_no_time_the_critic_is_left_out_and_the_report_says_so(source: TrainingData) -> None:
    model = Ctgan().fit(source, seed=1, budget=Budget(1e9, seconds=0.02))
    assert "there was no time for a critic" in model.report.stopped
    assert model.report.steps >= 1
    made = model.sample(np.zeros((500, 0), np.int32), generator(2))
    assert made.min() >= 0
    assert (made.max(0) < (6, 6, 9)).all()


def test_without_a_limit_the_critic_is_asked(source: TrainingData) -> None:
    model = Ctgan().fit(source, seed=1, budget=Budget(1e9, {"steps": 60}))
    assert "a critic's AUC is" in model.report.stopped


def test_a_critic_that_is_not_wanted_is_not_missed(source: TrainingData) -> None:
    model = Ctgan().fit(source, seed=1, budget=Budget(1e9, {"critic": 0}, seconds=0.02))
    assert "critic" not in model.report.stopped
