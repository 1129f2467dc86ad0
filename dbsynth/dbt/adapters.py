"""What dbt's adapters call the parts of a connection, as SQLAlchemy URLs that dbsynth's dialects take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from dbsynth.errors import ConfigError


class _Fields:
    """The fields of an output; what is wrong with one is told without its value."""

    def __init__(self, given: Mapping[str, Any], where: str) -> None:
        self.given, self.where = given, where

    def __call__(self, *names: str) -> str | None:
        """The text under the first of ``names`` that is there."""
        found = next((self.given[n] for n in names if self.given.get(n) is not None), None)
        if isinstance(found, bool):
            return str(found).lower()
        if found is not None and not isinstance(found, str | int | float):
            raise ConfigError(f"{self.where}.{names[0]}: a text is expected")
        return None if found is None or found == "" else str(found)

    def need(self, *names: str) -> str:
        found = self(*names)
        if found is None:
            raise ConfigError(f"{self.where}: {' (or '.join(names)}{')' * (len(names) - 1)} is missing")
        return found

    def query(self, names: Mapping[str, str]) -> dict[str, str]:
        """Parameters of the URL: dbt's name -> ours, of those that are given."""
        return {ours: found for theirs, ours in names.items() if (found := self(theirs)) is not None}


def place_of(given: Mapping[str, Any], where: str, base: Path) -> tuple[str, URL, str]:
    """Adapter, URL and schema of an output that is rendered. ``base``: what the path of a file is relative to.
    ConfigError, which names ``where``, for an adapter that has no dialect and for what is missing."""
    fields = _Fields(given, where)
    adapter = fields.need("type")
    if adapter not in ADAPTERS:
        raise ConfigError(
            f"{where}: dbsynth has no dialect for the adapter {adapter!r}", hint=f"there are: {', '.join(ADAPTERS)}"
        )
    url, schema = ADAPTERS[adapter](fields, base)
    return adapter, url, schema


def _postgres(fields: _Fields, _: Path) -> tuple[URL, str]:
    """https://docs.getdbt.com/docs/core/connect-data-platform/postgres-setup"""
    host, port = fields.need("host"), fields("port")
    if port is not None and not (port.isascii() and port.isdigit()):
        raise ConfigError(f"{fields.where}.port: not a number")
    names = ("sslmode", "sslcert", "sslkey", "sslrootcert", "connect_timeout", "keepalives_idle", "role")
    query = fields.query({name: name for name in names})
    if query.get("keepalives_idle") == "0":  # dbt's word for the system's default
        del query["keepalives_idle"]
    if host.startswith("/"):  # the folder of a socket
        query["host"] = host
    return (
        URL.create(
            "postgresql",
            username=fields.need("user"),
            password=fields("password", "pass"),
            host=None if host.startswith("/") else host,
            port=int(port) if port else None,
            database=fields.need("dbname", "database"),
            query=query,
        ),
        fields.need("schema"),
    )


def _duckdb(fields: _Fields, base: Path) -> tuple[URL, str]:
    """https://github.com/duckdb/dbt-duckdb#configuring-your-profile"""
    path = fields("path") or ":memory:"
    if path == ":memory:" or "://" in path or path.startswith("md:"):
        raise ConfigError(
            f"{fields.where}.path: {'in memory' if path == ':memory:' else 'no local file'}: only dbt can reach it",
            hint="path: dev.duckdb",
        )
    return URL.create("duckdb", database=str(base / Path(path).expanduser())), fields("schema") or "main"


def _snowflake(fields: _Fields, _: Path) -> tuple[URL, str]:
    """https://docs.getdbt.com/docs/core/connect-data-platform/snowflake-setup"""
    if fields("private_key"):
        raise ConfigError(
            f"{fields.where}.private_key: a key in the profile is not read", hint="private_key_path: FILE"
        )
    query = fields.query(
        {
            "warehouse": "warehouse",
            "role": "role",
            "authenticator": "authenticator",
            "token": "token",
            "private_key_path": "private_key_file",
            "private_key_passphrase": "private_key_file_pwd",
            "host": "host",
            "port": "port",
            "protocol": "protocol",
        }
    )
    schema = fields.need("schema")
    return (
        URL.create(
            "snowflake",
            username=fields.need("user"),
            password=fields("password"),
            host=fields.need("account"),
            database=fields.need("database"),
            query=query,
        ),
        schema,
    )


def _bigquery(fields: _Fields, _: Path) -> tuple[URL, str]:
    """https://docs.getdbt.com/docs/core/connect-data-platform/bigquery-setup"""
    method = fields("method") or "oauth"
    query = fields.query(
        {"location": "location", "impersonate_service_account": "impersonate", "api_endpoint": "api_endpoint"}
    )
    if method == "service-account":
        query["credentials_path"] = fields.need("keyfile")
    elif method != "oauth":
        raise ConfigError(
            f"{fields.where}.method: {method!r} is not supported", hint="oauth, or service-account with a keyfile"
        )
    schema = fields.need("schema", "dataset")
    return URL.create("bigquery", host=fields.need("project", "database"), database=schema, query=query), schema


ADAPTERS = {"postgres": _postgres, "duckdb": _duckdb, "snowflake": _snowflake, "bigquery": _bigquery}
