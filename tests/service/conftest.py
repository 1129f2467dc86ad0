"""A database with the control schema and two callers, and workers that end with their test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from serving import Execute, Serving
from sqlalchemy.engine import make_url

from dbsynth.service import install
from dbsynth.testing.embedded import conninfo

ROLES = """do $$
declare r text;
begin
    foreach r in array array['alice', 'bob', 'carol', 'boss', 'worker'] loop
        if not exists (select from pg_roles where rolname = r) then execute format('create role %I login', r); end if;
    end loop;
    grant dbsynth_user to alice, bob;
    grant dbsynth_admin to boss;
    grant dbsynth_worker, alice, bob to worker;
    execute format('grant create on database %I to alice, bob, worker', current_database());
end
$$"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers of a test keep what jobs have learned in a folder of their own."""
    monkeypatch.setenv("DBSYNTH_STATE", str(tmp_path / "state"))


@pytest.fixture
def control(database: str, execute: Execute) -> str:
    """The URL of a database with the control schema. alice and bob may ask for jobs, carol may not, boss sees all;
    worker is no superuser."""
    install.upgrade(make_url(database))
    execute(ROLES)
    return database


@pytest.fixture
def as_role(control: str) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """``as_role("alice", sql, ...)``: rows of a statement that alice runs, in a session of hers."""
    with contextlib.ExitStack() as sessions:
        opened: dict[str, psycopg.Connection[Any]] = {}

        def run(role: str, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
            if role not in opened:
                url = make_url(control).set(username=role).render_as_string(hide_password=False)
                opened[role] = sessions.enter_context(psycopg.connect(conninfo(url), autocommit=True))
            cursor = opened[role].execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

        yield run


@pytest.fixture
def serve(control: str, tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """``serve("--port", "0")``: a worker; ``user``: whom it connects as."""
    started: list[Serving] = []

    def start(*options: str, user: str = "worker") -> Serving:
        url = make_url(control).set(username=user).render_as_string(hide_password=False)
        started.append(Serving(url, tmp_path / f"worker{len(started)}.log", *options))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            with contextlib.suppress(Exception):
                worker.kill_all()
