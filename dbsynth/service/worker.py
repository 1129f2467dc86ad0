"""The worker: one loop that claims a job, hands it to the child, holds on to it, and writes down how it ended.

It waits for three things at once: a notification that there is a job (or that one is to be cancelled), a word of the
child, a signal. Each turn does what is due and decides by the database alone: whoever loses the connection, or the job,
finds out, and the child's publishing does too.
"""

from __future__ import annotations

import os
import random
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import structlog
from dbsynth_postgresql.building import clear_dead_runs
from dbsynth_postgresql.connection import make_engine
from dbsynth_postgresql.session import Session
from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from dbsynth.dialect import connect
from dbsynth.errors import ConnectionFailed, DbsynthError, UsageError
from dbsynth.service.install import newest, served
from dbsynth.service.kept import Kept
from dbsynth.service.models import known_models
from dbsynth.service.monitor import Answers, Monitor
from dbsynth.service.process import Process
from dbsynth.service.queue import CHANNEL, NOW, Job, Outcome, Queue, told

log = structlog.get_logger("dbsynth")
LOST = (psycopg.OperationalError, psycopg.InterfaceError, ConnectionFailed)
"""What the driver raises when a connection is gone."""

KEPT_SECONDS = 60.0
"""Between two looks for what was kept for jobs that other workers have ended, or died with."""
CLEARING = 6.0
"""Seconds within which the server has noticed that a process is gone."""


@dataclass(frozen=True)
class Settings:
    """``lease``: seconds after which the job of a worker that is not heard of is anybody's. ``beat``: between two
    heartbeats; a cancelled job is noticed within, even where the notification is lost. ``poll``: between two looks into
    the queue without a notification. ``grace``: for the running job when the worker is to stop. ``retry``: before the
    second attempt, doubled for each further one. ``port`` None: no health and no metrics. ``state``: where it is kept
    what jobs have learned, None: nowhere."""

    url: URL
    models: Path | None = None
    state: Path | None = None
    config: Path | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    workers: int | None = None
    lease: float = 30.0
    beat: float = 1.0
    poll: float = 5.0
    grace: float = 20.0
    retry: float = 10.0
    drain: bool = False
    log_json: bool = True
    verbose: bool = False
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")


@dataclass
class Running:
    """The job that the child does. ``tasks``: tables that changed since they were written down."""

    job: Job
    began: float
    beat: float
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    last: tuple[Outcome, str | None, timedelta, bool] | None = None
    """How it ended, where that is not written down yet."""


