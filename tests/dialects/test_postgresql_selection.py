"""Which schemas and tables are found, and facts about the catalog that need a database of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from dbsynth_postgresql.names import MARKER

from dbsynth.dialect import Database, connect
from dbsynth.errors import UsageError
from dbsynth.schema.model import TableName

Execute = Callable[..., list[tuple[object, ...]]]


@pytest.fixture
def opened(database: str) -> Iterator[Database]:
    connected = connect(database)
    yield connected
    connected.close()


def test_virtual_columns_and_constraints_that_are_not_enforced(execute: Execute, opened: Database) -> None:
    (version,) = execute("select current_setting('server_version_num')::integer / 10000")[0]
    if int(str(version)) < 18:
        pytest.skip("virtual columns and NOT ENFORCED came with PostgreSQL 18")
    execute(
        """create table p (id int primary key);
        create table t (
            a int not null, b int generated always as (a + 1) virtual,
            constraint loose check (a > 5) not enforced,
            constraint far foreign key (a) references p not enforced
        )"""
    )
    t = opened.introspect()[TableName("public", "t")]
    assert (t.column("b").generated, t.column("b").generated_stored) == ("(a + 1)", False)
    (check,) = t.checks
    assert (check.name, check.enforced) == ("loose", False)
    assert t.foreign_keys[0].definition == "FOREIGN KEY (a) REFERENCES public.p(id) NOT ENFORCED"


def test_periods_are_noted(execute: Execute, opened: Database) -> None:
    (version,) = execute("select current_setting('server_version_num')::integer / 10000")[0]
    if int(str(version)) < 18:
        pytest.skip("WITHOUT OVERLAPS came with PostgreSQL 18")
    execute(
        """create extension btree_gist;
        create table t (id int, at daterange, constraint one_a_day primary key (id, at without overlaps))"""
    )
    (t,) = opened.introspect().tables
    assert t.notes == (
        "Constraint one_a_day is about periods (WITHOUT OVERLAPS, PERIOD), which dbsynth does not model.",
    )
    assert t.indexes == (), "the index of a constraint is no index of its own"


def test_1600_columns(execute: Execute, opened: Database) -> None:
    execute(f"create table wide ({', '.join(f'c{i} integer' for i in range(1600))})")
    (wide,) = opened.introspect().tables
    assert [c.name for c in wide.columns] == [f"c{i}" for i in range(1600)]


def test_an_empty_database_gives_an_empty_schema(opened: Database) -> None:
    assert opened.introspect().tables == ()


def test_schemas_of_dbsynth_are_left_out(execute: Execute, opened: Database) -> None:
    for name in ("app", "dev", "dev__building_7f", "dev__old_7f"):
        execute(f"create schema {name}; create table {name}.t ()")
    execute(f"comment on schema dev is '{MARKER} 1}}'")
    assert opened.introspect().schemas == ("app",)
    assert opened.introspect(["dev"]).schemas == ("dev",), "one may ask for it"


def test_an_unknown_schema_is_refused_with_the_nearest_name(execute: Execute, opened: Database) -> None:
    execute("create schema warehouse")
    with pytest.raises(UsageError, match="no schema 'warehuose'") as caught:
        opened.introspect(["warehuose"])
    assert caught.value.hint == "did you mean 'warehouse'?"


def test_schemas_of_types_follow_the_tables_unless_schemas_are_named(execute: Execute, opened: Database) -> None:
    execute("create schema app; create domain public.d as int; create table app.t (d public.d)")
    whole = opened.introspect()
    assert [(t.schema, t.name) for t in whole.types] == [("public", "d")]
    assert whole.notes == ()
    part = opened.introspect(["app"])
    assert part.types == ()
    assert part.notes == ("Type public.d lies in a schema that is not selected: the clone uses it where it is.",)


def test_tables_of_extensions_are_no_tables_of_the_user(execute: Execute, opened: Database) -> None:
    execute("create extension pg_stat_statements; create extension earthdistance cascade; create table mine (id int)")
    found = opened.introspect()
    assert [t.name.name for t in found] == ["mine"]
    assert found.types == ()


def test_partitions_of_other_schemas_are_found_from_either_side(execute: Execute, opened: Database) -> None:
    execute(
        """create schema parts; create table root (id int) partition by list (id);
        create table parts.one partition of root for values in (1)"""
    )
    (root,) = opened.introspect(["public"]).tables
    assert [str(p.name) for p in root.partitions] == ["parts.one"]
    other = opened.introspect(["parts"])
    assert other.tables == ()
    assert other.notes == ("Table parts.one is a partition of public.root, whose schema is not selected: not cloned.",)


def test_an_index_that_failed_is_noted_and_left_out(execute: Execute, opened: Database) -> None:
    execute("create table t (a int); insert into t values (1), (1); create index fine on t (a)")
    with pytest.raises(Exception, match="duplicate"):
        execute("create unique index concurrently broken on t (a)")
    (t,) = opened.introspect().tables
    assert [i.name for i in t.indexes] == ["fine"]
    assert t.notes == ("Index broken is invalid (its creation failed or runs) and is not carried over.",)
