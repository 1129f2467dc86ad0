"""Facts among siblings hold in made rows whatever the model draws, and constraints hold beside them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import dbsynth
from dbsynth.relation.running import Running
from dbsynth.relation.sequences import Chain, Constant, Current, Monotone, Regular, RisingKey, Sequence
from dbsynth.synthesizer import Synthesizer

ACCOUNTS, BOOKINGS = 60, 10


def bank(rng: np.random.Generator) -> dict[str, pa.Table]:
    counts = rng.integers(2, BOOKINGS, ACCOUNTS)
    of = np.repeat(np.arange(ACCOUNTS), counts)
    n = len(of)
    place = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    day = rng.integers(0, 300, ACCOUNTS)[of] + 7 * place
    order = np.lexsort((of, day))
    of, place, day = of[order], place[order], day[order]
    credit = (rng.random(n) < 0.5) | (place == 0)
    cents = rng.integers(100, 20_000, n)
    balance, held = np.zeros(n, int), np.zeros(ACCOUNTS, int)
    for i in range(n):
        credit[i] |= held[of[i]] < cents[i]
        held[of[i]] += cents[i] if credit[i] else -cents[i]
        balance[i] = held[of[i]]
    start = np.array([dt.date(2020, 1, 1) + dt.timedelta(int(d)) for d in day])
    closing = {(a, p): s for a, p, s in zip(of, place, start, strict=True)}
    until = [closing.get((a, p + 1)) for a, p in zip(of, place, strict=True)]
    return {
        "account": pa.table({"id": np.arange(1, ACCOUNTS + 1), "opened": rng.choice(["web", "desk"], ACCOUNTS)}),
        "booking": pa.table(
            {
                "id": np.arange(1, n + 1),
                "account_id": of + 1,
                "valid_from": pa.array(start),
                "valid_to": pa.array(until, pa.date32()),
                "is_current": [u is None for u in until],
                "version": place * 2 + of % 3,
                "kind": np.where(credit, "in", "out"),
                "amount": pa.array([Decimal(int(c)) / 100 for c in cents], pa.decimal128(10, 2)),
                "balance": pa.array([Decimal(int(b)) / 100 for b in balance], pa.decimal128(12, 2)),
            }
        ),
    }


SCHEMA = {
    "account": {"primary_key": ["id"]},
    "booking": {
        "primary_key": ["id"],
        "unique": [["account_id", "valid_from"]],
        "foreign_keys": [{"columns": ["account_id"], "ref_table": "account"}],
        "checks": ["amount > 0", "balance >= 0", "valid_to is null or valid_to > valid_from"],
    },
}


@pytest.fixture(scope="module")
def model() -> Synthesizer:
    """A model that learns nothing but the columns one by one: what holds from row to row is not its doing."""
    tables = bank(np.random.default_rng(3))
    return dbsynth.fit(tables, schema=SCHEMA, strategy="independent", effort="quick", seed=1, keep=["none"])


def test_the_facts_are_found(model: Synthesizer) -> None:
    facts = {type(f): f for f in model.plan.facts if isinstance(f, Sequence)}
    assert set(facts) == {RisingKey, Regular, Chain, Current, Running, Monotone}
    assert all(f.family == (() if kind is RisingKey else ("account_id",)) for kind, f in facts.items())


def made(model: Synthesizer, seed: int) -> pa.Table:
    return pa.Table.from_batches([b for name, b in model.sample_batches(seed=seed) if name == "booking"])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_they_hold_in_made_rows(model: Synthesizer, seed: int) -> None:
    rows = made(model, seed).sort_by([("account_id", "ascending"), ("valid_from", "ascending")]).to_pydict()
    previous: dict[str, object] = {}
    for i, account in enumerate(rows["account_id"]):
        row = {c: v[i] for c, v in rows.items()}
        last = i + 1 == len(rows["id"]) or rows["account_id"][i + 1] != account
        signed = row["amount"] if row["kind"] == "in" else -row["amount"]
        assert row["amount"] > 0
        assert row["balance"] >= 0
        assert row["is_current"] is last
        assert (row["valid_to"] is None) is last
        if previous.get("account_id") == account:
            assert row["balance"] == previous["balance"] + signed
            assert row["valid_from"] == previous["valid_to"] == previous["valid_from"] + dt.timedelta(7)
            assert row["version"] > previous["version"]
        else:
            assert row["balance"] == signed
        previous = row
    by_id = np.argsort(rows["id"])
    days = [rows["valid_from"][i] for i in by_id]
    assert days == sorted(days)


@pytest.fixture(scope="module")
def tiers() -> Synthesizer:
    """A tier is the same in all rows of an account, and a CHECK of every row forbids most amounts to one of them."""
    rng = np.random.default_rng(4)
    of = np.sort(rng.integers(0, ACCOUNTS, 400))
    tier = np.array(["gold", "iron", "iron"])[of % 3]
    amount = np.where(tier == "gold", rng.integers(900, 1_000, 400), rng.integers(0, 1_000, 400))
    rows = {"id": np.arange(400), "account_id": of, "tier": tier, "amount": amount}
    schema = {
        "account": {"primary_key": ["id"]},
        "entry": {
            "primary_key": ["id"],
            "foreign_keys": [{"columns": ["account_id"], "ref_table": "account"}],
            "checks": ["tier <> 'gold' or amount >= 900"],
        },
    }
    tables = {"account": pa.table({"id": np.arange(ACCOUNTS)}), "entry": pa.table(rows)}
    return dbsynth.fit(tables, schema=schema, strategy="independent", effort="quick", seed=1, keep=["none"])


def test_constraints_go_before_facts(tiers: Synthesizer) -> None:
    assert [type(f) for f in tiers.plan.facts] == [Constant]
    rows = pa.Table.from_batches([b for name, b in tiers.sample_batches(seed=1) if name == "entry"]).to_pydict()
    assert len(rows["id"]) == 400
    assert all(t != "gold" or a >= 900 for t, a in zip(rows["tier"], rows["amount"], strict=True))
    of: dict[int, set[str]] = {}
    for account, tier in zip(rows["account_id"], rows["tier"], strict=True):
        of.setdefault(account, set()).add(tier)
    assert np.mean([len(t) == 1 for t in of.values()]) > 0.8


def test_a_saved_model_knows_them(model: Synthesizer, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    again = dbsynth.load(tmp_path / "m")
    assert again.plan.facts == model.plan.facts
    assert made(again, 5).equals(made(model, 5))
