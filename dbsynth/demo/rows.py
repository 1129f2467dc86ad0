"""The rows of the shop: drawn by rules of our own, the same each time."""

from __future__ import annotations

import itertools
import json
import math
import random
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

Row = tuple[Any, ...]
TABLES = {
    "store": "store_id, name, city, opened_on",
    "staff": "staff_id, store_id, first_name, last_name, hired_on, left_on, salary",
    "category": "category_id, parent_id, name",
    "product": "product_id, category_id, sku, name, price, cost, weight_kg, attributes, active",
    "tag": "tag_id, label",
    "product_tag": "product_id, tag_id",
    "customer": "customer_id, first_name, last_name, email, phone, loyalty, birth_date, signed_up_at, newsletter",
    "order_status": "status, is_final, description",
    "orders": "order_id, customer_id, store_id, status, ordered_at, shipped_at, delivered_at, shipping, note",
    "order_line": "order_id, line_no, product_id, quantity, unit_price, discount",
    "payment": "payment_id, order_id, method, paid_at, amount, card_last4",
}
"""The tables in the order in which they are filled, and the columns that ``Shop`` gives."""

STORES, STAFF, PRODUCTS, CUSTOMERS = 8, 64, 260, 1500
FIRST_DAY, LAST_DAY = date(2022, 1, 1), date(2024, 12, 31)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST = _words("""Ada Alma Amir Anouk Aron Bela Bruno Carla Cem Dana Dario Edda Elif Emil Enzo Fatou Finn Greta Hana
Hugo Ida Ines Ivan Jana Joris Kaya Lena Lev Lilou Luca Maja Malik Marta Milo Nadia Nils Noor Olga
Oskar Paula Pia Rafa Rosa Sami Selma Taro Tilda Uma Vera Yara Zoe""")
LAST = _words("""Abadi Adler Baran Berg Bianchi Brandt Castro Costa Demir Dubois Eriksen Falk Ferrari Fuchs Garcia
Haas Hansen Horvat Ito Jansen Keller Kowalski Lang Larsen Lopez Maier Marin Moreau Nagy Novak Okafor
Olsen Petrov Quist Ramos Rossi Sato Schmid Silva Sommer Tanaka Toth Urban Vidal Vogel Weber Winter
Yilmaz Zeman Zimmer""")
TREE = {
    "Kitchen": ("Pans", "Knives", "Cups", "Boards"),
    "Garden": ("Tools", "Seeds", "Pots"),
    "Office": ("Paper", "Pens", "Lamps", "Chairs"),
    "Outdoor": ("Tents", "Stoves", "Bags"),
    "Toys": ("Puzzles", "Blocks", "Kites"),
}
COST = {"Kitchen": 24.0, "Garden": 15.0, "Office": 32.0, "Outdoor": 65.0, "Toys": 12.0}
"""The middle price of each department."""
ADJECTIVES = _words("Plain Sturdy Light Little Grand Quiet Bright Classic Folding Double")
COLOURS = _words("red blue green black white grey")
TAGS = _words("new sale eco handmade bestseller clearance gift premium basic seasonal imported local")
NOTES = ("leave with the neighbour", "ring twice", "gift wrap please", "call before delivery", "back door")
STATUSES = (
    ("open", False, "Ordered, not yet sent"),
    ("shipped", False, "On its way"),
    ("delivered", True, "With the customer"),
    ("cancelled", True, None),
    ("returned", True, "Sent back by the customer"),
)


