"""What the catalog of a database says: tables with their rows, constraints; and the command line in process."""

from __future__ import annotations

import psycopg
from click.testing import CliRunner, Result

from dbsynth.cli import main
from dbsynth.testing.embedded import conninfo

SCHEMAS = "select nspname::text from pg_namespace where nspname !~ '^(pg_|information_schema)' order by 1"
TABLES = """select n.nspname::text, c.relname::text,
    format('%s %I.%I', case when c.relkind = 'r' then 'only' else '' end, n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema)' order by 1, 2"""
OBJECTS = """select n.nspname::text, k.conrelid::regclass::text, k.conname::text, k.contype::text
from pg_constraint k join pg_namespace n on n.oid = k.connamespace
where k.contype <> 'n' and n.nspname !~ '^(pg_|information_schema)'
union all select n.nspname::text, i.indrelid::regclass::text, c.relname::text, 'i'
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^(pg_|information_schema)' order by 1, 2, 3, 4"""


def clone(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["clone", *arguments])


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo(url), client_encoding="utf8") as connection:
        return connection.execute(query.encode()).fetchall()


def run_script(url: str, script: str) -> None:
    with psycopg.connect(conninfo(url), autocommit=True, client_encoding="utf8") as connection:
        connection.execute(script.encode())


def schemas(url: str) -> list[str]:
    return [str(s) for (s,) in ask(url, SCHEMAS)]


def counts(url: str) -> dict[tuple[object, object], object]:
    """Rows by schema and table, without those of tables that inherit from it."""
    return {(s, t): ask(url, f"select count(*) from {name}")[0][0] for s, t, name in ask(url, TABLES)}


def objects(url: str) -> list[tuple[object, ...]]:
    """Constraints and indexes by schema, table, name and kind; without NOT NULL, which has a name since version 18."""
    return ask(url, OBJECTS)


def not_valid(url: str) -> list[tuple[object, ...]]:
    return ask(url, "select conname::text from pg_constraint where not convalidated")
