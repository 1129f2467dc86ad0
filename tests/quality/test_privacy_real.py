"""Privacy figures on real databases: honest clones pass; rows, values and texts of the source in them do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from dbsynth.dialect import parse_url
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality.figures import Privacy
from dbsynth.quality.pairing import opened
from dbsynth.quality.privacy import privacy
from dbsynth.testing.embedded import conninfo, create_database, drop_database
from tests.clones import Clone
from tests.parallel import REAL_DATABASES

pytestmark = pytest.mark.databases
Cloned = Callable[[str], Clone]


def looked(source: str, target: str, limit: int = 50_000) -> Privacy:
    with opened(CloneOptions(parse_url(source), parse_url(target), seed=1), limit) as sides:
        return privacy(sides)


def failures(found: Privacy) -> list[str]:
    return [f.says for f in found.findings if f.severity == "failure"]


@contextmanager
def ruined(made: Clone, url: str, change: str, table: str) -> Iterator[str]:
    """The URL of a copy of the clone after ``change``, which reads the source's ``table`` as ``real``."""
    name = made.target.rsplit("/", 1)[1]
    copy = create_database(url, f"{name}_ruined", template=name)
    try:
        with (
            psycopg.connect(conninfo(copy)) as target,
            psycopg.connect(conninfo(made.source)) as source,
        ):
            target.execute("set session_replication_role = replica")
            target.execute(f"create temp table real (like {table})".encode())
            with (
                source.cursor().copy(f"copy {table} to stdout".encode()) as out,
                target.cursor().copy(b"copy real from stdin") as into,
            ):
                for part in out:
                    into.write(part)
            assert target.execute(change.encode()).rowcount > 0
        yield copy
    finally:
        drop_database(copy)


@pytest.mark.parametrize("name", REAL_DATABASES)
def test_an_honest_clone_passes(cloned: Cloned, name: str) -> None:
    made = cloned(name)
    found = looked(made.source, made.target)
    assert failures(found) == []
    assert [f for f in found.figures if f.passed is False] == []
    assert {"exact_copies", "rare_values"} <= {f.name for f in found.figures}


@pytest.mark.parametrize("name", ["chinook", "oracle_co", "oracle_hr", "northwind", "pagila17", "rossmann"])
def test_the_source_itself_fails(real_database: Callable[[str], str], name: str) -> None:
    found = looked(real_database(name), real_database(name))
    assert "exact_copies" in {f.name for f in found.figures if f.passed is False}
    assert failures(found)


RUINED = {
    "chinook: two percent of rows": (
        "track",
        "update track t set (name, composer, milliseconds, bytes, unit_price) ="
        " (r.name, r.composer, r.milliseconds, r.bytes, r.unit_price)"
        " from real r where r.track_id = t.track_id and r.track_id % 50 = 0",
        "public.track: 2.0% of the rows (70 of 3,503) are equal to a row of the source",
    ),
    "oracle_co: e-mail addresses": (
        "customers",
        "update customers t set email_address = r.email_address from real r where r.customer_id = t.customer_id",
        "public.customers: 100.0% of the values of email_address",
    ),
    "chinook: last names": (
        "customer",
        "update customer t set last_name = upper(r.last_name) from real r where r.customer_id = t.customer_id",
        "public.customer: 100.0% of the values of last_name",
    ),
    "stackexchange_ai: a column of texts": (
        "comments",
        "update comments t set text = r.text from real r where r.id = t.id and r.id % 20 = 0",
        "of the values of text",
    ),
    "stackexchange_ai: sentences": (
        "posts",
        "update posts t set body = t.body || ' ' || substr(r.body, 20, 300) from real r"
        " where r.id = t.id and r.id % 10 = 0",
        "of the texts of body",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", RUINED)
def test_what_came_out_is_named(cloned: Cloned, postgres_url: str, what: str) -> None:
    table, change, says = RUINED[what]
    made = cloned(what.split(":")[0])
    with ruined(made, postgres_url, change, table) as target:
        found = looked(made.source, target)
    assert [s for s in failures(found) if says in s], failures(found)


@pytest.mark.parametrize("name", ["chinook"])
def test_copies_among_more_rows_than_are_read(cloned: Cloned, postgres_url: str, name: str) -> None:
    """Equal rows have one fate in samples by their contents; of personal values, each value has."""
    made = cloned(name)
    table, change, _ = RUINED["chinook: two percent of rows"]
    with ruined(made, postgres_url, change, table) as target:
        found = looked(made.source, target, limit=1000)
    copies = next(f for f in found.figures if f.name == "exact_copies" and f.subject.table.name == "track")
    assert 0.01 < copies.value < 0.035
    assert failures(looked(made.source, made.target, limit=1000)) == []
