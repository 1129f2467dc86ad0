"""Introspection asks the catalog a number of questions that does not depend on the number of tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from sqlalchemy import event

from dbsynth.dialect import connect
from dbsynth.testing.embedded import conninfo

MOST = 15
TABLES = 1000


def create(number: int) -> str:
    refers = f", parent INTEGER REFERENCES t{number - 1} (id)" if number else ", parent INTEGER"
    return f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, name VARCHAR(20), CHECK (id > 0){refers})"


def counted(monkeypatch: pytest.MonkeyPatch, kind: type, name: str = "query") -> list[str]:
    asked: list[str] = []
    original: Callable[..., Any] = getattr(kind, name)

    def query(self: Any, sql: str, about: str = "") -> Any:
        asked.append(sql)
        return original(self, sql, about)

    monkeypatch.setattr(kind, name, query)
    return asked


def test_postgresql(database: str) -> None:
    with psycopg.connect(conninfo(database)) as connection:
        connection.execute(";".join(map(create, range(TABLES))).encode())
    found: Any = connect(database)
    asked: list[str] = []
    event.listen(found.reader, "before_cursor_execute", lambda *given: asked.append(given[2]))
    schema = found.introspect()
    found.close()
    assert len(schema.tables) == TABLES
    assert sum(len(t.foreign_keys) for t in schema) == TABLES - 1
    assert 3 < len(asked) <= MOST


def test_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(str(tmp_path / "many.duckdb")) as connection:
        for number in range(TABLES):
            connection.execute(create(number))
    import dbsynth_sql

    asked: list[str] = []
    read = dbsynth_sql.read
    monkeypatch.setattr(dbsynth_sql, "read", lambda *given: asked.append(given[1]) or read(*given))
    found = connect(f"duckdb:///{tmp_path}/many.duckdb")
    schema = found.introspect()
    assert len(schema.tables) == TABLES
    assert sum(len(t.foreign_keys) for t in schema) == TABLES - 1
    assert 3 < len(asked) <= MOST


def test_snowflake(snowflake_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found: Any = connect(snowflake_url)
    found.query("CREATE OR REPLACE SCHEMA MANY")
    for number in range(TABLES):
        found.query(
            create(number).replace("CREATE TABLE ", "CREATE TABLE MANY.").replace("REFERENCES ", "REFERENCES MANY.")
        )
    asked = counted(monkeypatch, type(found))
    schema = found.introspect(["MANY"])
    monkeypatch.undo()
    found.query("DROP SCHEMA MANY CASCADE")
    found.close()
    assert len(schema.tables) == TABLES
    assert sum(len(t.foreign_keys) for t in schema) == TABLES - 1
    assert sum(len(t.checks) for t in schema) == TABLES
    assert 3 < len(asked) <= MOST


@pytest.mark.parametrize("tables", [1, 60])  # the stand-in answers with a SELECT for each row of its views
def test_bigquery(bigquery_url: str, monkeypatch: pytest.MonkeyPatch, tables: int) -> None:
    found: Any = connect(bigquery_url)
    found.client.create_dataset(f"many_{tables}", exists_ok=True)
    for number in range(tables):
        found.query(
            f"CREATE TABLE `proj`.`many_{tables}`.`t{number}` (id INT64 NOT NULL, PRIMARY KEY (id) NOT ENFORCED)"
        )
    asked = counted(monkeypatch, type(found))
    schema = found.introspect([f"many_{tables}"])
    found.close()
    assert len(schema.tables) == tables
    assert all(t.primary_key for t in schema)
    assert len(asked) == 7
