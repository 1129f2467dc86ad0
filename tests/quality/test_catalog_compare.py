"""Catalogs side by side: a clone has none of its own, every change is named, and its statement takes it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from catalogs import SHOP, build, differences
from hypothesis import given
from hypothesis import strategies as st

from dbsynth.quality.catalog import Difference
from dbsynth.quality.sql_texts import canonical, moved, tokens
from dbsynth.testing.embedded import conninfo, create_database, drop_database, restore
from tests.parallel import REAL_DATABASES

TORTURE = Path(__file__).parents[1] / "dialects" / "torture.sql"
RUINS = {
    "drop index dev.customer_born": ("missing", "index"),
    "drop index dev.customer_born; create index customer_born on dev.customer (born)": ("changed", "index"),
    "drop index dev.orders_mail": ("missing", "unique index"),
    "create index extra on dev.customer (loyalty)": ("added", "index"),
    "alter table dev.customer drop constraint of_age": ("missing", "CHECK"),
    "alter table dev.customer drop constraint of_age, add constraint of_age check (born < '2021-01-01')": (
        "changed",
        "CHECK",
    ),
    "alter table dev.customer drop constraint customer_mail_key": ("missing", "unique constraint"),
    "alter table dev.orders drop constraint orders_pkey": ("missing", "primary key"),
    "alter table dev.orders drop constraint orders_customer_id_fkey": ("missing", "foreign key"),
    "alter table dev.orders alter constraint orders_customer_id_fkey not deferrable": ("changed", "foreign key"),
    """alter table dev.orders drop constraint orders_customer_id_fkey, add constraint orders_customer_id_fkey
        foreign key (customer_id) references dev.customer deferrable initially deferred""": ("changed", "foreign key"),
    """alter table dev.orders drop constraint orders_customer_id_fkey, add constraint orders_customer_id_fkey
        foreign key (customer_id) references dev.customer on delete cascade deferrable initially deferred
        not valid""": (
        "changed",
        "foreign key",
    ),
    "alter table dev.orders alter customer_id type bigint": ("changed", "type"),
    "alter table dev.customer alter mail type varchar(90)": ("changed", "type"),
    "alter table dev.orders alter customer_id drop not null": ("changed", "null"),
    "alter table dev.customer alter loyalty set not null": ("changed", "null"),
    "alter table dev.customer alter loyalty drop default": ("changed", "default"),
    "alter table dev.customer alter loyalty set default 'gold'": ("changed", "default"),
    "alter table dev.customer alter id drop identity": ("changed", "identity"),
    "alter table dev.customer alter id set generated always": ("changed", "identity"),
    'alter table dev."we;ird ""name""" alter id drop default': ("changed", "identity"),
    'alter table dev."we;ird ""name""" alter "a ""b""" drop default': ("changed", "default"),
    'alter table dev."we;ird ""name""" alter code type text collate "POSIX"': ("changed", "collation"),
    "alter table dev.customer add column more text": ("added", "column"),
    "create table dev.more (x integer)": ("added", "table"),
    "comment on table dev.customer is null": ("changed", "comment"),
    "comment on column dev.customer.mail is 'other'": ("changed", "comment"),
    "alter table dev.room drop constraint room_during_excl": ("missing", "exclusion constraint"),
    "create table dev.visit_2 partition of dev.visit for values from ('2021-01-01') to ('2022-01-01')": (
        "added",
        "partition",
    ),
    "drop table dev.visit_1": ("missing", "partition"),
}
"""What is done to the clone, and the one difference that it makes."""
WITHOUT_A_STATEMENT = {
    "alter table dev.customer drop column loyalty": ("missing", "column"),
    "drop table dev.room": ("missing", "table"),
    "alter type dev.status add value 'late'": ("changed", "enum"),
    "alter domain dev.cents drop constraint cents_check": ("changed", "domain"),
    "alter table dev.orders alter taxed drop expression": ("changed", "expression"),
}
"""Remedied by making the target again."""


@pytest.fixture(scope="module")
def shop(postgres_url: str) -> Iterator[str]:
    url = create_database(postgres_url, "catalog_shop")
    restore(url, SHOP)
    build(url, url, "dev")
    yield url
    drop_database(url)


def found(url: str) -> tuple[Difference, ...]:
    return differences(url, url, {"shop": "dev"})


def run(url: str, *scripts: str) -> None:
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        for script in scripts:
            connection.execute(script.encode())


def test_a_clone_has_no_difference(shop: str) -> None:
    assert found(shop) == ()


