"""The pytest plugin as its users run it: sessions of their own, with a saved model, one by one and in parallel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

import dbsynth
from dbsynth.errors import ArtifactError, UnsupportedSource, UsageError
from dbsynth.testing.cache import dumped
from dbsynth.testing.database import Database
from dbsynth.testing.embedded import create_database, drop_database
from dbsynth.testing.server import Server, fill, running_server

SHOP = """
create table customer (id int generated always as identity primary key, email text not null unique,
                       joined date not null, best int);
create type state as enum ('open', 'paid');
create table orders (id serial primary key, customer_id int not null references customer, state state not null,
                     qty int not null check (qty > 0), price numeric(8, 2) not null,
                     total numeric generated always as (qty * price) stored, note text);
alter table customer add foreign key (best) references orders;
insert into customer (email, joined)
select 'c' || i || '@mail.test', date '2020-01-01' + i from generate_series(1, 60) i;
insert into orders (customer_id, state, qty, price, note)
select 1 + i % 60, (case when i % 3 = 0 then 'open' else 'paid' end)::state, 1 + i % 5, i % 9,
    case when i % 2 = 0 then 'a' end
from generate_series(1, 300) i;
update customer c set best = (select min(id) from orders o where o.customer_id = c.id) where id % 2 = 0"""
TESTS = """
import pytest

@pytest.fixture(scope="session")
def shop(dbsynth_postgres): return dbsynth_postgres.load("models/shop", scale=0.5, seed=1)
def test_report(shop): assert shop.execute("select count(*) from orders").scalar() > 0

@pytest.mark.parametrize("turn", range(3))
@pytest.mark.dbsynth(model="models/shop", scale=0.5, seed=1)
def test_alone(dbsynth_schema, turn):
    assert dbsynth_schema.execute("select count(*) from orders").scalar() == 150
    dbsynth_schema.execute("delete from orders where id = :id", {"id": 1}) if turn else None
    dbsynth_schema.execute("update customer set best = null")
    dbsynth_schema.execute("delete from orders")

@pytest.mark.dbsynth(model="models/shop", scale=0.5, seed=1)
class TestRolledBack:
    @pytest.mark.parametrize("turn", range(2))
    def test_changes(self, dbsynth_connection, turn):
        from sqlalchemy import text
        assert dbsynth_connection.execute(text("select min(qty) from orders")).scalar() < 90
        dbsynth_connection.execute(text("update orders set qty = 90"))

    @pytest.mark.dbsynth(rows={"customer": 7})
    def test_the_nearest_marker_adds(self, dbsynth_schema):
        assert dbsynth_schema.execute("select count(*) from customer").scalar() == 7

def test_copies(shop):
    other = shop.copy()
    other.execute("update orders set qty = 90")
    assert shop.execute("select max(qty) from orders").scalar() < 90
    with shop.connect() as connection:
        assert connection.exec_driver_sql("select 1").scalar() == 1
    other.drop()
"""


@pytest.fixture(scope="module")
def model(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    url = create_database(postgres_url, "plugin_source")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(SHOP))
    engine.dispose()
    path = tmp_path_factory.mktemp("plugin") / "models" / "shop"
    dbsynth.fit(url, seed=1, strategy="independent", workers=1).save(path)
    drop_database(url)
    return path


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for all tests of this file, none of the user's."""
    monkeypatch.setenv("DBSYNTH_CACHE", str(tmp_path_factory.getbasetemp() / "plugin-cache"))


@pytest.fixture
def server(postgres_url: str, model: Path) -> Server:
    return Server(postgres_url, model.parent.parent)


def session(folder: Path, *arguments: str, tests: str = TESTS) -> subprocess.CompletedProcess[str]:
    """Run ``tests`` in a pytest of their own, whose root is ``folder``."""
    (folder / "test_shop.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-W", "error", *arguments]
    if not _registered():  # an installation from before the entry point
        command[3:3] = ["-p", "dbsynth.testing.plugin"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=dict(os.environ), check=False)


def _registered() -> bool:
    from importlib.metadata import entry_points

    return any(e.value == "dbsynth.testing.plugin" for e in entry_points(group="pytest11"))


