"""Connecting: what goes wrong, said with a remedy and without credentials; rights; identity."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from dbsynth.dialect import Database, ReadRequest, connect
from dbsynth.errors import ConnectionFailed, DbsynthError, PermissionDenied, UsageError
from dbsynth.schema.model import TableName
from dbsynth.testing.embedded import conninfo, create_database, embedded_postgres

Execute = Callable[..., list[tuple[object, ...]]]
SECRET = "s3cr3t@/:%word"


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """A server that asks for a password."""
    with embedded_postgres(password=SECRET) as url:
        yield url


def refused(url: object) -> DbsynthError:
    with pytest.raises(ConnectionFailed) as caught:
        connect(url)  # type: ignore[arg-type]
    text = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert SECRET not in text
    assert "%2F" not in text, "nor the password as the URL spells it"
    return caught.value


def test_wrong_password(guarded: str) -> None:
    error = refused(make_url(guarded).set(password="s3cr3t@/:%wrong"))
    assert "password authentication failed" in str(error)
    assert "~/.pgpass" in error.hint
    assert error.exit_code == 3
    assert not error.transient
    assert "wrong" not in str(error)


def test_no_password(guarded: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    url = make_url(guarded)
    error = refused(f"postgresql://postgres@{url.host}:{url.port}/postgres")
    assert "no password supplied" in str(error)
    assert "~/.pgpass" in error.hint


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"host": "no-such-host.invalid"}, "no-such-host.invalid", "spelling of the host"),
        ({"port": 1}, "refused", "host and port"),
        ({"database": "shopp"}, 'database "shopp" does not exist', "name of the database"),
    ],
    ids=["host", "port", "database"],
)
def test_wrong_place(guarded: str, changes: dict[str, object], message: str, hint: str) -> None:
    error = refused(make_url(guarded).set(**changes))  # type: ignore[arg-type]
    assert message in str(error)
    assert hint in error.hint


def test_wrong_user(postgres_url: str) -> None:
    error = refused(make_url(postgres_url).set(username="nobody_here"))
    assert 'role "nobody_here" does not exist' in str(error)
    assert "PGUSER" in error.hint


def test_an_option_that_libpq_does_not_know(guarded: str) -> None:
    error = refused(make_url(guarded).update_query_dict({"colour": "red"}))
    assert "colour" in str(error)
    assert "options in the URL" in error.hint


def test_a_service_that_is_not_defined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "services").write_text("[other]\nhost=x\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    error = refused("postgresql:///?service=prod")
    assert str(error).startswith("cannot connect to service prod: ")
    assert "PGSERVICEFILE" in error.hint


def test_variables_password_file_and_service_of_libpq(
    guarded: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = make_url(guarded)
    escaped = SECRET.replace(":", r"\:")
    passwords = tmp_path / "pgpass"
    passwords.touch(0o600)
    passwords.write_text(f"{url.host}:{url.port}:*:postgres:{escaped}\n")
    (tmp_path / "services").write_text(f"[prod]\nhost={url.host}\nport={url.port}\nuser=postgres\ndbname=template1\n")
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    by_service = connect("postgresql:///?service=prod")
    assert by_service.describe() == f"{url.host}:{url.port}/template1"
    by_service.close()
    for name, value in {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": "postgres", "PGDATABASE": "postgres"}.items():
        monkeypatch.setenv(name, str(value))
    by_variables = connect("postgresql:///")
    assert by_variables.describe() == f"{url.host}:{url.port}/postgres"
    by_variables.close()


def test_a_url_that_is_none() -> None:
    with pytest.raises(UsageError, match="cannot be parsed") as caught:
        connect(f"postgresql//{SECRET}")
    assert SECRET not in str(caught.value)


def test_what_the_description_says(database: str) -> None:
    opened = connect(database)
    url = make_url(database)
    assert opened.describe() == f"127.0.0.1:{url.port}/{url.database}"
    opened.close()


def test_settings_of_the_database_change_nothing(database: str, execute: Execute) -> None:
    name = make_url(database).database
    settings = {
        "DateStyle": "SQL, DMY", "IntervalStyle": "sql_standard", "TimeZone": "Asia/Tokyo", "bytea_output": "escape",
        "extra_float_digits": "-10", "search_path": "public", "statement_timeout": "1ms", "client_encoding": "LATIN1",
        "quote_all_identifiers": "on", "standard_conforming_strings": "off",
    }  # fmt: skip
    execute(
        r"""create table t as
        select timestamptz '2024-03-01 00:00+00' as a,
               date '2024-03-01' as b, interval '1 day' as c, '\xff'::bytea as d,
               0.1::float8 + 0.2 as e, '☃'::text as f, default_of.g
        from (values ('x')) default_of(g)"""
    )
    for setting, value in settings.items():
        execute(f"alter database {name} set {setting} = {value if setting == 'DateStyle' else repr(value)}")
    opened = connect(database)
    schema = opened.introspect()
    (t,) = schema.tables
    (batch,) = opened.read(ReadRequest(t.name, tuple(c.name for c in t.columns)))
    row = batch.to_pylist()[0]
    assert (row["a"].isoformat(), row["b"].isoformat()) == ("2024-03-01T00:00:00+00:00", "2024-03-01")
    assert [row[name] for name in "cdefg"] == ["1 day", r"\xff", 0.1 + 0.2, "☃", "x"]
    opened.close()


# --- identity -----------------------------------------------------------------------------------------------------


def identity(url: object) -> str:
    opened = connect(url)  # type: ignore[arg-type]
    try:
        return opened.identity()
    finally:
        opened.close()


def test_the_identity_is_that_of_the_database_not_of_the_way_there(
    database: str, postgres_url: str, guarded: str, execute: Execute
) -> None:
    execute("drop role if exists visitor; create role visitor login")
    url = make_url(database)
    assert identity(database) == identity(url.set(host="localhost")) == identity(url.set(username="visitor"))
    assert len({identity(database), identity(postgres_url), identity(guarded)}) == 3


def test_the_identity_without_the_right_to_the_system_identifier(database: str, execute: Execute) -> None:
    execute("drop role if exists visitor; create role visitor login")
    execute("revoke execute on function pg_control_system() from public")
    url = make_url(database).set(username="visitor")
    assert identity(url) == identity(url.set(host="localhost"))
    assert "/" in identity(url)


# --- rights -------------------------------------------------------------------------------------------------------


@pytest.fixture
def visitor(database: str, execute: Execute) -> Iterator[Database]:
    """A user who may read one table of each kind of trouble's opposite."""
    execute("drop role if exists visitor; create role visitor login")
    execute(
        """create schema closed; create table closed.c (a int);
        create table fine (a int); create table shut (a int); create table partly (a int, b int, c int);
        create table filtered (a int); create table unfiltered (a int);
        alter table filtered enable row level security; create policy p on filtered using (a > 0);
        alter table unfiltered enable row level security; alter table unfiltered owner to visitor;
        grant select on fine, filtered to visitor; grant select (a) on partly to visitor"""
    )
    opened = connect(make_url(database).set(username="visitor"))
    yield opened
    opened.close()


