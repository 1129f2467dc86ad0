"""Where the tests of several databases keep a database's own rows, and where they clone to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.engine import URL, make_url

from dbsynth.dialect import connect
from dbsynth.testing.embedded import create_database
from tests.dialects.copying import copy

DIALECTS = ("postgresql", "duckdb", "snowflake", "bigquery")


@dataclass
class Places:
    """``base``: per dialect the URL of a server (a folder for DuckDB); ``real``: the name of a PostgreSQL database with
    a real one restored."""

    base: dict[str, str]
    real: Callable[[str], str]
    held: dict[tuple[str, str], tuple[URL, str]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)

    def source(self, dialect: str, name: str) -> tuple[URL, str]:
        """The URL of a database that holds the real one's rows, and their schema."""
        if (dialect, name) not in self.held:
            self.held[dialect, name] = self._fill(dialect, name)
        return self.held[dialect, name]

    def _fill(self, dialect: str, name: str) -> tuple[URL, str]:
        restored = make_url(self.base["postgresql"]).set(database=self.real(name))
        if dialect == "postgresql":
            return restored, "public"
        url = self._database(dialect, f"source_{name}")
        return url, copy(restored, url, name if dialect == "bigquery" else None)

    def _database(self, dialect: str, name: str) -> URL:
        base = self.base[dialect]
        if dialect == "duckdb":
            return make_url(f"duckdb:///{base}/{name}.duckdb")
        if dialect == "postgresql":
            self.made.append(create_database(base, name))
            return make_url(self.made[-1])
        return make_url(base).set(database=name.upper()) if dialect == "snowflake" else make_url(base)

    def target(self, dialect: str, name: str) -> tuple[URL, str]:
        """A database to clone into, and the schema's name there."""
        schema = f"{name}_dev"
        if dialect == "postgresql":
            return self._database("postgresql", schema), "dev"
        return self._database(dialect, schema), schema.upper() if dialect == "snowflake" else schema


def contents(url: URL, schema: str) -> dict[str, list[tuple[str, ...]]]:
    """The rows of every table as texts, sorted, names in small letters."""
    from dbsynth.dialect import ReadRequest

    database = connect(url)
    try:
        found = {}
        for table in database.introspect([schema]):
            columns = sorted((c.name for c in table.stored_columns), key=str.lower)
            rows = []
            for batch in database.read(ReadRequest(table.name, tuple(columns))):
                rows += [tuple(str(v) for v in row.values()) for row in batch.to_pylist()]
            found[table.name.name.lower()] = sorted(rows)
        return found
    finally:
        database.close()
