"""What ``existing`` has to know of tables: their columns, keys and rows, asked over one connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg

from dbsynth_postgresql.names import ident

Connection = psycopg.Connection[Any]
Name = tuple[str, str]
"""Schema and table."""

COLUMNS = """
    select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.atthasdef or a.attidentity <> '', a.attgenerated <> '', a.attidentity = 'a', t.typcategory
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    join pg_type t on t.oid = a.atttypid
    where c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
        and n.nspname !~ '^(pg_|information_schema)' order by 1, 2, a.attnum"""
KEYS = """
    select c.conname, n.nspname, r.relname, pn.nspname, p.relname,
        (select array_agg(a.attname::text order by k.i) from unnest(c.conkey) with ordinality k(n, i)
         join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.n),
        (select array_agg(a.attname::text order by k.i) from unnest(c.confkey) with ordinality k(n, i)
         join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.n)
    from pg_constraint c join pg_class r on r.oid = c.conrelid join pg_namespace n on n.oid = r.relnamespace
    join pg_class p on p.oid = c.confrelid join pg_namespace pn on pn.oid = p.relnamespace
    where c.contype = 'f' and c.conparentid = 0"""
UNIQUE = """
    select n.nspname, r.relname, a.attname from pg_index i join pg_class r on r.oid = i.indrelid
    join pg_namespace n on n.oid = r.relnamespace join pg_attribute a on a.attrelid = r.oid and a.attnum = i.indkey[0]
    where i.indisunique and i.indnkeyatts = 1"""
VIEWS = """
    select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('v', 'm', 'f') and n.nspname !~ '^(pg_|information_schema)' order by 1, 2"""


@dataclass(frozen=True)
class Column:
    """``category``: pg_type.typcategory."""

    name: str
    type: str
    not_null: bool
    filled: bool
    """Has a default, or draws from a sequence."""
    generated: bool
    always: bool
    category: str

    @property
    def needed(self) -> bool:
        """NOT NULL without a default."""
        return self.not_null and not self.filled and not self.generated


@dataclass(frozen=True)
class Key:
    name: str
    table: Name
    parent: Name
    columns: tuple[str, ...]
    ref_columns: tuple[str, ...]


@dataclass
class Catalog:
    """What is there: ``unique``: columns that are unique alone."""

    tables: dict[Name, dict[str, Column]] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    unique: set[tuple[str, str, str]] = field(default_factory=set)
    views: list[Name] = field(default_factory=list)

    @classmethod
    def of(cls, connection: Connection) -> Catalog:
        found = cls()
        for schema, table, name, *about in connection.execute(COLUMNS.encode()):
            found.tables.setdefault((schema, table), {})[name] = Column(name, *about)
        for name, schema, table, parent_schema, parent, columns, ref_columns in connection.execute(KEYS.encode()):
            key = Key(name, (schema, table), (parent_schema, parent), tuple(columns), tuple(ref_columns))
            found.keys.append(key)
        found.unique = {tuple(row) for row in connection.execute(UNIQUE.encode())}
        found.views = [(schema, name) for schema, name in connection.execute(VIEWS.encode())]
        return found


def place(name: Name) -> str:
    return f"{ident(name[0])}.{ident(name[1])}"


def dotted(name: Name) -> str:
    return ".".join(name)


def rows_in(connection: Connection, name: Name) -> int:
    found = connection.execute(f"SELECT count(*) FROM {place(name)}".encode()).fetchone()
    return int(found[0]) if found else 0