class Worker:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.monitor = Monitor(settings.name)
        self.answers: Answers | None = None
        self._engine: Engine = make_engine(settings.url, read_only=False)
        self._session: Session | None = None
        self._queue: Queue | None = None
        self._kept: Kept | None = None
        self._child: Process | None = None
        self._running: Running | None = None
        self._stopping = 0
        self._stop_at = float("inf")
        self._clear_until = 0.0
        self._due: dict[str, float] = {}
        self._connect_tries = self._child_ends = 0
        self._listening, self._waker = socket.socketpair()
        self._listening.setblocking(False)
        self._waker.setblocking(False)

    # --- from start to end ----------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Until SIGTERM or Ctrl-C (with ``drain``: until nothing waits). Raises UsageError where the control schema is
        missing or of another version, or the port is taken, PermissionDenied where the user is no worker,
        ConnectionFailed where there is no database at the start."""
        try:
            self._check_version()
            if self.settings.port is not None:
                self.answers = Answers(self.monitor, self.settings.host, self.settings.port)
                log.info("listening", host=self.settings.host, port=self.answers.port)
            log.info("worker started", worker=self.settings.name, database=self.settings.url.database)
            with self._signals():
                while not self._turn():
                    self._wait()
        finally:
            self._end()
        log.info("worker stopped", worker=self.settings.name)

    def _check_version(self) -> None:
        found = served(self.settings.url)
        if found != newest():
            raise UsageError(
                "the database has no control schema" if found is None
                else f"the control schema is of version {found}, this worker is made for {newest()}",
                hint="dbsynth install-sql URL makes it, or brings it to the newest version",
            )  # fmt: skip

    def _turn(self) -> bool:
        """Do what is due; True when there is nothing more to do."""
        self._keep_child()
        try:
            self._hear()
            if self._connected():
                self._work()
            overdue = self._stopping > 1 or time.monotonic() >= self._stop_at
            if self._stopping and self._running is not None and overdue:
                self._give_back()
        except LOST as error:
            self._lost(error)
        self.monitor.turn(ready=self._queue is not None and not self._stopping, busy=self._running is not None)
        return bool(self._stopping) and self._running is None

    @property
    def _free(self) -> bool:
        return self._running is None and self._child is not None and not self._stopping

    def _wait(self) -> None:
        """For a word of the child or the database, a signal, or the next thing that is due."""
        now = time.monotonic()
        # Not for what has to wait for something else than time: a job in hand, a child, a connection.
        if self._queue is None:
            waits = set(self._due) - {"connect", "child"}
        else:
            waits = {what for what, can in (("claim", self._free), ("clear", self._running is None)) if not can}
        due = [moment for what, moment in self._due.items() if what not in waits]
        until = min([*due, self._stop_at, now + self.settings.poll])
        with selectors.DefaultSelector() as selector:
            selector.register(self._listening, selectors.EVENT_READ)
            if self._child is not None:
                selector.register(self._child, selectors.EVENT_READ)
            if self._session is not None and not self._session.driver.closed:
                selector.register(self._session.driver.fileno(), selectors.EVENT_READ)
            selector.select(max(until - now, 0))
        with suppress(BlockingIOError):
            self._listening.recv(64)

    def _end(self) -> None:
        if self._running is not None:  # an error of ours, or a second signal
            with suppress(*LOST, psycopg.Error, DbsynthError):
                self._give_back()
        if self._child is not None:
            self._child.stop()
        if self._queue is not None:
            with suppress(*LOST, psycopg.Error):
                self._queue.enter_models({})
        if self._session is not None:
            self._session.close()
        self._engine.dispose()
        if self.answers is not None:
            self.answers.close()
        self._listening.close()
        self._waker.close()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(number: int, _: object) -> None:
            self._stopping += 1
            self._stop_at = min(self._stop_at, time.monotonic() + self.settings.grace)

        before = {s: signal.signal(s, stop) for s in (signal.SIGTERM, signal.SIGINT)}
        old = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old)
            for number, handler in before.items():
                signal.signal(number, handler)

    # --- the connection -------------------------------------------------------------------------------------------

    def _connected(self) -> bool:
        if self._queue is not None:
            return True
        if not self._is_due("connect"):
            return False
        session = Session(self._engine, "worker")
        # Policies decide what is seen of the control tables; sources are read in other sessions.
        session.settle({"row_security": "on"})
        session.driver.execute(f"listen {CHANNEL}".encode())
        self._session = session
        self._queue = Queue(session.driver, self.settings.name, timedelta(seconds=self.settings.lease))
        if self.settings.state is not None:
            self._kept = Kept(self.settings.state, identity(self.settings.url))
        self._connect_tries = 0
        self._due.pop("connect", None)
        for what in ("claim", "models", "clear", "counts", "kept"):
            self._due[what] = 0.0
        return True

    def _lost(self, error: Exception) -> None:
        """The child goes on: what it publishes is decided by the database."""
        session, self._session, self._queue = self._session, None, None
        if session is not None:
            with suppress(Exception):
                session.close()
            self.monitor.reconnects.inc()
        self._connect_tries += 1
        pause = random.uniform(0.5, 1.0) * min(30.0, 0.5 * 2 ** min(self._connect_tries, 10))
        self._due["connect"] = time.monotonic() + pause
        log.warning("no connection", error=type(error).__name__, again_in=round(pause, 1), tries=self._connect_tries)

    def _is_due(self, what: str, again: float | None = None) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        if again is not None:
            self._due[what] = now + again
        return True

    # --- a turn ---------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        assert self._queue is not None
        assert self._session is not None
        heard = False
        for _ in self._session.driver.notifies(timeout=0):
            heard = True
        if self._running is not None:
            self._hold(self._running, at_once=heard)
        elif heard:
            self._due["claim"] = 0.0
        if self._is_due("models", 30.0):
            self._queue.enter_models(known_models(self.settings.models))
        if self._is_due("counts", 5.0):
            for state, number in self._queue.counts().items():
                self.monitor.queue.labels(state).set(number)
        if self._is_due("kept", KEPT_SECONDS) and self._kept is not None:
            jobs = self._kept.jobs()
            self._kept.clear(self._queue.open_among(jobs) if jobs else {})
        pause = 1.0 if time.monotonic() < self._clear_until else self.settings.lease
        if self._running is None and self._is_due("clear", pause):
            clear_dead_runs(self._session)
        if self._free and self._is_due("claim", self.settings.poll):
            self._claim()

    def _hold(self, running: Running, *, at_once: bool) -> None:
        assert self._queue is not None
        if running.changed:
            self._queue.progress(running.job, [_task(name, running.tables[name]) for name in sorted(running.changed)])
            running.changed.clear()
        if running.last is not None:
            outcome, error, delay, counted = running.last
            self._queue.settle(running.job, outcome, error, delay, counted=counted)
            self._finished(running, outcome)
            return
        if not at_once and time.monotonic() < running.beat:
            return
        running.beat = self._due["beat"] = time.monotonic() + self.settings.beat
        beat = self._queue.heartbeat(running.job)
        if beat.cancelled:
            self._end_child()
            self._settle(running, "cancelled")
        elif not beat.held and not beat.published:
            log.warning("job lost", job=running.job.id)
            self._end_child()
            self._finished(running, "lost")

    def _claim(self) -> None:
        assert self._queue is not None
        claim = self._queue.claim(known_models(self.settings.models))
        if claim is None:
            if self.settings.drain:
                self._stopping = 1
            return
        job = claim.job
        self._due["claim"] = 0.0  # there may be another
        log.info("job claimed", job=job.id, kind=job.kind, attempt=job.attempt, taken_over=claim.taken_over)
        if claim.taken_over:
            self.monitor.taken_over.inc()
            self._clear_soon()
            if claim.lost_run is not None:
                self._queue.end_sessions(claim.lost_run)
        now = time.monotonic()
        running = self._running = Running(job, now, now + self.settings.beat)
        try:
            self._queue.check(job)
        except DbsynthError as error:
            self._settle(running, "failed", told(error))
            return
        assert self._child is not None
        self._child.start(job, None if self._kept is None else self._kept.of(job.id, claim.asked_at))

    def _hear(self) -> None:
        """What the child says."""
        if self._child is None:
            return
        for message in self._child.messages():
            if self._running is not None:
                self._message(self._running, message)
        if (code := self._child.ended()) is not None:
            self._child.stop()
            self._child = None
            self._child_ends += 1
            self._due["child"] = time.monotonic() + min(30.0, 0.25 * 2 ** min(self._child_ends, 10))
            log.warning("child ended", code=code)
            self._clear_soon()
            if self._running is not None and self._running.last is None:
                self._failed(self._running, f"the process that did the job ended with {code}", transient=True)

    def _message(self, running: Running, message: dict[str, Any]) -> None:
        match message["event"]:
            case "started":
                self._soon(lambda queue: queue.named(running.job, message["name"]))
            case "table":
                running.tables[message["table"]] = {"rows": message["rows"], "strategy": message["strategy"]}
                running.changed.add(message["table"])
            case "resumed":
                self._soon(lambda queue: queue.resumed(running.job))
                for name in message["tables"]:
                    running.tables[name]["resumed"] = True
                    running.changed.add(name)
            case "step":
                table = running.tables.setdefault(message["table"], {})
                # Of a table that is taken over rows are read only for those under it, perhaps after it is loaded.
                if not (table.get("resumed") and message["step"] == "extract"):
                    table["step"] = message["step"]
                table["seconds"] = table.get("seconds", 0.0) + message.get("seconds", 0.0)
                running.changed.add(message["table"])
            case "done":
                self._child_ends = 0
                self.monitor.rows.inc(message["rows"])
                self._soon(lambda queue: self._write_down(queue, running, message["rows"]))
                self._finished(running, "done")
            case "failed":
                self._failed(running, message["error"], transient=message["transient"])

    def _write_down(self, queue: Queue, running: Running, rows: int) -> None:
        queue.progress(running.job, [_task(name, table) for name, table in sorted(running.tables.items())])
        queue.made(running.job, rows)

    def _soon(self, action: Callable[[Queue], None]) -> None:
        """Something that is good to know and decides nothing."""
        if self._queue is not None:
            try:
                action(self._queue)
            except LOST as error:
                self._lost(error)

    # --- how a job ends -------------------------------------------------------------------------------------------

    def _failed(self, running: Running, error: str, *, transient: bool) -> None:
        job = running.job
        if not transient or job.last:
            self._settle(running, "failed", error)
            return
        delay = self.settings.retry * 2 ** (job.attempt - 1) * random.uniform(0.75, 1.25)
        self._settle(running, "retried", error, timedelta(seconds=delay))

    def _give_back(self) -> None:
        """The worker stops: the job is another's."""
        assert self._running is not None
        self._end_child()
        self._settle(self._running, "released", counted=False)

    def _settle(
        self,
        running: Running,
        outcome: Outcome,
        error: str | None = None,
        delay: timedelta = NOW,
        *,
        counted: bool = True,
    ) -> None:
        """Written down now, or when there is a connection again: until then nobody else has the job, or it is not ours
        any more and writing does nothing."""
        running.last = outcome, error, delay, counted
        if self._queue is None:
            if self._stopping:
                self._finished(running, outcome)
            return
        self._queue.settle(running.job, outcome, error, delay, counted=counted)
        self._finished(running, outcome, error)

    def _finished(self, running: Running, outcome: str, error: str | None = None) -> None:
        job, seconds = running.job, time.monotonic() - running.began
        self._running = None
        self._due.pop("beat", None)
        self._due["claim"] = self._due["kept"] = 0.0
        self.monitor.jobs.labels(job.kind, outcome).inc()
        self.monitor.seconds.labels(job.kind).observe(seconds)
        log.info("job ended", job=job.id, outcome=outcome, seconds=round(seconds, 3), error=error)

    # --- the child ------------------------------------------------------------------------------------------------

    def _keep_child(self) -> None:
        """A child is started before there is a job for it: loading what it needs takes seconds. One that ends by itself
        is followed by another later each time."""
        if self._child is None and not self._stopping and self._is_due("child"):
            self._due.pop("child", None)
            given = self.settings
            self._child = Process(
                {
                    "url": given.url.render_as_string(hide_password=False),
                    "models": None if given.models is None else str(given.models),
                    "config": None if given.config is None else str(given.config),
                    "workers": given.workers,
                    "log_json": given.log_json,
                    "verbose": given.verbose,
                }
            )

    def _clear_soon(self) -> None:
        """What a process that was killed has made: again and again for a while, for the server may not have noticed its
        end yet, and holds its locks."""
        self._due["clear"], self._clear_until = 0.0, time.monotonic() + CLEARING

    def _end_child(self) -> None:
        """With what it has made, and what it could not take away in time."""
        if self._child is not None:
            self._child.stop()
            self._child = None
        self._clear_soon()
        if self._session is not None:
            clear_dead_runs(self._session)


def _task(name: str, table: dict[str, Any]) -> tuple[str, str | None, int | None, str | None, float, bool]:
    told = table.get("step"), table.get("rows"), table.get("strategy"), table.get("seconds", 0.0)
    return name, *told, table.get("resumed", False)


def identity(url: URL) -> str:
    """Of the database, by whatever name of its host it is reached."""
    database = connect(url)
    try:
        return database.identity()
    except DBAPIError as error:
        raise ConnectionFailed("the connection was lost", transient=True) from error
    finally:
        database.close()
