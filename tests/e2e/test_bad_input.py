"""What cannot be done is refused before anything is written: the exit code, what is named, and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy.engine import make_url

from dbsynth.cli import main
from dbsynth.testing.embedded import conninfo, create_database, drop_database, embedded_postgres

SHOP = """
    create table customer (id int primary key, name text not null, city text);
    create table orders (id int primary key, customer_id int not null references customer, amount numeric(8, 2));
    insert into customer select i, 'Customer ' || i, 'City ' || i % 5 from generate_series(1, 60) i;
    insert into orders select i, 1 + i % 60, i * 1.25 from generate_series(1, 200) i;
"""
SCHEMAS = "select nspname from pg_namespace where nspname !~ '^(pg_|information_schema)' order by 1"


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


def clone(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["clone", *arguments])


def schemas(url: str) -> list[str]:
    with psycopg.connect(conninfo(url)) as connection:
        return [str(s) for (s,) in connection.execute(SCHEMAS.encode()).fetchall()]


def execute(url: str, statement: str) -> None:
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(statement.encode())


def refused(result: Result, code: int, *words: str) -> None:
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
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
        refused(result, 3, "postgres", "hint")
        assert "wrongsecret" not in result.output


def test_a_database_that_does_not_exist(shop: str) -> None:
    url = make_url(shop).set(database="no_such_database").render_as_string(hide_password=False)
    refused(clone(url, "--to", "dev"), 3, "no_such_database", "hint")


def test_tables_that_may_not_be_read_are_all_named(shop: str) -> None:
    execute(shop, "create role reader login; create table closed (a int); create table shut (a int)")
    execute(shop, "grant select on customer, orders to reader; grant create on database bad_input_shop to reader")
    url = make_url(shop).set(username="reader").render_as_string(hide_password=False)
    refused(clone(url, "--to", "dev"), 3, "closed", "shut", "hint")
    assert schemas(shop) == ["public"]
    execute(shop, "drop table closed; drop table shut; drop owned by reader; drop role reader")


@pytest.mark.parametrize("more", [[], ["--replace"]])
def test_the_source_is_never_the_target(shop: str, more: list[str]) -> None:
    refused(clone(shop, "--to", "public", *more), 2, "public", "hint")
    refused(clone(shop, "--to", shop, *more), 2, "public", "hint")


def test_a_schema_that_is_not_ours_is_replaced_on_request_only(shop: str) -> None:
    execute(shop, "create schema theirs; create table theirs.precious (a int); insert into theirs.precious values (1)")
    refused(clone(shop, "--schema", "public", "--to", "theirs"), 2, "theirs", "--replace")
    with psycopg.connect(conninfo(shop)) as connection:
        assert connection.execute("select a from theirs.precious").fetchall() == [(1,)]
    done = clone(shop, "--schema", "public", "--to", "theirs", "--replace", "--effort", "quick")
    assert done.exit_code == 0, done.output
    with psycopg.connect(conninfo(shop)) as connection:
        assert connection.execute("select count(*) from theirs.orders").fetchall() == [(200,)]
    execute(shop, "drop schema theirs cascade")


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
    execute(url, "create table stuck (id int primary key, low int, high int)")
    execute(url, "insert into stuck select i, i, i from generate_series(1, 50) i")
    never = "check (low > high and high > low and low is not null and high is not null)"
    execute(url, f"alter table stuck add constraint never {never} not valid")
    refused(clone(url, "--to", "dev"), 4, "public.stuck", "never", "hint")
    assert schemas(url) == ["public"]
    drop_database(url)


def test_a_check_that_the_made_rows_cannot_meet_shows_one(postgres_url: str) -> None:
    """Each value is possible, only no row of them: the example is a synthetic row, not one of the source."""
    url = create_database(postgres_url, "bad_input_rows")
    execute(url, "create table stuck (id int primary key, note text)")
    execute(url, "insert into stuck select i, 'note ' || i from generate_series(1, 50) i")
    never = "check (note is not null and md5(note) = 'x' || note)"
    execute(url, f"alter table stuck add constraint hashed {never} not valid")
    refused(clone(url, "--to", "dev"), 4, "public.stuck", "hashed", "synthetic row", "hint")
    assert schemas(url) == ["public"]
    drop_database(url)
