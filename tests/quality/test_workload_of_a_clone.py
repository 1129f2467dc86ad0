"""Queries that are replayed on what was cloned before it is published: a failed gate leaves the target as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import psycopg
import pytest
from click.testing import CliRunner, Result

from dbsynth.cli import main
from dbsynth.dialect import connect, parse_url
from dbsynth.errors import ConnectionFailed
from dbsynth.quality.outputs import json_schema
from dbsynth.quality.replay.both import replays
from dbsynth.queries import Ran
from dbsynth.testing.embedded import conninfo, create_database, drop_database

SHOP = """
create table customer (id int primary key, country text not null);
create table orders (id int primary key, customer_id int not null references customer, items int);
create view late_orders as select * from orders where id > 300;
insert into customer select n, (array['de', 'fr', 'it', 'es'])[1 + n % 4] from generate_series(1, 120) n;
insert into orders select n, 1 + n % 120, n * n % 7 from generate_series(1, 400) n;
analyze;
"""
ALIKE = "select country, count(*) from customer join orders on customer_id = customer.id group by country;\n"
UNLIKE = "select * from late_orders;\n"
"""Views are not cloned."""
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
HOW = ("--seed", "1", "--effort", "quick", "--workers", "1", "--verify")
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def source(postgres_url: str) -> Iterator[str]:
    url = create_database(postgres_url, "workload_of_a_clone")
    execute(url, SHOP)
    yield url
    drop_database(url)


def execute(url: str, sql: str) -> None:
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(sql.encode())


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        return connection.execute(sql.encode()).fetchall()


def verification(done: Result) -> dict[str, Any]:
    [told] = [e for line in done.stdout.splitlines() if (e := json.loads(line)).get("event") == "Verification"]
    jsonschema.validate(told, json_schema())
    found: dict[str, Any] = told
    return found


def test_queries_run_where_it_is_built(source: str, run: Run) -> None:
    """Also those that name the target, where something else stands until the end."""
    execute(source, "drop schema if exists dev cascade; create schema dev; create table dev.orders (id int, old int)")
    Path("q.sql").write_text(f"{ALIKE}select count(*), min(dev.orders.customer_id) from dev.orders;\n")
    Path("dbsynth.toml").write_text('[verify]\nfail_on = ["violations", "workload"]\nmin_share = 1.0\n')
    files = ("--html", "r.html", "--junit", "j.xml", "--json")
    done = run("clone", source, "--schema", "public", "--to", "dev", "--replace", *HOW, "--queries", "q.sql", *files)
    assert done.exit_code == 0, done.output
    told = verification(done)
    assert [(q["query"], q["alike"], q["says"]) for q in told["workload"]["queries"]] == [
        ("q.sql:1", True, ""),
        ("q.sql:2", True, ""),
    ]
    assert [g["gate"] for g in told["gates"]] == ["violations", "workload"]
    assert told["about"]["queries"] == "file"
    assert 'id="workload"' in Path("r.html").read_text("utf-8")
    assert "workload.file" in Path("j.xml").read_text()
    assert rows(source, "select count(*) from dev.orders") == [(400,)]


def test_a_failed_gate_leaves_the_target(source: str, run: Run) -> None:
    execute(source, "drop schema if exists dev cascade; create schema dev; create table dev.mark (x int)")
    Path("q.sql").write_text(ALIKE + UNLIKE)
    Path("dbsynth.toml").write_text('[verify]\nfail_on = ["workload"]\nqueries = "q.sql"\n')
    asked = ("clone", source, "--schema", "public", "--to", "dev", "--replace", *HOW)
    done = run(*asked, "--json")
    assert done.exit_code == 1, done.output
    assert [q["alike"] for q in verification(done)["workload"]["queries"]] == [True, False]
    assert "1 of 2 queries behave alike" in done.stderr
    assert rows(source, "select tablename from pg_tables where schemaname ~ 'dev'") == [("mark",)]
    other = run(*asked, "--replay", "--json")
    assert len(verification(other)["workload"]["queries"]) > 5, "the command line goes before the file"
    done = run(*asked, "--no-replay")
    assert done.exit_code == 2
    assert "nothing would be tested" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--queries", "q.sql"], "--queries goes with --verify"),
        (["--pg-stat-statements"], "--pg-stat-statements goes with --verify"),
        (["--dbt", "q.sql"], "--dbt goes with --verify"),
        (["--replay"], "--replay goes with --verify"),
        (["--verify", "--queries", "gone.sql"], "gone.sql is no file"),
        (["--verify", "--queries", "empty.sql"], "the workload holds no query"),
        (["--verify", "--queries", "writes.sql"], "no statement of writes.sql can be replayed: writes.sql:1: DELETE"),
        (["--verify", "--queries", "binary.sql"], "cannot be read as text"),
        (["--verify", "--dbt", "q.sql"], "is no manifest of dbt"),
        (["--verify", "--replay", "--queries", "q.sql"], "only one of them"),
        (["--verify", "--no-replay", "--queries", "q.sql"], "--no-replay goes with no queries"),
    ],
)
def test_what_could_not_be_replayed_is_told_at_the_start(arguments: list[str], told: str, run: Run) -> None:
    Path("q.sql").write_text(ALIKE)
    Path("empty.sql").write_text("-- nothing\n")
    Path("writes.sql").write_text("delete from customer;\n")
    Path("binary.sql").write_bytes(b"\xff\xfe\x00")
    done = run("clone", NOWHERE, "--to", "dev", *arguments)
    assert done.exit_code == 2, done.output
    assert told in " ".join(done.output.split())


def test_a_source_without_statistics_of_statements_is_told_at_the_start(source: str, run: Run) -> None:
    done = run("clone", source, "--to", "new_one", *HOW, "--pg-stat-statements", "--json")
    assert done.exit_code == 2, done.output
    assert "pg_stat_statements" in done.stderr
    assert "RunStarted" not in done.stdout


def test_a_model_answers_no_queries(run: Run) -> None:
    Path("q.sql").write_text(ALIKE)
    for asked in (["--queries", "q.sql"], ["--replay"], ["--pg-stat-statements"]):
        done = run("generate", "model", "--to", f"{NOWHERE}#dev", "--verify", *asked)
        assert done.exit_code == 2, done.output
        told = " ".join(done.output.split())
        assert "a model answers no queries" in told
        assert "dbsynth verify TARGET --against SOURCE" in told
    Path("dbsynth.toml").write_text("[verify]\nreplay = true\n")
    done = run("generate", "model", "--to", f"{NOWHERE}#dev", "--verify")
    assert "the workload of [verify] is not replayed" in " ".join(done.output.split())
    Path("dbsynth.toml").write_text('[verify]\nreplay = true\nfail_on = ["workload"]\n')
    done = run("generate", "model", "--to", f"{NOWHERE}#dev", "--verify")
    assert done.exit_code == 2
    assert "nothing would be tested" in " ".join(done.output.split())


def test_queries_see_the_rows_that_were_learned_from(source: str) -> None:
    """Of a source that is written to meanwhile."""
    execute(source, "create table if not exists growing (id int); truncate growing; insert into growing values (1)")
    database = connect(parse_url(source))
    with database.snapshot() as snapshot:
        execute(source, "insert into growing values (2)")
        with replays(database).runner(["public"], 30.0, snapshot) as runner:
            found = runner.run("select * from growing")
            assert isinstance(found, Ran)
            assert found.rows == 1
            assert found.plan is not None
            assert found.plan.rows == 1
    with replays(database).runner(["public"], 30.0, snapshot) as runner, pytest.raises(ConnectionFailed, match="gone"):
        runner.run("select * from growing")
    database.close()
    execute(source, "drop table growing")


def test_within_one_file_of_duckdb(run: Run) -> None:
    """The source is let go of before the file is written to."""
    with duckdb.connect("shop.duckdb") as connection:
        connection.execute("create table t (id int primary key, kind text)")
        connection.execute("insert into t select i, 'k' || i % 5 from range(300) r(i)")
    Path("dbsynth.toml").write_text('[verify]\nfail_on = ["violations", "workload"]\n')
    url = f"duckdb:///{Path('shop.duckdb').absolute()}"
    done = run("clone", f"{url}#main", "--to", "dev", *HOW, "--replay", "--html", "r.html", "--json")
    assert done.exit_code == 0, done.output
    assert verification(done)["workload"]["share"] == 1.0
    with duckdb.connect("shop.duckdb", read_only=True) as connection:
        assert connection.execute("select count(*) from dev.t").fetchall() == [(300,)]
