"""What is made sure of before the first thing is written into a target."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping

import psycopg
from psycopg import errors

from dbsynth.dialect import RunInfo
from dbsynth.errors import DbsynthError, PermissionDenied, TargetRefused, UnsupportedSource
from dbsynth_postgresql.building import LONGEST, dependents, lock_key, try_lock
from dbsynth_postgresql.connection import place
from dbsynth_postgresql.ddl import Ddl
from dbsynth_postgresql.introspect import query
from dbsynth_postgresql.names import MARKER, ident
from dbsynth_postgresql.requalify import Reference
from dbsynth_postgresql.session import Session, retried
from dbsynth_postgresql.types import Row

LOG = logging.getLogger(__name__)
OTHER_RUN_SECONDS = 5.0
"""A killed run lets go of its lock within milliseconds, mostly; one that lives is not waited for."""


def lock_targets(session: Session, mapping: Mapping[str, str]) -> None:
    """One run at a time writes a target. Taken in the order of names: two runs cannot wait for each other."""
    for name in sorted(set(mapping.values())):
        key = lock_key("target", name)
        if not any(try_lock(session, key) for _ in retried(OTHER_RUN_SECONDS)):
            raise TargetRefused(
                f"another run of dbsynth is writing the schema {name} of {place(session.url)}",
                hint="wait until it has ended, or name another target",
                transient=True,
            )


def check_names(mapping: Mapping[str, str]) -> None:
    twice = [name for name, n in Counter(mapping.values()).items() if n > 1]
    if twice:
        sources = ", ".join(source for source, target in mapping.items() if target == twice[0])
        raise TargetRefused(
            f"the schemas {sources} would all become {twice[0]}", hint="give each schema a target of its own"
        )
    for name in mapping.values():
        if not name or len(name.encode()) > LONGEST or "\0" in name:
            raise TargetRefused(f"{name!r} cannot be the name of a schema", hint=f"at most {LONGEST} bytes")
        if name.startswith("pg_") or name == "information_schema":
            raise TargetRefused(f"the schema {name} belongs to PostgreSQL", hint="name another target")


def check_not_source(session: Session, mapping: Mapping[str, str], run: RunInfo, here: tuple[str, str]) -> None:
    """``here``: identity and description of the target's database."""
    identity, description = here
    same = run.source_identity == identity if run.source_identity else run.source == description
    for name in mapping.values():
        if same and name in mapping:
            raise TargetRefused(
                f"the schema {name} of {place(session.url)} is the source itself: it is never written",
                hint="name another schema: --to SCHEMA",
            )


def existing_targets(session: Session, mapping: Mapping[str, str], *, replace: bool) -> list[Row]:
    """The target schemas that exist, each made sure to be replaceable."""
    with session.doing("looking at the target"):
        rows = query(session.connection, "target_schemas", names=list(mapping.values()))
    for row in rows:
        name = row["name"]
        if not (row["is_empty"] or replace or (row["comment"] or "").startswith(MARKER)):
            raise TargetRefused(
                f"the schema {name} of {place(session.url)} exists and was not made by dbsynth",
                hint="--replace to replace it with everything in it, or name another schema",
            )
        if row["foreign_owners"]:
            raise PermissionDenied(
                f"the schema {name} of {place(session.url)}, or a table in it, belongs to"
                f" {', '.join(row['foreign_owners'])}: it can be replaced only by a member of that role",
                hint="write as that user, or name another schema",
            )
        if row["fixed_extensions"]:
            raise TargetRefused(
                f"the schema {name} of {place(session.url)} holds the extension"
                f" {', '.join(row['fixed_extensions'])}, which cannot be moved out of its way",
                hint="name another schema",
            )
    holders = dependents(session, [row["name"] for row in rows])
    if holders:
        names = ", ".join(row["name"] for row in rows)
        raise TargetRefused(
            f"replacing {names} would drop what others made of it: {', '.join(holders)}",
            hint="drop these objects, or name another schema",
        )
    return rows


def check_may_create(session: Session) -> None:
    if not session.scalar("SELECT has_database_privilege(current_database(), 'CREATE')"):
        user = session.scalar("SELECT current_user")
        database = session.scalar("SELECT current_database()")
        raise PermissionDenied(
            f"{place(session.url)}: the user {user} may not create schemas",
            hint=f"GRANT CREATE ON DATABASE {ident(database)} TO {ident(user)}",
        )


