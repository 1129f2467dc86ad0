"""Views of a dbt project that stand in the way of a new schema: PostgreSQL would drop them with the old one."""

from __future__ import annotations

from collections.abc import Set

from sqlalchemy import text
from sqlalchemy.engine import URL

READERS = """
    with recursive readers (oid) as (
        select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = :schema
        union
        select r.ev_class
        from readers p
        join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = p.oid
            and d.classid = 'pg_rewrite'::regclass
        join pg_rewrite r on r.oid = d.objid
    )
    select n.nspname, c.relname
    from readers p join pg_class c on c.oid = p.oid join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'v' and n.nspname <> :schema
"""
"""The views outside of a schema that read it, also by way of other views."""


def drop_readers(url: URL, schema: str, models: Set[tuple[str, str]]) -> None:
    """Drop those views of the models (schema, name) that read ``schema``, if nothing else does: dbt makes them again.
    Where something else does, all stay, and the replacement of the schema is refused with their names."""
    from dbsynth_postgresql.connection import connected, driver, make_engine
    from dbsynth_postgresql.names import ident

    engine = make_engine(url, read_only=False)
    try:
        with connected(engine) as connection, connection.begin():
            found = [(str(a), str(b)) for a, b in connection.execute(text(READERS), {"schema": schema})]
            if found and set(found) <= models:
                views = ", ".join(f"{ident(a)}.{ident(b)}" for a, b in found)
                driver(connection).execute(f"drop view {views}".encode())
    finally:
        engine.dispose()
