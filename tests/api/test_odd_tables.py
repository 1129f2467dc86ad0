"""Whatever a table holds, it is learned, and what is made has its types, its nulls and its variety.

``DBSYNTH_TEST_ODD_TABLES``: of how many seeds (25)."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
import pytest

import dbsynth
from dbsynth.model import ctgan2019, tvae
from dbsynth.synthesizer import Synthesizer
from tests.api.odd_tables import KINDS, OddTable, draw

SEEDS = int(os.environ.get("DBSYNTH_TEST_ODD_TABLES", "25"))
STRATEGY_SEEDS = (3, 4, 10, 17, 18, 29, 30, 32, 36)
"""Of tables that have something to learn."""
K = 5


def travelling(kind: pa.DataType) -> pa.DataType:
    if pt.is_uint64(kind):
        return pa.decimal128(38, 0)
    if pt.is_integer(kind):
        return pa.int64()
    if pt.is_floating(kind):
        return pa.float64()
    if pt.is_decimal(kind):
        return pa.decimal128(38, kind.scale) if kind.precision <= 38 else pa.string()
    if pt.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    return kind if pt.is_boolean(kind) or pt.is_date32(kind) or pt.is_time(kind) else pa.string()


def rows_of(model: Synthesizer, rows: int, seed: int) -> pa.Table:
    batches = [batch for _, batch in model.sample_batches(rows=rows, seed=seed)]
    return pa.Table.from_batches(batches) if batches else pa.table({})


def known(values: pa.ChunkedArray) -> list[Any]:
    return [str(v + 0.0 if isinstance(v, float) else v) for v in values.to_pylist()]  # zeros have no sign


def varies(values: list[Any]) -> bool:
    """Whether what may be told of a column is more than one value."""
    counts = [n for _, n in Counter(values).most_common()]
    if len(values) < 2 * K:
        return len(counts) > 1 and counts[0] < min(K, len(values) - 1)
    return len(counts) > 1 and (counts[1] >= max(K, len(values) // 4) or len(values) - counts[0] >= len(values) // 2)


def check_rows(table: OddTable, made: pa.Table, rows: int) -> None:
    assert made.num_rows == rows
    assert made.column_names == table.frame.column_names
    for name, kind in zip(table.frame.column_names, [*table.kinds, "given"], strict=False):
        source, own = table.frame.column(name), made.column(name)
        where = f"{name!r} ({kind})"
        assert own.type == travelling(source.type), where
        assert own.null_count == 0 or source.null_count > 0, where
        if pt.is_floating(source.type):
            was, now = (c.drop_null().to_numpy() for c in (source, own))
            assert not np.isnan(now).any() or np.isnan(was).any(), where
            assert not np.isinf(now).any() or np.isinf(was).any(), where
        if pt.is_integer(source.type):
            limits = np.iinfo(source.type.to_pandas_dtype())
            assert all(limits.min <= v <= limits.max for v in own.drop_null().to_pylist()), where
        if varies(known(source)):
            assert len(set(known(own))) > 1, where


@pytest.mark.parametrize("seed", range(SEEDS))
def test_an_odd_table_is_learned(seed: int) -> None:
    table = draw(seed)
    model = dbsynth.fit_table(table.frame, seed=seed, effort="quick", schema=table.schema)
    if not table.frame.num_rows:
        made = model.sample(seed=1)["table"]
        assert made.columns.tolist() == table.frame.column_names
        assert len(made) == 0
        return
    rows = max(table.frame.num_rows, 40)
    made = rows_of(model, rows, seed=1)
    check_rows(table, made, rows)
    if seed % 3 == 2:
        model = dbsynth.fit_table(table.frame, seed=seed, effort="quick", schema=table.schema)
        assert repr(rows_of(model, rows, seed=1).to_pydict()) == repr(made.to_pydict())


@pytest.mark.parametrize("seed", range(2, max(3, SEEDS)))
def test_the_dtypes_of_an_odd_frame_are_kept(seed: int) -> None:
    frame = draw(seed).as_pandas()
    made = dbsynth.fit_table(frame, seed=seed, effort="quick").sample(seed=1)["table"]
    assert len(made) == len(frame)
    assert made.dtypes.astype(str).to_dict() == frame.dtypes.astype(str).to_dict()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 2, 9, 40])
def test_a_column_of_every_kind_by_itself(kind: str, rows: int) -> None:
    column = KINDS[kind](np.random.default_rng(rows), rows)
    table = OddTable(pa.table({"c": column}), (kind,), None)
    check_rows(table, rows_of(dbsynth.fit_table(table.frame, seed=1, effort="quick"), 40, seed=1), 40)


@pytest.mark.parametrize("strategy", ["auto", "ctgan", "autoregressive", "copula", "independent", "tvae", "ctgan-2019"])
@pytest.mark.parametrize("seed", STRATEGY_SEEDS)
def test_every_strategy_takes_odd_tables(strategy: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (tvae, ctgan2019):
        monkeypatch.setattr(module, "DEFAULT", replace(module.DEFAULT, epochs=2))
    table = draw(seed)
    model = dbsynth.fit_table(table.frame, seed=seed, effort="quick", schema=table.schema, strategy=strategy)
    check_rows(table, rows_of(model, 100, seed=1), 100)
