"""The sessions in which a target is written, and what the errors of its server mean."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from dbsynth.errors import (
    ConnectionFailed,
    DbsynthError,
    InternalError,
    PermissionDenied,
    UnsatisfiableConstraint,
    UnsupportedSource,
)
from dbsynth_postgresql.connection import explain, place, settle
from dbsynth_postgresql.ddl import Statement

WRITING = {
    "default_transaction_read_only": "off",
    "tcp_keepalives_idle": "60",
    # Keys and indexes are built from whole tables.
    "maintenance_work_mem": "256MB",
}
SINCE_14 = {"idle_session_timeout": "0"}
SINCE_14_ON_LINUX = {
    # A statement whose client was killed would otherwise run to its end, and hold the building schema.
    "client_connection_check_interval": "2s",
}
LOADING = {
    # CHECKs may call functions of users that were not written for an empty path.
    "search_path": '"$user", public',
}
STATEMENTS_A_TRANSACTION = 100
"""Few enough for the lock table of a server with default settings, enough not to wait for the disk each time."""


def application_name(run_id: str) -> str:
    """How the sessions of a run are found in pg_stat_activity."""
    return f"dbsynth {run_id}".encode()[:63].decode(errors="ignore")


class Session:
    """One SQLAlchemy connection in autocommit mode, whose driver runs the DDL: a ``%`` in it is no placeholder."""

    def __init__(self, engine: Engine, run_id: str) -> None:
        self.url = engine.url
        try:
            self.connection: Connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except (DBAPIError, psycopg.Error) as error:
            raise explain(error, engine.url) from error
        driver = self.connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        self.driver: psycopg.Connection[Any] = driver
        self.connection.detach()  # never handed back to a pool: settings and locks end with it
        settings = {"application_name": application_name(run_id), **WRITING}
        if driver.info.server_version >= 140000:
            settings |= SINCE_14
            if "linux" in str(self.scalar("SELECT version()")):
                settings |= SINCE_14_ON_LINUX
        settle(driver, settings)

    def settle(self, settings: dict[str, str]) -> None:
        settle(self.driver, settings)

    @contextmanager
    def doing(self, about: str) -> Iterator[None]:
        """Errors of the server within become errors of ours that name ``about``."""
        try:
            yield
        except DBAPIError as error:
            raise self.error(error.orig or error, about) from error
        except psycopg.Error as error:
            raise self.error(error, about) from error

    def run(self, sql: str, about: str = "the target") -> None:
        with self.doing(about):
            self.driver.execute(sql.encode())

    def run_all(self, statements: Iterable[Statement]) -> None:
        """In few transactions."""
        waiting = list(statements)
        for start in range(0, len(waiting), STATEMENTS_A_TRANSACTION):
            with self.driver.transaction():
                for statement in waiting[start : start + STATEMENTS_A_TRANSACTION]:
                    self.run(*statement)

    def scalar(self, sql: str, *parameters: object) -> Any:
        with self.doing("the target"):
            row = self.driver.execute(sql.encode(), parameters or None).fetchone()
            return row[0] if row else None

    def close(self) -> None:
        self.connection.close()

    def error(self, cause: BaseException, about: str) -> DbsynthError:
        """The error of ours for what the server said while ``about`` was made or written. What it quotes are the
        synthetic rows in its table."""
        said = _said(cause)
        match cause:
            case errors.InsufficientPrivilege() | errors.ReadOnlySqlTransaction():
                return PermissionDenied(
                    f"{place(self.url)}: {about}: {said}",
                    hint="ask for the missing right, write as another user, or name another target",
                )
            case errors.IntegrityError():
                return UnsatisfiableConstraint(f"{about}: {said}", hint="the generated rows do not meet it")
            case errors.DataError():
                return InternalError(
                    f"{about}: {said}", hint="a generated value is not one of its column's type: please report it"
                )
            case errors.ProgrammingError() | errors.NotSupportedError():
                return UnsupportedSource(
                    f"{about} cannot be made in {place(self.url)}: {said}",
                    hint="make what is missing there, or leave the table out (--exclude)",
                )
            case errors.LockNotAvailable() | errors.DeadlockDetected() | errors.SerializationFailure():
                return ConnectionFailed(f"{place(self.url)}: {about}: {said}", hint="try again", transient=True)
            case errors.OperationalError():
                return ConnectionFailed(
                    f"{place(self.url)}: {about}: {said}",
                    hint="is the server up, and has it memory and disk left?",
                    transient=self.driver.closed,
                )
            case _:
                return InternalError(f"{place(self.url)}: {about}: {said}", hint="please report it")


def _said(cause: BaseException) -> str:
    """Message, DETAIL and the line of the COPY, in one line."""
    if not isinstance(cause, psycopg.Error) or cause.diag.message_primary is None:
        return " ".join(str(cause).split())
    diag = cause.diag
    context = diag.context if diag.context and diag.context.startswith("COPY") else None
    parts = [diag.message_primary, diag.message_detail, context]
    return "; ".join(" ".join(part.split()).rstrip(".") for part in parts if part)


def retried(seconds: float, step: float = 0.1) -> Iterator[None]:
    """Turns of a loop that waits for something, at least one, for about ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        yield
        if time.monotonic() >= deadline:
            return
        time.sleep(step)
