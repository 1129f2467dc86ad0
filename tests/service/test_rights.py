"""Nobody gets more through the worker than he has himself, whatever the worker may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import errors
from serving import SHOP, TINY, Execute, Serving

Role = Callable[..., list[tuple[Any, ...]]]
QUICK = '{"strategy": "independent"}'
ASK = f"select dbsynth.clone('tiny', 'dev', '{QUICK}')"


def refused(as_role: Role, role: str, statement: str, *, by: type[psycopg.Error] = errors.InsufficientPrivilege) -> str:
    with pytest.raises(by) as raised:
        as_role(role, statement)
    return str(raised.value)


def test_only_members_may_ask(execute: Execute, as_role: Role) -> None:
    execute(TINY + "grant usage on schema tiny to carol; grant select on tiny.t to carol;")
    for statement in (ASK, "select dbsynth.status(1)", "select dbsynth.cancel(1)", "call dbsynth.wait(1)",
                      "select * from dbsynth.jobs", "select dbsynth.generate('m', 'dev')"):  # fmt: skip
        assert "permission denied for schema dbsynth" in refused(as_role, "carol", statement)
    # An administrator of the queue sees and cancels, and asks for nothing.
    assert "permission denied for table job" in refused(as_role, "boss", ASK)
    public = """select count(*) from pg_proc p, aclexplode(p.proacl) a
        where p.pronamespace = 'dbsynth'::regnamespace and a.grantee = 0"""
    assert execute(public) == [(0,)]
    definer = """select count(*) from pg_proc p where p.pronamespace = 'dbsynth'::regnamespace
        and (p.prosecdef or not coalesce(p.proconfig::text, '') ~ 'search_path=pg_catalog, pg_temp')"""
    assert execute(definer) == [(0,)]


def test_what_a_caller_may_not_read_or_make_is_refused(execute: Execute, as_role: Role) -> None:
    execute(TINY + "create schema closed; create table closed.t (id int); create table tiny.secret (id int);")
    assert "schema closed" in refused(as_role, "alice", "select dbsynth.clone('closed', 'dev')")
    execute("grant usage on schema closed to alice")
    assert "permission denied for t of schema closed" in refused(
        as_role, "alice", "select dbsynth.clone('closed', 'd')"
    )
    assert "permission denied for secret" in refused(as_role, "alice", ASK)
    assert as_role("alice", "select dbsynth.clone('tiny', 'dev', '{\"exclude\": [\"secret\"]}')") == [(4,)]
    execute("create schema theirs authorization bob")
    assert "belongs to bob" in refused(
        as_role, "alice", "select dbsynth.clone('tiny', 'theirs', '{\"tables\": [\"t\"]}')"
    )
    for target in ("dbsynth", "pg_catalog", "information_schema", "pg_mine", "tiny", "a__building_b", "a__old_b"):
        statement = f"select dbsynth.clone('tiny', '{target}', '{{\"tables\": [\"t\"]}}')"
        assert target in refused(as_role, "alice", statement, by=errors.InvalidParameterValue) or target == "tiny"
    for source in ("dbsynth", "pg_catalog", "information_schema"):
        refused(as_role, "alice", f"select dbsynth.clone('{source}', 'dev')", by=errors.InvalidParameterValue)
    execute("do $$ begin execute format('revoke create on database %I from alice', current_database()); end $$")
    assert "create schemas" in refused(as_role, "alice", "select dbsynth.clone('tiny', 'dev', '{\"tables\": [\"t\"]}')")


def test_names_that_are_wrong_are_told_when_a_job_is_asked_for(execute: Execute, as_role: Role) -> None:
    execute(SHOP)
    for source, near in (("nosuch", "a schema of this database"), ("", "a schema of this database"), ("shpo", "shop?")):
        with pytest.raises(errors.InvalidSchemaName, match=f'there is no schema "{source}"') as told:
            as_role("alice", "select dbsynth.clone(%s, 'dev')", source)
        assert near in (told.value.diag.message_hint or "")
    for options, said, near in (
        ('{"rows": {"order": 5}}', 'option rows: there is no table "order" in schema shop', "did you mean orders?"),
        ('{"rows": {"shop.orders": 5, "nosuch": 5}}', '"nosuch"', "there are: customer, orders"),
        ('{"tables": ["*", "public.orders"]}', "option tables", "there are: customer, orders"),
        ('{"exclude": ["customers"]}', "option exclude", "did you mean customer?"),
        ('{"keep": ["Customer"]}', "option keep", "did you mean customer?"),
    ):
        with pytest.raises(errors.UndefinedTable, match=said) as told:
            as_role("alice", "select dbsynth.clone('shop', 'dev', %s::jsonb)", options)
        assert told.value.diag.message_hint == near
    taken = (
        '{"rows": {"shop.orders": 5, "customer": 5}, "tables": ["ord*", "customer"], "keep": ["none"], "exclude": null}'
    )
    as_role("alice", "select dbsynth.clone('shop', 'dev', %s::jsonb)", taken)


def test_nobody_asks_in_the_name_of_another(execute: Execute, as_role: Role) -> None:
    execute(TINY)
    for column in ("caller", "caller_oid", "state", "lease", "enqueued_in", "attempts"):
        statement = f"insert into dbsynth.job (kind, source, target, {column}) values ('clone', 'tiny', 'dev', null)"
        assert "permission denied for table job" in refused(as_role, "alice", statement)
    for change in ("state = 'done'", "caller = 'bob'", "target = 'x'", "options = '{}'", "lease = null"):
        assert "permission denied" in refused(as_role, "alice", f"update dbsynth.job set {change}")
    assert "permission denied" in refused(as_role, "alice", "delete from dbsynth.job")
    assert "permission denied" in refused(as_role, "alice", "select lease from dbsynth.job")
    # What goes past the functions is checked all the same, and is whoever the server says.
    as_role("alice", "insert into dbsynth.job (kind, source, target) values ('clone', 'tiny', 'dev')")
    assert execute("select caller::text, state from dbsynth.job") == [("alice", "queued")]
    refused(as_role, "alice", "insert into dbsynth.job (kind, source, target) values ('clone', 'pg_catalog', 'x')",
            by=errors.InvalidParameterValue)  # fmt: skip
    # Someone who acts as another role asks as that role.
    as_role("worker", f"set role bob; {ASK}")
    assert execute("select caller::text from dbsynth.job order by id") == [("alice",), ("bob",)]


def test_jobs_of_others_are_neither_seen_nor_cancelled(execute: Execute, as_role: Role) -> None:
    execute(TINY)
    as_role("alice", ASK)
    for relation in ("jobs", "runs", "tasks", "job"):
        assert as_role("bob", f"select count(*) from dbsynth.{relation}") == [(0,)]
    for statement in ("select dbsynth.status(1)", "select dbsynth.cancel(1)", "call dbsynth.wait(1, '0 s')"):
        assert "you have no job 1" in refused(as_role, "bob", statement, by=errors.NoDataFound)
    as_role("bob", "update dbsynth.job set cancel_requested_at = now()")
    assert as_role("alice", "select state from dbsynth.status(1)") == [("queued",)]
    assert as_role("boss", "select caller::text, state from dbsynth.jobs") == [("alice", "queued")]
    assert as_role("boss", "select dbsynth.cancel(1)") == [("cancelled",)]


def test_rights_are_looked_at_again_when_the_job_runs(
    execute: Execute, as_role: Role, serve: Callable[..., Serving]
) -> None:
    execute(SHOP)
    ask = f"select dbsynth.clone('shop', 'dev%s', '{QUICK}')"
    for n in (1, 2, 3):
        as_role("alice", ask % n)
    as_role("bob", ask % 4)
    execute("revoke select on shop.orders from alice; revoke dbsynth_user from bob")
    worker = serve("--drain")
    assert worker.process.wait(240) == 0
    errors_of = execute("select state, error from dbsynth.job order by id")
    assert [state for state, _ in errors_of] == ["failed"] * 4
    assert all("permission denied for orders" in error for _, error in errors_of[:3])
    assert "bob is not a member of dbsynth_user" in errors_of[3][1]
    assert execute("select count(*) from pg_namespace where nspname ~ 'dev'") == [(0,)]
    execute("grant dbsynth_user to bob")


EVIL = """
    create schema mine;
    create function mine.take() returns boolean language plpgsql as
        $f$ begin reset role; alter role alice superuser; return true; end $f$;
    create function mine.taken(mine_row text) returns boolean language sql immutable as $f$ select mine.take() $f$;
