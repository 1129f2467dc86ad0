"""Sessions: how a URL becomes arguments of the connector, and its errors those of dbsynth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from snowflake.connector import connect, errors
from snowflake.connector.connection import SnowflakeConnection
from sqlalchemy.engine import URL

from dbsynth import __version__
from dbsynth.errors import CannotClone, ConnectionFailed, DbsynthError, PermissionDenied, UsageError

MOMENT = "YYYY-MM-DD HH24:MI:SS.FF9"
SESSION = {
    "TIMEZONE": "UTC",
    "QUERY_TAG": f"dbsynth/{__version__}",
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
    # What an account or a user may have set otherwise, and what statements and hashes of rows rely on.
    "AUTOCOMMIT": True,
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "ROWS_PER_RESULTSET": 0,
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS.FF9",
    "TIMESTAMP_OUTPUT_FORMAT": f"{MOMENT} TZHTZM",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": MOMENT,
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": f"{MOMENT} TZHTZM",
    "TIMESTAMP_TZ_OUTPUT_FORMAT": f"{MOMENT} TZHTZM",
}
"""The tag tells a DBA who asked. https://docs.snowflake.com/en/sql-reference/parameters"""

NOT_THERE, NO_RIGHT, NO_WAREHOUSE = 2003, 3001, 606
BAD_LOGIN, EXPIRED = (390100, 390144, 390201, 250001), (390114, 390110)
GONE = 390111
"""The session was closed by the other side: a new one is opened."""
PASSING = {
    "OperationalError", "ServiceUnavailableError", "TooManyRequests", "InternalServerError", "BadGatewayError",
    "GatewayTimeoutError", "RequestTimeoutError",
}  # fmt: skip
"""By name: connectors from 5.0 on warn where some of them are looked up."""
BAD_VALUE = (100072, 100078, 100038, 100080)


def parts(url: URL) -> tuple[str | None, str | None]:
    """Database and schema of ``snowflake://account/DATABASE/SCHEMA``."""
    names = (url.database or "").split("/")
    return names[0] or None, names[1] if len(names) > 1 and names[1] else None


def arguments(url: URL) -> dict[str, Any]:
    given: dict[str, Any] = {
        k: v if isinstance(v, str) else v[-1] for k, v in url.query.items() if not k.startswith("dbsynth_")
    }
    for name, value in given.items():
        if value.lower() in ("true", "false"):
            given[name] = value.lower() == "true"
        elif name in ("port", "login_timeout", "network_timeout"):
            given[name] = _number(name, value)
    database, schema = parts(url)
    known = {"user": url.username, "password": url.password, "account": url.host, "database": database}
    # Where the URL names a connection of connections.toml, what it does not say comes from there.
    given |= {k: v for k, v in known.items() if v}
    if schema:
        given["schema"] = schema
    return given


def _number(name: str, value: str) -> int:
    if not value.isdigit():
        raise UsageError(f"the URL says {name}={value}: not a number")
    return int(value)


def opened(url: URL) -> SnowflakeConnection:
    with raised("connecting to Snowflake"):
        return connect(
            **arguments(url),
            application="dbsynth",
            session_parameters=SESSION,
            arrow_number_to_decimal=True,
            enable_server_session_keep_alive_auto_detection=True,
            paramstyle="qmark",
        )


@contextmanager
def raised(about: str) -> Iterator[None]:
    try:
        yield
    except errors.Error as error:
        raise _error(error, about) from error


def _error(error: errors.Error, about: str) -> DbsynthError:
    """The connector's texts repeat statements but no rows; those about values may, and are not repeated."""
    number = int(error.errno or 0)
    text = " ".join((error.raw_msg or str(error)).split())[:300]
    if number == GONE:
        return ConnectionFailed(f"{about}: the session is gone", hint="run it again", transient=True)
    if number in EXPIRED:
        return ConnectionFailed(f"{about}: the credentials have expired", hint="log in again, or renew the token")
    if number in BAD_LOGIN:
        return ConnectionFailed(
            f"{about}: {text}", hint="check account, user and password, key or authenticator in the URL"
        )
    if number == NO_WAREHOUSE:
        return ConnectionFailed(f"{about}: no warehouse is active", hint="add ?warehouse=NAME to the URL")
    if number == NO_RIGHT:
        return PermissionDenied(f"{about}: {text}", hint="ask for SELECT on it, or name another role: ?role=NAME")
    if number == NOT_THERE:
        return PermissionDenied(
            f"{about}: {text}",
            hint="check the name; a role that lacks USAGE or SELECT gets the same answer: ?role=NAME",
        )
    if number in BAD_VALUE or isinstance(error, errors.IntegrityError):
        return CannotClone(f"{about}: Snowflake refused a row (error {number})", hint="please report it")
    if any(kind.__name__ in PASSING for kind in type(error).__mro__):
        return ConnectionFailed(f"{about}: {text}", hint="is the account reachable?", transient=True)
    if "time travel data" in text.lower():
        return CannotClone(
            f"{about}: {text}", hint="add dbsynth_snapshot=off to the URL: tables are then read as they are now"
        )
    return CannotClone(f"{about}: {text}")
