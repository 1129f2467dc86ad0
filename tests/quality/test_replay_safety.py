"""What is not a query that only reads never reaches a database; and the database would not run it either."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.dialect import connect
from dbsynth.quality.replay.safety import objection, read_queries, statements
from dbsynth.queries import Failure, Ran, Replays

Run = Callable[..., Ran | Failure]
READS = (
    "select 1",
    "(select 1) union all select 2",
    "values (1), (2)",
    "with a as (select 1 as x) select * from a",
    "with recursive a(n) as (select 1 union all select n + 1 from a where n < 3) select n from a",
    "table film",
    "select ';' as a, $$;$$ as b -- ; drop table film",
    "select /* a /* nested; */ comment; */ 1",
    "select count(*) filter (where x > 1) over (partition by y) from film tablesample system (10)",
)
WRITES = {
    "insert into film values (1)": "INSERT",
    "delete from film": "DELETE",
    "update film set a = 1": "UPDATE",
    "truncate film": "TRUNCATE",
    "drop table film": "DROP",
    "create table x as select 1": "CREATE",
    "select 1 into x": "INTO",
    "with d as (delete from film returning *) select * from d": "writes",
    "with d as (insert into film values (1) returning *) select * from d": "writes",
    "with d as (update film set a = 1 returning *) select * from d": "writes",
    "merge into film using x on true when matched then delete": "MERGE",
    "do $$ begin delete from film; end $$": "DO",
    "copy film to program 'rm -rf /'": "COPY",
    "copy (select 1) to '/tmp/x'": "COPY",
    "call p()": "CALL",
    "explain analyze delete from film": "EXPLAIN",
    "set role postgres": "SET",
    "reset all": "RESET",
    "begin": "BEGIN",
    "commit": "COMMIT",
    "lock table film": "LOCK",
    "vacuum": "VACUUM",
    "refresh materialized view v": "REFRESH",
    "prepare p as delete from film": "PREPARE",
    "listen x": "LISTEN",
    "select * from film for update": "locks",
    "select set_config('transaction_read_only', 'off', false)": "set_config",
    "select pg_catalog.set_config('a', 'b', false)": "set_config",
    "select \"set_config\"('a', 'b', false)": "set_config",
    "select (select setval('s', 1))": "setval",
    "select * from dblink('x', 'delete from film') as t(a int)": "dblink",
    "select lo_export(1, '/tmp/x')": "lo_export",
    "select pg_read_file('/etc/passwd')": "pg_read_file",
    "select * from pg_ls_dir('/')": "pg_ls_dir",
    "select pg_terminate_backend(1)": "pg_terminate_backend",
    "select query_to_xml('delete from film', true, true, '')": "query_to_xml",
    "select 1 from film where pg_reload_conf()": "pg_reload_conf",
    "\\! rm -rf /": "",
    "select from where": "not understood",
    "select (": "not understood",
}


@pytest.mark.parametrize("sql", READS)
def test_queries_are_read(sql: str) -> None:
    assert objection(sql, "postgres") is None


@pytest.mark.parametrize(("sql", "named"), WRITES.items())
def test_everything_else_is_refused_and_named(sql: str, named: str) -> None:
    why = objection(sql, "postgres")
    assert why is not None
    assert named.lower() in why.lower()


@pytest.mark.parametrize("sql", ["select * from read_csv('/etc/passwd')", "select getenv('HOME')", "attach 'x' as y"])
def test_files_of_duckdb_are_refused(sql: str) -> None:
    assert objection(sql, "duckdb") is not None


def test_a_file_is_taken_apart_with_the_lines_of_its_statements() -> None:
    text = "-- first; not this\nselect 1;\n\n;;\ndelete from film;\nselect\n  'a;b'\n; select 3 -- no end"
    queries, refused = read_queries(text, "postgres", "file", "q.sql")
    assert [(q.name, q.sql) for q in queries] == [
        ("q.sql:2", "select 1"), ("q.sql:6", "select\n  'a;b'"), ("q.sql:8", "select 3"),
    ]  # fmt: skip
    assert [(r.name, r.says.split(":")[0]) for r in refused] == [("q.sql:5", "DELETE is no query")]


def test_of_a_file_with_an_open_quote_nothing_is_run() -> None:
    queries, [refused] = read_queries("select 1;\nselect 'open", "postgres", "file", "q.sql")
    assert queries == []
    assert "not closed" in refused.says


def test_an_empty_file_has_no_statements() -> None:
    assert statements(" -- nothing\n;;/* */;", "postgres") == []


def test_a_query_of_a_thousand_parentheses_is_refused_not_a_crash() -> None:
    deep = "select " + "(" * 20_000 + "1" + ")" * 20_000
    assert objection(deep, "postgres") is not None


@given(st.text(max_size=60))
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    queries, _ = read_queries(text, "postgres", "file", "q.sql")
    for query in queries:
        assert objection(query.sql, "postgres") is None


# --- the second and third lock: what the parser above has overlooked ------------------------------------------------


@pytest.fixture
def run(database: str, execute: Callable[..., list[tuple[object, ...]]]) -> Run:
    """Straight to the runner, past ``safety``."""
    execute("create table film (id int primary key, title text)")
    execute("insert into film select n, 'film ' || n from generate_series(1, 3000) n")
    execute("create sequence s")
    execute("create function wipe() returns int language plpgsql as $$ begin delete from public.film; return 1; end $$")

    def ran(sql: str, seconds: float = 60.0) -> Ran | Failure:
        opened = connect(database)
        try:
            assert isinstance(opened, Replays)
            with opened.runner(["public"], seconds) as runner:
                first = runner.run(sql)
                again = runner.run("select count(*) from film")
        finally:
            opened.close()
        assert isinstance(again, Ran)
        assert again.columns[0].values.tolist() == [3000.0]
        return first

    return ran


@pytest.mark.parametrize(
    "sql",
    [
        "delete from film",
        "select 1; delete from film",
        "select 1; commit; delete from film; begin; select 1",
        "select wipe()",
        "with d as (delete from film returning *) select * from d",
        "select nextval('s')",
        "select set_config('transaction_read_only', 'off', true), wipe()",
        "select set_config('default_transaction_read_only', 'off', false), wipe()",
        "select 1 into film2",
        "copy (select 1) to program 'touch /tmp/dbsynth_was_here'",
        "do $$ begin delete from film; end $$",
        "select * from film for update",
        "select $1",
    ],
)
def test_the_database_runs_nothing_but_a_query_that_reads(run: Run, sql: str) -> None:
    assert isinstance(run(sql), Failure)
    assert not Path("/tmp/dbsynth_was_here").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "select pg_sleep(60)",
        "select count(*) from generate_series(1, 100000000000)",
        "select n from generate_series(1, 100000000000) n",
        "select set_config('statement_timeout', '0', false), pg_sleep(60)",
    ],
)
def test_a_query_ends_at_its_limit(run: Run, sql: str) -> None:
    found = run(sql, 1.0)
    assert isinstance(found, Failure)
    assert found.timeout


def test_a_setting_that_a_query_leaves_behind_is_gone_for_the_next_one(run: Run) -> None:
    assert isinstance(run("select set_config('search_path', 'pg_catalog', false)"), Ran)  # run() looks for film then


def test_a_result_is_counted_whole_and_looked_at_in_part(run: Run) -> None:
    found = run("select a.id, a.title, b.id = 1, null::date, date '2020-01-02' from film a, film b where b.id <= 20")
    assert isinstance(found, Ran)
    assert found.rows == 60_000
    assert [len(c.values) for c in found.columns] == [20_000] * 5
    assert [c.number for c in found.columns] == [True, False, False, True, True]
    assert found.columns[4].values[0] == 18_263 * 86_400
    assert found.plan is not None
    assert {node.relation for node in found.plan.walk()} >= {"a", "b"}


@pytest.mark.parametrize(
    "sql",
    ["select 'infinity'::timestamptz, '-infinity'::date, '0044-03-15 BC'::date, 'NaN'::numeric, 1e400::numeric",
     "select '{1,2}'::int[], '[1,2)'::int4range, '{}'::jsonb, 'x'::bytea, interval '1 day'",
     "select from film", "select repeat('x', 1000000) from generate_series(1, 60)", "select 1 where false"],
)  # fmt: skip
def test_odd_values_are_read(run: Run, sql: str) -> None:
    assert isinstance(run(sql), Ran)
