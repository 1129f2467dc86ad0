"""The same query on both sides: which tables are meant, and how they are called there."""

from __future__ import annotations

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
