"""In the clones of the real databases, what parses in the source parses: addresses, phone numbers, documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlsplit
from xml.etree import ElementTree

import phonenumbers
import psycopg
import pytest
import validators
from email_validator import validate_email

from dbsynth.testing.embedded import conninfo
from tests.clones import Clone

pytestmark = pytest.mark.databases
Judge = Callable[[str], object]


def e_mail(text: str) -> bool:
    return bool(validate_email(text, check_deliverability=False).normalized)


def url(text: str) -> bool:
    return bool(urlsplit(text).netloc) and validators.url(text) is True


def phone(text: str) -> bool:
    return phonenumbers.parse(text, None).country_code > 0


def american(text: str) -> bool:
    return phonenumbers.is_possible_number(phonenumbers.parse(text, "US"))


COLUMNS: list[tuple[str, str, str, Judge]] = [
    ("chinook", "public.customer", "email", e_mail), ("chinook", "public.employee", "email", e_mail),
    ("chinook", "public.customer", "phone", phone), ("chinook", "public.customer", "fax", phone),
    ("pagila17", "public.customer", "email", e_mail), ("oracle_co", "public.products", "product_details", json.loads),
    ("stackexchange_ai", "public.users", "website_url", url),
    ("stackexchange_ai", "public.users", "profile_image_url", url),
    ("adventureworks", "person.emailaddress", "emailaddress", e_mail),
    ("adventureworks", "person.personphone", "phonenumber", american),
    ("adventureworks", "sales.store", "demographics", ElementTree.fromstring),
    ("adventureworks", "humanresources.jobcandidate", "resume", ElementTree.fromstring),
]  # fmt: skip


def parses(judge: Judge, text: str) -> bool:
    try:
        return judge(text) is not False
    except (ValueError, phonenumbers.NumberParseException, ElementTree.ParseError):
        return False


@pytest.mark.parametrize(("name", "table", "column", "judge"), COLUMNS, ids=[f"{c[0]}-{c[1]}-{c[2]}" for c in COLUMNS])
def test_what_parses_in_the_source_parses_in_the_clone(
    cloned: Callable[[str], Clone], name: str, table: str, column: str, judge: Judge
) -> None:
    shares = []
    for at in (cloned(name).source, cloned(name).target):
        with psycopg.connect(conninfo(at)) as connection:
            rows = connection.execute(f"select {column}::text from {table} where {column} is not null".encode())
            values = [str(r[0]) for r in rows.fetchall()]
        assert values
        shares.append(sum(parses(judge, v) for v in values) / len(values))
    source, target = shares
    assert target == 1.0 if source == 1.0 else target >= source - 0.02
