"""The pytest plugin of dbsynth: databases full of the rows of a saved model.

    @pytest.fixture(scope="session")
    def shop(dbsynth_postgres):
        return dbsynth_postgres.load("models/shop", scale=0.01, seed=1)

    @pytest.mark.dbsynth(model="models/shop", scale=0.01)
    def test_refund(dbsynth_schema):            # a database of its own for this test
        dbsynth_schema.execute("update orders set refunded = true")

Imports what it needs when a fixture is used: a session that uses none pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from dbsynth.errors import DbsynthError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dbsynth.testing.database import Database
    from dbsynth.testing.server import Server

MARKER = "dbsynth(model, scale=1.0, rows=None, seed=0, schema=None): the rows that dbsynth_schema and"
KNOWN = ("model", "scale", "rows", "seed", "schema")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("dbsynth")
    group.addoption(
        "--dbsynth-server",
        metavar="WHERE",
        help="embedded, docker, auto (docker where an engine answers) or the URL of a server. [auto]",
    )
    parser.addini("dbsynth_server", "what --dbsynth-server says", default="auto")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARKER} dbsynth_connection show a test.")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Errors of dbsynth are shown with their remedy."""
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, DbsynthError) and error.hint and error.hint not in getattr(error, "__notes__", ()):
        error.add_note(error.hint)


@pytest.fixture(scope="session")
def dbsynth_postgres(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A PostgreSQL server for the session (for each worker of pytest-xdist one): ``.load(model, scale=, seed=)`` gives
    a database with its rows, ``.create()`` an empty one."""
    from dbsynth.testing.server import running_server

    where = pytestconfig.getoption("--dbsynth-server") or pytestconfig.getini("dbsynth_server")
    with running_server(str(where), folder=pytestconfig.rootpath) as server:
        yield server


@pytest.fixture
def dbsynth_schema(request: pytest.FixtureRequest, dbsynth_postgres: Server) -> Iterator[Database]:
    """The rows of the model that the marker ``dbsynth`` names, in a database that only this test uses."""
    database = dbsynth_postgres.load(**_wishes(request))
    yield database
    database.drop()


@pytest.fixture(scope="session")
def _dbsynth_shared() -> dict[str, Database]:
    return {}


@pytest.fixture
def dbsynth_connection(
    request: pytest.FixtureRequest, dbsynth_postgres: Server, _dbsynth_shared: dict[str, Database]
) -> Iterator[Connection]:
    """A connection to the rows of the model that the marker names, in a database that tests share: what a test does is
    rolled back."""
    wishes = _wishes(request)
    key = repr(sorted(wishes.items()))
    if key not in _dbsynth_shared:
        _dbsynth_shared[key] = dbsynth_postgres.load(**wishes)
    with _dbsynth_shared[key].rollback() as connection:
        yield connection


def _wishes(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the nearest marker says; those further out (of the class, the module) fill in what it leaves open."""
    wishes: dict[str, Any] = {}
    for marker in request.node.iter_markers("dbsynth"):
        given = dict(zip(KNOWN, marker.args, strict=False)) | marker.kwargs
        unknown = sorted(set(given) - set(KNOWN))
        if unknown or len(marker.args) > len(KNOWN):
            raise pytest.UsageError(f"@pytest.mark.dbsynth takes {', '.join(KNOWN)}, not {', '.join(unknown)}")
        wishes = given | wishes
    if "model" not in wishes:
        raise pytest.UsageError(
            f'{request.node.nodeid} needs a model: @pytest.mark.dbsynth(model="models/shop") on the test, its class or '
            "its module"
        )
    return wishes
