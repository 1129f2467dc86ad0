"""What the tests of the write side share: clone rows as they are, and compare two catalogs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from dbsynth_postgresql.requalify import Requalifier
from dbsynth_postgresql.target import PostgresqlTarget

from dbsynth.dialect import Database, ReadRequest, RunInfo, connect
from dbsynth.schema.model import Schema
from dbsynth.testing.embedded import conninfo

MINE = "n.nspname = any(%(schemas)s)"
FACTS = {
    "table": f"""select n.nspname||'.'||c.relname, c.relkind, c.reloptions, pg_get_partkeydef(c.oid),
        pg_get_expr(c.relpartbound, c.oid), obj_description(c.oid, 'pg_class')
        from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and {MINE}""",
    "column": f"""select n.nspname||'.'||c.relname||'.'||a.attname, case when c.relispartition then 0 else (
            select count(*) from pg_attribute b
            where b.attrelid = a.attrelid and b.attnum <= a.attnum and b.attnum > 0 and not b.attisdropped) end,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attcollation::regcollation,
        pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p') and {MINE}""",
    "constraint": f"""select n.nspname||'.'||c.relname, k.contype, pg_get_constraintdef(k.oid), k.convalidated,
        k.condeferrable, k.condeferred,
        case when not c.relispartition or k.conparentid = 0 and k.coninhcount = 0 then k.conname end,
        obj_description(k.oid, 'pg_constraint')
        from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
        where k.contype <> 'n' and {MINE}""",
    "index": f"""select regexp_replace(pg_get_indexdef(i.indexrelid), 'INDEX \\S+ ON', 'INDEX ON'), i.indisvalid,
        case when not x.relispartition then x.relname end, obj_description(x.oid, 'pg_class')
        from pg_index i join pg_class x on x.oid = i.indexrelid join pg_namespace n on n.oid = x.relnamespace
        where x.relkind in ('i', 'I') and {MINE}""",
    "type": f"""select n.nspname||'.'||t.typname, t.typtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull,
        pg_get_expr(t.typdefaultbin, 0), t.typcollation::regcollation, obj_description(t.oid, 'pg_type'),
        (select string_agg(k.conname||pg_get_constraintdef(k.oid), ';' order by k.conname)
            from pg_constraint k where k.contypid = t.oid),
        (select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum e where e.enumtypid = t.oid),
        (select string_agg(a.attname||' '||format_type(a.atttypid, a.atttypmod), ',' order by a.attnum)
            from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0)
        from pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
        where (t.typtype in ('d', 'e', 'r') or c.relkind = 'c') and {MINE}""",
    "sequence": f"""select n.nspname||'.'||c.relname, s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin,
        s.seqmax, s.seqcycle, s.seqcache, d.deptype, t.relname, d.refobjsubid > 0
        from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
        left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')
        left join pg_class t on t.oid = d.refobjid where {MINE}""",
}
BEHIND = """select format('%%I.%%I', n.nspname, c.relname), quote_ident(a.attname),
    pg_get_serial_sequence(format('%%I.%%I', n.nspname, c.relname), a.attname)
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p') and n.nspname = any(%(schemas)s)
      and pg_get_serial_sequence(format('%%I.%%I', n.nspname, c.relname), a.attname) is not null"""


def facts(url: str, schemas: Mapping[str, str]) -> dict[str, list[str]]:
    """Everything the catalog says about ``schemas``, renamed (actual -> name to compare under)."""
    with psycopg.connect(conninfo(url)) as connection:
        connection.execute("set search_path = ''")
        names = {"schemas": list(schemas)}
        moved = dict.fromkeys(schemas, "")
        objects = connection.execute(
            "select n.nspname, o.name from (select relnamespace, relname from pg_class union"
            " select typnamespace, typname from pg_type) o (namespace, name)"
            f" join pg_namespace n on n.oid = o.namespace where {MINE}",
            names,
        ).fetchall()
        moved = {(s, n): schemas[s] for s, n in objects}
        rename = Requalifier(moved, constructors=frozenset(moved))
        found = {}
        for kind, query in FACTS.items():
            rows = connection.execute(query.encode(), names).fetchall()
            texts = [
                " | ".join(
                    rename(cell) if isinstance(cell, str) else str(cell) for cell in (_moved(row[0], schemas), *row[1:])
                )
                for row in rows
            ]
            found[kind] = sorted(text.replace('"', "") for text in texts)
        return found


def _moved(name: str, schemas: Mapping[str, str]) -> str:
    schema, dot, rest = name.partition(".")
    return schemas.get(schema, schema) + dot + rest if schema in schemas else name


def sequences_behind(url: str, schemas: list[str]) -> list[str]:
    """Sequences that would give out a key that is taken."""
    behind = []
    with psycopg.connect(conninfo(url)) as connection:
        for table, column, sequence in connection.execute(BEHIND.encode(), {"schemas": schemas}).fetchall():
            (top,) = connection.execute(f"select max({column}) from {table}".encode()).fetchone() or (None,)
            (last,) = connection.execute(
                f"select case when is_called then last_value else last_value - 1 end from {sequence}".encode()
            ).fetchone() or (0,)
            if top is not None and last < top:
                behind.append(f"{table}.{column}: {last} < {top}")
    return behind


def run_info(run_id: str, source: Database) -> RunInfo:
    return RunInfo(run_id, "0.0.test", 1, source.describe(), source_identity=source.identity())


def copy_rows(source: Database, schema: Schema, target: PostgresqlTarget) -> None:
    for table in schema:
        request = ReadRequest(table.name, tuple(c.name for c in table.stored_columns))
        target.load(table.name, source.read(request))


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = connect(url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def target_of(url: str) -> Iterator[PostgresqlTarget]:
    with opened(url) as database:
        target = database.target()
        assert isinstance(target, PostgresqlTarget)
        try:
            yield target
        finally:
            target.close()


def clone(
    source_url: str, target_url: str, mapping: Mapping[str, str] | None = None, *, run: str = "r", replace: bool = False
) -> None:
    """The whole way with the rows as they are: only a test may do that."""
    with opened(source_url) as source, target_of(target_url) as target:
        schema = source.introspect(list(mapping) if mapping else None)
        target.prepare(schema, mapping or {s: s for s in schema.schemas}, run_info(run, source), replace=replace)
        copy_rows(source, schema, target)
        target.finish(lambda _: None)
        target.publish()


def scratch_schemas(url: str) -> list[str]:
    with psycopg.connect(conninfo(url)) as connection:
        return [
            name
            for (name,) in connection.execute(
                "select nspname from pg_namespace where nspname ~ '__(building|old)_' order by 1"
            ).fetchall()
        ]
