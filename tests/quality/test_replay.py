"""A workload on a source and on copies of it, true and ruined ones."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import psycopg
import pytest
from click.testing import CliRunner

import dbsynth
from dbsynth.cli import main
from dbsynth.dialect import load_dialect, parse_url
from dbsynth.errors import UsageError
from dbsynth.pipeline import clone
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality.replay import Replay, ReplayOptions, replay
from dbsynth.quality.replay.manifest import read_manifest
from dbsynth.testing.embedded import conninfo, create_database, drop_database, embedded_postgres

SHOP = """
create type mood as enum ('sad', 'ok', 'happy');
create table customer (id int primary key, country text not null, mood mood, born date, email text);
create table orders (id int primary key, customer_id int not null references customer, at timestamptz not null,
    total numeric(10, 2) not null);
create table line (id int primary key, order_id int not null references orders, qty int not null, note text);
create table nothing (id int primary key, customer_id int references customer, x text, y numeric);
create table one_row (id int primary key, x text, at timestamp);
create view big_orders as select * from orders where total > 50;
insert into customer select n, (array['de', 'fr', 'it', 'es'])[1 + n % 4],
    (array['sad', 'ok', 'happy']::mood[])[1 + n % 3], date '1950-01-01' + n * 37,
    'someone' || n || '@mail.example' from generate_series(1, 400) n;
insert into orders select n, 1 + (n * n) % 300, timestamptz '2023-01-01 00:00+00' + n * interval '5 hours',
    (n * 7919 % 10000) / 100.0 from generate_series(1, 1500) n;
insert into line select n, 1 + (n * 31) % 1500, 1 + n % 5, null from generate_series(1, 5000) n;
insert into one_row values (1, 'x', null);
analyze;
"""
QUERIES = """-- what the shop asks
select country, count(*) from customer c join orders o on o.customer_id = c.id group by country;
select * from orders where total > 90 order by at desc limit 10;

select count(*) from public.orders where customer_id = 17;
with big as (select * from orders where total > 50) select c.mood, avg(b.total) from big b
    join customer c on c.id = b.customer_id where c.mood = 'ok'::public.mood group by c.mood;
delete from customer;
select * from big_orders;
select no_such_column from orders;
select pg_sleep(100), * from one_row;
select table_name from information_schema.tables;
"""
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shop(postgres_url: str) -> Iterator[str]:
    url = create_database(postgres_url, "replayed_shop")
    done(url, SHOP)
    yield url
    drop_database(url)


@pytest.fixture
def copy(postgres_url: str, shop: str) -> Iterator[Callable[[str], str]]:
    """A copy of the shop's database after some SQL."""
    urls: list[str] = []

    def make(script: str = "") -> str:
        urls.append(create_database(postgres_url, f"replayed_copy_{next(_numbers)}", template="replayed_shop"))
        done(urls[-1], script + "; analyze")
        return urls[-1]

    yield make
    for url in urls:
        drop_database(url)


def done(url: str, script: str) -> None:
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(script.encode())


def replayed(source: str, target: str, **options: object) -> Replay:
    asked = ReplayOptions(CloneOptions(parse_url(source), parse_url(target), seed=1))
    return replay(replace(asked, **options))  # type: ignore[arg-type]


def unlike(found: Replay) -> dict[str, str]:
    return {q.query: q.says for q in found.workload.queries if not q.alike}


def test_a_true_copy_is_alike_in_every_query(shop: str, copy: Callable[[str], str]) -> None:
    found = replayed(shop, copy(""))
    assert unlike(found) == {}
    assert found.passed
    assert len(found.compared) >= 50
    assert {q.kind for q in found.workload.queries} == {
        "join", "two joins", "left join", "not exists", "having", "group by", "two groups", "time histogram",
        "category filter", "quantile filter", "two filters", "join filter", "top n", "window", "distinct", "nulls",
    }  # fmt: skip
    same, joins = found.same_joins
    assert same == joins > 10
    assert all(c.nodes for c in found.compared)


def test_the_same_seed_makes_the_same_queries(shop: str, copy: Callable[[str], str]) -> None:
    target = copy("")
    one, again, other = (replayed(shop, target, seed=seed) for seed in (3, 3, 4))
    assert [c.shape for c in one.compared] == [c.shape for c in again.compared]
    assert [c.shape for c in one.compared] != [c.shape for c in other.compared]
    assert {c.shape for c in one.compared} == {c.shape for c in other.compared}  # few enough that all are taken


