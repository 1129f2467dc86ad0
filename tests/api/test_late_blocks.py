"""Late columns of large tables are settled block by block: the values are those of all rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import types as sqltypes

import dbsynth
from dbsynth.pipeline import late_blocks
from dbsynth.pipeline.facts import late_facts
from dbsynth.pipeline.late_blocks import settle_in_blocks
from dbsynth.pipeline.rules import Rules
from dbsynth.pipeline.spool import Made
from dbsynth.schema.model import TableName
from dbsynth.synthesizer import Synthesizer

CUSTOMERS, ORDERS, ITEMS = 120, 400, 1_600
SCHEMA = {
    "customers": {"primary_key": ["id"]},
    "orders": {
        "primary_key": ["id"],
        "foreign_keys": [{"columns": ["customer_id"], "ref_table": "customers"}],
        "checks": ["total >= 0", "due = total + freight"],
    },
    "items": {
        "primary_key": ["id"],
        "foreign_keys": [{"columns": ["order_id"], "ref_table": "orders"}],
    },
    "parcels": {
        "primary_key": ["id"],
        "foreign_keys": [{"columns": ["order_id"], "ref_table": "orders"}],
    },
}


def shop() -> dict[str, pa.Table]:
    """The total of an order is that of its items, what a customer spent that of the orders, and the worth of a parcel
    the total of its order. Items of an order do not stand together."""
    rng = np.random.default_rng(0)
    customer, order = rng.integers(0, CUSTOMERS, ORDERS), rng.integers(0, ORDERS, ITEMS)
    price, freight = rng.integers(1, 9_000, ITEMS), rng.integers(0, 900, ORDERS)
    total = np.bincount(order, price, ORDERS).astype(np.int64)
    spent = np.bincount(customer, total, CUSTOMERS).astype(np.int64)
    sent = rng.integers(0, ORDERS, ORDERS)
    orders = {"id": np.arange(ORDERS) + 1, "customer_id": customer + 1, "total": total, "freight": freight}
    items = {"id": np.arange(ITEMS) + 1, "order_id": order + 1, "price": price, "quantity": rng.integers(1, 5, ITEMS)}
    return {
        "customers": pa.table({"id": np.arange(CUSTOMERS) + 1, "spent": spent}),
        "orders": pa.table(orders | {"due": total + freight}),
        "items": pa.table(items),
        "parcels": pa.table({"id": np.arange(ORDERS) + 1, "order_id": sent + 1, "worth": total[sent]}),
    }


@pytest.fixture(scope="module")
def model() -> Synthesizer:
    made = dbsynth.fit(shop(), schema=SCHEMA, seed=1, strategy="independent", device="cpu")
    late = {str(t.name): [f.id for f in late_facts(made.plan.facts, t.name)] for t in made.plan.tables}
    assert late == {
        "public.customers": ["customers.spent = sum(orders.total)"],
        "public.orders": ["orders.total = sum(items.price)"],
        "public.items": [],
        "public.parcels": ["parcels.worth = orders.total"],
    }
    return made


@pytest.mark.parametrize("block", [37, 250])
def test_blocks_are_the_whole(model: Synthesizer, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = model.sample(scale=2, seed=3)
    monkeypatch.setattr(late_blocks, "BLOCK", block)
    made = model.sample(scale=2, seed=3)
    for name, rows in whole.items():
        assert made[name].equals(rows), name
    orders, items = made["orders"].set_index("id"), made["items"]
    told = items.groupby("order_id")["price"].sum()
    assert (orders["total"].loc[told.index] == told).all()
    assert (orders["due"] == orders["total"] + orders["freight"]).all()


def given(model: Synthesizer) -> tuple[Made, dict[str, pa.Table]]:
    tables = shop()
    orders = tables["orders"].set_column(2, "total", pa.array(np.full(ORDERS, 7)))
    orders = orders.set_column(4, "due", pa.array(7 + orders.column("freight").to_numpy()))
    return Made(orders, np.zeros((ORDERS, 0), np.int32), 0, (), orders.num_columns), tables


@pytest.mark.parametrize("block", [37, late_blocks.BLOCK])
def test_what_one_block_gives_up_all_do(model: Synthesizer, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_blocks, "BLOCK", block)
    plan, name = model.plan, TableName("public", "orders")
    made, tables = given(model)
    items = tables["items"]
    first = items.column("order_id").to_numpy() == 5
    dear = items.set_column(2, "price", pa.array(np.where(first, 9_000_000, items.column("price").to_numpy())))
    columns = tuple(
        replace(c, type=sqltypes.SmallInteger()) if c.name == "total" else c for c in plan[name].table.columns
    )
    small = replace(plan[name], table=replace(plan[name].table, columns=columns, checks=()))
    beyond = int((np.bincount(dear.column("order_id").to_numpy(), dear.column("price").to_numpy()) > 32_767).sum())
    rules, written = Rules.of(small.table, "postgres", plan.now, None), []

    def write(blocks: Iterator[pa.Table]) -> None:
        written[:] = list(blocks)

    warnings = settle_in_blocks(plan, small, made, lambda other: dear, rules, 1, write)
    assert warnings == [f"orders.total = sum(items.price): not kept: the column cannot hold the value in {beyond} rows"]
    assert (len(written) > 1) == (block == 37)
    assert pa.concat_tables(written).column("total").combine_chunks().equals(made.rows.column("total").combine_chunks())
