"""The control schema ``dbsynth`` of a PostgreSQL database: made, brought to another version, taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import TypeVar

import dbsynth_sql
import psycopg
from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from dbsynth_postgresql.connection import connected, driver, make_engine
from dbsynth_postgresql.names import SERVICE
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from dbsynth.dialect import dialect_name
from dbsynth.errors import PermissionDenied, TargetRefused, UsageError

T = TypeVar("T")
SCHEMA = "dbsynth"
NONE = "base"
"""What Alembic calls the state without the control schema."""
COMMENT = "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'dbsynth'"


def run_script(name: str) -> None:
    """Called by a migration: run a script of ``sql/dbsynth_sql/service``. Not through SQLAlchemy, to which ``:`` and
    ``%`` have a meaning."""
    driver(op.get_bind()).execute(dbsynth_sql.read("service", name).encode())


def newest() -> str:
    with as_file(files("dbsynth.service") / "migrations") as folder:
        head = ScriptDirectory(str(folder)).get_current_head()
        assert head is not None
        return head


def versions() -> list[str]:
    """Oldest first."""
    with as_file(files("dbsynth.service") / "migrations") as folder:
        return [script.revision for script in ScriptDirectory(str(folder)).walk_revisions()][::-1]


def installed(url: URL) -> str | None:
    """The version of the control schema; None where there is none."""
    return _within(url, _version)


def served(url: URL) -> str | None:
    """``installed``, as a worker asks. Raises PermissionDenied that says what a worker lacks."""

    def refused(error: psycopg.Error) -> PermissionDenied:
        user = '"' + (url.username or "user").replace('"', '""') + '"'
        return PermissionDenied(
            f"this user may not serve jobs: {error.diag.message_primary}", hint=f"GRANT dbsynth_worker TO {user}"
        )

    return _within(url, _version, refused)


def upgrade(url: URL, revision: str = "head") -> str | None:
    """Make the control schema, or bring it to the newest (or a newer) version; gives the version. In one transaction:
    jobs stay in the queue."""
    return _migrated(url, lambda config: command.upgrade(config, _known(revision)))


def downgrade(url: URL, revision: str) -> str | None:
    """Back to an older version; ``base``: nothing is left but the empty schema."""
    return _migrated(url, lambda config: command.downgrade(config, _known(revision)))


def uninstall(url: URL) -> None:
    """Take the control schema away, jobs and all. The roles stay: they are those of the whole server."""

    def remove(connection: Connection) -> None:
        if _version(connection) is not None:
            _alembic(connection, lambda config: command.downgrade(config, NONE))
        connection.execute(text("drop table if exists dbsynth.alembic_version"))
        connection.execute(text("drop schema if exists dbsynth"))

    _within(url, remove)


def _known(revision: str) -> str:
    if revision not in (*versions(), "head", NONE):
        raise UsageError(
            f"there is no version {revision!r} of the control schema", hint=f"there are: {', '.join(versions())}"
        )
    return revision


def _migrated(url: URL, change: Callable[[Config], None]) -> str | None:
    def migrate(connection: Connection) -> str | None:
        comment = connection.scalar(text(COMMENT))
        if connection.scalar(text("select to_regnamespace('dbsynth')")) is None:
            connection.execute(text("create schema dbsynth"))
        elif not (comment or "").startswith(SERVICE) and connection.scalar(
            text("select exists (select from pg_class where relnamespace = 'dbsynth'::regnamespace"
                 " and relname not like 'alembic_version%')")
        ):  # fmt: skip
            raise TargetRefused(
                "the database has a schema dbsynth that is not the control schema", hint="rename or drop it"
            )
        _alembic(connection, change)
        return _version(connection)

    return _within(url, migrate)


def _alembic(connection: Connection, change: Callable[[Config], None]) -> None:
    with as_file(files("dbsynth.service") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        change(config)


def _version(connection: Connection) -> str | None:
    if connection.scalar(text("select to_regclass('dbsynth.alembic_version')")) is None:
        return None
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return context.get_current_revision()


def _refused(error: psycopg.Error) -> PermissionDenied:
    return PermissionDenied(
        f"the control schema cannot be changed: {error.diag.message_primary}",
        hint="install as a user who may create schemas in the database, and roles, or have an administrator create the "
        "roles dbsynth_user, dbsynth_admin and dbsynth_worker first",
    )


def _within(
    url: URL, action: Callable[[Connection], T], refused: Callable[[psycopg.Error], PermissionDenied] = _refused
) -> T:
    """``action`` in one transaction on the database ``url``, alone with the control schema. ``refused``: what is raised
    where a right is missing."""
    if dialect_name(url) != "postgresql":
        raise UsageError("the control schema lives in a PostgreSQL database", hint="postgresql://user@host/database")
    engine = make_engine(url, read_only=False)
    with _disposed(engine), connected(engine) as connection:
        try:
            with connection.begin():
                connection.execute(text("select pg_advisory_xact_lock(hashtext('dbsynth.install'))"))
                return action(connection)
        except DBAPIError as error:
            if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
                raise refused(error.orig) from error
            raise
        except psycopg.errors.InsufficientPrivilege as error:
            raise refused(error) from error


@contextmanager
def _disposed(engine: Engine) -> Iterator[None]:
    try:
        yield
    finally:
        engine.dispose()
