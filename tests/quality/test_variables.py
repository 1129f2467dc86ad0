"""Columns of any type become numbers or codes, and figures of the same rows on both sides are 1."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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


def test_children_that_repeat_what_is_their_parents_are_tested_with_parents_that_are_new() -> None:
    """As orders that hold their customer's address: whoever saw an order of a customer knows the next one."""
    rng = generator(3, "test")
    owners, others = (rng.integers(0, 60, 900) for _ in range(2))
    addresses, made = (rng.normal(size=(2, 60)) for _ in range(2))
    there = [pa.array(x[owners]) for x in addresses]
    here = [pa.array(x[others]) for x in made]
    copied = frame(*(v for n, x, y in zip("xy", there, here, strict=True) for v in variables(n, None, x, y)))
    moved = frame(
        *(v for n, x, y in zip("xy", there, here, strict=True) for v in variables(n, None, x, pc.add(y, 2.0)))
    )
    assert (detection.auc(copied, 0) or 0.0) > 0.95
    assert detection.auc(copied, 0, (owners, others)) == pytest.approx(0.5, abs=0.1)
    assert (detection.auc(moved, 0, (owners, others)) or 0.0) > 0.8
    assert detection.auc(copied, 0, (owners % 30, others % 30)) is None


def test_who_has_no_parent_is_by_himself_and_equal_rows_stay_together() -> None:
    families = detection.families_of(np.r_[np.arange(40), -1, -1], np.r_[np.arange(40), 0])
    assert families is not None
    assert len(np.unique(families)) == 42 + 40
    assert not set(families[:42]) & set(families[42:])
    tied = np.array([True, True, True, False, False])
    assert detection.pieces(np.array([0, 0, 1, 2, 3]), np.array([0, 1, 1, 2, 2]), tied).tolist() == [0, 0, 0, 1, 2]
