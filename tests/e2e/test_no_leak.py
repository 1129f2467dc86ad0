"""No row of the source, and no text that belongs to one person or one row, is found in the clone."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable

import psycopg
import pytest

from dbsynth.testing.embedded import conninfo
from tests.clones import Clone
from tests.conftest import REAL_DATABASES

pytestmark = pytest.mark.databases
Cloned = Callable[[str], Clone]
Url = str

OWN_COLUMNS = """
    select n.nspname, c.relname, array_agg(a.attname::text order by a.attnum)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema)'
    and not exists (select 1 from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'f', 'u')
                    and a.attnum = any(k.conkey))
    group by 1, 2 having count(*) >= 3 order by 1, 2"""
"""Tables with at least three columns beside their keys."""
TEXTS = """
    select n.nspname, c.relname, a.attname::text
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    join pg_type t on t.oid = a.atttypid
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema)'
    and (t.typcategory = 'S' or t.typname = 'xml' or t.typtype = 'd') order by 1, 2, a.attnum"""
PERSONAL = {
    "chinook": {"customer": ("first_name", "last_name", "address", "email", "phone", "fax", "company"),
                "employee": ("first_name", "last_name", "address", "email", "phone", "fax"),
                "invoice": ("billing_address",)},
    "northwind": {"customers": ("company_name", "contact_name", "address", "phone", "fax"),
                  "employees": ("first_name", "last_name", "address", "home_phone", "notes", "photo_path"),
                  "orders": ("ship_name", "ship_address"),
                  "suppliers": ("company_name", "contact_name", "address", "phone", "fax", "homepage"),
                  "shippers": ("company_name", "phone")},
    "adventureworks": {"emailaddress": ("emailaddress",),
                       "personphone": ("phonenumber",), "address": ("addressline1", "addressline2"),
                       "employee": ("nationalidnumber", "loginid"), "password": ("passwordhash", "passwordsalt"),
                       "creditcard": ("cardnumber",), "productreview": ("reviewername", "emailaddress", "comments"),
                       "jobcandidate": ("resume",), "store": ("name",), "vendor": ("name",)},
    "stackexchange_ai": {"users": ("display_name", "about_me", "website_url", "location"),
                         "posts": ("title", "body"), "comments": ("text",)},
}  # fmt: skip
"""By table name the columns of which no value of the source may be seen again."""
LONG_TEXT = 60
"""Characters; a text of that length with blanks in it is free text, whatever its column is called."""


def read(url: Url, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo(url)) as connection:
        return connection.execute(query.encode()).fetchall()


def quoted(*names: str) -> str:
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def rows_of(url: Url, schema: str, table: str, columns: list[str]) -> list[str]:
    values = ", ".join(quoted(c) for c in columns)
    return [str(r[0]) for r in read(url, f"select row({values})::text from {quoted(schema, table)}")]


def equal_share(some: list[str], others: list[str]) -> float:
    known = set(others)
    return sum(row in known for row in some) / max(1, len(some))


@pytest.mark.parametrize("name", REAL_DATABASES)
def test_rows_are_repeated_no_more_often_than_by_chance(cloned: Cloned, name: str) -> None:
    """Lookup tables, of which the plan says that they are kept, repeat their labels on purpose."""
    made = cloned(name)
    kept = {r.table for r in made.done.results if r.kept}
    looked_at, over = 0, {}
    for schema, table, columns in read(made.source, OWN_COLUMNS):
        if f"{schema}.{table}" in kept:
            continue
        assert isinstance(schema, str)
        assert isinstance(table, str)
        assert isinstance(columns, list)
        real, synthetic = (rows_of(url, schema, table, columns) for url in (made.source, made.target))
        if len(real) < 20 or not synthetic:
            continue
        looked_at += 1
        chance = random.Random(1)
        halves = []
        for _ in range(5):
            chance.shuffle(real)
            halves.append(equal_share(real[: len(real) // 2], real[len(real) // 2 :]))
        expected = sum(halves) / len(halves)
        # what two halves share varies from split to split; where they share nothing, it can be 3 rows (95 %)
        noise = 3 * math.sqrt(expected * (1 - expected) / (len(real) // 2)) + 3 / len(real)
        share = equal_share(synthetic, real)
        if share > expected + noise:
            over[f"{schema}.{table}"] = (share, expected)
    assert looked_at
    assert over == {}


@pytest.mark.parametrize("name", PERSONAL)
def test_no_personal_value_is_seen_again(cloned: Cloned, name: str) -> None:
    made = cloned(name)
    found: dict[str, int] = {}
    seen: set[str] = set()
    for schema, table, column in read(made.source, TEXTS):
        assert isinstance(schema, str)
        assert isinstance(table, str)
        assert isinstance(column, str)
        if column in PERSONAL[name].get(table, ()):
            seen.add(f"{table}.{column}")
            real, synthetic = (values(url, schema, table, column) for url in (made.source, made.target))
            known = {v.strip().casefold() for v in real if len(v.strip()) > 1}
            hits = [v for v in synthetic if v.strip().casefold() in known]
            if hits:
                found[f"{table}.{column}"] = len(hits)
    assert seen == {f"{table}.{column}" for table, columns in PERSONAL[name].items() for column in columns}
    assert found == {}


@pytest.mark.parametrize("name", PERSONAL)
def test_no_free_text_is_seen_again(cloned: Cloned, name: str) -> None:
    made = cloned(name)
    free: set[str] = set()
    synthetic: Counter[str] = Counter()
    for schema, table, column in read(made.source, TEXTS):
        assert isinstance(schema, str)
        assert isinstance(table, str)
        assert isinstance(column, str)
        free |= {v for v in values(made.source, schema, table, column) if len(v) >= LONG_TEXT and v.count(" ") >= 5}
        synthetic.update(values(made.target, schema, table, column))
    assert free or name == "chinook"
    assert {v[:80] for v in synthetic.keys() & free} == set()


def values(url: Url, schema: str, table: str, column: str) -> list[str]:
    query = f"select {quoted(column)}::text from {quoted(schema, table)} where {quoted(column)} is not null"
    return [str(r[0]) for r in read(url, query)]