RUINS = {
    "delete from line where order_id % 10 > 0": "line",
    "update orders set customer_id = 1 where id > 300": "orders(customer_id) > public.customer",
    "update customer set country = 'xx'": "country",
    "update orders set at = at + interval '10 years'": "where at is",
    "update customer set mood = null where id > 20": "mood",
    "alter table line drop constraint line_order_id_fkey; drop table orders cascade": "fails on the target",
    "alter table orders rename column total to sum": "fails on the target: undefined column",
}


@pytest.mark.parametrize(("script", "named"), RUINS.items())
def test_what_was_ruined_is_named(shop: str, copy: Callable[[str], str], script: str, named: str) -> None:
    found = replayed(shop, copy(script))
    assert not found.passed
    assert any(named in f"{query}: {says}" for query, says in unlike(found).items())
    assert found.workload.findings[0].severity == "failure"


def test_a_smaller_target_is_compared_by_its_share(shop: str, copy: Callable[[str], str]) -> None:
    fewer = "delete from line where id % 4 > 0; delete from orders where id not in (select order_id from line)"
    found = replayed(shop, copy(fewer))
    assert {q.kind for q in found.workload.queries if not q.alike} <= {"not exists", "join", "left join", "having"}
    assert found.workload.share > 0.9


def test_queries_of_a_file(shop: str, copy: Callable[[str], str], tmp_path: Path) -> None:
    file = tmp_path / "queries.sql"
    file.write_text(QUERIES)
    found = replayed(shop, copy(""), workload="file", path=file, seconds=2.0)
    assert unlike(found) == {
        "queries.sql:9": "fails on the target: names big_orders, which is no table of the target",
        "queries.sql:10": "fails on both sides: undefined column",
        "queries.sql:11": "fails on both sides: stopped at the time limit",
    }
    assert found.workload.share == 4 / 7
    assert list(found.workload.skipped) == ["queries.sql:8", "queries.sql:12"]
    assert "DELETE" in found.workload.skipped["queries.sql:8"]
    assert found.workload.skipped["queries.sql:12"] == "reads the catalog, not compared"


def test_another_schema_of_the_same_database(shop: str, copy: Callable[[str], str], tmp_path: Path) -> None:
    """Names without a schema, and with that of the source, are those of the target, and never the source's own."""
    both = copy(
        "create schema dev; create type dev.mood as enum ('sad', 'ok', 'happy');"
        "create table dev.customer as select id, country, mood::text::dev.mood as mood, born, email from customer;"
        "create table dev.orders as select * from orders where false; create table dev.line as select * from line"
    )
    file = tmp_path / "queries.sql"
    file.write_text(QUERIES.split("delete")[0] + "select * from one_row")
    asked = CloneOptions(parse_url(both), parse_url(both), source_schemas=("public",), target_schema="dev", seed=1)
    found = replay(ReplayOptions(asked, "file", file))
    told = {c.figure.query: c.figure for c in found.compared}
    assert told["queries.sql:2"].rows == (2, 0)
    assert told["queries.sql:3"].rows == (10, 0)
    assert told["queries.sql:6"].rows == (1, 0)
    assert "one_row, which is no table of the target" in told["queries.sql:8"].says


def test_nothing_is_left_on_either_side(shop: str, copy: Callable[[str], str], tmp_path: Path) -> None:
    target = copy("create sequence s; create function wipe() returns int language sql as 'delete from line; select 1'")
    file = tmp_path / "queries.sql"
    file.write_text("select wipe(); select nextval('s'); select count(*) from line")
    found = replayed(shop, target, workload="file", path=file)
    assert found.compared[0].figure.rows == (None, None)
    with psycopg.connect(conninfo(target)) as connection:
        assert connection.execute("select count(*) from line").fetchone() == (5000,)
        assert connection.execute("select is_called from s").fetchone() == (False,)


def test_no_value_is_told(shop: str, copy: Callable[[str], str], tmp_path: Path) -> None:
    done_json = json.dumps(replayed(shop, copy("update customer set country = 'xx'")).describe())
    for value in ("'de'", "'happy'", "mail.example", "2023-", "1950-"):
        assert value not in done_json


@pytest.mark.parametrize("text", ["", "-- nothing\n;", "delete from line"])
def test_a_file_without_queries(shop: str, copy: Callable[[str], str], tmp_path: Path, text: str) -> None:
    file = tmp_path / "queries.sql"
    file.write_text(text)
    if text.startswith("delete"):
        found = replayed(shop, copy(""), workload="file", path=file)
        assert not found.passed
        assert found.workload.findings[0].says == "no query was run, 1 were refused or skipped"
    else:
        with pytest.raises(UsageError, match="holds no query"):
            replayed(shop, copy(""), workload="file", path=file)