def test_every_table_that_may_not_be_read_is_named_at_once(visitor: Database) -> None:
    schema = visitor.introspect()
    assert len(schema.tables) == 6, "the catalog is open to everybody"
    with pytest.raises(PermissionDenied) as caught:
        visitor.check_readable(schema)
    said = str(caught.value)
    assert said.split(" may not be read: ")[1] == (
        "closed.c (no USAGE on schema closed); public.filtered (row-level security hides rows); "
        "public.partly (columns b, c); public.shut"
    )
    assert 'GRANT SELECT ON "public"."shut"' in caught.value.hint
    assert "BYPASSRLS" in caught.value.hint
    assert caught.value.exit_code == 3


def test_all_is_well_for_the_owner(database: str, visitor: Database) -> None:
    owner = connect(database)
    owner.check_readable(owner.introspect())
    owner.close()


@pytest.mark.parametrize("name", ["shut", "filtered"])
def test_reading_without_the_right_is_refused_not_filtered(visitor: Database, name: str) -> None:
    with pytest.raises(PermissionDenied, match=rf"table public\.{name} may not be read"):
        list(visitor.read(ReadRequest(TableName("public", name), ("a",))))


def test_counting_without_the_right_is_refused(visitor: Database) -> None:
    with pytest.raises(PermissionDenied, match="permission denied for table shut"):
        visitor.count([TableName("public", "shut")])


def test_no_right_to_the_database(postgres_url: str, execute: Execute) -> None:
    execute("drop role if exists visitor; create role visitor login")
    url = create_database(postgres_url, "members_only")
    execute("revoke connect on database members_only from public")
    error = refused(make_url(url).set(username="visitor"))
    assert isinstance(error, ConnectionFailed)
    assert "permission denied for database" in str(error)


def test_a_connection_that_is_cut_is_transient(postgres_url: str, database: str, execute: Execute) -> None:
    execute("create table t as select i from generate_series(1, 2000000) i")
    opened = connect(database)
    batches = opened.read(ReadRequest(TableName("public", "t"), ("i",)))
    next(batches)
    with psycopg.connect(conninfo(postgres_url), autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
            (make_url(database).database,),
        )
    with pytest.raises(ConnectionFailed, match=r"reading table public\.t: lost the connection") as caught:
        list(batches)
    assert caught.value.transient
    opened.close()
