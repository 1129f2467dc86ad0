"""Facts between keys, by construction: whatever the model says (here: columns that know nothing of each other), they
hold in every row that is made, at any scale, and in a model that was saved and loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import dbsynth

Frames = dict[str, pd.DataFrame]
SCALES = (0.5, 1.0, 3.0)


def made(frames: Frames, schema: Any, scale: float, folder: Path) -> Frames:
    model = dbsynth.fit(frames, schema=schema, seed=1, strategy="independent", keep=("none",), privacy_k=2)
    model.save(folder / "model")
    rows = dbsynth.load(folder / "model").sample(scale=scale, seed=3)
    assert {n: f.to_csv() for n, f in rows.items()} == {
        n: f.to_csv() for n, f in model.sample(scale=scale, seed=3).items()
    }
    return rows


def table(*columns: str, unique: list[list[str]] | None = None, **keys: str) -> dict[str, Any]:
    """``columns``: of the primary key; ``keys``: column = the table that it refers to."""
    return {
        "primary_key": list(columns),
        "unique": unique or [],
        "foreign_keys": [{"columns": [c], "ref_table": t} for c, t in keys.items()],
    }


@pytest.mark.parametrize("scale", SCALES)
def test_a_transfer_never_goes_to_the_account_that_it_comes_from(tmp_path: Path, scale: float) -> None:
    rng = np.random.default_rng(1)
    kind, n = rng.integers(0, 2, 40), 600
    source = rng.choice(40, n, p=np.arange(1, 41) / 820)
    target = (source + rng.integers(1, 40, n)) % 40
    frames = {
        "account": pd.DataFrame({"id": np.arange(1, 41), "kind": np.array(["a", "b"])[kind]}),
        "transfer": pd.DataFrame({"id": np.arange(n), "source": source + 1, "target": target + 1}),
    }
    schema = {"account": table("id"), "transfer": table("id", source="account", target="account")}
    rows = made(frames, schema, scale, tmp_path)["transfer"]
    assert len(rows) == round(n * scale)
    assert (rows.source != rows.target).all()


@pytest.mark.parametrize("scale", SCALES)
def test_a_bill_of_materials_has_no_cycle_and_no_pair_twice(tmp_path: Path, scale: float) -> None:
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 120, (2, 900))
    pairs = pd.DataFrame({"assembly": np.minimum(a, b) + 1, "component": np.maximum(a, b) + 1})
    pairs = pairs[pairs.assembly != pairs.component].drop_duplicates().reset_index(drop=True)
    frames = {
        "part": pd.DataFrame({"id": np.arange(1, 121), "weight": rng.normal(10, 2, 120).round(2)}),
        "bom": pairs.assign(amount=rng.integers(1, 9, len(pairs))),
    }
    schema = {"part": table("id"), "bom": table("assembly", "component", assembly="part", component="part")}
    rows = made(frames, schema, scale, tmp_path)["bom"]
    assert len(rows) >= 0.98 * round(len(pairs) * scale)
    assert not rows.duplicated(["assembly", "component"]).any()
    left = rows[["assembly", "component"]]
    while len(left):
        stays = left.assembly.isin(left.component)
        assert not stays.all()
        left = left[stays]


@pytest.mark.parametrize("scale", SCALES)
def test_the_parcel_of_an_item_goes_to_the_customer_of_its_order(tmp_path: Path, scale: float) -> None:
    rng = np.random.default_rng(3)
    buyer, parcels = rng.integers(0, 60, 300), rng.integers(0, 60, 400)
    order = rng.integers(0, 300, 900)
    parcel = np.full(900, np.nan)
    for i, customer in enumerate(buyer[order]):
        those = np.flatnonzero(parcels == customer)
        if len(those) and rng.random() < 0.8:
            parcel[i] = rng.choice(those) + 1
    frames = {
        "customer": pd.DataFrame({"id": np.arange(1, 61), "age": rng.integers(18, 80, 60)}),
        "orders": pd.DataFrame({"id": np.arange(1, 301), "customer": buyer + 1, "day": rng.integers(0, 99, 300)}),
        "parcel": pd.DataFrame({"id": np.arange(1, 401), "customer": parcels + 1, "kg": rng.integers(1, 30, 400)}),
        "item": pd.DataFrame({"orders": order + 1, "line": np.arange(900), "parcel": pd.array(parcel, dtype="Int64")}),
    }
    schema = {
        "customer": table("id"),
        "orders": table("id", customer="customer"),
        "parcel": table("id", customer="customer"),
        "item": table("orders", "line", orders="orders", parcel="parcel"),
    }
    rows = made(frames, schema, scale, tmp_path)
    sent = rows["item"].dropna(subset=["parcel"])
    share = pd.notna(frames["item"].parcel).mean()
    assert abs(len(sent) / len(rows["item"]) - share) < 0.1
    by_order = sent.orders.map(rows["orders"].set_index("id").customer)
    assert (by_order == sent.parcel.map(rows["parcel"].set_index("id").customer)).all()


@pytest.mark.parametrize("scale", SCALES)
def test_a_manager_earns_more_and_is_of_another_kind_than_those_below(tmp_path: Path, scale: float) -> None:
    rng = np.random.default_rng(4)
    n = 400
    boss = np.array([-1, *(rng.integers(0, max(1, i // 4)) for i in range(1, n))])
    pay = np.zeros(n)
    for i in range(n):
        pay[i] = 9000 if i == 0 else pay[boss[i]] * rng.uniform(0.5, 0.97)
    frames = {
        "employee": pd.DataFrame(
            {
                "id": np.arange(1, n + 1),
                "boss": pd.array([None if b < 0 else b + 1 for b in boss], dtype="Int64"),
                "pay": pay.round(2),
            }
        )
    }
    rows = made(frames, {"employee": table("id", boss="employee")}, scale, tmp_path)["employee"]
    below = rows.dropna(subset=["boss"])
    assert len(below) > 0.9 * len(rows)
    assert (below.pay < below.boss.map(rows.set_index("id").pay)).all()


@pytest.mark.parametrize("scale", SCALES)
def test_a_party_is_a_person_or_a_company_and_never_both(tmp_path: Path, scale: float) -> None:
    rng = np.random.default_rng(5)
    kind = rng.random(500) < 0.7
    frames = {
        "party": pd.DataFrame({"id": np.arange(1, 501), "since": rng.integers(1990, 2020, 500)}),
        "person": pd.DataFrame({"id": np.flatnonzero(kind) + 1, "height": rng.integers(150, 200, int(kind.sum()))}),
        "company": pd.DataFrame({"id": np.flatnonzero(~kind) + 1, "staff": rng.integers(1, 99, int((~kind).sum()))}),
    }
    schema = {"party": table("id"), "person": table("id", id="party"), "company": table("id", id="party")}
    rows = made(frames, schema, scale, tmp_path)
    assert not set(rows["person"].id) & set(rows["company"].id)
    assert len(rows["person"]) + len(rows["company"]) >= 0.98 * len(rows["party"])
