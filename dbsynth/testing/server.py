"""A PostgreSQL server that tests load saved models into: the embedded one, a container, or one that is there."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from dbsynth.errors import ConnectionFailed, UsageError
from dbsynth.testing.cache import dumped
from dbsynth.testing.database import Database, fresh_name
from dbsynth.testing.embedded import conninfo, create_database, drop_database, embedded_postgres

log = logging.getLogger("dbsynth.testing")
STAGED = "dbsynth_staged"
ANSWER_SECONDS = 10
IMAGE = "postgres:17-alpine"


class Server:
    """``url``: of a user who may create databases. ``folder``: where relative paths of models start."""

    def __init__(self, url: str, folder: Path | None = None) -> None:
        self.url, self.folder = url, folder or Path.cwd()
        self._templates: dict[str, str] = {}
        self._made: list[str] = []

    def load(
        self,
        model: str | PathLike[str],
        *,
        scale: float = 1.0,
        rows: Mapping[str, int] | None = None,
        seed: int = 0,
        schema: str | None = None,
        database: str | Database | None = None,
        into_existing: bool = False,
    ) -> Database:
        """A database with the rows of a saved model, those of ``dbsynth generate`` with the same ``seed``, ``scale``
        and ``rows``. ``schema``: its name (None: those of the model).

        Each call gives a database of its own, a copy of a template that is made once. ``database``: fill this one
        instead (what ``create`` gave, or a URL); in one of its own, names without a schema are those of ``schema``,
        then of public. ``into_existing``: its tables are there already, made by your own migrations: rows go into those
        of the same names, and ``drift`` of the result says where they differ.

        Raises ArtifactError for what is no model, UnsupportedSource where existing tables cannot take the rows."""
        from dbsynth_postgresql.restore import read_contents

        path = self.folder / Path(model)
        if into_existing:
            schema = STAGED  # beside the tables that are there
        key, dump = dumped(path, scale=scale, rows=rows, seed=seed, schema=schema)
        if into_existing or database is not None:
            return self._fill(database, dump, into_existing, seed)
        schemas = tuple(read_contents(dump)["schemas"]) if schema else ()
        return Database.of_template(self.url, path.name, self._template(key, dump), schemas, self._made)

    def create(self, name: str = "test") -> Database:
        """An empty database."""
        self._made.append(create_database(self.url, fresh_name(name)))
        return Database(self._made[-1], made=self._made)

    def drop_all(self) -> None:
        """All databases that were made here, their copies and their templates."""
        for url in self._made:
            drop_database(url)
        self._made.clear()
        self._templates.clear()

    def _fill(self, database: str | Database | None, dump: Path, into_existing: bool, seed: int) -> Database:
        from dbsynth_postgresql.existing import fill_existing
        from dbsynth_postgresql.restore import restore

        if database is None:
            raise UsageError(
                "into_existing=True: into which database?",
                hint="database=server.create() after your migrations ran on it, or a URL",
            )
        if isinstance(database, str) and "://" not in database:
            raise UsageError(
                f"database={database!r} is no URL",
                hint="give what server.create() gave, or postgresql://user@host/name",
            )
        url = database.url if isinstance(database, Database) else psycopg_url(database)
        with psycopg.connect(conninfo(url), autocommit=True) as connection:
            if not into_existing:
                restore(connection, dump)
                return Database(url)
            drift = fill_existing(connection, dump, url=url, seed=seed)
        for line in drift:
            log.info("%s", line)
        return Database(url, drift=tuple(drift))

    def _template(self, key: str, dump: Path) -> str:
        """The name of the database that copies are made of. Nobody connects to it once it is full."""
        from dbsynth_postgresql.restore import restore

        if key not in self._templates:
            name = fresh_name(f"dbsynth_{key}")
            url = create_database(self.url, name)
            try:
                with psycopg.connect(conninfo(url), autocommit=True) as connection:
                    restore(connection, dump)
                    _analyze(connection)
            except BaseException:
                drop_database(url)
                raise
            self._templates[key] = name
            self._made.append(url)
        return self._templates[key]


def _analyze(connection: psycopg.Connection[Any]) -> None:
    """All tables but those of the catalog, whose statistics a new database has."""
    found = connection.execute(
        "select quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_class c join pg_namespace n"
        " on n.oid = c.relnamespace where c.relkind in ('r', 'p') and n.nspname !~ '^pg_|^information_schema$'"
    )
    if tables := [name for (name,) in found]:
        connection.execute(f"ANALYZE {', '.join(tables)}".encode())


def fill(container: Any, model: str | PathLike[str], **options: Any) -> Database:
    """Load ``model`` into a container (anything with ``get_connection_url()``), a Database or a URL. ``options``: those
    of ``Server.load``."""
    url = container if isinstance(container, str) else getattr(container, "url", None) or _url_of(container)
    return Server(url).load(model, database=url, **options)


def _url_of(container: Any) -> str:
    if not hasattr(container, "get_connection_url"):
        raise UsageError(
            f"a {type(container).__name__} has no get_connection_url()",
            hint="give a container of testcontainers, a Database or a URL",
        )
    return psycopg_url(str(container.get_connection_url()))


def psycopg_url(url: str) -> str:
    """With the driver that dbsynth uses, whatever driver it names."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise UsageError("that is no URL of a server", hint="postgresql://user:password@host:port/database") from error
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise UsageError(
            f"a container of {parsed.get_backend_name()} is no PostgreSQL", hint="models are loaded into PostgreSQL"
        )
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@contextmanager
def running_server(where: str = "auto", *, folder: Path | None = None, image: str = IMAGE) -> Iterator[Server]:
    """``embedded``, ``docker``, ``auto`` (a container where an engine answers, the embedded server elsewhere), or the
    URL of a server that runs already."""
    if where == "embedded":
        with embedded_postgres(cached=True) as url:
            yield Server(url, folder)
    elif where == "docker" or (where == "auto" and _engine_answers()):
        with _container(image) as url:
            yield Server(url, folder)
    elif where == "auto":
        log.info("no container engine answers: the embedded PostgreSQL is used")
        with embedded_postgres(cached=True) as url:
            yield Server(url, folder)
    elif "://" in where:
        url = psycopg_url(where)
        _check_answers(url)
        server = Server(url, folder)
        try:
            yield server
        finally:
            server.drop_all()
    else:
        raise UsageError(f"there is no server {where!r}", hint="embedded, docker, auto or a URL")


