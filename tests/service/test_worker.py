"""What a worker does with jobs: clones, cancels, takes over, stops, tells."""

from __future__ import annotations

import os
import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from serving import SCRATCH, SHOP, TINY, Execute, Serving, until
from sqlalchemy.engine import make_url

from dbsynth.cli import main

Role = Callable[..., list[tuple[Any, ...]]]
Serve = Callable[..., Serving]
QUICK = '{"strategy": "independent"}'
LONG = '{"effort": "thorough"}'
STATES = "select state from dbsynth.job order by id"
BIG = """
    create schema big;
    create table big.t (id int primary key, a float8, b float8, c text, d date);
    insert into big.t select g, random(), random() * g, md5((g % 50)::text), date '2020-01-01' + g % 900
    from generate_series(1, 4000) g;
    grant usage on schema big to alice; grant select on big.t to alice;
"""


def test_a_clone_belongs_to_who_asked(control: str, execute: Execute, as_role: Role, serve: Serve) -> None:
    execute(SHOP)
    as_role("alice", f"select dbsynth.clone('shop', 'dev', '{QUICK[:-1]}, \"scale\": 0.5, \"seed\": 7}}')")
    worker = serve("--drain")
    as_role("alice", "call dbsynth.wait(1)")
    assert as_role("alice", "select count(*) from dev.customer") == [(20,)]
    assert as_role("alice", "select count(*) from dev.orders o join dev.customer c on c.id = o.customer") == [(40,)]
    owners = "select distinct relowner::regrole::text from pg_class where relnamespace = 'dev'::regnamespace"
    assert execute(owners) == [("alice",)]
    as_role("alice", "drop schema dev cascade")
    assert worker.process.wait(60) == 0
    assert as_role("alice", "select outcome, attempt, rows from dbsynth.runs") == [("done", 1, 60)]
    assert as_role("alice", "select table_name, step, rows from dbsynth.tasks order by 1") == [
        ("shop.customer", "load", 20),
        ("shop.orders", "load", 40),
    ]


def test_a_clone_is_made_again_in_place_of_ones_own(execute: Execute, as_role: Role, serve: Serve) -> None:
    execute(TINY)
    serve()
    for n in (1, 2):
        as_role("alice", f"select dbsynth.clone('tiny', 'dev', '{QUICK}')")
        as_role("alice", f"call dbsynth.wait({n})")
    # Grants on it are kept, and nobody else may replace it.
    as_role("alice", "grant usage on schema dev to carol")
    as_role("alice", f"select dbsynth.clone('tiny', 'dev', '{QUICK}'); ")
    as_role("alice", "call dbsynth.wait(3)")
    assert execute("select has_schema_privilege('carol', 'dev', 'usage'), nspowner::regrole::text"
                   " from pg_namespace where nspname = 'dev'") == [(True, "alice")]  # fmt: skip
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="belongs to alice"):
        as_role("bob", f"select dbsynth.clone('tiny', 'dev', '{QUICK}')")
    assert execute(SCRATCH) == []


def test_a_job_that_trains_is_cancelled(execute: Execute, as_role: Role, serve: Serve) -> None:
    execute(BIG)
    as_role("alice", f"select dbsynth.clone('big', 'dev', '{LONG}')")
    as_role("alice", f"select dbsynth.clone('big', 'dev2', '{LONG}')")
    worker = serve("--workers", "1")
    until(lambda: as_role("alice", "select 1 from dbsynth.tasks where step = 'train'"), "the training begins")
    assert as_role("alice", "select dbsynth.cancel(2), dbsynth.cancel(1)") == [("cancelled", "running")]
    with pytest.raises(psycopg.errors.RaiseException, match="job 1 cancelled"):
        as_role("alice", "call dbsynth.wait(1)")
    assert as_role("alice", "select outcome from dbsynth.runs") == [("cancelled",)]
    assert execute(SCRATCH + " or nspname ~ '^dev'") == []
    # The worker has a new child, and goes on.
    execute(TINY)
    as_role("alice", f"select dbsynth.clone('tiny', 'dev', '{QUICK}')")
    as_role("alice", "call dbsynth.wait(3)")
    assert worker.stop() == 0