def rehearse(session: Session, ddl: Ddl) -> None:
    """Make everything, empty, in a transaction that is taken back: what is missing in the target (a function, an
    extension, a right) is found now, and not after hours. Extensions that the source has are made where needed."""
    outside = ddl.outside()
    missing = _missing(session, list(outside))
    if missing:
        _create_extensions(session, ddl, missing)
        missing = _missing(session, missing)
    if missing:
        first = missing[0]
        raise UnsupportedSource(
            f"{outside[first]} needs the {first.kind} {first}, which is not cloned and not in {place(session.url)}",
            hint=f"make it there first (schema {first.schema}), or leave the table out (--exclude)",
        )
    doomed = [r for r in outside if r.schema in ddl.final.values() and not _of_extension(session, r)]
    if doomed:
        raise UnsupportedSource(
            f"{outside[doomed[0]]} needs the {doomed[0].kind} {doomed[0]}, whose schema would be replaced",
            hint="name another target schema, or move the object into another one",
        )
    try:
        _make_all(session, ddl)
    except UnsupportedSource:
        # An operator class may come from an extension without being named (EXCLUDE USING gist (room WITH =)).
        if not _create_extensions(session, ddl, []):
            raise
        _make_all(session, ddl)


def _make_all(session: Session, ddl: Ddl) -> None:
    try:
        with session.driver.transaction():
            for name in ddl.building.values():
                session.run(f"CREATE SCHEMA {ident(name)}")
            for statement in (
                *ddl.before_rows(),
                *(s for t in ddl.schema for s in ddl.keys_and_indexes(t)),
                *(s for t in ddl.schema for s in ddl.foreign_keys(t)),
            ):
                session.run(*statement)
            raise psycopg.Rollback
    except DbsynthError as error:
        # One transaction over thousands of tables may ask more of the server's lock table than the work itself will.
        if not isinstance(error.__cause__, errors.OutOfMemory):
            raise
        LOG.info("the target is not rehearsed: %s", error)


def _missing(session: Session, wanted: list[Reference]) -> list[Reference]:
    with session.doing("looking for what the target needs"):
        rows = query(
            session.connection,
            "missing_objects",
            kinds=[r.kind for r in wanted],
            schemas=[r.schema for r in wanted],
            names=[r.name for r in wanted],
        )
    return [Reference(row["schema"], row["name"], row["kind"]) for row in rows]


def _of_extension(session: Session, r: Reference) -> bool:
    return bool(
        session.scalar(
            "SELECT count(*) FROM pg_depend d"
            " LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid"
            " LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid"
            " LEFT JOIN pg_opclass c ON d.classid = 'pg_opclass'::regclass AND c.oid = d.objid"
            " LEFT JOIN pg_operator o ON d.classid = 'pg_operator'::regclass AND o.oid = d.objid"
            " JOIN pg_namespace n ON n.oid ="
            " coalesce(p.pronamespace, t.typnamespace, c.opcnamespace, o.oprnamespace)"
            " WHERE d.deptype = 'e' AND n.nspname = %s AND %s IN (p.proname, t.typname, c.opcname, o.oprname)",
            r.schema,
            r.name,
        )
    )


def _create_extensions(session: Session, ddl: Ddl, missing: list[Reference]) -> bool:
    """Those the source has and this database lacks, in the schema where the definitions look for them. What cannot be
    made is not an error by itself: it may be one that no table needs."""
    with session.doing("looking at the extensions of the target"):
        rows = query(session.connection, "missing_extensions", names=list(ddl.schema.extensions))
    where = Counter(r.schema for r in missing).most_common(1)[0][0] if missing else "public"
    made = False
    for row in rows:
        name = row["name"]
        try:
            with session.driver.transaction():
                session.driver.execute(f"CREATE SCHEMA IF NOT EXISTS {ident(where)}".encode())
                session.driver.execute(
                    f"CREATE EXTENSION IF NOT EXISTS {ident(name)} SCHEMA {ident(where)} CASCADE".encode()
                )
            LOG.info("extension %s made in schema %s of %s", name, where, place(session.url))
            made = True
        except psycopg.Error as error:
            LOG.warning(
                "extension %s of the source cannot be made in the target: %s", name, " ".join(str(error).split())
            )
    return made
