"""Customers → orders → lines. An order's total is the sum of its lines; a line mostly costs what the product does; what
is bought depends on the customer two keys away; only promoted orders have discounts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.worlds.world import SIMULATED, Fact, Truth, World, draw, moments, position

SEGMENTS = np.array(["consumer", "business"])
P_BUSINESS = 0.3
P_NO_ORDER = np.array([0.4, 0.1])
ORDERS = np.array([2.0, 5.0])
"""Mean of those who order at all: 1 + Poisson."""
CATEGORIES = np.array(["home", "garden", "office", "toys"])
P_CATEGORY = np.array([[0.4, 0.25, 0.05, 0.3], [0.15, 0.1, 0.7, 0.05]])
PRODUCTS = 30
"""Of each category; the r-th (from 0) is bought with weight 1 / (r + 2)."""
WEIGHT = 1 / (np.arange(PRODUCTS) + 2)
LN_PRICE = np.log([30.0, 60.0, 15.0, 20.0])
P_PROMO, P_DISCOUNT = 0.25, 0.6
DISCOUNTS = np.array([10, 20, 30])
LINES = 3.0
"""Mean: 1 + Poisson."""
QUANTITY = np.array([2.0, 3.5])
"""Mean without and with promotion: 1 + Poisson."""
P_LIST_PRICE = 0.9
DAY = 86_400

DDL = """
create table product (
    product_id int primary key, category varchar(10) not null,
    list_price numeric(8, 2) not null check (list_price > 0));
create table customer (customer_id int primary key, segment varchar(10) not null, joined date not null);
create table orders (
    order_id int primary key, customer_id int not null references customer, ordered_at timestamp(0) not null,
    promo boolean not null, total numeric(12, 2) not null);
create table order_line (
    order_id int not null references orders, line_no int not null check (line_no >= 1),
    product_id int not null references product, qty int not null check (qty > 0), unit_price numeric(8, 2) not null,
    discount numeric(3, 2) not null check (discount between 0 and 0.5), primary key (order_id, line_no));
