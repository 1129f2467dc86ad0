"""What may be written, what is kept of a target that is replaced, and what a failing row says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import psycopg
import pyarrow as pa
import pytest
from dbsynth_postgresql.building import scratch_name
from postgresql_targets import clone, copy_rows, opened, run_info, scratch_schemas, target_of
from sqlalchemy.engine import make_url

from dbsynth.dialect import RunInfo
from dbsynth.errors import InternalError, PermissionDenied, TargetRefused, UnsatisfiableConstraint, UnsupportedSource
from dbsynth.schema.model import TableName
from dbsynth.testing.embedded import conninfo, create_database, drop_database

Execute = Callable[..., list[tuple[object, ...]]]
SHOP = """
    create type public.state as enum ('new', 'paid');
    create table public.customer (id serial primary key, name text not null);
    create table public.orders (
        id int generated always as identity primary key,
        customer int not null references public.customer,
        state public.state default 'new',
        amount numeric(8,2) check (amount > 0)
    );
    insert into public.customer (name) values ('a'), ('b');
    insert into public.orders (customer, amount) values (1, 1.5), (2, 2);
"""
MAPPING = {"public": "dev"}


@pytest.fixture
def shop(database: str, execute: Execute) -> str:
    execute(SHOP)
    return database


@pytest.fixture
def roles(postgres_url: str) -> Iterator[Callable[..., str]]:
    """``roles("reader")``: a role of that name, that may log in, for as long as the test."""
    made: list[str] = []
    with psycopg.connect(conninfo(postgres_url), autocommit=True) as connection:

        def make(name: str) -> str:
            connection.execute(f'create role "{name}" login'.encode())
            made.append(name)
            return name

        yield make


@pytest.fixture
def lent(roles: Callable[..., str], postgres_url: str, database: str) -> Iterator[Callable[..., str]]:
    """Roles whose traces in the database of the test are gone before they are dropped."""
    made: list[str] = []

    def make(name: str) -> str:
        made.append(roles(name))
        return name

    yield make
    drop_database(database)
    with psycopg.connect(conninfo(postgres_url), autocommit=True) as connection:
        for name in made:
            connection.execute(f'drop role "{name}"'.encode())


def as_role(url: str, role: str) -> str:
    return make_url(url).set(username=role).render_as_string(hide_password=False)


# --- what may be written ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("known", [True, False])
def test_the_source_is_never_a_target(shop: str, *, replace: bool, known: bool) -> None:
    with opened(shop) as source, target_of(shop) as target:
        schema = source.introspect()
        run = run_info("r", source)
        if not known:  # then the place tells
            run = RunInfo("r", "0", 1, source.describe())
        with pytest.raises(TargetRefused, match=r"public .* is the source itself"):
            target.prepare(schema, {"public": "public"}, run, replace=replace)


def test_a_schema_of_others_is_replaced_only_on_request(shop: str, execute: Execute) -> None:
    execute("create schema dev; create table dev.precious (id int); insert into dev.precious values (1)")
    with pytest.raises(TargetRefused, match=r"dev .* was not made by dbsynth") as refused:
        clone(shop, shop, MAPPING)
    assert "--replace" in refused.value.hint
    assert execute("select * from dev.precious") == [(1,)]
    clone(shop, shop, MAPPING, replace=True)
    assert execute("select count(*) from dev.orders") == [(2,)]
    assert execute("select to_regclass('dev.precious')") == [(None,)]
    clone(shop, shop, MAPPING)  # now it is one of ours
    assert scratch_schemas(shop) == []


def test_an_empty_schema_is_no_obstacle(shop: str, execute: Execute) -> None:
    execute("create schema dev; grant usage on schema dev to public")
    clone(shop, shop, MAPPING)
    assert execute("select has_schema_privilege('public', 'dev', 'usage'), count(*) from dev.customer") == [(True, 2)]


def test_the_mark_says_where_the_rows_come_from(shop: str, execute: Execute) -> None:
    clone(shop, shop, MAPPING)
    ((mark,),) = execute(
        "select obj_description('dev'::regnamespace, 'pg_namespace')::json -> 'dbsynth' ->> 'run' as run"
    )
    assert mark == "r"


@pytest.mark.parametrize(
    ("statement", "holder"),
    [
        ("create view reports.v as select count(*) from dev.orders", "view reports.v"),
        ("create table reports.x (o int references dev.orders)", "constraint x_o_fkey on table reports.x"),
        ("create table reports.x (s dev.state)", "column s of table reports.x"),
        ("create table reports.x (id int default nextval('dev.customer_id_seq'))", "default value for column id"),
        ("create function reports.f() returns bigint begin atomic select count(*) from dev.orders; end", "f()"),
        ("create publication p for table dev.orders", "publication of table dev.orders"),
    ],
    ids=["view", "foreign key", "type", "default", "function", "publication"],
)
def test_what_others_made_of_a_target_is_not_dropped(shop: str, execute: Execute, statement: str, holder: str) -> None:
    clone(shop, shop, MAPPING)
    execute("create schema reports")
    execute(statement)
    with pytest.raises(TargetRefused) as refused:
        clone(shop, shop, MAPPING)
    assert holder in str(refused.value)
    assert scratch_schemas(shop) == []


def test_a_view_made_while_rows_were_written_stops_the_publishing(shop: str, execute: Execute) -> None:
    clone(shop, shop, MAPPING)
    with opened(shop) as source, target_of(shop) as target:
        schema = source.introspect(["public"])
        target.prepare(schema, MAPPING, run_info("late", source), replace=False)
        copy_rows(source, schema, target)
        target.finish(lambda _: None)
        execute("create schema reports; create view reports.v as select count(*) from dev.orders")
        with pytest.raises(TargetRefused, match=r"view reports\.v"):
            target.publish()
        target.discard()
    assert execute("select * from reports.v") == [(2,)]
    assert scratch_schemas(shop) == []


def test_views_inside_a_target_go_with_it(shop: str, execute: Execute) -> None:
    clone(shop, shop, MAPPING)
    execute("create view dev.v as select * from dev.orders")
    clone(shop, shop, MAPPING)
    assert execute("select to_regclass('dev.v')") == [(None,)]


def test_missing_right_to_create_schemas(shop: str, lent: Callable[..., str]) -> None:
    with (
        opened(shop) as source,
        target_of(as_role(shop, lent("poor"))) as target,
        pytest.raises(PermissionDenied, match="the user poor may not create schemas") as denied,
    ):
        target.prepare(source.introspect(), MAPPING, run_info("r", source), replace=False)
    assert denied.value.hint.startswith("GRANT CREATE ON DATABASE")


def test_a_target_of_another_role(shop: str, execute: Execute, lent: Callable[..., str]) -> None:
    clone(shop, shop, MAPPING)
    execute(f'grant create on database "{make_url(shop).database}" to {lent("other")}')
    with (
        opened(shop) as source,
        target_of(as_role(shop, "other")) as target,
        pytest.raises(PermissionDenied, match=r"dev .* belongs to postgres"),
    ):
        target.prepare(source.introspect(["public"]), MAPPING, run_info("r", source), replace=False)


def test_a_role_without_special_rights_can_do_it_all(shop: str, execute: Execute, lent: Callable[..., str]) -> None:
    plain = lent("plain")
    execute(f'grant create on database "{make_url(shop).database}" to plain')
    execute("grant select on all tables in schema public to plain; grant usage on schema public to plain")
    for run in ("one", "two"):
        clone(as_role(shop, plain), as_role(shop, plain), MAPPING, run=run)
    assert execute(
        "select count(*), min(nspowner::regrole::text) from dev.orders, pg_namespace where nspname = 'dev'"
    ) == [(2, "plain")]
    assert scratch_schemas(shop) == []


def test_a_refused_run_lets_go_of_the_target(shop: str, execute: Execute) -> None:
    execute("create schema dev; create table dev.precious (id int)")
    with opened(shop) as source, target_of(shop) as target:
        with pytest.raises(TargetRefused):
            target.prepare(source.introspect(["public"]), MAPPING, run_info("r", source), replace=False)
        target.discard()
        clone(shop, shop, MAPPING, replace=True)


@pytest.mark.parametrize("name", ["", "x" * 64, "pg_dev", "information_schema"])
def test_impossible_names(shop: str, name: str) -> None:
    with opened(shop) as source, target_of(shop) as target, pytest.raises(TargetRefused):
        target.prepare(source.introspect(), {"public": name}, run_info("r", source), replace=False)


def test_two_sources_for_one_target(shop: str, execute: Execute) -> None:
    execute("create schema other; create table other.t (id int)")
    with opened(shop) as source, target_of(shop) as target, pytest.raises(TargetRefused, match="would all become dev"):
        target.prepare(source.introspect(), {"public": "dev", "other": "dev"}, run_info("r", source), replace=False)


@pytest.mark.parametrize("name", ["select", 'we;ird "name', "ü" * 31 + "x", "__building_", "a.b"])
def test_hostile_names_of_targets(shop: str, execute: Execute, name: str) -> None:
    for _ in range(2):
        clone(shop, shop, {"public": name})
    quoted = name.replace('"', '""')
    assert execute(f'select count(*) from "{quoted}".orders') == [(2,)]
    assert execute(f"""insert into "{quoted}".customer (name) values ('x') returning id""") == [(3,)]
    assert scratch_schemas(shop) == (["__building_"] if name == "__building_" else [])


@pytest.mark.parametrize("target", ["dev", "x" * 63, "ü" * 31])
@pytest.mark.parametrize("run_id", ["a1b2c3d4", "a-very-long-name-of-a-run-that-somebody-chose", "ä" * 40])
def test_scratch_names_fit_and_differ(target: str, run_id: str) -> None:
    name = scratch_name(target, run_id)
    assert len(name.encode()) <= 63
    assert "__building_" in name
    assert name not in (scratch_name(target[:-1] + "y", run_id), scratch_name(target, run_id + "2"))


# --- runs beside each other -------------------------------------------------------------------------------------------


def test_a_second_run_into_the_same_target_is_refused_and_the_first_not_harmed(
    shop: str, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbsynth_postgresql.preconditions.OTHER_RUN_SECONDS", 0.2)
    with opened(shop) as source, target_of(shop) as first:
        schema = source.introspect(["public"])
        first.prepare(schema, MAPPING, run_info("first", source), replace=False)
        with pytest.raises(TargetRefused, match="another run of dbsynth is writing the schema dev") as refused:
            clone(shop, shop, MAPPING, run="second")
        assert refused.value.transient
        clone(shop, shop, {"public": "dev2"}, run="third")  # another target: no business of the first
        copy_rows(source, schema, first)
        first.finish(lambda _: None)
        first.publish()
    assert execute("select count(*) from dev.orders") == [(2,)]
    assert execute("select count(*) from dev2.orders") == [(2,)]
    clone(shop, shop, MAPPING, run="second")


def test_rows_can_be_written_from_another_connection(shop: str, execute: Execute) -> None:
    with opened(shop) as source, target_of(shop) as main, target_of(shop) as worker:
        schema = source.introspect(["public"])
        run = run_info("shared", source)
        with pytest.raises(InternalError, match="is gone"):
            worker.attach(schema, MAPPING, run)
        main.prepare(schema, MAPPING, run, replace=False)
        worker.attach(schema, MAPPING, run)
        copy_rows(source, schema, worker)
        with pytest.raises(InternalError, match="not prepared"):
            worker.publish()
        main.finish(lambda _: None)
        main.publish()
    assert execute("select count(*) from dev.orders") == [(2,)]


def test_a_reader_of_the_old_target_is_not_disturbed(
    shop: str, execute: Execute, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("dbsynth_postgresql.building.DROP_SECONDS", 0.1)
    monkeypatch.setattr("dbsynth_postgresql.building.DROP_WAIT", "100ms")
    clone(shop, shop, MAPPING)
    with psycopg.connect(conninfo(shop)) as reader:
        reader.execute("declare c cursor for select * from dev.orders")
        with caplog.at_level(logging.WARNING):
            clone(shop, shop, MAPPING, run="new")
        assert "the next run clears it away" in caplog.text
        assert len(reader.execute("fetch all from c").fetchall()) == 2
        assert len(scratch_schemas(shop)) == 1
    clone(shop, shop, MAPPING, run="newer")
    assert scratch_schemas(shop) == []


def test_schemas_that_only_look_like_ours_stay(shop: str, execute: Execute) -> None:
    execute("create schema dev__building_x; comment on schema dev__building_x is 'mine'; create schema y__old_z")
    clone(shop, shop, MAPPING)
    assert scratch_schemas(shop) == ["dev__building_x", "y__old_z"]


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_grants_and_owners_are_kept(shop: str, execute: Execute, lent: Callable[..., str]) -> None:
    for role in ("chief", "reader", "writer"):
        lent(role)
    clone(shop, shop, MAPPING)
    execute("""
        grant usage on schema dev to reader; grant usage, create on schema dev to chief with grant option;
        grant select on dev.orders to reader; grant select, insert on dev.orders to writer with grant option;
        grant update (amount) on dev.orders to reader; grant select on dev.customer to public;
        grant usage on sequence dev.customer_id_seq to writer;
        revoke usage on type dev.state from public;
        alter default privileges in schema dev grant select on tables to reader;
        alter default privileges for role chief in schema dev grant execute on functions to writer;
        alter table dev.customer owner to chief; alter schema dev owner to chief
    """)
    facts = """
        select relname, relacl::text, relowner::regrole::text from pg_class
            where relnamespace = 'dev'::regnamespace and relkind in ('r', 'S') and relname <> 'extra'
        union all select attname, attacl::text, '' from pg_attribute
            where attrelid = 'dev.orders'::regclass and attacl is not null
        union all select nspname, nspacl::text, nspowner::regrole::text from pg_namespace where nspname = 'dev'
        union all select typname, typacl::text, typowner::regrole::text from pg_type
            where typnamespace = 'dev'::regnamespace and typtype = 'e'
        union all select defaclrole::regrole::text, defaclacl::text, defaclobjtype::text from pg_default_acl
        order by 1, 2"""
    before = execute(facts)
    execute("create table public.extra (id int)")
    clone(shop, shop, MAPPING)
    assert execute(facts) == before
    assert execute("select has_table_privilege('reader', 'dev.extra', 'select')") == [(True,)]


def test_extensions_in_a_replaced_schema_move_along(postgres_url: str, shop: str, execute: Execute) -> None:
    execute("create extension citext schema public; create table words (w citext unique)")
    other = create_database(postgres_url, f"{make_url(shop).database}_other")
    try:
        clone(shop, other)
        clone(shop, other, run="again")
        with psycopg.connect(conninfo(other)) as connection:
            connection.execute("insert into public.words values ('Ab')")
            assert connection.execute("select count(*) from public.words where w = 'aB'").fetchone() == (1,)
        assert scratch_schemas(other) == []
    finally:
        drop_database(other)


# --- rows -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def prepared(shop: str) -> Iterator[tuple[object, str]]:
    with opened(shop) as source, target_of(shop) as target:
        target.prepare(source.introspect(), MAPPING, run_info("r", source), replace=False)
        yield target, shop
        target.discard()
    assert scratch_schemas(shop) == []


ORDERS, CUSTOMER = TableName("public", "orders"), TableName("public", "customer")


def orders(amount: list[str | None], state: list[str | None], customer: list[int | None]) -> pa.RecordBatch:
    batch = pa.RecordBatch.from_pydict({"id": list(range(len(amount))), "customer": customer, "state": state})
    return batch.append_column("amount", pa.array(amount).cast(pa.decimal128(38, 2)))


@pytest.mark.parametrize(
    ("batch", "error", "said"),
    [
        (orders(["1"], ["lost"], [1]), InternalError, 'invalid input value for enum .*state: "lost"'),
        (orders(["1000000"], ["new"], [1]), InternalError, "numeric field overflow"),
        (orders(["-1"], ["new"], [1]), UnsatisfiableConstraint, "orders_amount_check"),
        (orders(["1"], ["new"], [None]), UnsatisfiableConstraint, 'null value in column "customer"'),
        (orders(["1"], ["new"], [1]).drop_columns(["state"]), InternalError, "other columns than it: state"),
        (orders(["1"], ["new\0"], [1]), InternalError, "invalid byte sequence"),
    ],
    ids=["enum", "overflow", "check", "null", "column missing", "zero byte"],
)
def test_a_row_that_does_not_fit_names_its_table(
    prepared: tuple[object, str], batch: pa.RecordBatch, error: type[Exception], said: str
) -> None:
    target, _ = prepared
    with pytest.raises(error, match=rf"table public\.orders.*{said}"):
        target.load(ORDERS, [batch])
    assert target.load(ORDERS, [orders(["1"], ["new"], [1])]) == 1  # the connection is as good as before


def test_an_error_of_the_generator_writes_nothing(prepared: tuple[object, str], execute: Execute) -> None:
    target, _ = prepared

    def batches() -> Iterator[pa.RecordBatch]:
        yield orders(["1"], ["new"], [1])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        target.load(ORDERS, batches())
    ((name,),) = execute("select nspname from pg_namespace where nspname ~ '__building_'")
    assert execute(f'select count(*) from "{name}".orders') == [(0,)]


def test_a_foreign_key_that_does_not_hold_names_the_constraint(prepared: tuple[object, str]) -> None:
    target, _ = prepared
    target.load(ORDERS, [orders(["1"], ["new"], [77])])
    seen: list[str] = []
    with pytest.raises(UnsatisfiableConstraint, match=r"orders_customer_fkey of table public\.orders.*77"):
        target.finish(seen.append)
    assert "constraint orders_pkey of table public.orders" in seen


def test_the_database_judges_rows(prepared: tuple[object, str]) -> None:
    target, _ = prepared
    batch = orders(["-1", "5", None], ["new", None, "paid"], [None, 2, 3])
    tests = ["amount > 0", "state = 'paid'::public.state", "customer > 2 and amount::text <> '%s'"]
    assert target.rejected(ORDERS, tests, batch).tolist() == [
        [True, True, False],
        [False, False, True],
        [False, False, False],
    ]
    assert target.rejected(ORDERS, [], batch).shape == (3, 0)
    assert target.rejected(ORDERS, tests, batch.slice(0, 0)).shape == (0, 3)


def test_domains_and_generated_columns_are_judged_too(database: str, execute: Execute) -> None:
    execute("""
        create domain public.grade as int not null check (value between 1 and 6);
        create table public.pupil (g public.grade, n int, twice int generated always as (g * 2) stored,
            thrice int generated always as (n * 3) virtual)
    """)
    with opened(database) as source, target_of(database) as target:
        schema = source.introspect()
        target.prepare(schema, MAPPING, run_info("r", source), replace=False)
        (pupil,) = schema.tables
        tests = [c.expression for c in pupil.checks] + ["twice < 4", "thrice < 4"]
        batch = pa.RecordBatch.from_pydict({c: pa.array([0, 1, 2, None], pa.int64()) for c in "gn"})
        found = target.rejected(pupil.name, tests, batch)
        target.discard()
    assert found.any(axis=1).tolist() == [True, False, True, True]
    assert found[:, -2:].tolist() == [[False, False], [False, False], [True, True], [False, False]]


def test_rows_without_columns(database: str, execute: Execute) -> None:
    execute("create table public.nothing ()")
    with opened(database) as source, target_of(database) as target:
        target.prepare(source.introspect(), MAPPING, run_info("r", source), replace=False)
        batch = pa.RecordBatch.from_struct_array(pa.array([{}] * 3, pa.struct([])))
        assert target.load(TableName("public", "nothing"), [batch]) == 3
        target.finish(lambda _: None)
        target.publish()
    assert execute("select count(*) from dev.nothing") == [(3,)]


def test_a_foreign_key_to_a_table_that_is_left_out(shop: str) -> None:
    with opened(shop) as source, target_of(shop) as target:
        schema = source.introspect()
        part = type(schema)(tuple(t for t in schema if t.name == ORDERS), schema.types, schema.sequences)
        with pytest.raises(UnsupportedSource, match=r"orders_customer_fkey .* refers to public\.customer"):
            target.prepare(part, MAPPING, run_info("r", source), replace=False)


def test_sequences_go_past_the_last_key(database: str, execute: Execute) -> None:
    execute("""
        create sequence public.shared; create sequence public.down increment -1; create domain public.key as int;
        create table public.a (
            id public.key primary key default nextval('public.shared'), d int default nextval('down'));
        create table public.b (id bigint primary key default nextval('public.shared'), s smallserial);
        create table public.late (id int generated always as identity (start 1000) primary key);
        insert into public.a values (5, -7); insert into public.b values (9, 3);
        insert into public.late overriding system value values (12);
    """)
    clone(database, database, MAPPING)
    assert execute("insert into dev.a default values returning id, d") == [(10, -8)]
    assert execute("insert into dev.b default values returning id, s") == [(11, 4)]
    assert execute("insert into dev.late default values returning id") == [(1000,)]
