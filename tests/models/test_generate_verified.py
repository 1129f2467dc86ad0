"""Rows of a model that are tested before they appear: a failed gate leaves the target as it was, and what cannot be
tested is told before anything is written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest
from click.testing import CliRunner, Result

import dbsynth
from dbsynth.cli import main
from dbsynth.errors import GateFailed, UsageError
from dbsynth.testing.embedded import conninfo, create_database, drop_database

Execute = Callable[..., list[tuple[object, ...]]]
SHOP = """
create table customer (id int generated always as identity primary key, email text not null unique, since date not null,
    loyalty text not null check (loyalty in ('none', 'silver', 'gold')));
create table orders (id int generated always as identity primary key, customer_id int not null references customer,
    qty int not null check (qty > 0), price numeric(8, 2) not null);
insert into customer (email, since, loyalty) select 'c' || i || '@shop.test', date '2020-01-01' + (i * 7) % 900,
    (array['none', 'silver', 'gold'])[1 + i % 3] from generate_series(1, 300) i;
insert into orders (customer_id, qty, price) select 1 + (i * 13) % 300, 1 + i % 5,
    round((10 * sqrt(i))::numeric, 2) from generate_series(1, 900) i;
"""
STRICT = "[verify]\nmin_quality = 1.0\n"


@pytest.fixture(scope="module")
def model(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    url = create_database(postgres_url, "verified_source")
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(SHOP.encode())
    path = tmp_path_factory.mktemp("verified") / "shop"
    asked = ["train", url, "--out", str(path), "--seed", "3", "--strategy", "independent", "-q"]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    yield path
    drop_database(url)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture(params=["postgresql", "duckdb"])
def place(request: pytest.FixtureRequest, database: str) -> list[str]:
    """``--to`` with a database, or with the file of one; what verifies it afterwards is its second word."""
    if request.param == "postgresql":
        return ["--to", f"{database}#dev"]
    return ["--to", "made.duckdb", "--format", "duckdb"]


def events(done: Result) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {e["event"]: e for e in found}


def test_the_figures_are_those_of_the_published_rows(model: Path, place: list[str], run: Callable[..., Result]) -> None:
    done = run("generate", model, *place, "--seed", "1", "--verify", "--json", "--html", "r.html", "--junit", "j.xml")
    assert done.exit_code == 0, done.output
    before = events(done)["Verification"]
    assert before["passed"]
    assert {g["gate"] for g in before["gates"]} == {"violations", "quality", "privacy"}
    assert str(model) in before["against"]
    assert "</span> Passed" in Path("r.html").read_text("utf-8")
    assert "<testsuite" in Path("j.xml").read_text()
    target = place[1] if "#" in place[1] else f"duckdb:///{Path('made.duckdb').absolute()}"
    after = run("verify", target, "--against", model, "--json", "-")
    assert after.exit_code == 0, after.output
    later = events(after)["Verification"]
    for part in ("fidelity", "privacy", "tables"):
        assert before[part] == later[part]
    told = lambda v: Counter((c["kind"], c["subject"]["table"]) for c in v["constraints"])  # noqa: E731
    assert told(before) == told(later), "every constraint that will stand there was counted"


def test_a_failed_gate_leaves_the_rows_that_were_there(
    model: Path, database: str, execute: Execute, run: Callable[..., Result]
) -> None:
    asked = ("generate", model, "--to", f"{database}#dev", "-q")
    assert run(*asked, "--seed", "1").exit_code == 0
    before = execute("select * from dev.orders order by id")
    Path("dbsynth.toml").write_text(STRICT)
    done = run(*asked, "--seed", "2", "--verify", "--junit", "gates.xml", "--html", "r.html")
    assert done.exit_code == 1, done.output
    assert "the score is" in done.output
    assert "<failure" in Path("gates.xml").read_text()
    assert "</span> Failed" in Path("r.html").read_text("utf-8")
    assert execute("select * from dev.orders order by id") == before
    assert execute("select nspname from pg_namespace where nspname like '%building%'") == []
    assert run(*asked, "--seed", "2").exit_code == 0, "without --verify they are taken"
    assert execute("select * from dev.orders order by id") != before


def test_a_failed_gate_leaves_the_file_that_was_there(model: Path, run: Callable[..., Result]) -> None:
    asked = ("generate", model, "--to", "made.duckdb", "--format", "duckdb", "-q")
    assert run(*asked, "--seed", "1").exit_code == 0
    before = Path("made.duckdb").read_bytes()
    Path("dbsynth.toml").write_text(STRICT)
    done = run(*asked, "--seed", "2", "--verify", "--json")
    assert done.exit_code == 1, done.output
    assert events(done)["Failed"]["exit_code"] == 1
    assert not events(done)["Verification"]["passed"]
    assert Path("made.duckdb").read_bytes() == before
    assert sorted(p.name for p in Path().iterdir()) == ["dbsynth.toml", "made.duckdb"]


def test_fewer_rows_are_verified_too(model: Path, database: str, run: Callable[..., Result]) -> None:
    done = run("generate", model, "--to", f"{database}#few", "--seed", "1", "--scale", "0.3", "--verify", "--json")
    assert done.exit_code == 0, done.output
    rows = {t["table"]: t["rows"] for t in events(done)["Verification"]["tables"]}
    assert rows["public.customer"] == 90


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--to", "out", "--format", "csv", "--verify"], "--format csv is none"),
        (["--to", "out", "--format", "parquet", "--verify"], "--format duckdb"),
        (["--to", "out.sql", "--format", "sql", "--verify"], "--format sql is none"),
        (["--to", "out", "--format", "duckdb", "--html", "r.html"], "--html goes with --verify"),
        (["--to", "out", "--format", "duckdb", "--junit", "r.xml"], "--junit goes with --verify"),
        (["--to", "out", "--format", "duckdb", "--verify", "--html", "no/r.html"], "is no folder that exists"),
    ],
)
def test_what_cannot_be_verified_is_told_first(
    model: Path, arguments: list[str], told: str, run: Callable[..., Result]
) -> None:
    done = run("generate", model, *arguments)
    assert done.exit_code == 2, done.output
    assert told in done.output
    assert list(Path().iterdir()) == []


def test_from_python(model: Path, database: str, execute: Execute, tmp_path: Path) -> None:
    found = dbsynth.load(model)
    page = tmp_path / "r.html"
    found.to_database(database, schema="dev", seed=1, workers=1, verify={"html": page})
    before = execute("select * from dev.orders order by id")
    assert "</span> Passed" in page.read_text("utf-8")
    with pytest.raises(GateFailed, match="the score is"):
        found.to_database(database, schema="dev", seed=2, workers=1, verify={"min_quality": 1.0})
    with pytest.raises(UsageError, match="no gate 'speed'"):
        found.to_database(database, schema="dev", verify={"fail_on": ["speed"]})  # type: ignore[list-item]
    with pytest.raises(UsageError, match="is no folder that exists"):
        found.to_database(database, schema="dev", verify={"html": tmp_path / "no" / "r.html"})
    with pytest.raises(UsageError, match="--format csv is none"):
        found.to_files(tmp_path / "out", "csv", verify=True)
    assert execute("select * from dev.orders order by id") == before


def test_a_check_of_ones_own(model: Path, database: str, execute: Execute) -> None:
    def refused(plan: Any, building: Any) -> None:
        assert {str(t.name) for t in plan.tables} == {"public.customer", "public.orders"}
        assert [n for n, _ in building.database.schema_names() if n == building.schemas["public"]]
        raise GateFailed("seen")

    with pytest.raises(GateFailed, match="seen"):
        dbsynth.load(model).to_database(database, schema="dev", seed=1, workers=1, verify=refused)
    assert execute("select nspname from pg_namespace where nspname like '%dev%'") == []


def test_a_model_of_frames_is_verified(database: str, execute: Execute) -> None:
    frame = pd.DataFrame({"id": range(400), "kind": ["a", "b", "c", "d"] * 100, "x": [i**0.5 for i in range(400)]})
    made = dbsynth.fit({"t": frame}, schema={"t": {"primary_key": ["id"]}}, seed=1, strategy="independent")
    made.to_database(database, schema="mem", seed=1, workers=1, verify=True)
    assert execute("select count(*) from mem.t") == [(400,)]


def test_a_model_without_statistics_is_told_first(model: Path, database: str, execute: Execute) -> None:
    found = dbsynth.load(model)
    found.statistics = None
    with pytest.raises(UsageError, match="holds no statistics"):
        found.to_database(database, schema="dev", seed=1, workers=1, verify=True)
    assert execute("select nspname from pg_namespace where nspname like '%dev%'") == []
    found.to_database(database, schema="dev", seed=1, workers=1, verify={"fail_on": ["violations", "privacy"]})
    assert execute("select count(*) from dev.customer") == [(300,)]
