"""Schemas that a run builds or has swapped out: their names, the marks on them, and how dead runs are cleared away.

A run holds a session lock (``pg_advisory_lock``) from ``prepare`` to the end; the server lets go of it when the process
ends, in whatever way. The comment of each schema of its making names the lock: who can take it knows the run is dead.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Sequence

import psycopg
from psycopg import errors

from dbsynth.dialect import RunInfo
from dbsynth_postgresql.introspect import query
from dbsynth_postgresql.names import BUILDING, OLD, ident, literal
from dbsynth_postgresql.session import Session, application_name, retried

LOG = logging.getLogger(__name__)
LONGEST = 63
"""Bytes in a name."""
MARK = "dbsynth_building"
DROP_WAIT = "2s"
DROP_SECONDS = 20.0


def scratch_name(target: str, run_id: str, kind: str = BUILDING) -> str:
    """The name of a schema beside ``target``, unique to the run even where it has to be cut."""
    suffix = f"{kind}{run_id}"
    if len(suffix) > 40:
        suffix = f"{kind}{hashlib.blake2b(run_id.encode(), digest_size=8).hexdigest()}"
    name = f"{target}{suffix}"
    if len(name.encode()) <= LONGEST:
        return name
    digest = hashlib.blake2b(target.encode(), digest_size=4).hexdigest()
    room = LONGEST - len(suffix.encode()) - len(digest) - 1
    return f"{target.encode()[:room].decode(errors='ignore')}_{digest}{suffix}"


def lock_key(purpose: str, name: str) -> int:
    """A key for advisory locks: 64 bits, signed."""
    digest = hashlib.blake2b(f"dbsynth {purpose} {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def run_lock(run: RunInfo) -> int:
    return lock_key("run", run.run_id)


def building_comment(run: RunInfo, target: str) -> str:
    return json.dumps({MARK: {"run": run.run_id, "lock": run_lock(run), "target": target}})


def target_comment(run: RunInfo) -> str:
    """What says later that dbsynth made the schema, and from what."""
    made = {"version": run.version, "run": run.run_id, "seed": run.seed, "source": run.source, **run.details}
    return json.dumps({"dbsynth": made}, default=str)


def comment_on_schema(name: str, comment: str) -> str:
    return f"COMMENT ON SCHEMA {ident(name)} IS {literal(comment)}"


def try_lock(session: Session, key: int) -> bool:
    return bool(session.scalar("SELECT pg_try_advisory_lock(%s)", key))


def clear_dead_runs(session: Session) -> None:
    """Drop what runs left behind that are not alive any more."""
    with session.doing("looking for what dead runs left behind"):
        rows = query(session.connection, "building_schemas", building=BUILDING, old=OLD)
    runs: dict[tuple[int, str], list[str]] = defaultdict(list)
    for row in rows:
        mark = _mark(row["comment"])
        if mark is None:
            continue
        if row["droppable"]:
            runs[mark].append(row["name"])
        else:
            LOG.warning("schema %s of run %s belongs to %s and is left alone", row["name"], mark[1], row["owner"])
    for (lock, run_id), names in runs.items():
        if not try_lock(session, lock):
            continue
        try:
            # A process of that run may have outlived its master, and still write.
            session.scalar(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = %s AND usename = current_user AND pid <> pg_backend_pid()",
                application_name(run_id),
            )
            drop_schemas(session, names)
        finally:
            session.scalar("SELECT pg_advisory_unlock(%s)", lock)


def _mark(comment: str) -> tuple[int, str] | None:
    """The lock and the id of the run that made a schema; None for a comment that is not ours."""
    try:
        mark = json.loads(comment)[MARK]
        return int(mark["lock"]), str(mark["run"])
    except (ValueError, KeyError, TypeError):
        return None


def drop_schemas(session: Session, names: Sequence[str]) -> bool:
    """Drop schemas of our making, unless someone else's objects hang on them or are in use for long: then they stay,
    with a warning, for the next run to clear away."""
    if not names:
        return True
    listed = ", ".join(names)
    for _ in retried(DROP_SECONDS):
        holders = dependents(session, names)
        if holders:
            LOG.warning("schema %s stays, because of %s", listed, ", ".join(holders))
            return False
        try:
            with session.driver.transaction():
                session.driver.execute(f"SET LOCAL lock_timeout = '{DROP_WAIT}'".encode())
                session.driver.execute(f"DROP SCHEMA IF EXISTS {', '.join(map(ident, names))} CASCADE".encode())
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            continue
        except psycopg.Error as error:
            raise session.error(error, f"dropping schema {listed}") from error
        return True
    LOG.warning("schema %s stays, because its tables are in use; the next run clears it away", listed)
    return False


def dependents(session: Session, names: Sequence[str]) -> list[str]:
    """Objects outside the schemas ``names`` that would be dropped with them."""
    with session.doing("looking for what depends on the target"):
        return [row["description"] for row in query(session.connection, "dependents", schemas=list(names))]
