"""Facts across rows that hold in every row of real databases hold in every row of their clones.

Each is a query for the rows that break it.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from dbsynth.testing.embedded import conninfo
from tests.clones import Clone
from tests.e2e import sequence_facts

pytestmark = pytest.mark.databases

COPY = """select count(*) from {child} c join {parent} p on {on} where {own} is distinct from {source}"""
AGGREGATE = """select count(*) from {parent} p join (select {group}, {told} as told from {child} group by {group}) c
on {on} where p.{column} is distinct from c.told"""


def copied(child: str, own: str, parent: str, source: str, on: str) -> str:
    return COPY.format(child=child, own=f"c.{own}", parent=parent, source=f"p.{source}", on=on)


def told(parent: str, column: str, formula: str, child: str, group: str, ref: str) -> str:
    on = f"p.{ref} = c.{group}"
    return AGGREGATE.format(parent=parent, column=column, told=formula, child=child, group=group, on=on)


CUSTOMER = "p.customer_id = c.customer_id"
HOUR = "p.origin = c.origin and p.time_hour = c.time_hour"
FACTS = {
    "chinook: an invoice is the sum of its lines": (
        "chinook",
        told("invoice", "total", "sum(unit_price * quantity)", "invoice_line", "invoice_id", "invoice_id"),
    ),
    "chinook: a line has the price of its track": (
        "chinook",
        copied("invoice_line", "unit_price", "track", "unit_price", "p.track_id = c.track_id"),
    ),
    **{
        f"chinook: the billing {column} is the customer's": (
            "chinook",
            copied("invoice", f"billing_{column}", "customer", column, CUSTOMER),
        )
        for column in ("address", "city", "state", "country", "postal_code")
    },
    "northwind: orders are shipped to the customer's country": (
        "northwind",
        copied("orders", "ship_country", "customers", "country", CUSTOMER),
    ),
    "walmart: sales and features know the same holidays": (
        "walmart",
        copied("sales", "is_holiday", "features", "is_holiday", "p.store = c.store and p.date = c.date"),
    ),
    **{
        f"nycflights13: flights have the {column} of their weather": (
            "nycflights13",
            copied("flights", column, "weather", column, HOUR),
        )
        for column in ("month", "day", "hour")
    },
    "stackexchange_ai: posts count their comments": (
        "stackexchange_ai",
        "select count(*) from posts p where comment_count <> (select count(*) from comments c where c.post_id = p.id)",
    ),
    "stackexchange_ai: questions count their answers": (
        "stackexchange_ai",
        """select count(*) from posts p
        where coalesce(answer_count, 0) <> (select count(*) from posts a where a.parent_id = p.id)""",
    ),
    "adventureworks: a purchase is the sum of its lines": (
        "adventureworks",
        told(
            "purchasing.purchaseorderheader",
            "subtotal",
            "sum(orderqty * unitprice)",
            "purchasing.purchaseorderdetail",
            "purchaseorderid",
            "purchaseorderid",
        ),
    ),
    "adventureworks: the list price is the highest of its history": (
        "adventureworks",
        told(
            "production.product",
            "listprice",
            "max(listprice)",
            "production.productlistpricehistory",
            "productid",
            "productid",
        ),
    ),
    "adventureworks: the history of costs begins with the sale": (
        "adventureworks",
        told(
            "production.product",
            "sellstartdate",
            "min(startdate)",
            "production.productcosthistory",
            "productid",
            "productid",
        ),
    ),
}


def exceptions(url: str, query: str) -> int:
    with psycopg.connect(conninfo(url)) as connection:
        [(n,)] = connection.execute(query.encode()).fetchall()
    return int(n)


@pytest.mark.parametrize("name", [*FACTS, *sequence_facts.FACTS])
def test_the_fact_holds_in_the_source_and_in_the_clone(cloned: Callable[[str], Clone], name: str) -> None:
    database, query = {**FACTS, **sequence_facts.FACTS}[name]
    made = cloned(database)
    assert exceptions(made.source, query) == 0
    assert exceptions(made.target, query) == 0
