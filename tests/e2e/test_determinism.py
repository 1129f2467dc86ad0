"""The same seed makes the same bytes, whatever the number of workers; another seed makes others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from dbsynth.cli import main
from dbsynth.demo.__main__ import fill
from dbsynth.testing.embedded import conninfo, create_database, drop_database
from tests.clones import run

TABLES = """select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema)' order by 1"""


def fingerprint(url: str) -> dict[str, str]:
    """Per table a hash of all its rows, as COPY writes them, in the order of their text."""
    with psycopg.connect(conninfo(url)) as connection:
        tables = [str(t) for (t,) in connection.execute(TABLES.encode()).fetchall()]
        out = {}
        for table in tables:
            digest = hashlib.sha256()
            with connection.cursor().copy(
                f"copy (select * from {table} t order by t::text) to stdout".encode()
            ) as copy:
                for part in copy:
                    digest.update(part)
            out[table] = digest.hexdigest()
        return out


@pytest.fixture
def shop(postgres_url: str) -> Iterator[str]:
    """The demo's shop: a self-reference, a cycle, a junction, CHECKs, kept lookup tables."""
    assert files("dbsynth.demo").joinpath("shop.sql").is_file()
    url = create_database(postgres_url, "determinism_shop")
    fill(url.replace("+psycopg", ""))
    yield url
    drop_database(url)


@pytest.fixture
def target(postgres_url: str) -> Iterator[Callable[[str], str]]:
    made: list[str] = []

    def create(name: str) -> str:
        made.append(create_database(postgres_url, f"determinism_{name}"))
        return made[-1]

    yield create
    for url in made:
        drop_database(url)


def test_the_seed_alone_decides(shop: str, target: Callable[[str], str]) -> None:
    urls = {name: target(name) for name in ("one", "two", "again", "other")}
    run(shop, urls["one"], seed=7, workers=1, effort="quick")
    run(shop, urls["two"], seed=7, workers=3, effort="quick")
    run(shop, urls["again"], seed=7, workers=3, effort="quick")
    run(shop, urls["other"], seed=8, workers=1, effort="quick")
    first = fingerprint(urls["one"])
    assert fingerprint(urls["two"]) == first
    assert fingerprint(urls["again"]) == first
    changed = {table for table, digest in fingerprint(urls["other"]).items() if digest != first[table]}
    assert {"public.customer", "public.orders", "public.order_line", "public.payment"} <= changed


def test_a_seed_that_was_drawn_is_told_and_repeats_the_run(
    shop: str, target: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn, given = target("drawn"), target("given")
    only = ["--tables", "customer", "--effort", "quick"]
    told = CliRunner().invoke(main, ["clone", shop, "--to", drawn, *only])
    assert told.exit_code == 0, told.output
    seed = told.stdout.rsplit("seed ", 1)[1].split()[0]
    assert CliRunner().invoke(main, ["clone", shop, "--to", given, *only, "--seed", seed]).exit_code == 0
    assert fingerprint(drawn) == fingerprint(given)


@pytest.mark.databases
@pytest.mark.parametrize("name", ["oracle_hr", "chinook"])
def test_real_databases_too(real_database: Callable[[str], str], target: Callable[[str], str], name: str) -> None:
    source = real_database(name)
    one, two = target("one"), target("two")
    run(source, one, seed=1, workers=1, effort="quick")
    run(source, two, seed=1, workers=2, effort="quick")
    assert fingerprint(one) == fingerprint(two)
