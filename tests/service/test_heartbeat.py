"""A worker holds on to a job while its child publishes it, or somebody else takes it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import dbsynth_sql
import psycopg
import pytest
from serving import TINY, Execute, until

from dbsynth.service.queue import Beat, Job, Queue
from dbsynth.testing.embedded import conninfo

WAITS = "select 1 from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"


@pytest.fixture
def held(control: str, execute: Execute, as_role: Callable[..., object]) -> Iterator[tuple[Queue, Job]]:
    """A job that was claimed by hand, and the queue that it was claimed from."""
    execute(TINY)
    as_role("alice", "select dbsynth.clone('tiny', 'dev')")
    with psycopg.connect(conninfo(control), autocommit=True) as connection:
        queue = Queue(connection, "by hand", timedelta(seconds=30))
        claim = queue.claim(())
        assert claim is not None
        yield queue, claim.job


def beat_during(control: str, execute: Execute, queue: Queue, job: Job, statement: str, **given: Any) -> Beat:
    """A heartbeat that waits for the transaction of ``statement``."""
    beats: list[Beat] = []
    with psycopg.connect(conninfo(control)) as other:
        other.execute(statement.encode(), given)
        beating = threading.Thread(target=lambda: beats.append(queue.heartbeat(job)))
        beating.start()
        until(lambda: execute(WAITS, queue.connection.info.backend_pid), "the heartbeat waits")
        other.commit()
    beating.join()
    return beats[0]


def test_a_job_that_is_being_published_is_not_lost(control: str, execute: Execute, held: tuple[Queue, Job]) -> None:
    queue, job = held
    assert queue.heartbeat(job) == Beat(held=True, cancelled=False, published=False)
    publish = dbsynth_sql.read("service", "publish")
    beat = beat_during(control, execute, queue, job, publish, id=job.id, token=job.token, run=job.run)
    assert beat == Beat(held=False, cancelled=False, published=True)


def test_a_job_that_is_being_taken_over_is_lost(control: str, execute: Execute, held: tuple[Queue, Job]) -> None:
    queue, job = held
    steal = "update dbsynth.job set lease = gen_random_uuid() where id = %(id)s"
    beat = beat_during(control, execute, queue, job, steal, id=job.id)
    assert beat == Beat(held=False, cancelled=False, published=False)


def test_a_job_that_is_being_cancelled_is_held_until_its_end(
    control: str, execute: Execute, held: tuple[Queue, Job]
) -> None:
    queue, job = held
    cancel = "select dbsynth.cancel(%(id)s)"
    assert beat_during(control, execute, queue, job, cancel, id=job.id) == Beat(True, True, False)


def test_who_waits_for_a_job_sleeps(control: str, execute: Execute, held: tuple[Queue, Job]) -> None:
    """Without a deadline too."""
    job = held[1]
    with psycopg.connect(conninfo(control), autocommit=True) as waiting:
        caller = threading.Thread(target=lambda: waiting.execute("call dbsynth.wait(%s)", (job.id,)))
        caller.start()
        sleeps = "select 1 from pg_stat_activity where pid = %s and wait_event = 'PgSleep'"
        try:
            until(lambda: execute(sleeps, waiting.info.backend_pid), "the wait sleeps")
        finally:
            execute("update dbsynth.job set state = 'done', lease = null")
            caller.join()