"""
TRAPS = {
    "check": "create table mine.t (id int, constraint c check (mine.take()))",
    "domain": "create domain mine.d as int check (mine.take()); create table mine.t (id mine.d)",
    "generated": "create table mine.t (id int, x boolean generated always as (mine.taken(id::text)) stored)",
    "index": "create table mine.t (id int, n text); create index on mine.t (mine.taken(n))",
    "partial index": "create table mine.t (id int, n text); create index on mine.t (id) where mine.taken(n)",
    "partition": "create table mine.t (id int, n text) partition by list (mine.taken(n));"
    " create table mine.p partition of mine.t default",
    "sql in a builtin": "create table mine.t (id int, check (query_to_xml('select 1', true, true, '') is not null))",
    "settings": "create table mine.t (id int, check (set_config('role', 'none', false) is not null))",
    "files": "create table mine.t (id int, check (pg_read_file('/etc/passwd') is not null))",
    "quoted": 'create table mine.t (id int, check ("pg_catalog"."pg_sleep"(0)::text is not null))',
    "operator": "create function mine.eq(int, int) returns boolean language sql as 'select mine.take()';"
    " create operator mine.=== (function = mine.eq, leftarg = int, rightarg = int);"
    " create table mine.t (id int, check (id operator(mine.===) 1))",
    "cast": "create type mine.e as enum ('a'); create function mine.text(mine.e) returns text language sql as"
    " $f$ select case when mine.take() then 'a' end $f$; create cast (mine.e as text) with function mine.text(mine.e);"
    " create table mine.t (id int, e mine.e)",
}  # fmt: skip

ADMINISTRATORS = """
    create schema tools; grant usage on schema tools to alice;
    create function tools.small(int) returns boolean language sql immutable as 'select $1 < 1000';
    create function tools.run(text) returns boolean language plpgsql as $f$ begin execute $1; return true; end $f$;
