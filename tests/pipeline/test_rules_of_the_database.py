"""CHECKs that only the database evaluates: rows that it refuses take values from rows that it accepts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sa

from dbsynth.pipeline.rules import Rules
from dbsynth.schema.model import Check, Column, Table, TableName

NOW = datetime(2024, 6, 1, tzinfo=UTC)
NAMES = ("id", "a", "b", "c")
TABLE = Table(
    TableName("public", "t"),
    tuple(Column(n, sa.Integer(), "integer", nullable=False) for n in NAMES),
    checks=(Check("known", "b < c"), Check("asked", "public.fits(a, b)", columns=("a", "b"))),
)


def judge(table: TableName, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
    """fits(a, b): a + b is divisible by 7."""
    assert list(expressions) == ["public.fits(a, b)"]
    return ((batch.column("a").to_numpy() + batch.column("b").to_numpy()) % 7 != 0)[:, None]


def rows(seed: int) -> pa.RecordBatch:
    rng = np.random.default_rng(seed)
    columns = [np.arange(500), *(rng.integers(0, 100, 500) for _ in range(3))]
    return pa.RecordBatch.from_arrays([pa.array(c) for c in columns], names=list(NAMES))


def test_rows_meet_what_only_the_database_knows() -> None:
    rules = Rules.of(TABLE, "postgres", NOW, judge)
    assert [c.check.name for c in rules.local] == ["known"]
    drawn = rows(1)
    assert rules.broken(drawn).mean() > 0.8
    made, bad = rules.repair(drawn, np.random.default_rng(2), {"id"})
    assert not bad.any()
    assert not rules.broken(made).any()
    assert made.column("id").equals(drawn.column("id"))
    kept = np.flatnonzero(~rules.broken(drawn))
    assert made.take(pa.array(kept)).equals(drawn.take(pa.array(kept))), "accepted rows stay"


def test_what_no_row_meets_is_said() -> None:
    def never(table: TableName, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        return np.ones((batch.num_rows, 1), bool)

    made, bad = Rules.of(TABLE, "postgres", NOW, never).repair(rows(1), np.random.default_rng(2), {"id"})
    assert bad.all()
    assert made.num_rows == 500