@pytest.mark.parametrize("how", ["kill", "kill_all"])
def test_the_job_of_a_dead_worker_is_taken_over(execute: Execute, as_role: Role, serve: Serve, how: str) -> None:
    execute(BIG)
    as_role("alice", f"select dbsynth.clone('big', 'dev', '{LONG}')")
    first = serve("--workers", "1")
    until(lambda: execute(SCRATCH), "the target is being built")
    execute('update dbsynth.job set options = \'{"strategy": "independent"}\'')  # the second attempt is a quick one
    getattr(first, how)()
    second = serve()
    as_role("alice", "call dbsynth.wait(1)")
    assert as_role("alice", "select attempt, outcome from dbsynth.runs order by 1") == [(1, "lost"), (2, "done")]
    until(lambda: not execute(SCRATCH), "what the dead run left is cleared away")
    assert second.events("job claimed")[0]["taken_over"] is True


def test_a_worker_that_lost_its_job_publishes_nothing(execute: Execute, as_role: Role, serve: Serve) -> None:
    execute(TINY)
    as_role("alice", f"select dbsynth.clone('tiny', 'dev', '{QUICK}')")
    worker = serve("--lease", "600")
    until(lambda: execute("select 1 from dbsynth.job where state = 'running'"), "the job is claimed")
    os.kill(worker.process.pid, signal.SIGSTOP)  # no heartbeat; the child goes on
    thief = "update dbsynth.job set lease = gen_random_uuid(), lease_until = clock_timestamp() + interval '1 hour'"
    if execute(thief + " where state = 'running' returning id") == []:
        pytest.skip("the job was quicker than the test")
    until(lambda: not execute(SCRATCH + " union all select 'x' from pg_stat_activity"
                              " where application_name ~ '^dbsynth [0-9a-f]{8}$'"), "the child gives up")  # fmt: skip
    os.kill(worker.process.pid, signal.SIGCONT)
    until(lambda: worker.events("job ended") or worker.events("job lost"), "the worker notices")
    assert execute("select count(*) from pg_namespace where nspname = 'dev'") == [(0,)]
    assert execute(STATES) == [("running",)]  # it is the thief's


def test_a_worker_stops_when_its_job_is_done_or_gives_it_back(execute: Execute, as_role: Role, serve: Serve) -> None:
    execute(TINY + BIG)
    as_role("alice", f"select dbsynth.clone('tiny', 'dev', '{QUICK}')")
    patient = serve("--grace", "200")
    until(lambda: execute("select 1 from dbsynth.job where state <> 'queued'"), "the job is claimed")
    assert patient.stop() == 0
    assert execute(STATES) == [("done",)]
    as_role("alice", f"select dbsynth.clone('big', 'dev2', '{LONG}')")
    hasty = serve("--grace", "0.1", "--workers", "1")
    until(lambda: execute(SCRATCH), "the target is being built")
    assert hasty.stop() == 0
    assert execute(STATES) == [("done",), ("queued",)]
    assert execute("select attempts from dbsynth.job where id = 2") == [(0,)]
    assert as_role("alice", "select outcome from dbsynth.runs where job = 2") == [("released",)]
    assert execute(SCRATCH) == []


def test_errors_are_told_without_rows_or_passwords(execute: Execute, as_role: Role, serve: Serve) -> None:
    execute(SHOP + "create table shop.secret (id int); insert into shop.secret values (4711)")
    as_role("alice", 'select dbsynth.clone(\'shop\', \'dev\', \'{"exclude": ["secret"], "rows": {"order_*": 5}}\')')
    as_role("alice", "select dbsynth.clone('shop', 'dev', '{\"tables\": [\"*\"]}')")  # secret among them
    serve()
    for job, said in ((1, "option rows order_.: no such table"), (2, "secret")):
        with pytest.raises(psycopg.errors.RaiseException, match=f"job {job} failed: .*{said}.*DBS-"):
            as_role("alice", f"call dbsynth.wait({job})")
    assert execute("select count(*) from dbsynth.run where error ~ '4711'") == [(0,)]
    assert execute(STATES) == [("failed",), ("failed",)]
    assert execute("select attempts from dbsynth.job") == [(1,), (1,)]  # trying again would not help