"""


def tables(scale: float, seed: int) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    products = len(CATEGORIES) * PRODUCTS
    number = rng.permutation(products)  # so that no key tells how popular its product is
    category = np.repeat(np.arange(len(CATEGORIES)), PRODUCTS)
    price = np.maximum(50, np.round(100 * np.exp(rng.normal(LN_PRICE[category], 0.5)))).astype(int)

    customers = round(600 * scale)
    segment = (rng.random(customers) < P_BUSINESS).astype(int)
    joined = rng.integers(0, 1500, customers)
    counts = np.where(rng.random(customers) < P_NO_ORDER[segment], 0, 1 + rng.poisson(ORDERS[segment] - 1))
    owner = np.repeat(np.arange(customers), counts)
    orders = len(owner)
    at = joined[owner] * DAY + rng.exponential(200 * DAY, orders)
    promo = rng.random(orders) < P_PROMO

    lines = 1 + rng.poisson(LINES - 1, orders)
    order = np.repeat(np.arange(orders), lines)
    n = len(order)
    bought = PRODUCTS * draw(rng, P_CATEGORY[segment[owner[order]]]) + rng.choice(PRODUCTS, n, p=WEIGHT / WEIGHT.sum())
    qty = 1 + rng.poisson(QUANTITY[promo[order].astype(int)] - 1)
    paid = np.where(rng.random(n) < P_LIST_PRICE, price[bought], np.round(price[bought] * 0.9).astype(int))
    percent = np.where(promo[order] & (rng.random(n) < P_DISCOUNT), rng.choice(DISCOUNTS, n), 0)
    hundredths = np.bincount(order, qty * paid * (100 - percent), orders).astype(int)  # of a cent
    return {
        "product": pd.DataFrame(
            {"product_id": number + 1, "category": CATEGORIES[category], "list_price": price / 100}
        ).sort_values("product_id"),
        "customer": pd.DataFrame(
            {
                "customer_id": np.arange(1, customers + 1),
                "segment": SEGMENTS[segment],
                "joined": moments("2018-01-01", joined * DAY).dt.date,
            }
        ),
        "orders": pd.DataFrame(
            {
                "order_id": np.arange(1, orders + 1),
                "customer_id": owner + 1,
                "ordered_at": moments("2018-01-01", at),
                "promo": promo,
                "total": (hundredths + 50) // 100 / 100,
            }
        ),
        "order_line": pd.DataFrame(
            {
                "order_id": order + 1,
                "line_no": position(lines) + 1,
                "product_id": number[bought] + 1,
                "qty": qty,
                "unit_price": paid / 100,
                "discount": percent / 100,
            }
        ),
    }


LINE = "order_line join product using (product_id) join orders using (order_id) join customer using (customer_id)"
PER_CUSTOMER = (
    "(select segment, count(order_id) as n from customer left join orders using (customer_id) group by customer_id) c"
)

TRUTHS = (
    *(
        Truth(
            f"P(no order | {segment})",
            f"select avg((n = 0)::int) from {PER_CUSTOMER} where segment = '{segment}'",
            P_NO_ORDER[s], 0.1, "P_NO_ORDER",
        )
        for s, segment in enumerate(SEGMENTS)
    ),
    *(
        Truth(
            f"orders per customer, {segment}",
            f"select avg(n) from {PER_CUSTOMER} where segment = '{segment}'",
            (1 - P_NO_ORDER[s]) * ORDERS[s], 0.5, "(1 − P_NO_ORDER) ORDERS",
        )
        for s, segment in enumerate(SEGMENTS)
    ),
    Truth(
        "lines per order",
        "select count(*)::float / count(distinct order_id) from order_line",
        LINES, 0.2, "LINES",
    ),
    *(
        Truth(
            f"P({c} | {segment}), three keys away",
            f"select avg((category = '{c}')::int) from {LINE} where segment = '{segment}'",
            P_CATEGORY[s, list(CATEGORIES).index(c)], 0.1, "P_CATEGORY",
        )
        for s, segment, c in ((0, "consumer", "office"), (1, "business", "office"), (0, "consumer", "toys"))
    ),
    *(
        Truth(
            f"quantity, {'promo' if p else 'no promo'}",
            f"select avg(qty) from {LINE} where promo = {bool(p)}",
            mean, 0.3, "QUANTITY",
        )
        for p, mean in enumerate(QUANTITY)
    ),
    Truth(
        "P(discount | promo)",
        f"select avg((discount > 0)::int) from {LINE} where promo",
        P_DISCOUNT, 0.1, "P_DISCOUNT",
    ),
    Truth(
        "P(discount | no promo)",
        f"select avg((discount > 0)::int) from {LINE} where not promo",
        0.0, 0.04, "only promoted orders",
    ),
    Truth(
        "P(unit_price = list_price)",
        f"select avg((unit_price = list_price)::int) from {LINE}",
        P_LIST_PRICE, 0.05, "P_LIST_PRICE",
    ),
    Truth(
        "mean ln(unit_price / list_price)",
        f"select avg(ln(unit_price / list_price)) from {LINE}",
        (1 - P_LIST_PRICE) * np.log(0.9), 0.03, "(1 − P_LIST_PRICE) ln .9",
    ),
    Truth(
        "share of lines of the 12 best sellers",
        "select sum(n) filter (where i <= 12) / sum(n) from (select count(*) as n, row_number() over (order by "
        "count(*) desc) as i from order_line group by product_id) p",
        0.394, 0.06, SIMULATED,
    ),
)  # fmt: skip

FACTS = (
    Fact(
        "total = Σ qty × unit_price × (1 − discount)",
        "select count(*) from orders o where total <> (select round(sum(qty * unit_price * (1 - discount)), 2) "
        "from order_line l where l.order_id = o.order_id)",
    ),
    Fact(
        "every order has lines", "select count(*) from orders where order_id not in (select order_id from order_line)"
    ),
    Fact(
        "lines are numbered 1 … n",
        "select count(*) from (select line_no, row_number() over (partition by order_id order by line_no) as n "
        "from order_line) l where line_no <> n",
    ),
    Fact(
        "no order before its customer",
        "select count(*) from orders join customer using (customer_id) where ordered_at < joined",
    ),
)

WORLD = World("shop", DDL, tables, TRUTHS, FACTS)
