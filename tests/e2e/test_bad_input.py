"""What cannot be done is refused before anything is written: the exit code, what is named, and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from sqlalchemy.engine import make_url

from dbsynth.testing.embedded import conninfo, create_database, drop_database, embedded_postgres
from tests.e2e.catalog import ask, clone, run_script, schemas

SHOP = """
    create table customer (id int primary key, name text not null, city text);
    create table visit (at timestamptz, page text);
    create table flag (on_off boolean primary key, meaning text);
    create table orders (id int primary key, customer_id int not null references customer, amount numeric(8, 2));
    insert into customer select i, 'Customer ' || i, 'City ' || i % 5 from generate_series(1, 60) i;
    insert into visit select now(), 'p' from generate_series(1, 20);
    insert into flag values (true, 'on'), (false, 'off');
    insert into orders select i, 1 + i % 60, i * 1.25 from generate_series(1, 200) i;
"""


@pytest.fixture(scope="module")
def shop(postgres_url: str) -> Iterator[str]:
    """Refusals write nothing, so all of them may look at one database."""
    url = create_database(postgres_url, "bad_input_shop")
    with psycopg.connect(conninfo(url)) as connection:
        connection.execute(SHOP.encode())
    yield url
    drop_database(url)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def nothing_is_written(shop: str) -> Iterator[None]:
    yield
    assert schemas(shop) == ["public"]


def refused(result: Result, code: int, *words: str, trained: bool = False) -> None:
    """``hint``, among the words, stands for a remedy. ``trained``: only made rows show that it cannot be done."""
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    assert trained == ("  train (" in result.output), result.output
    for word in words:
        assert word in result.output.replace("\n", " "), (word, result.output)


def test_a_host_that_is_not_there(shop: str) -> None:
    url = make_url(shop).set(host="127.0.0.1", port=1, password="topsecret").render_as_string(hide_password=False)
    result = clone(url, "--to", "dev")
    refused(result, 3, "127.0.0.1", "hint")
    assert "topsecret" not in result.output


def test_a_host_without_address() -> None:
    refused(clone("postgresql://nobody@host.invalid/shop", "--to", "dev"), 3, "host.invalid", "hint")


def test_a_wrong_password() -> None:
    with embedded_postgres(password="right") as url:
        wrong = make_url(url).set(password="wrongsecret").render_as_string(hide_password=False)
        result = clone(wrong, "--to", "dev")
        refused(result, 3, "password authentication failed", "~/.pgpass")
        assert "wrongsecret" not in result.output
        assert schemas(url) == ["public"]


def test_a_wrong_password_of_the_target(shop: str) -> None:
    with embedded_postgres(password="right") as url:
        wrong = make_url(url).set(password="wrongsecret").render_as_string(hide_password=False)
        result = clone(shop, "--to", wrong)
        refused(result, 3, make_url(url).host or "", "~/.pgpass")
        assert "wrongsecret" not in result.output
        assert schemas(url) == ["public"]


def test_a_database_that_does_not_exist(shop: str) -> None:
    url = make_url(shop).set(database="no_such_database").render_as_string(hide_password=False)
    refused(clone(url, "--to", "dev"), 3, "no_such_database", "hint")


def test_tables_that_may_not_be_read_are_all_named(shop: str) -> None:
    run_script(shop, "create role reader login; create table closed (a int); create table shut (a int)")
    run_script(shop, "grant select on customer, orders to reader; grant create on database bad_input_shop to reader")
    url = make_url(shop).set(username="reader").render_as_string(hide_password=False)
    result = clone(url, "--to", "dev")
    refused(result, 3, "public.closed", "public.shut", 'GRANT SELECT ON "public"."shut"')
    assert "public.orders" not in result.output
    run_script(shop, "drop table closed; drop table shut; drop owned by reader; drop role reader")


@pytest.mark.parametrize("more", [[], ["--replace"]])
def test_the_source_is_never_the_target(shop: str, more: list[str]) -> None:
    refused(clone(shop, "--to", "public", *more), 2, "public", "hint")
    refused(clone(shop, "--to", shop, *more), 2, "public", "hint")


def test_a_schema_that_is_not_ours_is_replaced_on_request_only(shop: str) -> None:
    run_script(
        shop, "create schema theirs; create table theirs.precious (a int); insert into theirs.precious values (1)"
    )
    refused(clone(shop, "--schema", "public", "--to", "theirs"), 2, "theirs", "--replace")
    assert ask(shop, "select a from theirs.precious") == [(1,)]
    done = clone(shop, "--schema", "public", "--to", "theirs", "--replace", "--effort", "quick")
    assert done.exit_code == 0, done.output
    assert ask(shop, "select count(*) from theirs.orders") == [(200,)]
    assert ask(shop, "select to_regclass('theirs.precious')::text") == [(None,)]
    run_script(shop, "drop schema theirs cascade")


@pytest.mark.parametrize(
    ("option", "value", "near"),
    [
        ("--schema", "pubic", "public"),
        ("--tables", "custmer", "customer"),
        ("--exclude", "ordrs", "orders"),
        ("--rows", "custmer=5", "customer"),
        ("--keep", "oders", "orders"),
    ],
)
def test_an_unknown_name_and_the_nearest_one(shop: str, option: str, value: str, near: str) -> None:
    refused(clone(shop, "--to", "dev", option, value), 2, value.split("=")[0], f"did you mean '{near}'")
    assert schemas(shop) == ["public"]


def test_an_unknown_key_of_the_configuration(shop: str, folder: Path) -> None:
    (folder / "dbsynth.toml").write_text(f'[connections.prod]\nurl = "{shop}"\nschemes = ["public"]\n')
    refused(clone("prod", "--to", "dev"), 2, "schemes", "schemas")


def test_an_unknown_connection(folder: Path) -> None:
    (folder / "dbsynth.toml").write_text('[connections.prod_db]\nurl = "postgresql://localhost/x"\n')
    refused(clone("prod_bd", "--to", "dev"), 2, "prod_bd", "prod_db")


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "inf", "1e12", "much"])
def test_a_scale_that_is_none(shop: str, scale: str) -> None:
    refused(clone(shop, "--to", "dev", f"--scale={scale}"), 2, "scale")
    assert schemas(shop) == ["public"]


@pytest.mark.parametrize(
    ("wishes", "code", "words"),
    [
        (["--rows", "customer=3000000000"], 4, ["public.customer.id", "2,147,483,647", "--rows customer=N"]),
        (["--rows", "visit=1000000000000"], 2, ["public.visit", "GiB of memory", "--rows visit=N"]),
        (["--rows", "visit=1000000000001"], 2, ["visit=1000000000001", "at most"]),
        (["--rows", "flag=3"], 4, ["public.flag", "allow 2", "--rows flag=2"]),
        (["--rows", "orders=5", "--exclude", "orders"], 2, ["--rows orders", "left out", "--exclude"]),
        (["--keep", "orders", "--tables", "customer"], 2, ["--keep orders", "left out", "--tables"]),
        (["--keep", "orders", "--keep", "none"], 2, ["--keep none", "hint"]),
        (["--exclude", "*"], 2, ["no table is left", "--exclude"]),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) and v[0].startswith("--") else None,
)
def test_a_wish_that_cannot_be_met(shop: str, wishes: list[str], code: int, words: list[str]) -> None:
    refused(clone(shop, "--to", "dev", *wishes), code, *words)


@pytest.mark.parametrize("target", ["pg_dev", "information_schema", "x" * 64, "shop.dev", ""])
def test_a_target_that_can_be_none(shop: str, target: str) -> None:
    refused(clone(shop, "--to", target), 2, target.split(".")[0], "hint")


def test_rows_that_are_no_number(shop: str) -> None:
    refused(clone(shop, "--to", "dev", "--rows", "customer=many"), 2, "customer=many")
    refused(clone(shop, "--to", "dev", "--rows", "customer=-1"), 2, "customer=-1")


def test_an_empty_database(postgres_url: str) -> None:
    url = create_database(postgres_url, "bad_input_empty")
    refused(clone(url, "--to", "dev"), 2, "no table", "hint")
    assert schemas(url) == ["public"]
    drop_database(url)


def test_a_check_that_no_row_can_meet(postgres_url: str) -> None:
    """Possible where the CHECK was added NOT VALID: the rows of the source break it."""
    url = create_database(postgres_url, "bad_input_check")
    run_script(url, "create table stuck (id int primary key, low int, high int)")
    run_script(url, "insert into stuck select i, i, i from generate_series(1, 50) i")
    never = "check (low > high and high > low and low is not null and high is not null)"
    run_script(url, f"alter table stuck add constraint never {never} not valid")
    refused(clone(url, "--to", "dev"), 4, "public.stuck: no row can meet CHECK never", "hint")
    assert schemas(url) == ["public"]
    drop_database(url)


def test_a_check_that_the_made_rows_cannot_meet_shows_one(postgres_url: str) -> None:
    """Each value is possible, only no row of them: the example is a synthetic row, not one of the source."""
    url = create_database(postgres_url, "bad_input_rows")
    run_script(url, "create table stuck (id int primary key, note text)")
    run_script(url, "insert into stuck select i, 'note ' || i from generate_series(1, 50) i")
    never = "check (note is not null and md5(note) = 'x' || note)"
    run_script(url, f"alter table stuck add constraint hashed {never} not valid")
    refused(clone(url, "--to", "dev"), 4, "public.stuck", "hashed", "synthetic row", "hint", trained=True)
    assert schemas(url) == ["public"]
    drop_database(url)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            "create table room (id int primary key, spot circle, exclude using gist (spot with &&))",
            ["public.room", "room_spot_excl", "spot"],
        ),
        (
            "create table base (a int, room int generated always as (a * 10) stored primary key);"
            " create table room (id int primary key, base int references base)",
            ["public.room", "room_base_fkey", "public.base.room"],
        ),
        (
            "create table room (id int primary key, name text);"
            " create function odd(text) returns text language sql immutable return reverse($1);"
            " create unique index one_odd on room (public.odd(name))",
            ["public.room", "one_odd"],
        ),
    ],
    ids=["exclusion", "key to a generated column", "unique expression"],
)
def test_what_cannot_be_made_yet_is_named_and_can_be_left_empty(
    postgres_url: str, table: str, words: list[str]
) -> None:
    url = create_database(postgres_url, "bad_input_unsupported")
    run_script(url, table + "; insert into room (id) values (1)")
    refused(clone(url, "--to", "dev"), 4, *words, "--exclude")
    assert schemas(url) == ["public"]
    done = clone(url, "--to", "dev", "--rows", "room=0")
    assert done.exit_code == 0, done.output
    assert ask(url, "select count(*) from dev.room") == [(0,)]
    drop_database(url)
