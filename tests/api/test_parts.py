"""Large tables are made in parts: keys go on, unique values stay unique, families stay whole."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dbsynth
from dbsynth.pipeline import parts
from dbsynth.pipeline.generate import Families
from dbsynth.synthesizer import Synthesizer

PARENTS, CHILDREN = 300, 1_500


def shop() -> dict[str, pa.Table]:
    rng = np.random.default_rng(0)
    days = (np.datetime64("2020-01-01") + rng.integers(0, 900, CHILDREN)).astype("datetime64[D]")
    return {
        "customers": pa.table(
            {
                "id": np.arange(1, PARENTS + 1),
                "email": [f"first.last{i}@mail.test" for i in range(PARENTS)],
                "country": rng.choice(["DE", "FR", "US"], PARENTS),
            }
        ),
        "orders": pa.table(
            {
                "id": np.arange(1, CHILDREN + 1),
                "customer_id": rng.integers(1, PARENTS + 1, CHILDREN),
                "code": [f"ORD-{i:07d}" for i in range(CHILDREN)],
                "status": rng.choice(["new", "paid", "sent"], CHILDREN, p=[0.2, 0.3, 0.5]),
                "qty": rng.integers(1, 9, CHILDREN),
                "day": pa.array(days),
            }
        ),
    }


@pytest.fixture(scope="module")
def model() -> Synthesizer:
    schema = {
        "customers": {"primary_key": ["id"], "unique": [["email"]]},
        "orders": {
            "primary_key": ["id"],
            "unique": [["code"]],
            "checks": ["qty > 0"],
            "foreign_keys": [{"columns": ["customer_id"], "ref_table": "customers"}],
        },
    }
    return dbsynth.fit(shop(), schema=schema, seed=1, effort="quick", device="cpu")


def tables(model: Synthesizer, **how: int) -> dict[str, pa.Table]:
    made: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in model.sample_batches(seed=3, rows=how):
        made.setdefault(name, []).append(batch)
    return {name: pa.Table.from_batches(batches) for name, batches in made.items()}


def test_a_table_in_parts_is_one_table(model: Synthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tables(model, customers=1_000, orders=6_000)
    monkeypatch.setattr(parts, "PART", 700)
    made = tables(model, customers=1_000, orders=6_000)
    assert made["customers"].equals(whole["customers"]), "fewer rows than two parts"
    assert not made["orders"].equals(whole["orders"])
    orders = made["orders"].to_pandas()
    assert list(orders["id"]) == list(range(1, 6_001))
    assert orders["code"].is_unique
    assert orders["code"].str.fullmatch(r"ORD-\d{7}").all()
    assert orders["customer_id"].isin(made["customers"].column("id").to_pylist()).all()
    assert (orders["qty"] > 0).all()
    # the rows of a parent stand together, as they do in a table made in one
    changes = (orders["customer_id"] != orders["customer_id"].shift()).sum()
    assert changes == orders["customer_id"].nunique()
    assert tables(model, customers=1_000, orders=6_000)["orders"].equals(made["orders"])
    other = whole["orders"].to_pandas()
    assert abs((orders["status"] == "sent").mean() - (other["status"] == "sent").mean()) < 0.05
    sizes = [o.groupby("customer_id").size().reindex(range(1, 1_001), fill_value=0) for o in (orders, other)]
    assert sizes[0].equals(sizes[1]), "how many children a parent has is settled for all parts at once"


@given(
    shares=st.lists(st.integers(0, 40), max_size=60),
    alone=st.integers(0, 100),
    part=st.integers(1, 50),
)
def test_parts_are_the_whole(shares: list[int], alone: int, part: int) -> None:
    whole = Families(np.array(shares, np.int64), alone)
    found = list(parts.split(whole, part))
    assert sum(f.rows for f in found) == whole.rows
    assert sum(f.alone for f in found) == alone
    at = np.zeros(len(shares), np.int64)
    for f in found:
        at[f.first : f.first + len(f.shares)] += f.shares
        assert f.rows
        assert f.rows < part + max([1, *shares])
    assert at.tolist() == shares


def visits() -> dict[str, pa.Table]:
    """Visits of customers, one to three days after each other."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 9, PARENTS)
    first = rng.integers(0, 900, PARENTS)
    days = np.concatenate([f + np.cumsum(rng.integers(1, 4, n)) for f, n in zip(first, sizes, strict=True)])
    return {
        "customers": pa.table({"id": np.arange(1, PARENTS + 1), "country": rng.choice(["DE", "FR"], PARENTS)}),
        "visits": pa.table(
            {
                "id": rng.permutation(len(days)) + 1,
                "customer_id": np.repeat(np.arange(1, PARENTS + 1), sizes),
                "at": pa.array(np.datetime64("2020-01-01", "us") + (days * 86_400_000_000).astype("m8[us]")),
            }
        ),
    }


def test_moments_that_follow_each_other_are_those_of_their_part(monkeypatch: pytest.MonkeyPatch) -> None:
    key = {"columns": ["customer_id"], "ref_table": "customers"}
    schema = {"customers": {"primary_key": ["id"]}, "visits": {"primary_key": ["id"], "foreign_keys": [key]}}
    model = dbsynth.fit(visits(), schema=schema, seed=1, effort="quick", device="cpu")
    steps = [learned.steps for name, learned in model.learned.items() if name.name == "visits"]
    assert [s.column for s in steps if s is not None] == ["at"]
    monkeypatch.setattr(parts, "PART", 700)
    made = tables(model, customers=900, visits=4_000)["visits"].to_pandas()
    gaps = made.sort_values(["customer_id", "at"]).groupby("customer_id")["at"].diff().dropna().dt.days
    assert ((gaps >= 1) & (gaps <= 3)).mean() > 0.95
    assert made["at"].nunique() > 600, "no part has the moments of another"