class Shop:
    """``rows(table)`` gives the rows of a table; tables are asked for in the order of ``TABLES``."""

    def __init__(self, seed: int = 7) -> None:
        self._random = random.Random(seed)
        self._customers: list[tuple[int, str, datetime]] = []
        self._prices: dict[int, float] = {}
        self._ordered: list[tuple[int, str, datetime, str]] = []
        self._totals: dict[int, float] = {}

    def rows(self, table: str) -> Iterator[Row]:
        found: Iterator[Row] = getattr(self, f"_{table}")()
        return found

    def managers(self) -> Iterator[Row]:
        """(manager_id, store_id): the first member of staff of each store; one store has none."""
        return ((store, store) for store in range(1, STORES))

    def _day(self, first: date, last: date) -> date:
        return first + timedelta(days=self._random.randrange((last - first).days + 1))

    def _store(self) -> Iterator[Row]:
        cities = ("Lyon", "Graz", "Porto", "Gdansk", "Bergen", "Turin", "Basel", "Leuven")
        for number, city in enumerate(cities[:STORES], 1):
            yield number, f"Shop {city}", city, self._day(date(2010, 1, 1), date(2021, 6, 30))

    def _staff(self) -> Iterator[Row]:
        r = self._random
        for number in range(1, STAFF + 1):
            hired = self._day(date(2011, 1, 1), date(2023, 12, 31))
            years = (LAST_DAY - hired).days / 365
            left = hired + timedelta(days=r.randrange(60, 1500)) if r.random() < 0.25 else None
            salary = round(min(199_000, 27_000 * math.exp(0.04 * years + r.gauss(0, 0.15))), -2)
            yield number, (number - 1) % STORES + 1, r.choice(FIRST), r.choice(LAST), hired, left, salary

    def _category(self) -> Iterator[Row]:
        numbers = itertools.count(1)
        for department, leaves in TREE.items():
            top = next(numbers)
            yield top, None, department
            for leaf in leaves:
                yield next(numbers), top, leaf

    def _product(self) -> Iterator[Row]:
        r = self._random
        departments = {number: name for number, parent, name in self._category() if parent is None}
        leaves = [(number, departments[parent], name) for number, parent, name in self._category() if parent]
        for number in range(1, PRODUCTS + 1):
            category, department, noun = r.choice(leaves)
            exact = COST[department] * math.exp(r.gauss(0, 0.6))
            price = max(1, round(exact)) - 0.01 if r.random() < 0.8 else round(exact, 2)
            cost = round(price * r.uniform(0.4, 0.75), 2)
            weight = round(r.lognormvariate(0, 0.8), 3) if r.random() < 0.9 else None
            colours = r.sample(COLOURS, r.randrange(1, 4))
            attributes = {"colours": colours, "warranty_months": r.choice((0, 12, 24))}
            self._prices[number] = price
            sku = f"{department[:3].upper()}-{r.randrange(10):01}{number:03}"
            name = f"{r.choice(ADJECTIVES)} {noun.removesuffix('s')} {number}"
            yield number, category, sku, name, price, cost, weight, json.dumps(attributes), r.random() < 0.92

    def _tag(self) -> Iterator[Row]:
        yield from enumerate(TAGS, 1)

    def _product_tag(self) -> Iterator[Row]:
        r = self._random
        for product in self._prices:
            for tag in sorted(r.sample(range(1, len(TAGS) + 1), r.choice((0, 1, 1, 2, 2, 3, 4)))):
                yield product, tag

    def _customer(self) -> Iterator[Row]:
        r = self._random
        for number in range(1, CUSTOMERS + 1):
            first, last = r.choice(FIRST), r.choice(LAST)
            host = r.choice(("mailbox.example", "post.example", "letters.example"))
            email = f"{first}.{last}{number}@{host}".lower() if r.random() < 0.93 else None
            phone = f"+{r.choice((32, 33, 43, 47, 351))} {r.randrange(10**8, 10**9)}" if r.random() < 0.6 else None
            signed_up = datetime.combine(self._day(FIRST_DAY, LAST_DAY), datetime.min.time())
            signed_up += timedelta(seconds=r.randrange(6 * 3600, 23 * 3600))
            early = (LAST_DAY - signed_up.date()).days / (LAST_DAY - FIRST_DAY).days
            loyalty = r.choices(("none", "silver", "gold"), (1.0, 0.9 * early, 0.5 * early))[0]
            born = self._day(date(1945, 1, 1), date(2005, 12, 31)) if r.random() < 0.7 else None
            self._customers.append((number, loyalty, signed_up))
            news = email is not None and r.random() < {"none": 0.25, "silver": 0.5, "gold": 0.8}[loyalty]
            yield number, first, last, email, phone, loyalty, born, f"{signed_up}+00", news

    def _order_status(self) -> Iterator[Row]:
        yield from STATUSES

    def _orders_of(self, loyalty: str) -> int:
        mean = {"none": 1.4, "silver": 3.2, "gold": 6.5}[loyalty]
        return min(40, int(self._random.gammavariate(1.6, mean / 1.6) + 0.5))

    def _orders(self) -> Iterator[Row]:
        r, end = self._random, datetime.combine(LAST_DAY, datetime.max.time()).replace(microsecond=0)
        drafts = []
        for customer, loyalty, signed_up in self._customers:
            at = signed_up
            for _ in range(self._orders_of(loyalty)):
                at += timedelta(seconds=r.expovariate(1 / (86400 * {"none": 120, "silver": 75, "gold": 40}[loyalty])))
                if at > end:
                    break
                drafts.append((at.replace(microsecond=0), customer, loyalty))
        for number, (ordered, customer, loyalty) in enumerate(sorted(drafts), 1):
            store = r.randrange(1, STORES + 1) if r.random() < 0.3 else None
            status, shipped, delivered = self._fate(ordered, end, store)
            shipping = 0 if store or loyalty == "gold" else r.choices((0, 3.90, 5.90, 9.90), (2, 5, 4, 1))[0]
            note = r.choice(NOTES) if r.random() < 0.08 else None
            self._ordered.append((number, loyalty, ordered, status))
            yield number, customer, store, status, ordered, shipped, delivered, shipping, note

    def _fate(
        self, ordered: datetime, end: datetime, store: int | None
    ) -> tuple[str, datetime | None, datetime | None]:
        r = self._random
        if store and r.random() < 0.9:  # taken home from the shop
            return "delivered", ordered, ordered
        if r.random() < 0.05:
            return "cancelled", None, None
        shipped = ordered + timedelta(hours=r.gammavariate(2.0, 30.0))
        delivered = shipped + timedelta(hours=12 + r.gammavariate(2.5, 30.0))
        shipped, delivered = shipped.replace(microsecond=0), delivered.replace(microsecond=0)
        out_of_stock = ordered > end - timedelta(days=120) and r.random() < 0.12
        if shipped > end or out_of_stock:
            return "open", None, None
        lost_by_the_carrier = ordered > end - timedelta(days=90) and r.random() < 0.08
        if delivered > end or lost_by_the_carrier:
            return "shipped", shipped, None
        return ("returned" if r.random() < 0.06 else "delivered"), shipped, delivered

    def _order_line(self) -> Iterator[Row]:
        r, products = self._random, list(self._prices)
        weights = [1 / (rank + 6) for rank in range(len(products))]  # some sell far better than others
        for order, loyalty, _, _ in self._ordered:
            lines = 1 + min(11, int(r.expovariate(1 / {"none": 0.9, "silver": 1.5, "gold": 2.3}[loyalty])))
            self._totals[order] = 0.0
            for line, product in enumerate(r.choices(products, weights, k=lines), 1):
                price = self._prices[product]
                quantity = 1 if price > 60 else r.choices((1, 2, 3, 4, 6, 10), (60, 20, 8, 5, 4, 3))[0]
                discount = r.choices((0, 0.05, 0.10, 0.20), {"gold": (3, 2, 3, 1)}.get(loyalty, (16, 1, 2, 1)))[0]
                self._totals[order] += quantity * price * (1 - discount)
                yield order, line, product, quantity, price, discount

    def _payment(self) -> Iterator[Row]:
        r = self._random
        for order, _, ordered, status in self._ordered:
            if status in ("cancelled", "open"):
                continue
            method = r.choices(("card", "transfer", "voucher"), (70, 24, 6))[0]
            wait = r.uniform(0, 0.2) if method != "transfer" else 24 * r.gammavariate(2, 1.5)
            paid = (ordered + timedelta(hours=wait)).replace(microsecond=0)
            number = str(uuid.UUID(int=r.getrandbits(128), version=4))
            digits = f"{r.randrange(10_000):04}" if method == "card" else None
            yield number, order, method, paid, round(self._totals[order], 2), digits
