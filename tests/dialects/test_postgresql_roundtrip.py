"""A clone has the catalog of its source, and with the rows copied as they are also its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from postgresql_targets import clone, facts, opened, scratch_schemas, sequences_behind
from psycopg import sql

from dbsynth.errors import UnsupportedSource
from dbsynth.testing.embedded import conninfo, create_database, drop_database, restore
from tests.parallel import REAL_DATABASES

EVIL = 'Übel "Schema"'


def table_texts(url: str, schema: str, tables: list[str]) -> dict[str, list[str]]:
    """All rows of each table as text, sorted."""
    query = sql.SQL("select t::text from {} t order by 1")
    with psycopg.connect(conninfo(url)) as connection:
        return {
            name: [row for (row,) in connection.execute(query.format(sql.Identifier(schema, name)))] for name in tables
        }


@pytest.mark.databases
@pytest.mark.parametrize("name", REAL_DATABASES)
def test_real_database_into_another(name: str, real_database: Callable[[str], str], database: str) -> None:
    source = real_database(name)
    clone(source, database)
    with opened(source) as db:
        tables = [t.name for t in db.introspect()]
    schemas = {t.schema: t.schema for t in tables}
    assert facts(database, schemas) == facts(source, schemas)
    assert sequences_behind(database, list(schemas)) == []
    for schema in schemas:
        names = [t.name for t in tables if t.schema == schema]
        assert table_texts(database, schema, names) == table_texts(source, schema, names)
    assert scratch_schemas(database) == []


@pytest.mark.databases
@pytest.mark.parametrize("name", ["pagila17", "mondial", "oracle_hr", "nycflights13", "walmart"])
def test_real_database_into_a_shadow_schema(name: str, real_database: Callable[[str], str]) -> None:
    url = real_database(name)
    before = facts(url, {"public": "public"})
    clone(url, url, {"public": "dev"})
    assert facts(url, {"dev": "public"}) == before
    assert facts(url, {"public": "public"}) == before
    assert sequences_behind(url, ["dev"]) == []


@pytest.mark.databases
def test_several_schemas_side_by_side(real_database: Callable[[str], str]) -> None:
    url = real_database("adventureworks")
    with opened(url) as db:
        schemas = db.introspect().schemas
    before = facts(url, {s: s for s in schemas})
    clone(url, url, {s: f"dev_{s}" for s in schemas})
    assert facts(url, {f"dev_{s}": s for s in schemas}) == before
    clone(url, url, {s: f"dev_{s}" for s in schemas}, run="again")  # foreign keys between them hold nobody up
    assert scratch_schemas(url) == []


@pytest.fixture
def torture(postgres_url: str) -> Iterator[str]:
    url = create_database(postgres_url, "torture_write")
    restore(url, Path(__file__).with_name("torture.sql"))
    yield url
    drop_database(url)


SHADOW = "Schatten 'mit' 63 Bytes " + "ü" * 19 + "!"


def test_every_feature_of_the_catalog_side_by_side(torture: str) -> None:
    assert len(SHADOW.encode()) == 63
    restore(torture, Path(__file__).with_name("torture_rows.sql"))
    tables = ["types", "select", "child", "left_", "right_", "parted", "derived", "parent"]
    clone(torture, torture, {EVIL: SHADOW})
    assert facts(torture, {SHADOW: "x"}) == facts(torture, {EVIL: "x"})
    assert table_texts(torture, SHADOW, tables) == table_texts(torture, EVIL, tables)
    assert sequences_behind(torture, [SHADOW]) == []


def test_a_function_that_is_missing_in_the_target_is_named_before_anything_is_written(
    torture: str, database: str
) -> None:
    with pytest.raises(UnsupportedSource, match=r"calls_ours of table .*select.* needs the function .*twice"):
        clone(torture, database, {EVIL: "dev"})
    assert scratch_schemas(database) == []
    with psycopg.connect(conninfo(database)) as connection:
        connection.execute(
            f"""
            create schema "{EVIL.replace('"', '""')}";
            create function "{EVIL.replace('"', '""')}".twice(integer) returns integer immutable language sql
                return $1 * 2""".encode()
        )
    clone(torture, database, {EVIL: "dev"})
    # The extensions the tables need were made, in the schema where the definitions look for them.
    assert facts(database, {"dev": "x"}) == facts(torture, {EVIL: "x"})
    with psycopg.connect(conninfo(database)) as connection:
        connection.execute("drop schema dev cascade")
    with pytest.raises(UnsupportedSource, match="would be replaced"):
        clone(torture, database, {EVIL: EVIL}, replace=True)


def test_1600_columns_no_rows_and_an_empty_database(database: str) -> None:
    with psycopg.connect(conninfo(database)) as connection:
        columns = ", ".join(f"c{i} smallint" for i in range(1600))
        connection.execute(f"create table wide ({columns})".encode())
        connection.execute(b"insert into wide (c0, c1599) values (1, 2)")
        connection.execute(b"create table nothing (id serial primary key)")
    clone(database, database, {"public": "dev"})
    assert facts(database, {"dev": "public"}) == facts(database, {"public": "public"})
    with psycopg.connect(conninfo(database)) as connection:
        assert connection.execute("select c0, c1, c1599 from dev.wide").fetchall() == [(1, None, 2)]
        assert connection.execute("insert into dev.nothing default values returning id").fetchall() == [(1,)]
