"""Columns of any type become numbers or codes, and figures of the same rows on both sides are 1."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from dbsynth.quality import detection, shapes, trends
from dbsynth.quality.variables import Frame, Variable, variables
from dbsynth.rng import generator
from dbsynth.schema.model import TableName

COLUMNS = {
    "empty": pa.array([], pa.int64()),
    "one row": pa.array([3], pa.int64()),
    "all null": pa.array([None, None, None], pa.string()),
    "no end": pa.array([1.0, float("inf"), float("-inf"), float("nan"), None]),
    "last day": pa.array([date(9999, 12, 31), date(2020, 1, 1), None]),
    "infinity": pa.array([2**31 - 1, -(2**31), 0], pa.int32()).cast(pa.date32()),
    "decimal": pa.array([Decimal("1.10"), Decimal("99999999999999999999.99"), None], pa.decimal128(38, 2)),
    "booleans": pa.array([True, False, None]),
    "documents": pa.array(['{"a": [1, 2]}', "{}", None, "[]"]),
    "arrays": pa.array(["{1,NULL,2}", "{}", None]),
    "letters": pa.array(["é", "😀 Ünï", "", None]),
}


def frame(*columns: Variable) -> Frame:
    return Frame(TableName("s", "t"), columns, (len(columns[0].real), len(columns[0].made)))


@pytest.mark.parametrize("name", COLUMNS)
def test_the_same_rows_score_1(name: str) -> None:
    both = frame(*variables("c", None, COLUMNS[name], COLUMNS[name]))
    measured = [*shapes.shapes(both), *shapes.nulls(both), *shapes.precisions(both), *shapes.common_values(both)]
    measured += [*shapes.coverage(both), *shapes.displaced(both), *shapes.ranges(both)]
    assert {m.value for m in measured} == {1.0}
    assert all(0 <= x < v.size for v in both.variables for side in v.levels for x in side)


def pairs(rng: np.random.Generator, count: int) -> tuple[pa.Array, pa.Array]:
    x = rng.normal(size=count)
    return pa.array(x), pa.array(x + rng.normal(size=count) / 4)


def test_a_shuffled_column_has_lost_its_dependence_and_scores_lower() -> None:
    rng = generator(0, "test")
    (x, y), (a, b) = pairs(rng, 2000), pairs(rng, 2000)
    shuffled = b.take(pa.array(rng.permutation(2000)))
    kept = trends.within(frame(*variables("x", None, x, a), *variables("y", None, y, b)), 0)
    lost = trends.within(frame(*variables("x", None, x, a), *variables("y", None, y, shuffled)), 0)
    assert kept[0].dependence.kept > 0.9
    assert lost[0].dependence.kept < 0.03
    assert lost[0].likeness < 0.6 < kept[0].likeness


def test_displacements_and_rounding_are_told() -> None:
    rng = generator(1, "test")
    x, y = (np.round(rng.gamma(2.0, 50.0, 4000), 2) for _ in range(2))
    assert shapes.displacement(x, y, False) == (1.0, "")
    value, says = shapes.displacement(x, y * 1.1, False)
    assert value == pytest.approx(0.91, abs=0.02)
    assert "1.1" in says
    [_, fine] = shapes.precisions(frame(*variables("x", None, pa.array(x), pa.array(np.round(y)))))
    assert fine.value < 0.1


def test_trees_cannot_tell_halves_apart_nor_copies_but_tell_what_differs() -> None:
    rng = generator(2, "test")
    x, y = (pa.array(rng.normal(size=3000)) for _ in range(2))
    kinds, others = (pa.array(rng.choice(["a", "b", "c"], 3000)) for _ in range(2))
    halves = frame(*variables("x", None, x, y), *variables("k", None, kinds, others))
    copies = frame(*variables("x", None, x, x), *variables("k", None, kinds, kinds))
    moved = frame(*variables("x", None, x, pa.array(y.to_numpy() + 1.0)))
    assert detection.auc(halves, 0) == pytest.approx(0.5, abs=0.03)
    assert detection.auc(copies, 0) == pytest.approx(0.5, abs=0.03)
    assert (detection.auc(moved, 0) or 0.0) > 0.7
    assert detection.auc(halves, 0) == detection.auc(halves, 0)
