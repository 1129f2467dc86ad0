"""Many jobs, several workers, and sudden death: every job is done, and once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from serving import SCRATCH, TINY, Execute, Serving, until

from dbsynth.service.queue import Claim, Queue
from dbsynth.testing.embedded import conninfo

JOBS, TARGETS = 200, 40
ASK = """select dbsynth.clone('tiny', 'dev' || g %% %s, '{"strategy": "independent", "rows": {"t": 5}}')
    from generate_series(1, %s) g"""
DONE = "select count(*) from dbsynth.job where state = 'done'"
BUSY = "select 1 from dbsynth.job where state = 'running' and worker = %s"
OUTCOMES = "select outcome, count(*) from dbsynth.run group by outcome order by outcome"
MARKS = """select count(*), count(distinct obj_description(oid, 'pg_namespace')::jsonb #>> '{dbsynth,run}')
    from pg_namespace where nspname ~ '^dev'"""
LAST = """select count(*) from pg_namespace n where nspname ~ '^dev' and obj_description(oid, 'pg_namespace')::jsonb
    #>> '{dbsynth,run}' = (select r.name from dbsynth.run r join dbsynth.job j on j.id = r.job
        where j.target = n.nspname and r.outcome = 'done' order by r.ended_at desc limit 1)"""
WAITS = "select 1 from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"


def test_a_claim_sees_the_one_made_at_the_same_moment(
    control: str, execute: Execute, as_role: Callable[..., object]
) -> None:
    execute(TINY)
    for target in ("dev", "dev", "other"):
        as_role("alice", "select dbsynth.clone('tiny', %s)", target)
    lease = timedelta(seconds=30)
    claims: list[Claim | None] = []
    with psycopg.connect(conninfo(control)) as first, psycopg.connect(conninfo(control), autocommit=True) as second:
        first.execute("select")  # a transaction around that of the claim
        earlier = Queue(first, "first", lease).claim(())
        claiming = threading.Thread(target=lambda: claims.append(Queue(second, "second", lease).claim(())))
        claiming.start()
        pid = second.info.backend_pid
        until(lambda: not claiming.is_alive() or execute(WAITS, pid), "the second claim waits, or has a job")
        first.commit()
        claiming.join()
    assert [claim and (claim.job.id, claim.job.target) for claim in (earlier, *claims)] == [(1, "dev"), (3, "other")]


def test_two_hundred_jobs_three_workers_two_killed(
    execute: Execute, as_role: Callable[..., object], serve: Callable[..., Serving]
) -> None:
    execute(TINY)
    as_role("alice", ASK, TARGETS, JOBS)
    chance = random.Random(7)
    workers = [serve("--drain", "--lease", "2") for _ in range(3)]
    for victim, kill in ((0, "kill_all"), (1, "kill")):
        at = chance.randrange(20, 80) + 60 * victim
        until(lambda n=at: execute(DONE)[0][0] >= n, f"{at} jobs are done")  # type: ignore[misc]
        # with a job in its hands
        name = workers[victim].events("worker started")[0]["worker"]
        until(lambda n=name: execute(BUSY, n), f"{name} has a job")  # type: ignore[misc]
        getattr(workers[victim], kill)()
    until(lambda: execute(DONE) == [(JOBS,)], "all jobs are done")
    assert workers[2].process.wait(100) == 0
    outcomes = dict(execute(OUTCOMES))
    assert outcomes["done"] == JOBS
    assert set(outcomes) <= {"done", "lost", "retried"}
    assert execute("select count(distinct job) from dbsynth.run where outcome = 'done'") == [(JOBS,)]
    # Each target is what the last job that it was made by published, and nothing is left beside them.
    assert execute(MARKS) == [(TARGETS, TARGETS)]
    assert execute(LAST) == [(TARGETS,)]
    assert execute(SCRATCH) == []
    assert execute("select count(*) from dev0.t") == [(5,)]


def test_a_caller_cannot_keep_the_workers_from_claiming(as_role: Callable[..., object]) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role("alice", "begin; lock table dbsynth.job in share update exclusive mode")
