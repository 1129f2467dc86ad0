"""Engines and sessions: how dbsynth connects, what it sets, and what connection errors mean."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from dbsynth.errors import ConnectionFailed, DbsynthError, PermissionDenied

DRIVER = "postgresql+psycopg"
CONNECT_SECONDS = "10"

SESSION = {
    # Every user object in a text of the catalog is printed with its schema.
    "search_path": "",
    # One text form for each value, whatever the server or the role is set to.
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "xmlbinary": "base64",
    "xmloption": "content",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    # Long reads and loads are normal here.
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    # A policy that would hide rows silently becomes an error.
    "row_security": "off",
    # Rows come in physical order, the same each time.
    "synchronize_seqscans": "off",
    "max_parallel_workers_per_gather": "0",
    # Compiling pays for no query of ours.
    "jit": "off",
}
"""Settings of every session."""

SINCE = {"idle_session_timeout": (14, "0"), "transaction_timeout": (17, "0")}
"""More of them, that only servers from some version on know."""

ROLE = "role"
"""``?role=NAME`` in a URL: the sessions act as that role (SET ROLE), of which the user must be a member."""

READ_ONLY = {"default_transaction_read_only": "on"}
"""Further settings of the sessions that touch a source."""


def make_engine(url: URL, *, read_only: bool) -> Engine:
    """An engine whose sessions are set as above; what the URL leaves out comes from libpq's variables, its service
    file and ``~/.pgpass``. Nothing is connected yet."""
    arguments: dict[str, Any] = {"client_encoding": "utf8", "application_name": "dbsynth"}
    if "connect_timeout" not in url.query and "PGCONNECT_TIMEOUT" not in os.environ:
        arguments["connect_timeout"] = CONNECT_SECONDS
    role = url.query.get(ROLE)
    engine = create_engine(
        url.set(drivername=DRIVER).difference_update_query([ROLE]),
        connect_args={name: value for name, value in arguments.items() if name not in url.query},
        pool_size=2,
        max_overflow=-1,
        pool_pre_ping=True,  # a connection may have been cut while a model was trained
        use_native_hstore=False,  # values travel as text: no look-up of the extension is needed
    )
    settings = {**SESSION, **(READ_ONLY if read_only else {}), **({ROLE: role} if isinstance(role, str) else {})}

    @event.listens_for(engine, "connect")
    def set_session(connection: psycopg.Connection[Any], _: object) -> None:
        # As statements, not as start-up options: connection poolers refuse those.
        known = {
            name: value
            for name, (version, value) in SINCE.items()
            if connection.info.server_version >= version * 10_000
        }
        settle(connection, settings | known)

    return engine


def settle(connection: psycopg.Connection[Any], settings: dict[str, str]) -> None:
    """Set session parameters, committed, so that a rollback does not take them back."""
    calls = ", ".join("pg_catalog.set_config(%s, %s, false)" for _ in settings)
    before, connection.autocommit = connection.autocommit, True
    connection.execute(f"select {calls}".encode(), [part for item in settings.items() for part in item])
    connection.autocommit = before


def driver(connection: Connection) -> psycopg.Connection[tuple[Any, ...]]:
    """The psycopg connection below one of SQLAlchemy."""
    below = connection.connection.driver_connection
    assert isinstance(below, psycopg.Connection)
    return below


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """A connection of ``engine``; trouble in connecting, and missing rights, become errors of ours."""
    try:
        connection = engine.connect()
    except (DBAPIError, psycopg.Error) as error:
        raise explain(error, engine.url) from error
    with connection:
        try:
            yield connection
        except DBAPIError as error:
            if isinstance(error.orig, psycopg.errors.InsufficientPrivilege) or error.connection_invalidated:
                raise explain(error, engine.url, "lost the connection to") from error
            raise


REMEDIES: tuple[tuple[str, str], ...] = (
    (r"password authentication failed|no password supplied|SCRAM|authentication failed",
     "check user and password in the URL, in PGPASSWORD or in ~/.pgpass"),
    (r'database "?.*"? does not exist', "check the name of the database; `psql -l` lists those of a server"),
    (r'role "?.*"? does not exist', "check the user in the URL or in PGUSER"),
    (r"could not translate host name|failed to resolve host|Name or service not known|nodename nor servname",
     "check the spelling of the host, and that this machine can look it up (VPN?)"),
    (r"Connection refused|No such file or directory", "check host and port; is the server up, does it listen there?"),
    (r"timeout|timed out|No route to host|Network is unreachable", "check host, port and the firewalls in between"),
    (r"no pg_hba\.conf entry", "pg_hba.conf of the server does not admit this user from here: ask its DBA"),
    (r"definition of service", "check the name of the service, and PGSERVICEFILE or ~/.pg_service.conf"),
    (r"SSL|certificate", "check sslmode and sslrootcert in the URL"),
    (r"invalid (connection|URI)|invalid port|missing \"=\"", "check the spelling of the options in the URL"),
    (r"permission denied for database", "GRANT CONNECT on the database to this user"),
)  # fmt: skip
"""What libpq or the server says, and what to do about it. Servers that speak another language get ``GENERAL``."""

GENERAL = "check host, port, user and database; `psql` with the same values says whether they work"
TRANSIENT = (
    r"too many clients|starting up|shutting down|remaining connection slots|timeout|timed out|closed the connection"
    r"|terminating connection"
)


def explain(error: BaseException, url: URL, what: str = "cannot connect to") -> DbsynthError:
    """The error of ours for what the driver raised: names the server, never the password."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    said = one_line(cause, url)
    if isinstance(cause, psycopg.errors.InsufficientPrivilege):
        return PermissionDenied(f"{place(url)}: {said}", hint="ask for the missing right, or connect as another user")
    hint = next((remedy for pattern, remedy in REMEDIES if re.search(pattern, said, re.IGNORECASE)), GENERAL)
    return ConnectionFailed(
        f"{what} {place(url)}: {said}", hint=hint, transient=bool(re.search(TRANSIENT, said, re.IGNORECASE))
    )


def one_line(cause: BaseException, url: URL) -> str:
    """The text of an error without its line breaks and, should it be in there, without the password."""
    said = " ".join(str(cause).split())
    for secret in (url.password, url.query.get("password"), os.environ.get("PGPASSWORD")):
        if isinstance(secret, str) and secret:
            said = said.replace(secret, "***")
    return said


def place(url: URL) -> str:
    """``host:port/database`` as far as the URL says; the rest comes from libpq's defaults."""
    service = url.query.get("service")
    if service and not url.host:
        return f"service {service}"
    host = url.host or url.query.get("host") or os.environ.get("PGHOST") or "local socket"
    port = url.port or os.environ.get("PGPORT") or 5432
    return f"{host}:{port}/{url.database or os.environ.get('PGDATABASE') or ''}"
