"""Values that two tables share without a key: the person is the same one in the clone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import dbsynth
from dbsynth.api import frames_database
from dbsynth.dialect import parse_url
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.planner import Wishes, make_plan
from dbsynth.relation.borrowed import Borrowed, lent, overlap
from dbsynth.relation.facts import FactWishes
from dbsynth.rng import generator
from dbsynth.schema.model import TableName
from dbsynth.values.pools import names_of
from dbsynth.values.spelling import plain

PEOPLE, LETTERS, ORDERS = 400, 300, 900
SCHEMA = {
    "customers": {"primary_key": ["id"], "unique": [["email"]]},
    "newsletter": {"primary_key": ["id"], "unique": [["email"]]},
    "orders": {"primary_key": ["id"]},
}


def shop() -> dict[str, pa.Table]:
    """Two of three readers of the newsletter are customers; every order is one's, whose name stands in it too."""
    rng = np.random.default_rng(1)
    names = names_of("en_US")
    first, last = ([str(n) for n in rng.choice(names[k], PEOPLE + 100)] for k in ("female", "last_female"))
    email = [f"{plain(f)}.{plain(n)}{i}@mail.example" for i, (f, n) in enumerate(zip(first, last, strict=True))]
    readers = np.r_[rng.permutation(PEOPLE)[:200], PEOPLE + np.arange(100)]
    buyers = rng.integers(0, PEOPLE, ORDERS) ** 2 // PEOPLE
    return {
        "customers": pa.table(
            {"id": range(PEOPLE), "first_name": first[:PEOPLE], "last_name": last[:PEOPLE], "email": email[:PEOPLE]}
        ),
        "newsletter": pa.table({"id": range(LETTERS), "email": [email[i] for i in readers]}),
        "orders": pa.table(
            {
                "id": range(ORDERS),
                "customer_email": [email[i] for i in buyers],
                "customer_name": [f"{first[i]} {last[i]}" for i in buyers],
                "amount": rng.integers(1, 100, ORDERS),
            }
        ),
    }


def made_of(model: dbsynth.Synthesizer, **wishes: Any) -> dict[str, pa.Table]:
    parts: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in model.sample_batches(**wishes):
        parts.setdefault(name, []).append(batch)
    return {name: pa.Table.from_batches(batches) for name, batches in parts.items()}


@pytest.fixture(scope="module")
def model() -> dbsynth.Synthesizer:
    return dbsynth.fit(shop(), schema=SCHEMA, effort="quick", seed=1)


def test_the_plan_tells_what_is_shared(model: dbsynth.Synthesizer) -> None:
    found = {f.id: f for f in model.plan.facts if isinstance(f, Borrowed)}
    assert set(found) == {"newsletter.email in customers.email", "orders.customer_email in customers.email"}
    assert found["newsletter.email in customers.email"].share == pytest.approx(2 / 3)
    orders = found["orders.customer_email in customers.email"]
    assert orders.columns == ("customer_email", "customer_name")
    assert orders.sources == (("email",), ("first_name", "last_name"))
    assert "100%" in orders.describe()


def test_the_person_is_the_same_one(model: dbsynth.Synthesizer) -> None:
    made, real = made_of(model, seed=3), shop()
    columns = (made["customers"].column(c).to_pylist() for c in ("email", "first_name", "last_name"))
    people = {email: f"{first} {last}" for email, first, last in zip(*columns, strict=True)}
    orders = made["orders"].select(["customer_email", "customer_name"]).to_pylist()
    assert all(people[o["customer_email"]] == o["customer_name"] for o in orders)
    readers = made["newsletter"].column("email").to_pylist()
    assert len(set(readers)) == LETTERS
    assert np.mean([r in people for r in readers]) == pytest.approx(2 / 3, abs=0.08)
    known = {v for t in real.values() for c in t.column_names if c.endswith("email") for v in t.column(c).to_pylist()}
    assert not known & {*readers, *people}
    # as many orders a customer, and as many customers without
    each = [sorted(Counter(t["orders"].column("customer_email").to_pylist()).values()) for t in (real, made)]
    assert len(each[1]) == pytest.approx(len(each[0]), rel=0.15)
    assert np.quantile(each[1], 0.9) == pytest.approx(np.quantile(each[0], 0.9), rel=0.3)


def test_the_saved_model_makes_the_same_rows(model: dbsynth.Synthesizer, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    again = made_of(dbsynth.load(tmp_path / "model"), seed=3)
    assert {n: t.to_pydict() for n, t in again.items()} == {n: t.to_pydict() for n, t in made_of(model, seed=3).items()}


def test_a_larger_newsletter_has_other_readers_beside_all_customers(model: dbsynth.Synthesizer) -> None:
    made = made_of(model, seed=3, rows={"newsletter": 3 * PEOPLE})
    readers = made["newsletter"].column("email").to_pylist()
    assert len(set(readers)) == 3 * PEOPLE


def test_a_refused_one_is_not_kept() -> None:
    database, *_ = frames_database(shop(), SCHEMA, CloneOptions(parse_url("memory://")))
    plan = make_plan(
        database, database.schema, Wishes(facts=FactWishes(refuse=("newsletter.email*",))), mapping={}, source="s",
        target="t", constraints_after_load=True, sqlglot_dialect="postgres", snapshot=None, seed=1,
    )  # fmt: skip
    assert [f.id for f in plan.facts if isinstance(f, Borrowed)] == ["orders.customer_email in customers.email"]


def test_columns_that_share_nothing_do_not() -> None:
    a, b = (pa.array([f"{p}{i}@x.org" for i in range(100)]) for p in "ab")
    assert overlap(a, b, 5) is None
    twice = pa.array(["a@x.org", "a@x.org", "b@x.org", "b@x.org"])
    assert overlap(twice, twice, 5) is None


def test_each_lender_once_where_it_must_be() -> None:
    fact = Borrowed(
        TableName("s", "a"),
        ("x",),
        TableName("s", "b"),
        (("x",),),
        ("",),
        (1.0,),
        (1.0, 2.0, 9.0),
        "a",
        "b",
        100,
        50,
        1.0,
    )
    once = lent(7, 5, fact, generator(1), once=True)
    assert sorted(once.tolist()) == [-1, -1, 0, 1, 2, 3, 4]
    many = np.bincount(lent(1000, 500, fact, generator(1), once=False), minlength=500)
    assert many.sum() == 1000
    assert many[many > 0].mean() == pytest.approx(
        np.interp(np.linspace(0, 2, 999), [0, 1, 2], [1, 2, 9]).mean(), rel=0.1
    )
    few = np.bincount(lent(1000, 10, fact, generator(1), once=False), minlength=10)
    assert few.sum() == 1000