@contextmanager
def _container(image: str) -> Iterator[str]:
    try:
        from testcontainers.community.postgres import PostgresContainer
    except ModuleNotFoundError as error:
        raise UsageError("containers need testcontainers", hint="pip install 'dbsynth[containers]'") from error
    from docker.errors import DockerException  # type: ignore[import-not-found,import-untyped,unused-ignore]

    with ExitStack() as stack:
        try:
            container = stack.enter_context(PostgresContainer(image, driver=None))
        except DockerException as error:
            raise ConnectionFailed(
                f"no container of {image} could be started: {error}",
                hint="start the container engine, or take the embedded server: --dbsynth-server=embedded",
            ) from error
        yield psycopg_url(container.get_connection_url())


def _check_answers(url: str) -> None:
    try:
        psycopg.connect(conninfo(url), connect_timeout=ANSWER_SECONDS).close()
    except psycopg.OperationalError as error:
        raise ConnectionFailed(
            f"the server {make_url(url).render_as_string()} lets nobody in: {str(error).strip()}",
            hint="--dbsynth-server takes postgresql://user:password@host:port/postgres, who may create databases",
        ) from error


def _engine_answers() -> bool:
    """Whether testcontainers is installed and somebody listens where a container engine does. Asked by hand: the client
    of an engine that is not there leaves sockets open."""
    if find_spec("testcontainers") is None:
        return False
    places = [os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"]
    if "DOCKER_HOST" not in os.environ:
        places.append(f"unix://{Path.home()}/.docker/run/docker.sock")
    return any(_listens(place) for place in places)


def _listens(place: str) -> bool:
    found = urlsplit(place)
    unix = found.scheme in ("unix", "http+unix")
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(found.path if unix else (found.hostname or "127.0.0.1", found.port or 2375))
        except OSError as error:
            log.debug("no container engine at %s: %s", place, error.strerror)
            return False
    return True
