"""Sides that do not have the same tables and columns, or that are one and the same: told, never a crash."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

import dbsynth
from dbsynth.cli import main
from dbsynth.testing.embedded import conninfo, create_database, drop_database

SHOP = """
create table region (id int primary key, name text not null);
create table customer (id int primary key, region_id int not null references region, born date not null, note text);
create table orders (id int primary key, customer_id int not null references customer, total numeric(10, 2) not null);
insert into region select n, (array['north', 'south', 'east', 'west'])[1 + n % 4] || n from generate_series(1, 40) n;
insert into customer select n, 1 + n * n % 37, date '1950-01-01' + n * 41, md5(n::text) from generate_series(1, 300) n;
insert into orders select n, 1 + n * n % 250, (n * 7919 % 10000) / 100.0 from generate_series(1, 900) n;
"""
Changed = Callable[[str], str]


@pytest.fixture(scope="module")
def source(postgres_url: str) -> Iterator[str]:
    url = create_database(postgres_url, "other_tables_source")
    execute(url, SHOP)
    yield url
    drop_database(url)


@pytest.fixture
def changed(postgres_url: str, source: str) -> Iterator[Changed]:
    """A copy of the source, changed by a script."""
    made: list[str] = []

    def change(script: str) -> str:
        made.append(create_database(postgres_url, f"other_tables_{len(made)}", template="other_tables_source"))
        execute(made[-1], script)
        return made[-1]

    yield change
    for url in made:
        drop_database(url)


def execute(url: str, script: str) -> None:
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(script.encode())


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("create table extra (id int primary key)", "no table extra"),
        ("create table extra (id int references customer); insert into extra values (1), (2)", "no table extra"),
        ("alter table region rename to area", "no table area"),
        ("alter table customer rename column id to number", "no column number"),
        ("drop table orders", "a table orders"),
    ],
)
def test_a_source_with_other_tables_than_its_target(source: str, changed: Changed, script: str, says: str) -> None:
    done = invoke("diff", changed(script), source, "--json")
    assert done.exit_code == 1, done.output
    found = json.loads(done.stdout.splitlines()[0])
    assert any(says in d["says"] for d in found["differences"]), found["differences"]
    assert found["remedy"] == "dbsynth clone SOURCE --to TARGET"


def test_a_new_table_has_rows_now_and_had_none_then(source: str, changed: Changed) -> None:
    url = changed("create table extra (id int primary key); insert into extra values (1), (2)")
    found = json.loads(invoke("diff", url, source, "--json").stdout.splitlines()[0])
    assert found["rows"]["public.extra"] == {"then": None, "now": 2}


@pytest.mark.parametrize("sample", ["50000", "100"])
@pytest.mark.parametrize(
    "script",
    [
        "alter table customer rename column id to number",
        "alter table orders rename column customer_id to customer",
        "alter table orders rename column id to number",
        "alter table region rename column id to number",
    ],
)
def test_a_target_without_a_column_of_a_key(
    source: str, changed: Changed, script: str, sample: str, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    done = invoke("verify", changed(script), "--against", source, "--sample-rows", sample, "--html", str(page))
    assert done.exit_code == 1, done.output
    assert "the target has no column" in done.output
    assert page.exists()


def test_the_source_is_no_clone_of_itself(source: str) -> None:
    """The first experiment: nothing is written, so nothing is refused, and its rows are copies."""
    done = invoke("verify", source, "--against", source, "--json", "-")
    assert done.exit_code == 1, done.output
    gates = {g["gate"]: g["passed"] for g in json.loads(done.stdout.splitlines()[0])["gates"]}
    assert gates == {"violations": True, "quality": True, "privacy": False}
    assert invoke("diff", source, source).exit_code == 0
    done = invoke("replay", source, "--against", source)
    assert done.exit_code == 0, done.output
    done = invoke("clone", source, "--to", "public")
    assert done.exit_code == 2
    assert "never written" in done.output


def test_a_model_of_another_database_is_not_to_be_updated(source: str, changed: Changed, tmp_path: Path) -> None:
    url, folder = changed("select 1"), tmp_path / "model"
    dbsynth.fit(url, tables=("region", "customer"), seed=1, effort="quick", workers=1).save(folder)
    execute(url, "alter table region add column size int")
    drifted = invoke("diff", url, str(folder), "--json")
    assert drifted.exit_code == 1, drifted.output
    assert json.loads(drifted.stdout.splitlines()[0])["remedy"] == f"dbsynth train SOURCE --out {folder} --update"
    other = invoke("diff", changed("alter table region add column size int"), str(folder), "--json")
    assert other.exit_code == 1, other.output
    remedy = json.loads(other.stdout.splitlines()[0])["remedy"]
    assert remedy.startswith("dbsynth train SOURCE --out FOLDER, for ")
    assert "--update" not in remedy
