"""``load(..., into_existing=True)``: what differs from the model is filled and told, or an error that names it; nothing
is written then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

import dbsynth
from dbsynth.errors import CannotClone, DbsynthError, TargetRefused
from dbsynth.testing.database import Database
from dbsynth.testing.embedded import create_database, drop_database
from dbsynth.testing.server import Server

WORLD = """
create table region (region_id int primary key, region_name varchar(25), opened date, weight numeric(8, 2));
create table site (id int primary key, region_id int not null references region, note text);
insert into region values (1, 'Europe', '2001-02-03', 1.25), (2, 'Americas', '2002-02-03', 2.50), (3, 'Asia', null, 3),
    (4, 'Middle East', '2004-02-03', 4.75);
insert into site select i, 1 + i % 4, case when i % 2 = 0 then 'x' end from generate_series(1, 40) i"""
COUNTS = "select (select count(*) from region), (select count(*) from site)"
Execute = Callable[..., list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def world(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    url = create_database(postgres_url, "existing_source")
    source = Database(url)
    source.execute(WORLD)
    path = tmp_path_factory.mktemp("existing") / "world"
    dbsynth.fit(url, seed=1, strategy="independent", workers=1).save(path)
    source.drop()
    return path


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBSYNTH_CACHE", str(tmp_path_factory.getbasetemp() / "existing-cache"))


@pytest.fixture
def load(postgres_url: str, world: Path, database: str) -> Callable[[], Database]:
    server = Server(postgres_url)
    return lambda: server.load(world, seed=3, database=database, into_existing=True)


def refused(load: Callable[[], Database], execute: Execute, *said: str) -> DbsynthError:
    """An error that says ``said`` and has a remedy; no row and no schema is left."""
    with pytest.raises(CannotClone) as error:
        load()
    for part in said:
        assert part in f"{error.value}"
    assert error.value.hint
    assert execute("select count(*) from pg_namespace where nspname like 'dbsynth_staged%'") == [(0,)]
    for (table,) in execute("select quote_ident(relname) from pg_class where relkind = 'r' and relname ~* 'region|site'"
                            " and relnamespace = 'public'::regnamespace"):  # fmt: skip
        assert execute(f"select count(*) from {table}") == [(0,)], table
    return error.value


def region(name: str = "varchar(25)", opened: str = "date", weight: str = "numeric(8, 2)", more: str = "") -> str:
    return (
        f"create table region (region_id int primary key, region_name {name}, opened {opened}, weight {weight}{more})"
    )


def site(more: str = "", points: str = "references region") -> str:
    return f"create table site (id int primary key, region_id int not null {points}, note text{more})"


TENANT, OTHER = "create table tenant (id int primary key);", "create table other (id int primary key);"
UNFIT = {
    region(name="date"): "column public.region.region_name is date, in the model character varying(25)",
    region(opened="int"): "column public.region.opened is integer, in the model date: not all its values",
    region(name="varchar(3)"): "public.region.region_name is character varying(3), in the model character varying(25)",
    "create type kind as enum ('a');" + region(name="kind"): "column public.region.region_name is public.kind",
    region(weight="numeric(2, 2)"): "column public.region.weight is numeric(2,2)",
    region(opened="date not null"): "column public.region.opened must not be null, and 1 rows of the model",
    site(", num numeric(1) not null unique", ""): "public.site.num (numeric(1,0)) is not in the model and unique",
    TENANT + region(more=", tenant_id int not null references tenant"): "points at public.tenant, which is empty",
    TENANT + "insert into tenant values (1);" + region(more=", t int not null unique references tenant"): "1 rows",
    region(more=", bad int not null check (bad > 3 and bad < 2)"): "were found that meet region_bad_check",
    region(more=", at point not null"): "column public.region.at (point) is not in the model",
    region(more=", check (weight > 1000)"): "table public.region: rows of the model do not meet region_weight_check",
    site(", unique (region_id)", ""): "table public.site: the model's rows have values twice that site_region_id",
    OTHER + site("", "references other"): "rows of the model point by site_region_id_fkey at rows that are not there",
    'create table "Regions" (id int); create view region as select 1 as region_id': "looked for public.region, "
    "public.site; there are: public.Regions, public.region (no table: a view)",
    "create schema a; create schema b; create table a.region (region_id int); create table b.region (region_id int)":
    "and a.region, b.region are: into which one is not clear",
}  # fmt: skip


@pytest.mark.parametrize(("tables", "said"), UNFIT.items())
def test_what_does_not_fit_is_an_error_that_names_it(
    load: Callable[[], Database], execute: Execute, tables: str, said: str
) -> None:
    execute(tables)
    refused(load, execute, said)


def test_a_second_load_is_refused(load: Callable[[], Database], execute: Execute) -> None:
    execute(region() + ";" + site())
    load()
    with pytest.raises(TargetRefused, match=r"filled already: public\.region, public\.site"):
        load()
    assert execute(COUNTS) == [(4, 40)]


NEW = """,
    email text not null unique, phone varchar(20) not null, first_name text not null, born date not null,
    age smallint not null, st text not null check (st in ('a', 'b')), n int not null check (n > 5000),
    code varchar(2) not null, price numeric(3, 2) not null, made_at timestamptz not null, doc jsonb not null,
    ip inet not null, token uuid not null unique, boss int not null references site"""


def test_new_columns_are_filled_by_role_and_check(load: Callable[[], Database], execute: Execute) -> None:
    execute(region() + ";" + site(NEW))
    drift = "\n".join(load().drift)
    assert execute(COUNTS) == [(4, 40)]
    assert execute("select count(*) from site where email ~ '^[^@ ]+@[^@ ]+[.][a-z]+$' and boss = id") == [(40,)]
    assert execute(r"select count(*) from site where phone ~ '^[+]1 \d{3}-\d{3}-\d{4}$'") == [(40,)]
    assert execute("select count(*) from site where age between 18 and 90 and first_name ~ '^[A-Z]'") == [(40,)]
    found = execute("select min(born), max(born), count(distinct born), count(distinct first_name) from site")[0]
    assert date(1945, 1, 1) <= found[0] < found[1] <= date(2006, 12, 31)  # type: ignore[operator]
    assert min(found[2:]) > 10  # type: ignore[type-var]
    for said in (
        "column public.site.email is not in the model: filled with made values, by role (email)",
        "public.site.born is not in the model: filled with made values, by role (birth_date)",
        "column public.site.boss is not in the model: each row points at itself",
    ):
        assert said in drift


def test_the_same_seed_fills_the_same(
    load: Callable[[], Database], postgres_url: str, world: Path, execute: Execute, database: str
) -> None:
    tables = region() + ";" + site(NEW)
    execute(tables)
    load()
    other = Server(postgres_url).create("other")
    other.execute(tables)
    Server(postgres_url).load(world, seed=3, database=other, into_existing=True)
    rows = "select md5(string_agg(s::text, '|' order by id)) from site s"
    assert other.execute(rows).scalar() == execute(rows)[0][0]
    drop_database(other.url)


def test_what_is_rounded_is_counted(load: Callable[[], Database], execute: Execute) -> None:
    execute(region(weight="numeric(8, 1)", name="text"))
    said = "\n".join(load().drift)
    assert "column region.weight is numeric(8,1), in the model numeric(8,2): converted, 4 values are rounded" in said
    assert "column region.region_name is text, in the model character varying(25): converted\n" in said
