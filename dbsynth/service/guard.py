"""What stands between a job and the database while its target is made with the rights of the worker: nothing that
others wrote is run with those rights, and only the worker that holds the job publishes, for a caller who still may."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import dbsynth_sql
from dbsynth_postgresql.ddl import Ddl
from dbsynth_postgresql.grants import give
from dbsynth_postgresql.requalify import tokens
from dbsynth_postgresql.session import Session

from dbsynth.errors import PermissionDenied, TargetRefused
from dbsynth.service.queue import Job, ask, check_target


class JobGuard:
    """Implements ``dbsynth_postgresql.guard.Guard``."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def before_anything(self, session: Session, ddl: Ddl) -> None:
        """The building schemas belong to the worker, so that no one changes them; what is evaluated in them is looked
        at before any of it is."""
        places = {r: about for text, about in ddl.evaluated() for r in ddl.requalify.outside(text)}
        found = _asked(
            session,
            "untrusted",
            schemas=[r.schema for r in places],
            names=[r.name for r in places],
            caller=self.job.caller,
        )
        if found:
            name, reason = found[0]
            about = next(about for r, about in places.items() if str(r) == name)
            raise PermissionDenied(
                f"{about} uses {name}, which {reason} and would run with the rights of the worker",
                hint="leave the table out, have an administrator make it, IMMUTABLE and in a schema of his, "
                "or clone by command line",
            )
        calls = {name: about for text, about in ddl.evaluated() for name in called(text)}
        unsafe = _asked(session, "unsafe_builtins", names=list(calls))
        if unsafe:
            name = str(unsafe[0][0])
            raise PermissionDenied(
                f"{calls[name]} calls {name}(), which does more than compute, with the rights of the worker",
                hint="leave the table out, or clone by command line",
            )

    def before_swap(self, session: Session, targets: Sequence[str]) -> None:
        """In one transaction with the swap: the job is done when its target is there, and not before."""
        job = self.job
        with session.doing(f"publishing job {job.id}"):
            session.driver.execute("set local row_security = on")
        ask(session.driver, job)
        for target in targets:  # a model of several schemas makes several
            check_target(session.driver, job, target)
        if not _asked(session, "publish", id=job.id, token=job.token, run=job.run):
            raise TargetRefused(
                f"job {job.id} was cancelled or taken over by another worker", hint="nothing was published"
            )
        with session.doing(f"publishing job {job.id}"):
            session.driver.execute("set local row_security = off")

    def after_swap(self, session: Session, targets: Sequence[str]) -> None:
        caller = str(session.scalar("select pg_get_userbyid(%s)", self.job.caller))
        for target in targets:
            give(session, target, caller)


def called(text: str) -> set[str]:
    """The names in front of an opening parenthesis: of functions, and of words that are none."""
    parts = [t for t in tokens(text) if t.kind not in ("space", "comment")]
    return {
        (part.text[1:-1] if part.kind == "quoted" else part.text.lower())
        for part, following in pairwise(parts)
        if part.kind in ("word", "quoted") and following.text == "("
    }


def _asked(session: Session, name: str, **parameters: object) -> list[tuple[object, ...]]:
    with session.doing("looking at the job"):
        cursor = session.driver.execute(dbsynth_sql.read("service", name).encode(), parameters)
        return cursor.fetchall() if cursor.description else []