def test_a_job_that_kills_its_process_is_not_tried_forever(execute: Execute, as_role: Role, serve: Serve) -> None:
    execute(BIG)
    as_role("alice", f"select dbsynth.clone('big', 'dev', '{LONG}')")
    worker = serve("--retry", "0.1", "--workers", "1")
    trains = "select 1 from dbsynth.task t join dbsynth.run r on r.id = t.run where r.attempt = %s and step = 'train'"
    for attempt in (1, 2, 3):
        until(partial(execute, trains, attempt), f"attempt {attempt} trains")
        os.kill(worker.child(), signal.SIGKILL)
    with pytest.raises(psycopg.errors.RaiseException, match="ended with -9"):
        as_role("alice", "call dbsynth.wait(1)")
    outcomes = as_role("alice", "select outcome from dbsynth.runs order by attempt")
    assert outcomes == [("retried",), ("retried",), ("failed",)]
    until(lambda: not execute(SCRATCH), "what the killed runs left is cleared away")


def test_a_lost_connection_is_made_again(execute: Execute, as_role: Role, serve: Serve) -> None:
    execute(TINY)
    worker = serve()
    sessions = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'dbsynth worker'"
    until(lambda: execute(sessions), "the worker is connected")
    until(lambda: worker.events("no connection"), "the worker notices")
    as_role("alice", f"select dbsynth.clone('tiny', 'dev', '{QUICK}')")
    as_role("alice", "call dbsynth.wait(1)")


def test_what_a_worker_cannot_start_with_is_told(control: str, tmp_path: Path) -> None:
    def said(*options: str, user: str = "worker", code: int = 2) -> str:
        url = make_url(control).set(username=user).render_as_string(hide_password=False)
        done = CliRunner().invoke(main, ["serve", url, "--drain", *options])
        assert done.exit_code == code, done.output
        return " ".join(done.output.split())

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"cannot listen on port {port} of 127.0.0.1: Address already in use" in said("--port", port)
    assert "cannot listen on port 0 of no.such.host.invalid" in said("--port", "0", "--host", "no.such.host.invalid")
    assert f"--models {tmp_path / 'nosuch'}: there is no such folder" in said("--models", str(tmp_path / "nosuch"))
    for user in ("alice", "carol"):
        told = said(user=user, code=3)
        assert "may not serve jobs: permission denied" in told
        assert f'GRANT dbsynth_worker TO "{user}"' in told


def test_health_and_metrics(execute: Execute, as_role: Role, serve: Serve) -> None:
    execute(TINY)
    worker = serve("--port", "0")
    port = until(lambda: worker.events("listening"), "the worker listens")[0]["port"]

    def get(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            return str(answer.read().decode())

    def ready() -> bool:
        try:
            return get("/readyz") == "ok\n"
        except urllib.error.HTTPError as error:
            with error:
                return False

    until(ready, "the worker is ready")
    assert get("/healthz") == "ok\n"
    as_role("alice", f"select dbsynth.clone('tiny', 'dev', '{QUICK}')")
    as_role("alice", "call dbsynth.wait(1)")
    done = r'^dbsynth_jobs_total\{kind="clone",outcome="done"\} 1.0$'
    until(lambda: re.search(done, get("/metrics"), re.MULTILINE), "the job is counted")
    assert "\ndbsynth_rows_total 40.0\n" in get("/metrics")
    with pytest.raises(urllib.error.HTTPError, match="404") as missing:
        get("/")
    missing.value.close()
