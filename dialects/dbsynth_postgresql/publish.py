"""Put the building schemas in the place of the targets."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import errors

from dbsynth.dialect import RunInfo
from dbsynth.errors import ConnectionFailed
from dbsynth_postgresql.building import (
    building_comment,
    comment_on_schema,
    drop_schemas,
    scratch_name,
    target_comment,
)
from dbsynth_postgresql.connection import place
from dbsynth_postgresql.grants import carry_over
from dbsynth_postgresql.guard import guard
from dbsynth_postgresql.names import OLD, ident
from dbsynth_postgresql.preconditions import existing_targets
from dbsynth_postgresql.session import Session, retried

LOCK_TIMEOUT, SECONDS = "2s", 60.0


def publish(session: Session, building: Mapping[str, str], run: RunInfo, *, replace: bool) -> None:
    """``building``: target -> the schema that takes its name.

    One transaction renames all schemas; a rename takes no lock on tables, so it neither waits for readers nor holds
    them up. What was there before gets another name in it, and is dropped after it: a reader in the middle of a query
    keeps its tables until it is done. A crash in between leaves the new target complete, and a marked schema that the
    next run clears away.
    """
    for _ in retried(SECONDS):
        try:
            olds = _swap(session, building, run, replace=replace)
        except ConnectionFailed as error:
            if not isinstance(error.__cause__, errors.LockNotAvailable | errors.DeadlockDetected):
                raise
            continue
        drop_schemas(session, olds)
        return
    raise ConnectionFailed(
        f"the schemas {', '.join(building)} of {place(session.url)} were locked for {SECONDS:.0f} seconds",
        hint="someone else alters them: see pg_locks, and try again",
        transient=True,
    )


def _swap(session: Session, building: Mapping[str, str], run: RunInfo, *, replace: bool) -> list[str]:
    """Gives the names that the replaced schemas have now."""
    olds = []
    about = f"publishing {', '.join(building)}"
    with session.doing(about), session.driver.transaction():
        session.run(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'", about)
        guard().before_swap(session, list(building))
        # Again: someone may have made a target, or a view on one, while the rows were generated.
        existing = existing_targets(session, {name: name for name in building}, replace=replace)
        for row in existing:
            carry_over(session, row["name"], building[row["name"]])
        for row in existing:
            old = scratch_name(row["name"], run.run_id, OLD)
            session.run(f"ALTER SCHEMA {ident(row['name'])} RENAME TO {ident(old)}", about)
            session.run(comment_on_schema(old, building_comment(run, row["name"])), about)
            olds.append(old)
        for target, name in building.items():
            session.run(f"ALTER SCHEMA {ident(name)} RENAME TO {ident(target)}", about)
            session.run(comment_on_schema(target, target_comment(run)), about)
        for row in existing:
            for extension in row["movable_extensions"]:
                session.run(f"ALTER EXTENSION {ident(extension)} SET SCHEMA {ident(row['name'])}", about)
        guard().after_swap(session, list(building))
    return olds
