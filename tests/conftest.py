"""Fixtures of the whole suite: one embedded server a session, one database a test, the real databases on demand."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from hypothesis import HealthCheck, settings

from dbsynth.testing.embedded import conninfo, create_database, drop_database, embedded_postgres, restore
from tests.clones import cloned
from tests.emulators.running import free_port, python_of, running
from tests.parallel import ByGroup, arrange

__all__ = ["cloned"]

_numbers = itertools.count(1)

# A runner that was started in the background may ignore interrupts, and so would every process that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No test asserts a time, and a loaded machine is slow. A gate gives the same answer twice: what is new is searched for
# by `make search`.
settings.register_profile(
    "dbsynth", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, print_blob=True
)
settings.register_profile("search", settings.get_profile("dbsynth"), derandomize=False)
settings.load_profile("dbsynth")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup | None:
    return ByGroup(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("PYTEST_XDIST_WORKER"):
        arrange(items)


@pytest.fixture(autouse=True)
def untouched_logs() -> Iterator[None]:
    """Each test starts and ends with logs that nobody set up: a verb that ran before it in this process did that."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The superuser's URL of a server that lives as long as the session."""
    with embedded_postgres() as url:
        yield url


@pytest.fixture
def database(postgres_url: str) -> Iterator[str]:
    """The URL of a fresh, empty database."""
    url = create_database(postgres_url, f"test_{next(_numbers)}")
    yield url
    drop_database(url)


@pytest.fixture
def execute(database: str) -> Callable[..., list[tuple[object, ...]]]:
    """Run one SQL statement (or a script without parameters) in ``database``, committed; gives its rows, if any."""

    def run(statement: str, *parameters: object, url: str = database) -> list[tuple[object, ...]]:
        with psycopg.connect(conninfo(url), autocommit=True, client_encoding="utf8") as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture(scope="session")
def real_dump() -> Callable[[str], Path]:
    """``real_dump("chinook")``: the dump of that real database; skips the test where there is none."""
    named = os.environ.get("DBSYNTH_TEST_DATABASES")
    folder = Path(named) if named else Path(__file__).resolve().parents[1].parent / "shared" / "data"

    def find(name: str) -> Path:
        dump = folder / f"{name}.sql.gz"
        if not dump.is_file():
            pytest.skip(
                f"{dump.name} is not in {folder}; DBSYNTH_TEST_DATABASES names the folder of the real databases"
            )
        return dump

    return find


@pytest.fixture(scope="session")
def other_postgres() -> Path:
    """The bin folder of another PostgreSQL than the embedded one: that of DBSYNTH_TEST_POSTGRES_BIN, or the newest that
    Debian's packages installed."""
    named = os.environ.get("DBSYNTH_TEST_POSTGRES_BIN")
    found = [Path(named)] if named else sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name)
    usable = [folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()]
    if not usable:
        pytest.skip("there is no other PostgreSQL server here; DBSYNTH_TEST_POSTGRES_BIN names its bin folder")
    return usable[-1]


@pytest.fixture(scope="session")
def real_template(postgres_url: str, real_dump: Callable[[str], Path]) -> Callable[[str], str]:
    """``real_template(name)``: the name of a database with that dump restored, once a session. Never written to."""
    restored: dict[str, str] = {}

    def template(name: str) -> str:
        dump = real_dump(name)
        if name not in restored:
            if name == "adventureworks_xml":
                _need_xml(postgres_url)
            url = create_database(postgres_url, f"template_{name}")
            restore(url, dump)
            with psycopg.connect(conninfo(url), autocommit=True) as connection:
                connection.execute("vacuum analyze")
            restored[name] = f"template_{name}"
        return restored[name]

    return template


def _need_xml(url: str) -> None:
    with psycopg.connect(conninfo(url)) as connection:
        try:
            connection.execute("select xml '<a/>'")
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("this server is built without libxml")


@pytest.fixture
def real_database(postgres_url: str, real_template: Callable[[str], str]) -> Iterator[Callable[[str], str]]:
    """``real_database("chinook")``: the URL of a copy of that database, the test's own to write to."""
    made: list[str] = []

    def copy(name: str) -> str:
        template = real_template(name)
        made.append(create_database(postgres_url, f"{name}_{next(_numbers)}", template=template))
        return made[-1]

    yield copy
    for url in made:
        drop_database(url)


@pytest.fixture(scope="session")
def snowflake_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A stand-in for Snowflake: the URL of its database DEV."""
    _need("snowflake")
    port, log = free_port(), tmp_path_factory.mktemp("snowflake") / "log"
    with running("snowflake", [str(port)], port, log):
        yield f"snowflake://fake:s3cr3t@fakesnow/DEV?host=127.0.0.1&port={port}&protocol=http"


@pytest.fixture(scope="session")
def bigquery_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A stand-in for BigQuery: the URL of a project."""
    _need("bigquery")
    port, grpc, log = free_port(), free_port(), tmp_path_factory.mktemp("bigquery") / "log"
    arguments = ["start", "--rest-port", str(port), "--grpc-port", str(grpc), "--log-level", "warning"]
    with running("bigquery", arguments, port, log):
        endpoint = f"api_endpoint=http://127.0.0.1:{port}"
        yield f"bigquery://proj?{endpoint}&credentials=anonymous&storage_api=off&location=EU"


def _need(name: str) -> None:
    if not python_of(name).exists():
        pytest.skip(f"the {name} emulator is not installed here: make emulators")