def test_nothing_is_generated_for_empty_tables(
    database: str, copy: Callable[[str], str], execute: Callable[..., list[tuple[object, ...]]]
) -> None:
    execute("create table line (id int primary key)")
    with pytest.raises(UsageError, match="its tables are empty"):
        replayed(database, copy(""))


def test_a_target_without_the_tables(shop: str, database: str) -> None:
    done(database, "create table other (id int)")
    with pytest.raises(UsageError, match="none of the tables"):
        replayed(shop, database)


# --- the command line and Python ------------------------------------------------------------------------------------


def test_the_command_line(shop: str, copy: Callable[[str], str], tmp_path: Path) -> None:
    target, report = copy(""), tmp_path / "replay.json"
    ran = CliRunner().invoke(main, ["replay", target, "--against", shop, "--json", str(report), "--seed", "2"])
    assert ran.exit_code == 0, ran.output
    assert "(100.0%) run on both sides with a q-error of at most 3" in ran.output
    told = json.loads(report.read_text())
    assert told["passed"] is True
    assert told["share"] == 1
    assert told["about"]["plans"] is True
    assert {"query", "kind", "alike", "rows", "q_error", "says", "counted", "sql"} <= told["queries"][0].keys()


def test_exit_codes(shop: str, copy: Callable[[str], str], tmp_path: Path) -> None:
    target, file = copy("update orders set total = 1"), tmp_path / "q.sql"
    file.write_text("select count(*) from orders where total > 50; select count(*) from line")

    def run(*more: str) -> tuple[int, str]:
        ran = CliRunner().invoke(main, ["replay", target, "--against", shop, "--queries", str(file), *more])
        return ran.exit_code, ran.output

    code, output = run()
    assert code == 1
    assert "1 of 2 queries behave alike" in output
    assert "q.sql:1: " in output
    assert run("--min-share", "0.5", "--quiet") == (0, "")
    assert json.loads(run("--min-share", "0.5", "--json", "-")[1])["share"] == 0.5
    assert run("--pg-stat-statements")[0] == 2
    assert run("--limit-seconds", "0")[0] == 2
    assert run("--min-share", "1.5")[0] == 2
    assert run("--json", str(tmp_path / "no" / "such"))[0] == 2
    assert run("--queries", str(tmp_path / "missing.sql"))[0] == 2


def test_from_python(shop: str, copy: Callable[[str], str], tmp_path: Path) -> None:
    file = tmp_path / "q.sql"
    file.write_text("select count(*) from line")
    found = dbsynth.replay(copy(""), against=shop + "#public", queries=file)
    assert found.passed
    assert [q.query for q in found.workload.queries] == ["q.sql:1"]
    with pytest.raises(UsageError, match="only one"):
        dbsynth.replay(shop, against=shop, queries=file, dbt=file)


# --- pg_stat_statements ---------------------------------------------------------------------------------------------


def test_a_source_without_the_extension(shop: str, copy: Callable[[str], str]) -> None:
    with pytest.raises(UsageError, match="pg_stat_statements") as told:
        replayed(shop, copy(""), workload="pg_stat_statements")
    assert "CREATE EXTENSION" in told.value.hint


def test_statements_that_a_server_remembers(other_postgres: Path) -> None:
    loaded = {"shared_preload_libraries": "pg_stat_statements"}
    with embedded_postgres(binaries=other_postgres, **loaded) as url:
        source = create_database(url, "source")
        done(source, SHOP + "; create extension pg_stat_statements")
        with psycopg.connect(conninfo(source), autocommit=True) as connection:
            for asked in (
                "select count(*) from orders where total > 20 and at < '2023-06-01'",
                "select * from customer where country in ('de', 'fr') limit 5",
                "select * from customer where email = 'someone7@mail.example'",
                "select date_trunc('year', at), count(*) from orders where total between 1 and 9 group by 1 offset 0",
                "select c.country from customer c join orders o on o.customer_id = c.id where o.id = 7",
                "select * from customer where mood = any(array['ok']::mood[])",
                "select upper('x'), count(*) from line",
                "update customer set country = 'de' where id = 1",
            ):
                connection.execute(asked.encode())
        found = replayed(source, create_copy(url, "source"), workload="pg_stat_statements")
    ran = [c.shape for c in found.compared]
    for part in ("WHERE total > ?", "country IN (?, ?)", "total BETWEEN ? AND ?", "o.id = ?", "mood = ANY"):
        assert any(part in sql for sql in ran), part
    assert [c.shape for c in found.compared if not c.figure.alike] == []
    assert any("email is personal" in why for why in found.workload.skipped.values())
    assert any("compared with no column" in why for why in found.workload.skipped.values())
    assert not any("UPDATE" in sql for sql in ran)


