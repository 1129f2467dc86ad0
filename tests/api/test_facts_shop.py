"""Facts across rows hold in what is made: of a shop in memory, from the plan to the rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sqlalchemy import types as sqltypes

import dbsynth
from dbsynth.api import frames_database
from dbsynth.dialect import parse_url
from dbsynth.pipeline.fact_rows import other_of, settle_late
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.plan import Plan
from dbsynth.pipeline.planner import Wishes, make_plan
from dbsynth.pipeline.rules import Rules
from dbsynth.pipeline.spool import Made
from dbsynth.relation.facts import Aggregate, Copy, FactWishes
from dbsynth.relation.keys import row_index, take
from dbsynth.schema.model import TableName
from dbsynth.synthesizer import Synthesizer

CUSTOMERS, PRODUCTS = 90, 40
SCHEMA: dict[str, dict[str, Any]] = {
    "customers": {"primary_key": ["id"]},
    "products": {"primary_key": ["id"], "checks": ["price > 0"]},
    "orders": {
        "primary_key": ["id"],
        "foreign_keys": [{"columns": ["customer_id"], "ref_table": "customers"}],
        "checks": ["total >= 0", "due = total + freight"],
    },
    "items": {
        "primary_key": ["order_id", "line"],
        "foreign_keys": [
            {"columns": ["order_id"], "ref_table": "orders"},
            {"columns": ["product_id"], "ref_table": "products"},
        ],
        "checks": ["quantity > 0"],
    },
    "parcels": {
        "primary_key": ["id"],
        "foreign_keys": [{"columns": ["order_id"], "ref_table": "orders"}],
    },
}


def shop(seed: int = 0) -> dict[str, pa.Table]:
    """order.total = sum(quantity * price) of its items; the number of a customer's orders and what was spent on them;
    the order's town that of its customer in four of five; the item's price that of its product and the parcel's worth
    that of its order always."""
    rng = np.random.default_rng(seed)
    towns = [f"town {i}" for i in range(15)]
    town = rng.integers(0, 15, CUSTOMERS)
    orders_of = rng.integers(0, 6, CUSTOMERS)
    customer = np.repeat(np.arange(CUSTOMERS), orders_of)
    n = len(customer)
    price = rng.integers(1, 60, PRODUCTS) * 25
    lines = rng.integers(1, 5, n)
    order = np.repeat(np.arange(n), lines)
    product = rng.integers(0, PRODUCTS, len(order))
    quantity = rng.integers(1, 6, len(order))
    total = np.bincount(order, quantity * price[product], minlength=n).astype(np.int64)
    spent = np.bincount(customer, total, minlength=CUSTOMERS).astype(np.int64)
    sent = np.sort(rng.choice(n, n // 2, replace=False))
    freight = rng.integers(0, 900, n)
    moved = np.where(rng.random(n) < 0.8, town[customer], rng.integers(0, 15, n))
    return {
        "customers": pa.table(
            {"id": np.arange(CUSTOMERS) + 1, "town": [towns[t] for t in town], "orders": orders_of, "spent": spent}
        ),
        "products": pa.table({"id": np.arange(PRODUCTS) + 1, "price": price}),
        "orders": pa.table(
            {
                "id": np.arange(n) + 1,
                "customer_id": customer + 1,
                "ship_town": [towns[t] for t in moved],
                "total": total,
                "freight": freight,
                "due": total + freight,
            }
        ),
        "items": pa.table(
            {
                "order_id": order + 1,
                "line": np.arange(len(order)) - np.repeat(np.cumsum(lines) - lines, lines) + 1,
                "product_id": product + 1,
                "price": price[product],
                "quantity": quantity,
            }
        ),
        "parcels": pa.table(
            {
                "id": np.arange(len(sent)) + 1,
                "order_id": sent + 1,
                "worth": total[sent],
                "post": rng.integers(1, 4, len(sent)),
            }
        ),
    }


def planned(facts: FactWishes | None = None, **options: Any) -> Plan:
    asked = CloneOptions(parse_url("memory://"), keep_none=True, **options)
    database, *_ = frames_database(shop(), SCHEMA, asked)
    schema = database.schema
    return make_plan(
        database, schema, Wishes(keep_none=True, facts=facts or FactWishes()), mapping={}, source="s", target="t",
        constraints_after_load=True, sqlglot_dialect="postgres", snapshot=None, seed=1,
    )  # fmt: skip


TOTAL = "orders.total = sum(items.price * items.quantity)"
SPENT = "customers.spent = sum(orders.total)"
WORTH = "parcels.worth = orders.total"
COUNT = "customers.orders = count(orders.*)"
PRICE = "items.price = products.price"
TOWN = "orders.ship_town = customers.town"


def test_the_plan_lists_what_holds() -> None:
    plan = planned()
    facts = {f.id: f for f in plan.facts}
    assert {TOTAL, COUNT, PRICE, TOWN, SPENT, WORTH} <= set(facts)
    assert isinstance(facts[TOWN], Copy)
    assert 0.75 < facts[TOWN].share < 0.9
    assert facts[PRICE].share == 1.0
    assert plan[TableName("public", "items")].by_column["price"].how == "copied"
    described = {f["id"]: f for f in plan.describe()["facts"]}
    assert described[TOTAL]["taken"]
    assert described[TOTAL]["rows"] == shop()["items"].num_rows


def test_what_is_refused_is_learned_instead() -> None:
    plan = planned(FactWishes(refuse=("items.*", TOWN)))
    assert {f.id for f in plan.facts} & {TOTAL, COUNT, PRICE, TOWN} == {TOTAL, COUNT}
    assert plan[TableName("public", "items")].by_column["price"].how == "modelled"


def test_a_pattern_that_means_nothing_is_told() -> None:
    assert any("no fact is called nothing*" in w for w in planned(FactWishes(refuse=("nothing*",))).warnings)
    assert any("no fact is called x" in w for w in planned(FactWishes(confirm=("x",))).warnings)


def test_few_rows_make_a_fact_doubtful_until_it_is_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbsynth.relation.facts.MIN_FAMILIES", 1_000)
    plan = planned()
    assert not {f.id for f in plan.facts} & {TOTAL, COUNT, PRICE}
    assert {TOTAL, COUNT, PRICE} <= {f.id for f in plan.doubtful}
    assert {f.id for f in planned(FactWishes(confirm=("orders.*",))).facts} & {TOTAL, COUNT, PRICE} == {TOTAL}


def test_a_declared_fact_goes_before_what_is_found() -> None:
    other = "orders.total = max(items.price)"
    ids = {f.id for f in planned(FactWishes(declare=(other,))).facts}
    assert other in ids
    assert TOTAL not in ids


def test_facts_that_decide_each_other_are_not_both_kept() -> None:
    circle = ("orders.freight = sum(items.quantity)", "items.quantity = orders.freight")
    plan = planned(FactWishes(declare=circle))
    assert {f.id for f in plan.facts} & set(circle) == {circle[1]}
    assert any(circle[0] in w and "decide each other" in w for w in plan.warnings)


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    return dbsynth.fit(shop(), schema=SCHEMA, seed=3, effort="quick", keep=("none",))


def check(made: dict[str, Any]) -> None:
    tables = (pa.Table.from_pandas(made[n]) for n in ("customers", "products", "orders", "items", "parcels"))
    customers, products, orders, items, parcels = tables
    of = row_index([items.column("product_id")], [products.column("id")])
    assert items.column("price").combine_chunks().equals(take(products.column("price"), of))
    at = row_index([items.column("order_id")], [orders.column("id")])
    worth = (items.column("price").to_numpy() * items.column("quantity").to_numpy()).astype(np.float64)
    total = np.bincount(at, worth, minlength=orders.num_rows)
    have = np.isin(np.arange(orders.num_rows), at)
    assert (orders.column("total").to_numpy()[have] == total[have]).all()
    owner = row_index([orders.column("customer_id")], [customers.column("id")])
    assert (customers.column("orders").to_numpy() == np.bincount(owner, minlength=customers.num_rows)).all()
    assert (
        orders.column("due").to_numpy() == orders.column("total").to_numpy() + orders.column("freight").to_numpy()
    ).all()
    spent = np.bincount(owner, orders.column("total").to_numpy().astype(np.float64), minlength=customers.num_rows)
    buyers = np.isin(np.arange(customers.num_rows), owner)
    assert (customers.column("spent").to_numpy()[buyers] == spent[buyers]).all()
    of = row_index([parcels.column("order_id")], [orders.column("id")])
    assert (parcels.column("worth").to_numpy() == orders.column("total").to_numpy()[of]).all()
    same = pc.equal(orders.column("ship_town").combine_chunks(), take(customers.column("town"), owner))
    assert 0.65 < pc.mean(same.cast(pa.int8())).as_py() < 0.95


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_facts_hold_in_every_row(fitted: Synthesizer, scale: float) -> None:
    check(fitted.sample(scale=scale, seed=1))


def test_a_saved_model_knows_them(fitted: Synthesizer, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    again = Synthesizer.load(tmp_path / "model").sample(seed=1, workers=2)
    check(again)
    assert all(again[n].equals(t) for n, t in fitted.sample(seed=1).items())


def test_checks_go_before_facts() -> None:
    """What children tell may break a CHECK that no other column can save: then the column stays as it was."""
    plan = planned(FactWishes(declare=("orders.freight = sum(items.quantity)", TOTAL)))
    name = TableName("public", "orders")
    table = plan[name]
    limit = replace(table.table.checks[0], name="limit", expression="total < 100", columns=("total",))
    strict = replace(table, table=replace(table.table, checks=(*table.table.checks, limit)))
    rows = shop()["orders"]
    low = rows.set_column(3, "total", pa.array(np.full(rows.num_rows, 50)))
    low = low.set_column(5, "due", pa.array(50 + rows.column("freight").to_numpy()))
    made = Made(low, np.zeros((rows.num_rows, 0), np.int32), 0, (), low.num_columns)
    rules = Rules.of(strict.table, "postgres", plan.now, None)
    related = lambda fact: shop()[other_of(fact).name]  # noqa: E731
    settled, given_up = settle_late(plan, strict, made, related, rules, seed=1)
    warnings = [g.describe() for g in given_up]
    assert len(warnings) == 1
    assert "would break a CHECK" in warnings[0]
    assert TOTAL in warnings[0]
    assert settled.rows.column("total").equals(low.column("total"))
    items = shop()["items"]
    told = np.bincount(items.column("order_id").to_numpy() - 1, items.column("quantity").to_numpy().astype(float))
    assert (settled.rows.column("freight").to_numpy() == told).all()
    assert (settled.rows.column("due").to_numpy() == 50 + told).all()


def test_a_value_that_the_column_cannot_hold_gives_the_fact_up() -> None:
    plan = planned(FactWishes(declare=(TOTAL,)))
    [fact] = [f for f in plan.facts if isinstance(f, Aggregate) and f.id == TOTAL]
    name = TableName("public", "orders")
    columns = tuple(
        replace(c, type=sqltypes.SmallInteger()) if c.name == "total" else c for c in plan[name].table.columns
    )
    small = replace(plan[name], table=replace(plan[name].table, columns=columns, checks=()))
    rows = shop()["orders"]
    made = Made(rows, np.zeros((rows.num_rows, 0), np.int32), 0, (), rows.num_columns)
    items = shop()["items"]
    dear = items.set_column(3, "price", pa.array(np.full(items.num_rows, 1_000_000)))
    rules = Rules.of(small.table, "postgres", plan.now, None)
    only = replace(plan, facts=(fact,))
    settled, [given_up] = settle_late(only, small, made, lambda fact: dear, rules, seed=1)
    assert "cannot hold the value" in given_up.describe()
    assert settled.rows.column("total").equals(rows.column("total"))


def test_a_number_of_any_decimals_keeps_those_of_the_children() -> None:
    """Numeric without a scale travels as text; the synthetic children may have more decimals than the source's."""
    plan = planned(FactWishes(declare=("orders.total = max(items.price)",)))
    [fact] = [f for f in plan.facts if isinstance(f, Aggregate) and f.column == "total"]
    name = TableName("public", "orders")
    columns = tuple(replace(c, type=sqltypes.Numeric()) if c.name == "total" else c for c in plan[name].table.columns)
    table = replace(plan[name], table=replace(plan[name].table, columns=columns, checks=()))
    rows = shop()["orders"]
    rows = rows.set_column(3, "total", pa.array(["1.5"] * rows.num_rows))
    items = shop()["items"]
    items = items.set_column(3, "price", pa.array(["2.125"] * (items.num_rows - 1) + ["0.5"]))
    made = Made(rows, np.zeros((rows.num_rows, 0), np.int32), 0, (), rows.num_columns)
    only = replace(plan, facts=(replace(fact, scale=None),))
    rules = Rules.of(table.table, "postgres", plan.now, None)
    settled, given_up = settle_late(only, table, made, lambda fact: items, rules, seed=1)
    assert given_up == []
    assert {float(v) for v in settled.rows.column("total").to_pylist()} <= {2.125, 0.5}
