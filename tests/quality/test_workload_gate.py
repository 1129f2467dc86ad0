"""Queries that are replayed as a part of a verification: one exit code, and one report, for all of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import jsonschema
import psycopg
import pytest
from click.testing import CliRunner, Result

import dbsynth
from dbsynth.cli import main
from dbsynth.errors import UsageError
from dbsynth.quality.outputs import json_schema
from dbsynth.testing.embedded import conninfo, create_database, drop_database

SHOP = """
create table customer (id int primary key, country text not null);
create table orders (id int primary key, customer_id int not null references customer, total numeric(10, 2) not null);
insert into customer select n, (array['de', 'fr', 'it', 'es'])[1 + n % 4] from generate_series(1, 200) n;
insert into orders select n, 1 + (n * n) % 150, (n * 7919 % 10000) / 100.0 from generate_series(1, 700) n;
analyze;
"""
QUERIES = """select count(*) from orders where total > 90;
select country, count(*) from customer join orders on customer_id = customer.id group by country;
select * from customer where country = 'de';
delete from customer;
"""
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def sides(postgres_url: str) -> Iterator[tuple[str, str, str]]:
    """A source, a true copy of it, and one whose orders all cost the same."""
    urls = tuple(create_database(postgres_url, f"workload_{name}") for name in ("source", "copy", "ruined"))
    for url in urls:
        with psycopg.connect(conninfo(url), autocommit=True) as connection:
            connection.execute(SHOP.encode())
    with psycopg.connect(conninfo(urls[2]), autocommit=True) as connection:
        connection.execute("update orders set total = 1; analyze")
    yield urls[0], urls[1], urls[2]
    for url in urls:
        drop_database(url)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("q.sql").write_text(QUERIES)
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


def found(done: Result) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[0])
    jsonschema.validate(told, json_schema())
    return told


def test_a_true_copy_passes(sides: tuple[str, str, str], run: Run) -> None:
    source, copy, _ = sides
    done = run("verify", copy, "--against", source, "--replay", "--fail-on", "violations,workload", "--json", "-")
    assert done.exit_code == 0, done.output
    told = found(done)
    assert [g["gate"] for g in told["gates"]] == ["violations", "workload"]
    assert told["gates"][1]["threshold"] == 0.95
    assert told["workload"]["share"] == told["gates"][1]["value"] == 1.0
    assert len(told["workload"]["queries"]) > 10
    assert told["workload"]["skipped"] == {}
    assert told["about"]["queries"] == "generated"
    assert "queries run alike on both" in told["verdict"]
    assert "workload" in told["seconds"]


def test_a_ruined_one_fails_and_is_named(sides: tuple[str, str, str], run: Run) -> None:
    source, _, ruined = sides
    asked = ("verify", ruined, "--against", source, "--queries", "q.sql", "--fail-on", "workload")
    done = run(*asked, "--html", "r.html", "--junit", "j.xml", "--json", "v.json")
    assert done.exit_code == 1, done.output
    assert "2 of 3 queries behave alike" in done.output
    assert "not run: 1" in done.output
    told = json.loads(Path("v.json").read_text())
    jsonschema.validate(told, json_schema())
    assert [q["alike"] for q in told["workload"]["queries"]] == [False, True, True]
    assert list(told["workload"]["skipped"]) == ["q.sql:4"]
    page = Path("r.html").read_text("utf-8")
    shown = page[page.index('id="workload"') : page.index('id="method"')]
    assert "67 % of 3 compared queries run on both sides with a q-error of at most 3:" in shown.replace(
        "\N{NARROW NO-BREAK SPACE}", " "
    ).replace("\xa0", " ")
    assert shown.index("q.sql:1") < shown.index("q.sql:2"), "what differs stands first"
    assert "✕ differs" in shown
    assert "q.sql:4" in shown
    suite = ElementTree.parse("j.xml").getroot().find("testsuite[@name='workload']")
    assert suite is not None
    cases = {c.get("name"): c.find("failure") for c in suite if str(c.get("classname")).startswith("workload.")}
    assert [name for name, failure in cases.items() if failure is not None] == ["q.sql:1"]
    assert set(cases) == {"q.sql:1", "q.sql:2", "q.sql:3"}
    lenient = run(*asked, "--min-share", "0.6", "--junit", "j.xml")
    assert lenient.exit_code == 0, lenient.output
    assert "<failure" not in Path("j.xml").read_text()


def test_it_counts_unless_other_gates_are_named(sides: tuple[str, str, str], run: Run) -> None:
    source, _, ruined = sides
    asked = ("verify", ruined, "--against", source, "--queries", "q.sql", "--json", "-")
    assert not {g["gate"]: g["passed"] for g in found(run(*asked))["gates"]}["workload"]
    done = run(*asked, "--fail-on", "violations")
    assert done.exit_code == 0, done.output
    assert found(done)["workload"]["share"] < 0.95, "measured all the same"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--replay"], "say --against SOURCE"),
        (["--queries", "q.sql"], "there is nothing to compare them with"),
        (["--against", "model", "--replay"], "a model answers no queries"),
        (["--against", NOWHERE, "--replay", "--queries", "q.sql"], "only one of them"),
        (["--against", NOWHERE, "--pg-stat-statements", "--queries", "q.sql"], "only one of them"),
        (["--against", NOWHERE, "--no-replay", "--queries", "q.sql"], "--no-replay goes with no queries"),
        (["--against", NOWHERE, "--queries", "gone.sql"], "gone.sql is no file"),
        (["--against", NOWHERE, "--dbt", "."], "is no file"),
        (["--against", NOWHERE, "--min-share", "0.9"], "--min-share is about queries"),
        (["--against", NOWHERE, "--limit-seconds", "9"], "--limit-seconds is about queries"),
        (["--against", NOWHERE, "--fail-on", "privacy,workload"], "--fail-on workload is about queries"),
        (["--min-share", "0.9"], "--min-share is about queries"),
        (["--against", NOWHERE, "--replay", "--min-share", "1.5"], "a share of 1.5"),
        (["--against", NOWHERE, "--replay", "--limit-seconds", "0"], "a limit of 0"),
    ],
)
def test_what_goes_with_what_is_told_before_anything_is_read(arguments: list[str], told: str, run: Run) -> None:
    Path("model").mkdir()
    Path("model/manifest.json").write_text(json.dumps({"format": "dbsynth model"}))
    done = run("verify", f"{NOWHERE}#dev", *arguments)
    assert done.exit_code == 2, done.output
    assert told in " ".join(done.output.split())


def test_the_file_names_a_workload(
    sides: tuple[str, str, str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _, ruined = sides
    Path("dbsynth.toml").write_text('[verify]\nqueries = "q.sql"\nfail_on = ["workload"]\nmin_share = 0.6\n')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    asked = ("verify", ruined, "--against", source, "--json", "-")
    done = run(*asked)
    assert done.exit_code == 0, done.output
    assert len(found(done)["workload"]["queries"]) == 3, "a path starts at the folder of the file"
    assert run(*asked, "--min-share", "0.9").exit_code == 1
    assert len(found(run(*asked, "--replay"))["workload"]["queries"]) > 3, "the command line goes before the file"
    done = run(*asked, "--no-replay")
    assert done.exit_code == 2
    assert "nothing would be tested" in " ".join(done.output.split())
    assert found(run(*asked, "--no-replay", "--fail-on", "violations"))["workload"] is None
    alone = run("verify", f"{ruined}#public", "--fail-on", "violations", "--json", "-")
    assert found(alone)["workload"] is None, "without a source there is nothing to compare queries with"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('queries = "q.sql"\nreplay = true', "give one of replay"),
        ("min_share = 1.5", "min_share"),
        ("limit_seconds = 0", "limit_seconds"),
        ("query = 'q.sql'", "did you mean 'queries'"),
    ],
)
def test_a_wrong_section_is_told(text: str, told: str, run: Run) -> None:
    Path("dbsynth.toml").write_text(f"[verify]\n{text}\n")
    done = run("verify", f"{NOWHERE}#dev")
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())


def test_from_python(sides: tuple[str, str, str], run: Run) -> None:
    source, copy, ruined = sides
    one = dbsynth.verify(copy, source, queries="q.sql", fail_on=["workload"])
    assert one.passed
    assert one.workload is not None
    assert [q.query for q in one.workload.queries] == ["q.sql:1", "q.sql:2", "q.sql:3"]
    assert not dbsynth.verify(ruined, source, queries="q.sql", fail_on=["workload"]).passed
    assert dbsynth.verify(ruined, source, queries="q.sql", fail_on=["workload"], min_share=0.6).passed
    for asked in ({"replay": True}, {"fail_on": ["workload"]}, {"queries": "gone.sql"}, {"min_share": 2.0}):
        with pytest.raises(UsageError):
            dbsynth.verify(copy, **asked)  # type: ignore[arg-type]


def test_files_of_duckdb(run: Run) -> None:
    """A runner of queries closes a file to all but queries: what reads its rows opens it anew."""
    for name in ("source", "made"):
        with duckdb.connect(f"{name}.duckdb") as connection:
            connection.execute("create table t (id int primary key, kind text)")
            connection.execute("insert into t select i, 'k' || i % 5 from range(300) r(i)")
    source, made = (f"duckdb:///{Path(f'{n}.duckdb').absolute()}" for n in ("source", "made"))
    asked = ("--replay", "--fail-on", "violations,workload", "--html", "r.html", "--json", "-")
    done = run("verify", f"{made}#main", "--against", f"{source}#main", *asked)
    assert done.exit_code == 0, done.output
    assert found(done)["workload"]["share"] == 1.0
    assert 'id="workload"' in Path("r.html").read_text("utf-8")
