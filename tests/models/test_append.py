"""Rows are appended to a target that a model made: all or none, beside those that are there, all constraints kept."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from odd_shop import SQL

import dbsynth
from dbsynth.cli import main
from dbsynth.errors import TargetRefused, UnsatisfiableConstraint, UsageError
from dbsynth.testing.embedded import conninfo, create_database, drop_database

ORDER = '"we;ird ""name"."or""der"'


@pytest.fixture(scope="module")
def source(postgres_url: str) -> Iterator[str]:
    url = create_database(postgres_url, "append_source")
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(SQL.encode())
    yield url
    drop_database(url)


@pytest.fixture(scope="module")
def model(source: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("append") / "shop"
    run("train", source, "--out", str(path), "--seed", "3", "--effort", "quick", "-q")
    return path


@pytest.fixture(scope="module")
def template(postgres_url: str, model: Path) -> Iterator[str]:
    url = create_database(postgres_url, "append_template")
    run("generate", str(model), "--to", url, "--seed", "7", "-q")
    yield "append_template"
    drop_database(url)


@pytest.fixture
def target(postgres_url: str, template: str) -> Iterator[str]:
    url = create_database(postgres_url, "append_target", template=template)
    yield url
    drop_database(url)


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == code, done.output
    return done.output


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo(url)) as connection:
        return connection.execute(query.encode()).fetchall()


def contents(url: str) -> dict[str, set[str]]:
    tables = ("customer", ORDER, "nothing")
    return {t: {str(r) for (r,) in ask(url, f"select x::text from {t} x")} for t in tables}


def counts(url: str) -> dict[str, int]:
    return {t: len(ask(url, f"select from {t}")) for t in ("customer", ORDER, "nothing", "bare")}


def marks(url: str) -> list[dict[str, object]]:
    query = "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname in ('public', 'we;ird \"name')"
    return [json.loads(str(mark))["dbsynth"] for (mark,) in ask(url, query)]


def keys_hold(url: str) -> None:
    """The database has tested every row; keys that were checked late are as they were."""
    assert ask(url, "select count(*) from pg_constraint where not convalidated") == [(0,)]
    found = ask(
        url, "select conname, condeferrable from pg_constraint where contype = 'f' and conrelid <> 0 order by 1"
    )
    assert dict(found)["customer_best_order_fkey"] is True
    assert dict(found)['or"der_customer_id_fkey'] is False


def test_keys_go_on_and_old_rows_stay(model: Path, target: str) -> None:
    before, sizes = contents(target), counts(target)
    run("append", str(model), "--to", target, "--scale", "0.5", "--seed", "7", "-q")
    first, grown = contents(target), counts(target)
    assert all(before[t] <= first[t] for t in before)
    assert grown["customer"] == sizes["customer"] + 60
    assert grown[ORDER] == sizes[ORDER] + 300
    assert ask(target, "select min(id), max(id), count(distinct email) from customer") == [(1, 180, 180)]
    assert ask(target, f"select min(number), max(number) from {ORDER}") == [(1, 900)]
    keys_hold(target)
    run("append", str(model), "--to", target, "--scale", "0.5", "--seed", "7", "-q")
    second = contents(target)
    assert all(first[t] <= second[t] for t in before)
    assert counts(target)["customer"] == sizes["customer"] + 120
    keys_hold(target)
    # the same seed makes other rows the next time
    new = f"select qty, price, note, tags from {ORDER} where number between {{}} and {{}} order by number"
    assert ask(target, new.format(601, 900)) != ask(target, new.format(901, 1200))
    for made in marks(target):
        assert made["appends"] == 2
        assert [(a["seed"], a["rows"]) for a in made["appended"]] == [(7, 362), (7, 362)]  # type: ignore[attr-defined]


def test_new_rows_are_inserted_after_them(model: Path, target: str) -> None:
    run("append", str(model), "--to", target, "--scale", "0.25", "--seed", "1", "-q")
    with psycopg.connect(conninfo(target)) as connection:
        insert = (
            "insert into customer (email, mood, since, until) values ('a@b.example', 'ok', '2020-01-01', '2030-01-01')"
        )
        assert connection.execute(f"{insert} returning id".encode()).fetchone() == (151,)
        insert = f"insert into {ORDER} (customer_id, qty, price, at) values (151, 1, 1, now()) returning number"
        assert connection.execute(insert.encode()).fetchone() == (751,)


def test_children_alone_have_parents_that_are_there(model: Path, target: str) -> None:
    before = counts(target)
    run("append", str(model), "--to", target, "--rows", 'or"der=200', "--seed", "2", "-q")
    after = counts(target)
    assert after == before | {ORDER: before[ORDER] + 200}
    assert ask(target, f"select max(customer_id) from {ORDER}")[0][0] <= before["customer"]  # type: ignore[operator]
    assert len(ask(target, f"select distinct customer_id from {ORDER} where number > 600")) > 30
    keys_hold(target)


def test_children_follow_new_parents(model: Path, target: str) -> None:
    before = counts(target)
    run("append", str(model), "--to", target, "--rows", "customer=30", "--seed", "2", "-q")
    after = counts(target)
    assert after["customer"] == before["customer"] + 30
    assert after[ORDER] == before[ORDER] + 150
    assert ask(target, f"select count(*) from {ORDER} where number > 600 and customer_id <= 120") == [(0,)]


def test_the_same_seed_appends_the_same_rows(model: Path, target: str, template: str, postgres_url: str) -> None:
    other = create_database(postgres_url, "append_other", template=template)
    try:
        dbsynth.load(str(model)).append_to(target, scale=0.5, seed=11, workers=1)
        run("append", str(model), "--to", other, "--scale", "0.5", "--seed", "11", "--workers", "2", "-q")
        assert contents(target) == contents(other)
    finally:
        drop_database(other)


def test_a_target_that_dbsynth_did_not_make_is_refused(model: Path, source: str, postgres_url: str) -> None:
    url = create_database(postgres_url, "append_foreign")
    try:
        with psycopg.connect(conninfo(url), autocommit=True) as connection:
            connection.execute(SQL.encode())
        before = contents(url)
        with pytest.raises(TargetRefused, match="not made by dbsynth"):
            dbsynth.load(str(model)).append_to(url, scale=0.1)
        with pytest.raises(TargetRefused, match="the source of the model"):
            dbsynth.load(str(model)).append_to(source, scale=0.1)
        assert contents(url) == before
    finally:
        drop_database(url)


def test_another_model_is_refused_unless_it_will_do(model: Path, source: str, target: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    run("train", source, "--out", str(other), "--seed", "4", "--effort", "quick", "-q")
    before = contents(target)
    assert "another model" in run("append", str(other), "--to", target, "--scale", "0.1", code=2)
    assert contents(target) == before
    run("append", str(other), "--to", target, "--scale", "0.1", "--other-model", "-q")
    assert counts(target)["customer"] == 132
    keys_hold(target)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("alter table customer drop column until", "customer.until is not in the target"),
        ("drop table nothing", "nothing of the model is not in the target"),
        ("alter table nothing alter column id type bigint", "nothing.id was"),
        (f"alter table {ORDER} alter column note set default 'x', alter column note type varchar(40)", "note was"),
        ("alter table customer add column vat text not null default ''; "
         "alter table customer alter column vat drop default", "customer.vat is not in the model"),
    ],
)  # fmt: skip
def test_tables_that_have_changed_are_refused(model: Path, target: str, change: str, told: str) -> None:
    with psycopg.connect(conninfo(target), autocommit=True) as connection:
        connection.execute(change.encode())
    customers = ask(target, "select count(*) from customer")
    with pytest.raises(TargetRefused, match=told):
        dbsynth.load(str(model)).append_to(target, scale=0.1)
    assert ask(target, "select count(*) from customer") == customers


def test_a_constraint_that_was_added_ends_it_with_nothing_written(model: Path, target: str) -> None:
    with psycopg.connect(conninfo(target), autocommit=True) as connection:
        connection.execute(b"alter table customer add constraint few check (id <= 120)")
    before, told = contents(target), marks(target)
    with pytest.raises(UnsatisfiableConstraint, match="few"):
        dbsynth.load(str(model)).append_to(target, scale=0.1)
    assert contents(target) == before
    assert marks(target) == told
    keys_hold(target)


def test_what_cannot_be_asked_for(model: Path, target: str) -> None:
    shop = dbsynth.load(str(model))
    with pytest.raises(UsageError, match="scale -1"):
        shop.append_to(target, scale=-1)
    with pytest.raises(UsageError, match="was empty when"):
        shop.append_to(target, rows={"nothing": 5})
    with pytest.raises(UsageError, match="no table of the model"):
        shop.append_to(target, rows={"custmer": 5})
    assert counts(target)["customer"] == 120


def test_killed_at_any_moment_it_leaves_all_or_nothing(model: Path, target: str) -> None:
    command = [sys.executable, "-m", "dbsynth.cli", "append", str(model), "--to", target, "--scale", "3", "--seed", "5"]
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    whole = time.monotonic() - began
    state = counts(target)
    assert state["customer"] == 480
    for turn in range(6):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(whole * (0.5 + 0.1 * turn))
        process.send_signal(signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + 20  # the server finds out, or is done
        while ask(target, "select count(*) from pg_stat_activity where application_name ~ '^dbsynth '") != [(0,)]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        after = counts(target)
        assert after["customer"] - state["customer"] in (0, 360)
        assert (after[ORDER] - state[ORDER]) * 360 == (after["customer"] - state["customer"]) * 1800
        state = after
        keys_hold(target)
    run("append", str(model), "--to", target, "--scale", "0.1", "-q")
    assert counts(target)["customer"] == state["customer"] + 12
