"""The control schema: made, and brought to every version from every other, with jobs in it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from serving import SHOP, Execute, Serving
from sqlalchemy.engine import make_url

from dbsynth.cli import main
from dbsynth.dialect import connect
from dbsynth.errors import PermissionDenied, TargetRefused, UsageError
from dbsynth.service import install

Role = Callable[..., list[tuple[Any, ...]]]
OBJECTS = """
    select 'column', c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), c.relacl::text,
        a.attacl::text
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'dbsynth'::regnamespace and c.relname !~ '^alembic'
    union all
    select 'routine', p.proname, pg_get_functiondef(p.oid), '', p.proacl::text, '' from pg_proc p
    where p.pronamespace = 'dbsynth'::regnamespace
    union all
    select 'constraint', c.conname, pg_get_constraintdef(c.oid), conrelid::regclass::text, '', '' from pg_constraint c
    where c.connamespace = 'dbsynth'::regnamespace and conname !~ '^alembic'
    union all
    select 'trigger', t.tgname, pg_get_triggerdef(t.oid), '', '', '' from pg_trigger t where not t.tgisinternal
    union all
    select 'policy', p.policyname, p.tablename, p.cmd, p.qual, p.with_check from pg_policies p
    union all
    select 'rule', r.kind, r.name, r.type, concat_ws(' ', r.least, r.most, r.above), r.pattern
    from dbsynth.option_rule r
    order by 1, 2, 3, 4"""


def test_every_version_is_reached_from_every_other(database: str, execute: Execute) -> None:
    url = make_url(database)
    versions = install.versions()
    assert versions == ["0001", "0002", "0003", "0004", "0005"]
    assert install.installed(url) is None
    fresh = {}
    for version in versions:
        assert install.upgrade(url, version) == version
        fresh[version] = execute(OBJECTS)
        install.uninstall(url)
        assert execute("select count(*) from pg_namespace where nspname = 'dbsynth'") == [(0,)]
    assert install.upgrade(url) == versions[-1]
    for here, there in permutations(versions, 2):
        (install.upgrade if install.installed(url) in (None, *versions[: versions.index(here)]) else install.downgrade)(
            url, here
        )
        assert execute(OBJECTS) == fresh[here]
        (install.upgrade if here < there else install.downgrade)(url, there)
        assert execute(OBJECTS) == fresh[there]
    assert install.downgrade(url, "base") is None


def test_jobs_stay_in_the_queue(database: str, execute: Execute, as_role: Role, serve: Callable[..., Serving]) -> None:
    url = make_url(database)
    execute(SHOP)
    install.downgrade(url, "0001")
    options = '{"strategy": "independent", "tables": ["customer"]}'
    for n in range(4):
        as_role("alice", f"select dbsynth.clone('shop', 'dev{n}', '{options}')")
    as_role("alice", "select dbsynth.cancel(4)")
    execute("update dbsynth.job set state = 'running', lease = gen_random_uuid(), worker = 'old',"
            " lease_until = now() + interval '1 hour' where id = 2")  # fmt: skip
    before = execute("select id, caller, source, target, options, enqueued_at from dbsynth.job order by id")
    install.upgrade(url)
    assert execute("select state from dbsynth.job order by id") == [
        ("queued",),
        ("queued",),
        ("queued",),
        ("cancelled",),
    ]
    install.downgrade(url, "0001")
    install.upgrade(url)
    assert execute("select id, caller, source, target, options, enqueued_at from dbsynth.job order by id") == before
    worker = serve("--drain")
    for n in (1, 2, 3):
        as_role("alice", f"call dbsynth.wait({n})")
        assert as_role("alice", f"select count(*) from dev{n - 1}.customer") == [(40,)]
    assert worker.process.wait(100) == 0
    assert execute("select job, count(*) from dbsynth.run group by job order by job") == [(1, 1), (2, 1), (3, 1)]


def test_what_is_not_ours_is_left_alone(database: str, execute: Execute) -> None:
    url = make_url(database)
    execute("create schema dbsynth; create table dbsynth.mine (id int)")
    with pytest.raises(TargetRefused, match="is not the control schema"):
        install.upgrade(url)
    execute("drop table dbsynth.mine")
    assert install.upgrade(url) == install.newest()
    with pytest.raises(UsageError, match="no version '9999'"):
        install.upgrade(url, "9999")
    source = connect(url)
    assert source.introspect().tables == ()  # the control tables are nobody's source
    source.close()


def test_who_may_not_install_is_told_what_is_missing(control: str) -> None:
    with pytest.raises(PermissionDenied, match="control schema cannot be changed"):
        install.upgrade(make_url(control).set(username="carol"))
    with pytest.raises(PermissionDenied, match="control schema cannot be changed"):
        install.downgrade(make_url(control).set(username="carol"), "0001")


def test_the_command_line(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dbsynth.toml").write_text(f'[connections.shop]\nurl = "{database}"\n')

    def said(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, list(arguments))
        assert done.exit_code == code, done.output
        return done.output.strip()

    assert said("install-sql", "shop", "--show") == "there is no control schema"
    assert "has no control schema" in said("serve", "shop", code=2)
    assert said("install-sql", "shop") == "the control schema is of version 0005 now"
    assert said("install-sql", database) == "version 0005: nothing to do"
    assert (
        said("install-sql", "shop", "--downgrade", "0002") == "the control schema is of version 0002 now, was of 0005"
    )
    assert "is of version 0002, this worker is made for 0005" in said("serve", "shop", code=2)
    assert said("install-sql", "shop", "--show") == "version 0002, newest 0005"
    assert "give one" in said("install-sql", "shop", "--show", "--uninstall", code=2)
    assert "the roles" in said("install-sql", "shop", "--uninstall")
    assert "lives in a PostgreSQL database" in said("install-sql", "duckdb:///x.duckdb", code=2)
