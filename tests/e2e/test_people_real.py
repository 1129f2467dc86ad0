"""People in clones of real databases: addresses made of names as often as in the source, nobody's domains, no name of
the source."""

from __future__ import annotations

import math
from collections.abc import Callable

import psycopg
import pytest

from dbsynth.testing.embedded import conninfo
from dbsynth.values.spelling import plain
from tests.clones import Clone

pytestmark = pytest.mark.databases
Cloned = Callable[[str], Clone]
Row = tuple[str, ...]


def words(text: str) -> list[str]:
    return [plain(w) for w in text.split()]


FOLLOW: dict[str, tuple[str, str, Callable[[Row], bool]]] = {
    "chinook customers: family name in the address": (
        "chinook", "select first_name, last_name, email from customer", lambda r: plain(r[1]) in plain(r[2])),
    "chinook customers: first.last": (
        "chinook", "select first_name, last_name, email from customer",
        lambda r: plain(r[2]).startswith(plain(r[0]) + plain(r[1]))),
    "pagila customers: FIRST.LAST@": (
        "pagila17", "select first_name, last_name, email from customer",
        lambda r: r[2].split("@")[0] == f"{r[0]}.{r[1]}"),
    "oracle_hr employees: FLAST": (
        "oracle_hr", "select first_name, last_name, email from employees",
        lambda r: plain(r[2]).startswith(plain(r[0])[:1] + plain(r[1])[:5])),
    "oracle_co customers: first.last of the full name": (
        "oracle_co", "select full_name, email_address from customers",
        lambda r: all(w in plain(r[1]) for w in words(r[0]))),
}  # fmt: skip
"""What is counted: database, query, whether it holds in a row."""
ADDRESSES = {
    "chinook": "select email from customer union all select email from employee",
    "pagila17": "select email from customer union all select email from staff",
    "oracle_co": "select email_address from customers",
    "adventureworks": "select emailaddress from person.emailaddress",
}


def rows_of(url: str, query: str) -> list[Row]:
    with psycopg.connect(conninfo(url)) as connection:
        found = connection.execute(query.encode()).fetchall()
    return [r for r in found if None not in r]


@pytest.mark.parametrize("what", FOLLOW)
def test_addresses_follow_names_as_often_as_in_the_source(cloned: Cloned, what: str) -> None:
    name, query, holds = FOLLOW[what]
    made = cloned(name)
    real, synthetic = (rows_of(url, query) for url in (made.source, made.target))
    shares = [sum(map(holds, rows)) / len(rows) for rows in (real, synthetic)]
    # of few rows the share is known by chance only
    noise = 2 * math.sqrt(shares[0] * (1 - shares[0]) / len(real))
    assert shares[1] == pytest.approx(shares[0], abs=0.05 + noise)


@pytest.mark.parametrize("name", ADDRESSES)
def test_mail_to_a_clone_reaches_nobody(cloned: Cloned, name: str) -> None:
    found = [m for (m,) in rows_of(cloned(name).target, ADDRESSES[name])]
    assert found
    assert [m for m in found if not m.lower().endswith(".example")] == []
