"""What a worker says to the control tables: claim a job, hold it, give it back, say how far it is."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, LiteralString
from uuid import UUID

import dbsynth_sql
import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from dbsynth.console.redact import redact
from dbsynth.errors import DbsynthError, PermissionDenied, UsageError

CHANNEL = "dbsynth_job"
NOW = timedelta()
MAX_ERROR = 2000
"""Characters of an error that are kept."""
Outcome = Literal["failed", "retried", "released", "cancelled"]
STATES = {"failed": "failed", "retried": "queued", "released": "queued", "cancelled": "cancelled"}


@dataclass(frozen=True)
class Job:
    """A job that this worker holds. ``token``: the lease; whoever takes the job over gets another. ``run``: the row of
    this attempt. ``source``: a schema, or of a job that generates the name of a model."""

    id: int
    kind: str
    source: str
    target: str
    options: Mapping[str, Any]
    caller: int
    caller_name: str
    seed: int
    token: UUID
    attempt: int
    most_attempts: int
    run: int

    @property
    def last(self) -> bool:
        return self.attempt >= self.most_attempts


@dataclass(frozen=True)
class Claim:
    """``lost_run``: what the run of the worker that was lost is called, if it came so far."""

    job: Job
    asked_at: datetime
    taken_over: bool
    lost_run: str | None


@dataclass(frozen=True)
class Beat:
    """Whether the job is still ours, is to be cancelled, and has been published by us."""

    held: bool
    cancelled: bool
    published: bool


class Queue:
    """``connection``: in autocommit mode, of a member of ``dbsynth_worker``. ``lease``: for how long a job is held
    without a heartbeat. Raises psycopg's errors: a connection that is lost is the worker's business."""

    def __init__(self, connection: psycopg.Connection[Any], worker: str, lease: timedelta) -> None:
        self.connection, self.worker, self.lease = connection, worker, lease

    def _rows(self, name: str, **parameters: object) -> list[dict[str, Any]]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(dbsynth_sql.read("service", name).encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def claim(self, models: Iterable[str]) -> Claim | None:
        """The oldest job that waits or whose worker is lost; now it is this worker's."""
        with self.connection.transaction():
            self.connection.execute(dbsynth_sql.read("service", "alone").encode())
            self._rows("expire")
            rows = self._rows(
                "claim", worker=self.worker, lease=self.lease, models=list(models), seed=secrets.randbits(32)
            )
        if not rows:
            return None
        row = rows[0]
        job = Job(
            id=row["id"],
            kind=row["kind"],
            source=row["source"],
            target=row["target"],
            options=row["options"],
            caller=row["caller_oid"],
            caller_name=row["caller_name"],
            seed=row["seed"],
            token=row["lease"],
            attempt=row["attempts"],
            most_attempts=row["most_attempts"],
            run=row["run"],
        )
        return Claim(job, row["enqueued_at"], row["taken_over"], row["lost_run"])

    def heartbeat(self, job: Job) -> Beat:
        if held := self._rows("heartbeat", id=job.id, token=job.token, lease=self.lease):
            return Beat(held=True, cancelled=held[0]["cancelled"], published=False)
        # Asked in a statement of its own: that one may have waited for the lock of the child that publishes, and it saw
        # everything but the job as it was before.
        done = self.connection.execute(
            "select exists (select from dbsynth.run where id = %s and outcome = 'done')", (job.run,)
        ).fetchone()
        return Beat(held=False, cancelled=False, published=done == (True,))

    def check(self, job: Job) -> None:
        """Whether the caller may still ask for it, and this worker act for him. Raises an error of dbsynth."""
        ask(self.connection, job)
        right = "SET" if self.connection.info.server_version >= 160000 else "MEMBER"
        row = self.connection.execute(
            "select pg_has_role(session_user, %s::oid, %s), session_user", (job.caller, right)
        ).fetchone()
        assert row is not None
        if not row[0]:
            raise PermissionDenied(
                f"the worker's user {row[1]} may not act for {job.caller_name}",
                hint=f'GRANT "{job.caller_name}" TO "{row[1]}"',
            )
        if job.kind == "clone" and (casts := self._rows("casts", source=job.source)):
            first = casts[0]
            raise PermissionDenied(
                f"reading type {first['type']} would run a cast of {first['owner']} with the rights of the worker",
                hint="drop the cast, or have an administrator own its function",
            )

    def settle(
        self,
        job: Job,
        outcome: Outcome,
        error: str | None = None,
        delay: timedelta = NOW,
        *,
        counted: bool = True,
    ) -> bool:
        """The end of an attempt that published nothing; False where the job is not ours any more. ``delay``: before
        another. ``counted`` False: it was not the job's fault."""
        rows = self._rows(
            "settle",
            id=job.id,
            token=job.token,
            run=job.run,
            state=STATES[outcome],
            outcome=outcome,
            error=None if error is None else error[:MAX_ERROR],
            delay=delay,
            uncounted=0 if counted else 1,
        )
        return bool(rows)

    def named(self, job: Job, name: str) -> None:
        """It begins; a second time in the same attempt where what it went on from was of no use."""
        self.connection.execute("update dbsynth.run set name = %s, resumed = false where id = %s", (name, job.run))

    def resumed(self, job: Job) -> None:
        """It goes on from what an earlier attempt has learned."""
        self.connection.execute("update dbsynth.run set resumed = true where id = %s", (job.run,))

    def progress(self, job: Job, tasks: Iterable[tuple[str, str | None, int | None, str | None, float, bool]]) -> None:
        """``tasks``: table, step, rows, strategy, seconds, whether it was learned by an earlier attempt."""
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "insert into dbsynth.task as t (run, table_name, step, rows, strategy, seconds, resumed)"
                " values (%s, %s, %s, %s, %s, %s, %s) on conflict (run, table_name) do update"
                " set step = excluded.step, rows = coalesce(excluded.rows, t.rows),"
                " strategy = coalesce(excluded.strategy, t.strategy), seconds = excluded.seconds,"
                " resumed = excluded.resumed",
                [(job.run, *task) for task in tasks],
            )

    def made(self, job: Job, rows: int) -> None:
        self.connection.execute("update dbsynth.run set rows = %s where id = %s", (rows, job.run))

    def end_sessions(self, run: str) -> None:
        """Of a worker that was lost: they may still hold the lock on the target."""
        self.connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = %s and usename = session_user and pid <> pg_backend_pid()",
            (f"dbsynth {run}",),
        )

    def counts(self) -> dict[str, int]:
        """Jobs that wait, and that run."""
        rows = self.connection.execute(
            "select state, count(*) from dbsynth.job where state in ('queued', 'running') group by state"
        ).fetchall()
        return {"queued": 0, "running": 0, **dict(rows)}

    def open_among(self, jobs: Iterable[int]) -> dict[int, datetime]:
        """Of ``jobs`` those that have not ended, with when they were asked for."""
        rows = self.connection.execute(
            "select id, enqueued_at from dbsynth.job where state in ('queued', 'running') and id = any (%s)",
            (list(jobs),),
        ).fetchall()
        return dict(rows)

    def enter_models(self, models: Mapping[str, tuple[str, int, int]]) -> None:
        """Say which models this worker has: name -> digest, bytes, tables. Those it has no more are taken out."""
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute(
                "delete from dbsynth.model where (worker = %s and name <> all (%s))"
                " or seen_at < clock_timestamp() - interval '5 minutes'",  # of a worker that is gone
                (self.worker, list(models)),
            )
            cursor.executemany(
                "insert into dbsynth.model (name, worker, digest, bytes, tables) values (%s, %s, %s, %s, %s)"
                " on conflict (name, worker) do update set digest = excluded.digest, bytes = excluded.bytes,"
                " tables = excluded.tables, seen_at = clock_timestamp()",
                [(name, self.worker, *facts) for name, facts in models.items()],
            )