def create_copy(url: str, name: str) -> str:
    made = create_database(url, f"{name}_copy", template=name)
    done(made, "analyze")
    return made


# --- dbt ------------------------------------------------------------------------------------------------------------


def manifest(folder: Path, **compiled: tuple[str, str | None]) -> Path:
    nodes = {
        f"{kind}.shop.{name}": {"resource_type": kind, "name": name, "alias": name, "schema": "analytics",
                                "language": "sql", "compiled_code": sql}
        for name, (kind, sql) in compiled.items()
    }  # fmt: skip
    path = folder / "manifest.json"
    path.write_text(json.dumps({"nodes": nodes, "sources": {}}))
    return path


def test_models_and_tests_of_dbt(shop: str, copy: Callable[[str], str], tmp_path: Path) -> None:
    path = manifest(
        tmp_path,
        stg_orders=("model", 'select id, customer_id, total from "db"."public"."orders"'),
        spend=("model", 'with o as (select * from "db"."analytics"."stg_orders") select c.id, sum(o.total) as spent'
               ' from "db"."public"."customer" c join o on o.customer_id = c.id group by c.id'),
        positive=("test", 'select * from "db"."analytics"."spend" where spent < 0'),
        known=("test", "select * from db.public.orders where customer_id is null;"),
        loop=("model", "select * from analytics.loop"),
        raw=("model", None),
        seed=("seed", "select 1"),
    )  # fmt: skip
    found = replayed(shop, copy(""), workload="dbt", path=path)
    assert unlike(found) == {}
    assert [q.query for q in found.workload.queries] == [
        "model.shop.spend", "model.shop.stg_orders", "test.shop.known", "test.shop.positive",
    ]  # fmt: skip
    assert set(found.workload.skipped) == {"model.shop.loop", "model.shop.raw"}
    ruined = replayed(shop, copy("update orders set total = -total"), workload="dbt", path=path)
    assert unlike(ruined)["test.shop.positive"].startswith("passes on the source, fails on the target")


@pytest.mark.parametrize(
    "text",
    ['{"nodes": {"model.a.b": {"resource_type": "model", "raw_code": "{{ x }}"}}}', "[]", "no json",
     '{"nodes": {"a": null}}', '{"nodes": {}}', None],
)  # fmt: skip
def test_a_manifest_that_is_none(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "manifest.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError) as told:
        read_manifest(path, load_dialect("postgresql").grammar)
    assert "dbt compile" in told.value.hint


# --- other databases ------------------------------------------------------------------------------------------------


def test_postgresql_against_duckdb(shop: str, tmp_path: Path) -> None:
    made = f"duckdb:///{tmp_path / 'dev.duckdb'}"
    asked = CloneOptions(parse_url(shop), parse_url(made), seed=1, effort="quick", strategy="independent", workers=1)
    clone.run(asked, lambda _: None)
    found = replayed(shop, made)
    assert found.about["plans"] is False
    assert [q.says for q in found.workload.queries if q.q_error is None] == []
    assert found.workload.share > 0.9
    assert found.same_joins == (0, 0)
    file = tmp_path / "q.sql"
    file.write_text("select * from customer where country ~~ 'd%'; select * from '/etc/passwd'; select pg_sleep(0)")
    found = replayed(shop, made, workload="file", path=file)
    assert found.compared[0].figure.rows[0] == 100
    assert found.compared[0].figure.rows[1] is not None


def test_duckdb_files(tmp_path: Path) -> None:
    one, other = tmp_path / "one.duckdb", tmp_path / "other.duckdb"
    with duckdb.connect(str(one)) as connection:
        connection.execute("create table customer as select n as id, 'c' || n % 4 as country from range(1000) r(n)")
        connection.execute("create table orders as select n as id, n % 700 as customer_id from range(1500) r(n)")
    other.write_bytes(one.read_bytes())
    made = f"duckdb:///{other}"
    found = replayed(f"duckdb:///{one}", made)
    assert unlike(found) == {}
    file = tmp_path / "q.sql"
    file.write_text(
        "select count(*) from range(100000000000) a; select * from read_text('/etc/passwd'); select 1 from orders;"
        "copy orders to 'x.csv'; select * from 'x.csv'"
    )
    found = replayed(f"duckdb:///{one}", made, workload="file", path=file, seconds=1.0)
    told = [(c.figure.rows, c.figure.says) for c in found.compared]
    assert told[0] == ((None, None), "fails on both sides: stopped at the time limit")
    assert told[1] == ((1500, 1500), "")
    assert told[2][0] == (None, None)
    assert len(found.workload.skipped) == 2