def test_a_session_loads_isolates_and_rolls_back_also_in_parallel(model: Path) -> None:
    folder = model.parent.parent
    done = session(folder, "--dbsynth-server=embedded")
    assert "8 passed" in done.stdout, done.stdout + done.stderr
    done = session(folder, "--dbsynth-server=embedded", "-n", "4")
    assert "8 passed" in done.stdout, done.stdout + done.stderr


def test_a_second_session_makes_no_rows_and_loads_nothing_that_does(model: Path, tmp_path: Path) -> None:
    dumped(model, scale=0.5, seed=1)
    tests = f"""
import sys
def test_light(dbsynth_postgres):
    shop = dbsynth_postgres.load({str(model)!r}, scale=0.5, seed=1)
    assert shop.execute("select count(*) from orders").scalar() == 150
    assert {{"torch", "numpy", "pyarrow", "sqlglot"}}.isdisjoint(sys.modules)
"""
    done = session(tmp_path, "--dbsynth-server=embedded", tests=tests)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("", "needs a model"),
        ("@pytest.mark.dbsynth(modle='x')", "takes model, scale, rows, seed, schema, not modle"),
        ("@pytest.mark.dbsynth(model='nowhere')", "dbsynth train SOURCE --out"),
    ],
)
def test_a_wrong_marker_is_told(tmp_path: Path, marker: str, told: str, postgres_url: str) -> None:
    tests = f"import pytest\n{marker}\ndef test_it(dbsynth_schema): pass\n"
    done = session(tmp_path, f"--dbsynth-server={postgres_url}", tests=tests)
    assert done.returncode == 1
    assert told in done.stdout


def test_the_rows_are_those_of_generate(server: Server, model: Path, database: str) -> None:
    dbsynth.load(model).to_database(database, seed=4, scale=0.5, workers=1)
    one, two = Database(database), server.load("models/shop", seed=4, scale=0.5)
    query = "select md5(string_agg(o::text, '|' order by id)) from orders o"
    assert one.execute(query).scalar() == two.execute(query).scalar()
    assert (
        two.execute(
            "insert into orders (customer_id, state, qty, price) values (1, 'open', 1, 1) returning id"
        ).scalar()
        == 151
    )
    two.drop()


def test_a_schema_of_ones_own_and_a_given_database(server: Server, database: str) -> None:
    filled = server.load("models/shop", schema="mine", database=database, scale=0.1)
    assert filled.execute("select count(*) from mine.orders").scalar() == 30
    assert (
        fill(database, server.folder / "models/shop", schema="more")
        .execute("select count(*) from more.orders")
        .scalar()
        == 300
    )

    class Container:
        def get_connection_url(self) -> str:
            return database.replace("+psycopg", "+psycopg2")

    assert (
        fill(Container(), server.folder / "models/shop", schema="boxed")
        .execute("select count(*) from boxed.orders")
        .scalar()
        == 300
    )
    with pytest.raises(UsageError, match="get_connection_url"):
        fill(object(), "models/shop")


def test_what_is_no_model_or_server_is_told(server: Server) -> None:
    with pytest.raises(ArtifactError, match="is no model"):
        server.load("models/shp")
    with pytest.raises(UsageError, match="no server 'dockr'"), running_server("dockr"):
        raise AssertionError


# --- tables that are there already -----------------------------------------------------------------------------------

DRIFTED = """
create table region (id int primary key, name text);
insert into region values (1, 'north'), (2, 'south');
create table customer (id bigint generated always as identity primary key, email varchar(80) not null unique,
                       joined timestamp not null, best int, region_id int not null references region,
                       token uuid not null, vip boolean not null, since date default now());
create type state as enum ('paid', 'open', 'lost');
create table orders (id serial primary key, customer_id bigint not null references customer, state state not null,
                     qty int not null check (qty > 0), price numeric(8, 2) not null,
                     total numeric generated always as (qty * price) stored, channel state not null);
alter table customer add foreign key (best) references orders;
create table audit (id int)"""