def ask(connection: psycopg.Connection[Any], job: Job) -> None:
    """Let the control schema say once more whether the job may be done. Raises UsageError or PermissionDenied."""
    given = (job.caller, job.kind, job.source, job.target, json.dumps(job.options))
    _checked(connection, "select dbsynth.check_job(%s::oid, %s, %s, %s, %s::text::jsonb)", given)


def check_target(connection: psycopg.Connection[Any], job: Job, target: str) -> None:
    """Whether who asked for ``job`` may make, or replace, the schema ``target``. Raises as ``ask``."""
    _checked(connection, "select dbsynth.check_target(%s::oid, %s)", (job.caller, target))


def _checked(connection: psycopg.Connection[Any], call: LiteralString, given: tuple[object, ...]) -> None:
    try:
        connection.execute(call, given)
    except errors.InsufficientPrivilege as error:
        raise PermissionDenied(error.diag.message_primary or "", hint=error.diag.message_hint or "") from None
    except (errors.DataError, errors.ProgrammingError, errors.InternalError) as error:
        raise UsageError(error.diag.message_primary or "", hint=error.diag.message_hint or "") from None


def told(error: DbsynthError) -> str:
    """What is kept of an error: code, message and hint, no traceback."""
    return redact(f"{error.message} [{error.code}]" + (f" ({error.hint})" if error.hint else ""))[:MAX_ERROR]


def write_job(job: Job, kept: Path | None) -> str:
    """``kept``: the folder of what attempts at the job have learned, if there is a place for it."""
    told = {**asdict(job), "token": str(job.token)}
    return json.dumps({"job": told, "kept": None if kept is None else str(kept)})


def read_job(line: str) -> tuple[Job, Path | None]:
    found = json.loads(line)
    job = Job(**{**found["job"], "token": UUID(found["job"]["token"])})
    return job, None if found["kept"] is None else Path(found["kept"])