@pytest.mark.parametrize("ruin", RUINS)
def test_a_change_is_named_and_its_statement_takes_it_back(shop: str, ruin: str) -> None:
    run(shop, ruin)
    (one,) = found(shop)
    try:
        assert (one.change, one.what) == RUINS[ruin]
        assert one.subject.table.schema == "shop"
        assert one.finding().says.startswith(f"{one.subject.table}: ")
        assert one.severity == ("warning" if one.change == "added" or one.what == "comment" else "failure")
    finally:
        run(shop, one.sql)
    assert found(shop) == ()


@pytest.mark.parametrize("ruin", WITHOUT_A_STATEMENT)
def test_what_no_statement_takes_back(shop: str, ruin: str, postgres_url: str) -> None:
    url = create_database(postgres_url, "catalog_ruined", template="catalog_shop")
    try:
        run(url, ruin)
        (one,) = found(url)
        assert (one.change, one.what) == WITHOUT_A_STATEMENT[ruin]
        assert "dbsynth" in one.remedy
    finally:
        drop_database(url)


def test_everything_that_a_catalog_can_say(postgres_url: str, database: str) -> None:
    restore(database, TORTURE)
    mapping = build(database, database, "dev")
    assert differences(database, database, mapping) == ()
    run(database, "drop index dev.part_unique", "alter domain dev.positive drop constraint above_zero")
    assert [(d.change, d.what) for d in differences(database, database, mapping)] == [
        ("missing", "unique index"),
        ("changed", "domain"),
    ]


@pytest.mark.databases
@pytest.mark.parametrize("name", REAL_DATABASES)
def test_clones_of_real_databases_have_none(
    name: str, real_database: Callable[[str], str], database: str, tmp_path: Path
) -> None:
    source = real_database(name)
    assert differences(source, database, build(source, database)) == ()
    if name != "adventureworks":
        assert differences(source, source, build(source, source, "dev")) == ()
    file = f"duckdb:///{tmp_path}/target.duckdb"
    assert differences(source, file, build(source, file)) == ()


@pytest.mark.databases
def test_a_ruined_target_of_another_dialect(real_database: Callable[[str], str], tmp_path: Path) -> None:
    import duckdb

    source, path = real_database("chinook"), tmp_path / "target.duckdb"
    mapping = build(source, f"duckdb:///{path}")
    with duckdb.connect(str(path)) as connection:
        connection.execute("drop table public.playlist_track; alter table public.playlist add column more integer")
        connection.execute("create table public.other (x integer)")
    told = [(d.change, d.what, d.subject.table.name) for d in differences(source, f"duckdb:///{path}", mapping)]
    assert told == [
        ("added", "column", "playlist"),
        ("missing", "table", "playlist_track"),
        ("added", "table", "other"),
    ]


# --- texts ------------------------------------------------------------------------------------------------------------


@given(st.text())
def test_tokens_join_to_the_text(sql: str) -> None:
    assert "".join(t.text for t in tokens(sql)) == sql


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("nextval('shop.s'::regclass)", "nextval('dev.s'::regclass)"),
        ("nextval('shop.\"A b\"'::regclass)", "nextval('dev.\"A b\"'::regclass)"),
        ("'new'::shop.status", "'new'::dev.status"),
        ("lower('x')", "lower(\n  'x')"),
        ("shop.f(a.b)", "dev.f(a.b)"),
    ],
)
def test_texts_that_differ_in_the_schema_only(ours: str, theirs: str) -> None:
    assert canonical(ours, {}) == canonical(theirs, {"dev": "shop"})


@pytest.mark.parametrize(
    ("ours", "theirs"), [("'shop.s b'", "'dev.s b'"), ("'a  b'", "'a b'"), ("a", '"A"'), ("1.5", "15")]
)
def test_texts_that_differ(ours: str, theirs: str) -> None:
    assert canonical(ours, {}) != canonical(theirs, {"dev": "shop"})


def test_only_what_moves_is_renamed() -> None:
    text = "'new'::shop.status = shop.f('shop.orders'::regclass)"
    told = moved(text, {"shop": "dev"}, {("shop", "status"), ("shop", "orders")}, lambda name: f'"{name}"')
    assert told == "'new'::\"dev\".status = shop.f('\"dev\".orders'::regclass)"


@pytest.mark.databases
@pytest.mark.parametrize("dialect", ["snowflake", "bigquery"])
def test_clones_in_warehouses_have_none(
    dialect: str, real_database: Callable[[str], str], request: pytest.FixtureRequest
) -> None:
    source, url = real_database("chinook"), request.getfixturevalue(f"{dialect}_url")
    place = "CATALOG_CHINOOK" if dialect == "snowflake" else "catalog_chinook"
    mapping = build(source, url, place)
    assert [d.says for d in differences(source, url, mapping)] == []
