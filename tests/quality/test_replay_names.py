"""The same query on both sides: which tables are meant, and how they are called there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbsynth.dialect import load_dialect
from dbsynth.grammar import Grammar
from dbsynth.quality.replay.names import Names
from dbsynth.schema.model import TableName

POSTGRES = load_dialect("postgresql").grammar
DUCKDB = load_dialect("duckdb").grammar
SNOWFLAKE = load_dialect("snowflake").grammar
TABLES = [TableName("public", "film"), TableName("public", "Odd; \"name"), TableName("sales", "film"),
          TableName("sales", "order")]  # fmt: skip
MAPPING = {"public": "dev", "sales": "dev_sales"}


def names(here: Grammar = POSTGRES, complete: bool = True) -> Names:
    def place(name: TableName) -> str:
        return ".".join(here.quote(part) for part in (MAPPING[name.schema], name.name))

    return Names(POSTGRES, here, {t: place(t) for t in TABLES}, ("public", "sales"), MAPPING, complete)


@pytest.mark.parametrize(
    ("sql", "there"),
    [
        ("select * from film", 'select * from "dev"."film"'),
        ("select * from FILM f", 'select * from "dev"."film" f'),
        ("select * from Public.film", 'select * from "dev"."film"'),
        ('select * from "public"."film"', 'select * from "dev"."film"'),
        ("select * from shop.public.film", 'select * from "dev"."film"'),
        ("select * from sales.film, only film x", 'select * from "dev_sales"."film", only "dev"."film" x'),
        ('select * from "order"', 'select * from "dev_sales"."order"'),
        ('select 1 from "Odd; ""name" -- film', 'select 1 from "dev"."Odd; ""name" -- film'),
        ("select public.film.title from public.film", 'select film.title from "dev"."film"'),
        ("select 'film', $$public.film$$ from film", 'select \'film\', $$public.film$$ from "dev"."film"'),
        ("select x::public.mood from film", 'select x::"dev".mood from "dev"."film"'),
        ("select 1 where exists (select 1 from film)", 'select 1 where exists (select 1 from "dev"."film")'),
        ("select * from film union select * from sales.film",
         'select * from "dev"."film" union select * from "dev_sales"."film"'),
        ("select * from generate_series(1, 2) film", "select * from generate_series(1, 2) film"),
        ("select film.x from (select 1 as x) film", "select film.x from (select 1 as x) film"),
        # A name of a WITH hides the table, but not in its own query unless it is recursive, nor in those before it.
        ("with film as (select 1) select * from film", "with film as (select 1) select * from film"),
        ("with film as (select * from film) select * from film",
         'with film as (select * from "dev"."film") select * from film'),
        ("with recursive film as (select 1 union select * from film) select * from film",
         "with recursive film as (select 1 union select * from film) select * from film"),
        ("with a as (select * from film), film as (select * from a) select * from film, public.film",
         'with a as (select * from "dev"."film"), film as (select * from a) select * from film, "dev"."film"'),
        ("with a as (with film as (select 1) select * from film) select * from a, film",
         'with a as (with film as (select 1) select * from film) select * from a, "dev"."film"'),
        ("with film as (select 1) select * from (select * from film) x",
         "with film as (select 1) select * from (select * from film) x"),
        ("select * from é, film" , None),
    ],
)  # fmt: skip
def test_tables_get_their_names_and_the_rest_stays(sql: str, there: str | None) -> None:
    assert names().placed(sql).sql == there


@pytest.mark.parametrize("sql", ["select * from nothing", "select * from sales.nothing", "select * from pg_class",
                                 "select * from public.view v join film on true", 'select * from "FILM"'])  # fmt: skip
def test_what_is_no_table_of_the_target_is_named_and_not_looked_for_elsewhere(sql: str) -> None:
    found = names().placed(sql)
    assert found.sql is None
    assert "no table of the target" in found.why
    assert names(complete=False).placed(sql).sql is not None


@pytest.mark.parametrize(
    ("sql", "catalog"),
    [
        ("select * from information_schema.tables", True),
        ('select * from "information_schema"."tables"', True),
        ("select * from shop.INFORMATION_SCHEMA.columns", True),
        ("select * from film where exists (select 1 from pg_catalog.pg_class)", True),
        ("select count(*) from pg_stat_activity", True),
        ("select * from pg_stat_get_activity(null)", True),
        ("select * from film join pg_film on true", False),
        ("select * from public.pg_film", False),
        ("with pg_x as (select * from film) select * from pg_x", False),
        ("select * from generate_series(1, 2)", False),
        ("select 'pg_class', pg_typeof(title) from film", False),
        ("select * from some_view", False),
    ],
)
def test_queries_on_the_catalog(sql: str, catalog: bool) -> None:
    known = names(complete=False)
    known = replace(known, places={**known.places, TableName("public", "pg_film"): "public.pg_film"})
    assert known.reads_catalog(sql) is catalog


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("bigquery", "select * from `project.dataset.INFORMATION_SCHEMA.TABLES`"),
        ("bigquery", "select * from dataset.INFORMATION_SCHEMA.COLUMNS"),
        ("snowflake", "select * from snowflake.account_usage.query_history"),
        ("duckdb", "select * from duckdb_tables()"),
        ("duckdb", "select * from sqlite_master"),
    ],
)
def test_catalogs_of_other_databases(dialect: str, sql: str) -> None:
    grammar = load_dialect(dialect).grammar
    assert Names(grammar, grammar, {}, (), {}, complete=False).reads_catalog(sql)


def test_aliases_tell_tables() -> None:
    found = names().placed('select * from film a join sales.film b using (id) join "order" on true')
    assert found.tables == {"a": TABLES[0], "b": TABLES[2], "order": TABLES[3]}


def test_another_database_gets_its_own_sql() -> None:
    sql = "select date_trunc('month', f.at)::date, x::text from film f where f.title ~~ 'A%' limit 3"
    assert names(DUCKDB).placed(sql).sql == (
        'SELECT CAST(DATE_TRUNC(\'MONTH\', "f"."at") AS DATE), CAST("x" AS TEXT) FROM "dev"."film" AS "f"'
        ' WHERE "f"."title" LIKE \'A%\' LIMIT 3'
    )
    found = names(SNOWFLAKE).placed('select f.id, "Mixed" from film f').sql
    assert found == 'SELECT "F"."ID", "Mixed" FROM "dev"."film" AS "F"'
