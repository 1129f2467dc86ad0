"""Rows of a synthesizer: as many as asked for, valid, the same for the same seed, with the dtypes that were learned."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from structlog.testing import capture_logs

import dbsynth
from dbsynth.errors import UnsatisfiableConstraint, UsageError
from dbsynth.synthesizer import Synthesizer

Frames = dict[str, pd.DataFrame]


def same(one: Frames, other: Frames) -> bool:
    return one.keys() == other.keys() and all(one[name].equals(other[name]) for name in one)


def test_the_dtypes_and_names_are_those_that_were_learned_from(fitted: Synthesizer, shop_frames: Frames) -> None:
    made = fitted.sample(seed=1)
    assert made.keys() == shop_frames.keys()
    for name, frame in shop_frames.items():
        assert made[name].dtypes.to_dict() == frame.dtypes.to_dict()


def test_keys_and_checks_hold(fitted: Synthesizer, shop_frames: Frames) -> None:
    made = fitted.sample(scale=2.0, seed=1)
    customers, orders, notes = (made[n] for n in ("customers", "orders", "notes"))
    assert abs(len(customers) - 2 * len(shop_frames["customers"])) <= 1
    assert customers["id"].is_unique
    assert customers["code"].is_unique
    assert set(orders["customer_id"]) <= set(customers["id"])
    assert set(notes["order_id"]) <= set(orders["id"])
    assert (orders["qty"] > 0).all()
    assert (orders["qty"].astype(float) * orders["price"].astype(float) < 1000).all()


def test_no_name_of_the_source_is_made(fitted: Synthesizer, shop_frames: Frames) -> None:
    made = fitted.sample(seed=1)["customers"]
    for column in ("name", "code"):
        assert not set(made[column].str.casefold()) & set(shop_frames["customers"][column].str.casefold())


def test_the_seed_decides_and_workers_do_not(fitted: Synthesizer) -> None:
    first = fitted.sample(seed=1)
    assert same(first, fitted.sample(seed=1))
    assert same(first, fitted.sample(seed=1, workers=2))
    assert not same(first, fitted.sample(seed=2))


def test_the_seeds_of_fit_and_sample_are_two(shop_frames: Frames) -> None:
    frame = shop_frames["orders"][["qty", "price", "paid"]]
    one, again, other = (dbsynth.fit_table(frame, seed=s, effort="quick") for s in (1, 1, 2))
    assert same(one.sample(seed=5), again.sample(seed=5))
    assert not same(one.sample(seed=5), other.sample(seed=5))


def test_a_seed_that_was_drawn_is_told(fitted: Synthesizer) -> None:
    with capture_logs() as logs:
        made = fitted.sample()
    [told] = [entry for entry in logs if entry["event"] == "seed drawn"]
    assert told["of"] == "sample"
    assert told["log_level"] == "info"
    assert same(made, fitted.sample(seed=told["seed"]))


def test_rows_are_as_many_as_asked_for(fitted: Synthesizer) -> None:
    made = fitted.sample(rows={"customers": 31, "orders": 200}, seed=1)
    assert len(made["customers"]) == 31
    assert len(made["orders"]) == 200
    assert set(made["orders"]["customer_id"]) <= set(range(1, 32))
    one = dbsynth.fit_table(pd.DataFrame({"a": np.arange(50) % 7, "b": np.arange(50) / 7}), seed=1)
    assert len(one.sample(rows=1234, seed=1)["table"]) == 1234


def test_a_table_may_stay_empty_and_so_do_those_that_need_it(fitted: Synthesizer) -> None:
    made = fitted.sample(rows={"customers": 0}, seed=1)
    assert [len(made[n]) for n in ("customers", "orders", "notes")] == [0, 0, 0]
    assert list(made["orders"].columns) == ["id", "customer_id", "qty", "price", "paid"]
    some = fitted.sample(rows={"notes": 0}, seed=1)
    assert len(some["notes"]) == 0
    assert len(some["orders"]) > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"rows": {"customer": 3}}, "no table"),
        ({"rows": {"orders": -1}}, "no number"),
        ({"rows": {"orders": 2.5}}, "no number"),
        ({"rows": 10}, "which one"),
        ({"scale": 0}, "scale"),
        ({"scale": float("nan")}, "scale"),
    ],
)
def test_wrong_arguments_are_told(fitted: Synthesizer, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        fitted.sample(**arguments)
    assert error.value.hint


def test_the_nearest_table_is_named(fitted: Synthesizer) -> None:
    with pytest.raises(UsageError) as error:
        fitted.sample(rows={"oders": 3})
    assert "orders" in error.value.hint


def test_batches_are_the_rows_of_the_frames(fitted: Synthesizer) -> None:
    made, counted = fitted.sample(seed=1), dict.fromkeys(("customers", "orders", "notes"), 0)
    order = []
    for name, batch in fitted.sample_batches(seed=1):
        counted[name] += batch.num_rows
        order.append(name)
        if name == "orders":
            assert batch.column("qty").to_pylist() == made["orders"]["qty"].tolist()
    assert counted == {name: len(frame) for name, frame in made.items()}
    assert list(dict.fromkeys(order)) == ["customers", "orders", "notes"]


def test_batches_that_are_not_taken_leave_no_folder(fitted: Synthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    removed = []
    from dbsynth.pipeline.spool import Spool

    take_away = Spool.remove
    monkeypatch.setattr(Spool, "remove", lambda self: (removed.append(self.folder), take_away(self)))
    batches = fitted.sample_batches(seed=1)
    next(batches)
    batches.close()
    assert len(removed) == 1
    assert not removed[0].exists()


def tight(n: int = 400) -> pd.DataFrame:
    """``b`` is above ``a`` always, but what is learned of them apart does not know it."""
    rng = np.random.default_rng(1)
    a = rng.integers(0, 1000, n)
    return pd.DataFrame(
        {"id": np.arange(n), "a": a, "b": a + rng.integers(0, 30, n), "kind": rng.choice(["x", "y"], n)}
    )


TIGHT = {"primary_key": ["id"], "checks": ["a <= b", "kind <> 'z'"]}


def test_constraints_that_are_not_enforced_leave_rows_out_and_tell_the_rate() -> None:
    model = dbsynth.fit_table(tight(), schema=TIGHT, seed=1, effort="quick", strategy="independent")
    with capture_logs() as logs:
        made = model.sample(rows=1000, seed=1, enforce_constraints=False)["table"]
    [told] = [entry for entry in logs if "constraint" in entry]
    assert told["log_level"] == "warning"
    assert told["constraint"] == "check table_check1"
    assert 0.2 < told["rate"] < 0.8
    assert told["rows"] == 1000 - len(made)
    assert (made["a"] <= made["b"]).all()
    full = model.sample(rows=1000, seed=1)["table"]
    assert len(full) == 1000
    assert (full["a"] <= full["b"]).all()


def test_enforced_constraints_that_cannot_be_met_raise() -> None:
    """Ten values in a unique column: eleven rows have no place."""
    frame = pd.DataFrame({"level": np.arange(10), "x": np.arange(10) / 3})
    model = dbsynth.fit_table(frame, schema={"unique": [["level"]], "checks": ["level BETWEEN 0 AND 9"]}, seed=1)
    assert sorted(model.sample(rows=10, seed=1)["table"]["level"]) == list(range(10))
    with pytest.raises(UnsatisfiableConstraint, match="10"):
        model.sample(rows=11, seed=1)


def test_the_report_is_plain_data_without_a_value_of_the_source(fitted: Synthesizer, shop_frames: Frames) -> None:
    report = fitted.report()
    text = json.dumps(report)
    assert report["seed"] == 7
    assert report["tables"]["orders"]["source_rows"] == len(shop_frames["orders"])
    assert report["tables"]["orders"]["strategy"]
    assert "segments" in report["tables"]["orders"]["holds"]["price"]
    assert "Realname" not in text
    assert "C-0007" not in text
    assert "customers" in repr(fitted)