def test_rows_go_into_tables_that_migrations_made(
    server: Server, execute: Callable[..., list[tuple[object, ...]]], database: str
) -> None:
    execute(DRIFTED)
    found = server.load("models/shop", seed=2, database=database, into_existing=True)
    counts = "select count(*), count(distinct region_id), (select count(*) from orders) from customer"
    assert execute(counts) == [(60, 2, 300)]
    assert execute("select count(*) from customer where best is not null")[0][0] > 10, "circles are closed"  # type: ignore[operator]
    assert execute("select count(distinct token), bool_or(vip) from customer") == [(60, False)]
    assert execute(
        "insert into orders (customer_id, state, qty, price, channel) values (1, 'lost', 1, 1, 'lost') returning id"
    ) == [(301,)]
    told = "\n".join(found.drift)
    for said in (
        "column orders.note of the model is not there: left out",
        "column public.customer.region_id is not in the model: points at rows of public.region in turn",
        "column public.customer.token is not in the model",
        "column customer.joined is timestamp without time zone, in the model date: converted",
        "table audit is not in the model",
    ):
        assert said in told
    assert execute("select count(*) from pg_namespace where nspname like 'dbsynth_staged%'") == [(0,)]


def test_what_cannot_be_filled_is_told_and_nothing_is_written(
    server: Server, execute: Callable[..., list[tuple[object, ...]]], database: str
) -> None:
    execute(DRIFTED + "; alter table customer add place point not null")
    with pytest.raises(UnsupportedSource, match=r"public\.customer\.place") as told:
        server.load("models/shop", seed=2, database=database, into_existing=True)
    assert "default" in str(told.value.hint)
    assert execute("select count(*) from customer") == [(0,)]
    assert execute("select count(*) from pg_namespace where nspname like 'dbsynth_staged%'") == [(0,)]
    with pytest.raises(UsageError, match="into which database"):
        server.load("models/shop", into_existing=True)


# --- containers and docs ---------------------------------------------------------------------------------------------


def test_a_container_is_full_when_it_has_started(model: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the embedded server: what starts a container is testcontainers' own."""
    from testcontainers.community.postgres import PostgresContainer

    from dbsynth.testing.containers import DbsynthPostgresContainer

    stopped = []
    monkeypatch.setattr("testcontainers.core.container.DockerClient", lambda *_, **__: object())
    monkeypatch.setattr(PostgresContainer, "start", lambda self: self)
    monkeypatch.setattr(PostgresContainer, "stop", lambda self, **_: stopped.append(self))
    monkeypatch.setattr(PostgresContainer, "get_connection_url", lambda self: database)
    with DbsynthPostgresContainer(model, scale=0.5, seed=1) as container:
        assert Database(container.get_connection_url()).execute("select count(*) from orders").scalar() == 150
    with pytest.raises(ArtifactError):
        DbsynthPostgresContainer("nowhere").start()
    assert len(stopped) == 2, "also where it could not be filled"


def test_the_snippets_of_the_docs_run_as_they_stand(model: Path, postgres_url: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
    snippets = re.findall(r"```python\n(.*?)```", text, re.S)
    fixtures, migrations, _, unittests = snippets
    made = """
def migrate(url):
    from sqlalchemy import create_engine, text
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("create table customer (id int primary key, email text)"))
    engine.dispose()
def test_migrated(shop):
    assert shop.execute("select count(*) from customer").scalar() == 60
    assert "table orders of the model is not there: its rows are left out" in shop.drift
"""
    where = f"--dbsynth-server={postgres_url}"
    for tests, passed in ((fixtures, 3), ("import pytest\n" + migrations + made, 1), (unittests, 1)):
        done = session(model.parent.parent, where, tests=tests)
        assert f"{passed} passed" in done.stdout, done.stdout + done.stderr


def test_without_an_engine_the_embedded_server_is_used_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with caplog.at_level("INFO", "dbsynth.testing"), running_server("auto") as server:
        assert server.create().execute("select 1").scalar() == 1
    assert "no container engine answers: the embedded PostgreSQL is used" in caplog.text
