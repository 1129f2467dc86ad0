"""Facts of dbsynth.toml: what can be written, and what is said of what cannot."""

from __future__ import annotations

import pytest
from sqlalchemy import types as sqltypes

from dbsynth.errors import ConfigError
from dbsynth.pipeline.declared import check_declared, declared_facts
from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.relation.facts import Aggregate, Copy, Factor
from dbsynth.schema.model import Column, ForeignKey, Key, Schema, Table, TableName


def name(table: str) -> TableName:
    return TableName("public", table)


def table(called: str, keys: tuple[ForeignKey, ...] = (), **columns: sqltypes.TypeEngine) -> Table:
    described = tuple(Column(c, t, str(t).lower(), nullable=False) for c, t in columns.items())
    return Table(name(called), described, Key(f"{called}_pkey", ("id",), ""), foreign_keys=keys)


def key(called: str, column: str, parent: str) -> ForeignKey:
    return ForeignKey(called, (column,), name(parent), ("id",))


INT, MONEY = sqltypes.Integer(), sqltypes.Numeric(10, 2)
SCHEMA = Schema(
    (
        table("products", id=INT, unit_price=MONEY, title=sqltypes.Text()),
        table("airports", id=INT, tz=INT, flights=INT),
        table("orders", id=INT, total=MONEY, lines=INT, last=sqltypes.Date()),
        table(
            "items",
            (key("items_order", "order_id", "orders"), key("items_product", "product_id", "products")),
            id=INT, order_id=INT, product_id=INT, quantity=INT, unit_price=MONEY, discount=MONEY, sent=sqltypes.Date(),
        ),
        table(
            "flights",
            (key("origin_key", "origin", "airports"), key("dest_key", "dest", "airports")),
            id=INT, origin=INT, dest=INT, tz=INT,
        ),
    )
)  # fmt: skip
PLAN = Plan(SCHEMA, tuple(TablePlan(t, 0, 9, 9, 9, None, (), ()) for t in SCHEMA), {}, "s", "t")

GOOD = [
    "orders.total = sum(items.quantity * items.unit_price * (1 - items.discount))",
    "orders.total = sum(items.unit_price)",
    "orders.lines = count(items.*)",
    "orders.last = max(items.sent)",
    "items.unit_price = products.unit_price",
    "flights.tz = origin_key.tz",
    "airports.flights = count(dest_key.*)",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_is_written_is_the_id(text: str) -> None:
    check_declared(SCHEMA, [text])
    [fact] = declared_facts(PLAN, [text])
    assert fact.id == text
    assert fact.rows == 0


def test_what_it_says() -> None:
    total, price = declared_facts(PLAN, [GOOD[0], "public.items.unit_price = public.products.unit_price"])
    assert isinstance(total, Aggregate)
    assert (total.table, total.child, total.key) == (name("orders"), name("items"), "items_order")
    assert total.factors == (Factor("quantity"), Factor("unit_price"), Factor("discount", complement=True))
    assert (total.function, total.scale, total.empty) == ("sum", 2, "zero")
    assert isinstance(price, Copy)
    assert (price.table, price.parent, price.key) == (name("items"), name("products"), "items_product")
    assert price.exact
    assert price.whole


BAD = {
    "orders.total = ": "cannot be read",
    "orders.total > 3": "no equation of a column",
    "total = sum(items.unit_price)": "no equation of a column",
    "orders.total = 3": "neither a column nor",
    "ordres.total = sum(items.unit_price)": "no table ordres",
    "orders.totl = sum(items.unit_price)": "no column totl",
    "orders.total = sum(items.price)": "no column price",
    "orders.total = sum(items.quantity + items.discount)": "neither a column nor 1 - column",
    "orders.total = sum(items.quantity * products.unit_price)": "columns of one table",
    "orders.lines = count(items.id)": "counted as count(table.*)",
    "orders.total = sum(items.sent)": "holds no numbers",
    "orders.total = sum(products.unit_price)": "no foreign key joins",
    "items.product_id = products.unit_price": "part of a key",
    "items.unit_price = products.title": "different types",
    "flights.tz = airports.tz": "several foreign keys join",
}


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match=r"\[facts\] declare") as told:
        check_declared(SCHEMA, [text])
    assert BAD[text] in str(told.value)
    assert told.value.hint


def test_a_near_name_is_offered() -> None:
    with pytest.raises(ConfigError) as told:
        check_declared(SCHEMA, ["ordres.total = sum(items.unit_price)"])
    assert "'orders'" in told.value.hint


def test_facts_about_tables_that_are_left_out_are_no_error() -> None:
    fewer = Schema(tuple(t for t in SCHEMA if t.name.name != "products"))
    plan = Plan(fewer, tuple(t for t in PLAN.tables if t.name.name != "products"), {}, "s", "t")
    assert declared_facts(plan, ["items.unit_price = products.unit_price"]) == []
