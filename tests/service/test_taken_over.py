"""A job whose worker is lost goes on with another one, and makes the rows that it would have made undisturbed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from serving import FAMILY, Execute, Serving, until

Role = Callable[..., list[tuple[Any, ...]]]
Serve = Callable[..., Serving]
LONG = '[tables."family.child"]\ntraining = { steps = 3000 }\n'
"""``child``, the last table that is trained, takes seconds."""
ASK = "select dbsynth.clone('family', '{0}', '{{\"seed\": 5, \"effort\": \"quick\"}}')"
ROWS = " union all ".join(
    f"select md5(string_agg(r::text, ',' order by r::text)) from {{0}}.{table} r" for table in ("parent", "child")
)
TRAINS = """select 1 from dbsynth.task t join dbsynth.run r on r.id = t.run
    where t.table_name = 'family.child' and t.step = 'train' and r.attempt = %s and r.job = 1"""
TASKS = (
    "select table_name, step, resumed from dbsynth.tasks where run = (select max(run) from dbsynth.tasks) order by 1"
)
RUNS = "select attempt, outcome, resumed from dbsynth.runs where job = 1 order by 1"
GOES_ON = [("family.child", "load", False), ("family.parent", "load", True)]


@pytest.fixture
def config(execute: Execute, tmp_path: Path) -> tuple[str, ...]:
    """Options of workers. There is a source."""
    execute(FAMILY)
    (tmp_path / "long.toml").write_text(LONG)
    return "--config", str(tmp_path / "long.toml"), "--grace", "0.1"


@pytest.fixture
def begun(execute: Execute, as_role: Role, serve: Serve, config: tuple[str, ...], tmp_path: Path) -> Serving:
    """A worker that has learned ``parent`` and trains ``child``."""
    as_role("alice", ASK.format("dev"))
    worker = serve(*config)
    until(lambda: execute(TRAINS, 1), "the last table is trained")
    assert len(list(tmp_path.glob("state/*/*/*/table-*"))) == 1
    return worker


def kept(state: Path) -> list[Path]:
    return list(state.glob("*/*"))


@pytest.fixture
def undisturbed(execute: Execute, as_role: Role) -> Callable[[], bool]:
    """Whether the rows are those of a job that nothing disturbs. A worker waits for it."""

    def same() -> bool:
        as_role("alice", ASK.format("other"))
        as_role("alice", "call dbsynth.wait(2)")
        assert as_role("alice", "select attempt from dbsynth.runs where job = 2") == [(1,)]
        return execute(ROWS.format("dev")) == execute(ROWS.format("other"))

    return same


def test_a_job_goes_on_after_a_kill(
    begun: Serving,
    as_role: Role,
    serve: Serve,
    config: tuple[str, ...],
    tmp_path: Path,
    undisturbed: Callable[[], bool],
) -> None:
    begun.kill_all()
    second = serve(*config)
    as_role("alice", "call dbsynth.wait(1)")
    assert as_role("alice", RUNS) == [(1, "lost", False), (2, "done", True)]
    assert as_role("alice", TASKS) == GOES_ON
    (line,) = second.events("job goes on")
    assert (line["job"], line["learned"]) == (1, ["family.parent"])
    assert [line["table"] for line in second.events("table learned")] == ["family.child"]
    until(lambda: not kept(tmp_path / "state"), "what was kept is removed")
    assert undisturbed()


def test_a_hung_worker_and_its_heir_are_not_in_each_others_way(
    begun: Serving,
    execute: Execute,
    as_role: Role,
    serve: Serve,
    config: tuple[str, ...],
    tmp_path: Path,
    undisturbed: Callable[[], bool],
) -> None:
    both = begun.child(), begun.process.pid
    for process in both:
        os.kill(process, signal.SIGSTOP)
    serve(*config)
    until(lambda: execute(TRAINS, 2), "the heir trains")
    os.kill(both[0], signal.SIGCONT)  # the child trains beside the heir, and keeps what it learns
    as_role("alice", "call dbsynth.wait(1)")
    os.kill(both[1], signal.SIGCONT)
    assert as_role("alice", RUNS) == [(1, "lost", False), (2, "done", True)]
    until(lambda: begun.events("job lost") or begun.events("job ended"), "the hung worker notices")
    assert undisturbed()
    until(lambda: not kept(tmp_path / "state"), "what was kept is removed")


def test_a_job_that_is_given_back_goes_on(
    begun: Serving, as_role: Role, serve: Serve, config: tuple[str, ...], tmp_path: Path
) -> None:
    assert begun.stop() == 0
    assert len(kept(tmp_path / "state")) == 1
    serve(*config)
    as_role("alice", "call dbsynth.wait(1)")
    assert as_role("alice", RUNS) == [(1, "released", False), (1, "done", True)]
    assert as_role("alice", TASKS) == GOES_ON


def test_another_machine_begins_anew(
    begun: Serving,
    execute: Execute,
    as_role: Role,
    serve: Serve,
    config: tuple[str, ...],
    tmp_path: Path,
) -> None:
    begun.kill_all()
    second = serve(*config, "--state", str(tmp_path / "elsewhere"))
    as_role("alice", "call dbsynth.wait(1)")
    assert as_role("alice", RUNS) == [(1, "lost", False), (2, "done", False)]
    assert {resumed for _, _, resumed in as_role("alice", TASKS)} == {False}
    assert second.events("job begins anew")[0]["job"] == 1
    assert len(kept(tmp_path / "state")) == 1
    serve("--drain")  # a worker that sees the folder of the dead one
    until(lambda: not kept(tmp_path / "state"), "what a job left that ended elsewhere is removed")


def test_what_is_kept_of_a_cancelled_job_is_removed(begun: Serving, as_role: Role, tmp_path: Path) -> None:
    as_role("alice", "select dbsynth.cancel(1)")
    with pytest.raises(psycopg.errors.RaiseException, match="job 1 cancelled"):
        as_role("alice", "call dbsynth.wait(1)")
    until(lambda: not kept(tmp_path / "state"), "what was kept is removed")
    assert begun.stop() == 0


def test_a_source_that_changed_is_begun_anew_once(
    begun: Serving, execute: Execute, as_role: Role, serve: Serve, config: tuple[str, ...]
) -> None:
    begun.kill_all()
    execute("alter table family.parent add column more int not null default 7")
    second = serve(*config)
    as_role("alice", "call dbsynth.wait(1)")
    assert as_role("alice", RUNS) == [(1, "lost", False), (2, "done", False)]
    (line,) = second.events("what was kept is dropped")
    assert "another schema" in line["reason"]
    assert as_role("alice", "select count(more) from dev.parent") == [(300,)]
