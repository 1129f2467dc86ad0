"""Give a new schema the owners and grants of the one it replaces, object by object, by name."""

from __future__ import annotations

import logging
from collections import defaultdict

from psycopg import errors

from dbsynth_postgresql.introspect import query
from dbsynth_postgresql.names import ident
from dbsynth_postgresql.session import Session
from dbsynth_postgresql.types import Row

LOG = logging.getLogger(__name__)
Object = tuple[str, str | None]
"""(SCHEMA | TABLE | SEQUENCE | TYPE, its name; None for the schema)."""


def carry_over(session: Session, old: str, new: str) -> None:
    """Within the transaction of the caller. Objects that ``old`` did not have get its default privileges."""
    with session.doing(f"the grants on schema {old}"):
        before, there = (_by_object(query(session.connection, "grants", schema=s)) for s in (old, new))
        defaults = query(session.connection, "default_grants", schema=old)
    for thing in there:
        if thing in before:
            _copy(session, new, thing, before[thing])
        else:
            for row in defaults:
                if row["mine"] and row["kind"] == f"{thing[0]}S":
                    session.run(_grant(row, f"{thing[0]} {_place(new, thing)}"))
    for row in defaults:
        _in_part(
            session,
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {ident(row['role'])} IN SCHEMA {ident(new)} {_grant(row, row['kind'])}",
            f"the default privileges of {row['role']} in schema {old}",
        )
    for thing, rows in before.items():  # last: from here on it may not be ours any more
        if thing in there and rows[0]["owner"] != there[thing][0]["owner"]:
            _own(session, new, thing, rows[0]["owner"])


def give(session: Session, schema: str, owner: str) -> None:
    """Make ``owner`` the owner of ``schema`` and of everything in it that is not his yet. Within the transaction of the
    caller, whose user must be a member of that role."""
    with session.doing(f"the ownership of schema {schema}"):
        rows = query(session.connection, "grants", schema=schema)
    for thing, found in _by_object(rows).items():
        if found[0]["owner"] != owner and not (thing[0] == "SEQUENCE" and _goes_with_a_table(session, schema, thing)):
            place = _place(schema, thing)
            session.run(f"ALTER {thing[0]} {place} OWNER TO {ident(owner)}", f"the ownership of {place}")


def _by_object(rows: list[Row]) -> dict[Object, list[Row]]:
    found: dict[Object, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["kind"], row["name"]].append(row)
    return dict(found)


def _place(schema: str, thing: Object) -> str:
    return ident(schema) if thing[1] is None else f"{ident(schema)}.{ident(thing[1])}"


def _grant(row: Row, on: str, to: str | None = None) -> str:
    columns = f" ({ident(row['attribute'])})" if row.get("attribute") else ""
    to = to or ("PUBLIC" if row["grantee"] is None else ident(row["grantee"]))
    option = " WITH GRANT OPTION" if row["grantable"] else ""
    return f"GRANT {row['privilege']}{columns} ON {on} TO {to}{option}"


def _copy(session: Session, schema: str, thing: Object, rows: list[Row]) -> None:
    on = f"{thing[0]} {_place(schema, thing)}"
    if any(row["explicit"] and row["attribute"] is None for row in rows):
        session.run(f"REVOKE ALL ON {on} FROM PUBLIC, CURRENT_USER")
    for row in rows:
        if row["privilege"] is not None:
            # What the old owner had, the new one gets with the ownership: the grant moves along.
            session.run(_grant(row, on, "CURRENT_USER" if row["grantee"] == row["owner"] else None))


def _own(session: Session, schema: str, thing: Object, owner: str) -> None:
    kind, place = thing[0], _place(schema, thing)
    if kind == "SEQUENCE" and _goes_with_a_table(session, schema, thing):
        return
    _in_part(session, f"ALTER {kind} {place} OWNER TO {ident(owner)}", f"the ownership of {owner} of {place}")


def _goes_with_a_table(session: Session, schema: str, sequence: Object) -> bool:
    return bool(
        session.scalar(
            "SELECT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = %s::regclass"
            " AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i'))",
            _place(schema, sequence),
        )
    )


def _in_part(session: Session, sql: str, what: str) -> None:
    """Some rights can be given on by nobody but their owner or an administrator: then a warning says what is lost."""
    try:
        with session.driver.transaction():
            session.driver.execute(sql.encode())
    except errors.InsufficientPrivilege as error:
        LOG.warning("%s is not kept: %s", what, " ".join(str(error).split()))