"""
USES = """
    create schema mine; create table mine.t (id int primary key, constraint c check ({}));
    insert into mine.t select generate_series(1, 30);
"""


def test_functions_of_administrators_are_run_if_they_only_compute(
    execute: Execute, as_role: Role, serve: Callable[..., Serving]
) -> None:
    execute(ADMINISTRATORS)
    as_role("alice", USES.format("tools.small(id)"))
    as_role("alice", f"select dbsynth.clone('mine', 'dev', '{QUICK}')")
    as_role("alice", USES.replace("mine", "mine2").format("tools.run('select 1')"))
    as_role("alice", f"select dbsynth.clone('mine2', 'dev2', '{QUICK}')")
    assert serve("--drain").process.wait(240) == 0
    (one, two) = execute("select state, error from dbsynth.job order by id")
    assert one == ("done", None)
    assert two[0] == "failed"
    assert "tools.run, which is not IMMUTABLE and would run with the rights of the worker" in two[1]


@pytest.mark.parametrize("how", ["worker", "postgres"])
def test_code_of_the_caller_is_not_run_with_the_rights_of_the_worker(
    execute: Execute, as_role: Role, serve: Callable[..., Serving], how: str
) -> None:
    """Each trap tries to make alice a superuser, or to look where she may not, when the worker evaluates it."""
    for n, trap in enumerate(TRAPS.values()):
        schema = f"mine{n}"
        as_role("alice", f"{EVIL}{trap}".replace("mine", schema))
        as_role("alice", f"select dbsynth.clone('{schema}', 'dev{n}', '{QUICK}')")
    worker = serve("--drain", user=how)
    assert worker.process.wait(400) == 0
    found = dict(zip(TRAPS, execute("select state, error from dbsynth.job order by id"), strict=True))
    assert {name: state for name, (state, _) in found.items()} == dict.fromkeys(TRAPS, "failed")
    assert {name: error for name, (_, error) in found.items() if "rights of the worker" not in error} == {}
    assert execute("select rolsuper from pg_roles where rolname = 'alice'") == [(False,)]
    for n in range(len(TRAPS)):
        execute(f"drop schema mine{n} cascade")
