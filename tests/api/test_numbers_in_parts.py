"""Unique numbers that are learned, in tables that are made in parts: no two parts make the same."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import dbsynth
from dbsynth.pipeline import parts
from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.generate import Families
from dbsynth.pipeline.plan import TablePlan
from dbsynth.pipeline.spool import Made

CUSTOMERS, ORDERS = 150, 1_200
ROWS = {"customers": 700, "stores": 40, "orders": 6_000}


def shop(numbers: pa.Array) -> dict[str, pa.Table]:
    rng = np.random.default_rng(0)
    customer = rng.integers(1, CUSTOMERS + 1, ORDERS)
    return {
        "customers": pa.table({"id": np.arange(1, CUSTOMERS + 1), "country": rng.choice(["DE", "FR"], CUSTOMERS)}),
        "stores": pa.table({"id": np.arange(1, 41), "size": rng.integers(1, 900, 40)}),
        "orders": pa.table(
            {
                "id": np.arange(1, ORDERS + 1),
                "customer_id": customer,
                "store_id": rng.integers(1, 41, ORDERS),
                "number": numbers,
                "channel": rng.choice(["web", "shop", "phone"], ORDERS),
            }
        ),
    }


def some(high: int, step: int = 1) -> np.ndarray:
    return np.random.default_rng(1).choice(high, ORDERS, replace=False) * step


def orders_of(
    monkeypatch: pytest.MonkeyPatch, numbers: pa.Array, key: Sequence[str] = ("number",), *checks: str
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """The orders made whole, made in parts of 700, and in how many."""
    keys = [{"columns": ["customer_id"], "ref_table": "customers"}, {"columns": ["store_id"], "ref_table": "stores"}]
    schema: dict[str, Any] = {
        "customers": {"primary_key": ["id"]},
        "stores": {"primary_key": ["id"]},
        "orders": {"primary_key": ["id"], "unique": [list(key)], "foreign_keys": keys, "checks": list(checks)},
    }
    model = dbsynth.fit(shop(numbers), schema=schema, seed=1, strategy="independent", device="cpu")
    assert model.plan.by_name[next(n for n in model.plan.by_name if n.name == "orders")].by_column["number"].how == (
        "modelled"
    )
    whole = model.sample(rows=ROWS, seed=3)["orders"]
    made_of: list[str] = []
    make = parts.make

    def counted(draft: Draft, ancestors: Sequence[TablePlan], families: Families) -> Made:
        made_of.append(draft.table.name.name)
        return make(draft, ancestors, families)

    monkeypatch.setattr(parts, "make", counted)
    monkeypatch.setattr(parts, "PART", 700)
    made = model.sample(rows=ROWS, seed=3)["orders"]
    assert model.sample(rows=ROWS, seed=3)["orders"].equals(made)
    return whole, made, made_of.count("orders") // 2


@pytest.mark.parametrize("high", [10**9, 40_000, 9_000, 3_000], ids=lambda n: f"of {n:,}")
def test_numbers_stay_unique(high: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many numbers, of as many as there are rows, of fewer."""
    whole, made, count = orders_of(monkeypatch, pa.array(some(high)), ("number",), "number >= 0")
    assert count == (1 if high == 9_000 else 9), "where parts would go beyond the range and the whole would not: whole"
    for rows in (whole, made):
        assert len(rows) == 6_000
        assert rows["number"].is_unique
        assert (rows["number"] >= 0).all()
    spread = [r["number"].quantile([0.1, 0.5, 0.9]) for r in (whole, made)]
    assert (abs(spread[0] - spread[1]) < 0.05 * max(high, 6_000)).all()
    assert made["number"].max() <= 1.1 * max(high, 6_000)


def test_steps_and_decimals_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    cents = [Decimal(int(n)).scaleb(-2) for n in some(900_000, 25)]
    _, made, count = orders_of(monkeypatch, pa.array(cents, pa.decimal128(12, 2)))
    assert count == 9
    assert made["number"].is_unique
    assert {int(n * 100) % 25 for n in made["number"]} == {0}
    residues = {int(n * 4) % 9 for n in made["number"]}
    assert residues == set(range(9)), "together parts have all places"


def test_numbers_beside_another_column(monkeypatch: pytest.MonkeyPatch) -> None:
    _, made, count = orders_of(monkeypatch, pa.array(some(10**6)), ("channel", "number"))
    assert count == 9
    assert not made.duplicated(["channel", "number"]).any()


def test_numbers_that_are_null_at_times(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = np.random.default_rng(2).random(ORDERS) < 0.3
    _, made, count = orders_of(monkeypatch, pa.array(some(10**8), mask=gone))
    assert count == 9
    known = made["number"].dropna()
    assert known.is_unique
    assert 0.2 < 1 - len(known) / len(made) < 0.4


@pytest.mark.parametrize(("high", "check"), [(6_400, "number <= 6500"), (3_000, "number <= 6100")])
def test_where_a_part_has_no_room_the_table_is_made_whole(
    high: int, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, made, count = orders_of(monkeypatch, pa.array(some(high)), ("number",), check)
    assert count == 1
    assert made["number"].is_unique
