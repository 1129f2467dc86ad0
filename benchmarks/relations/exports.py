"""A PostgreSQL database as files that every tool reads: TABLE.csv (an unquoted empty field is NULL) and schema.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg

from dbsynth.testing.embedded import conninfo

USER = "n.nspname !~ '^(pg_|information_schema|dbsynth)' and c.relkind in ('r', 'p') and not c.relispartition"
COLUMNS = f"""select n.nspname, c.relname, a.attname, not a.attnotnull,
    case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) else format_type(a.atttypid, a.atttypmod) end
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
join pg_type t on t.oid = a.atttypid where a.attnum > 0 and not a.attisdropped and {USER} order by 1, 2, a.attnum"""
NAMES = """(select array_agg(a.attname::text order by o) from unnest(k.{0}) with ordinality u(x, o)
    join pg_attribute a on a.attrelid = k.{1} and a.attnum = x)"""
KEYS = f"""select n.nspname, c.relname, k.contype::text, {NAMES.format("conkey", "conrelid")}, f.nspname, r.relname,
    {NAMES.format("confkey", "confrelid")}
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
left join pg_class r on r.oid = k.confrelid left join pg_namespace f on f.oid = r.relnamespace
where k.contype in ('p', 'u', 'f') and k.conparentid = 0 and {USER} order by 1, 2, k.conname"""


def describe(connection: psycopg.Connection[Any]) -> dict[str, dict[str, Any]]:
    """Per table, by its name (with its schema where there are several): schema, table, columns, primary_key, uniques,
    foreign_keys."""
    columns = connection.execute(COLUMNS.encode()).fetchall()
    several = len({row[0] for row in columns}) > 1

    def name(schema: str, table: str) -> str:
        return f"{schema}.{table}" if several else table

    tables: dict[str, dict[str, Any]] = {}
    for schema, table, column, nullable, type_ in columns:
        empty: dict[str, Any] = {"columns": [], "primary_key": [], "uniques": [], "foreign_keys": []}
        found = tables.setdefault(name(schema, table), {"schema": schema, "table": table, **empty})
        found["columns"].append({"name": column, "type": type_, "nullable": nullable})
    for schema, table, kind, names, ref_schema, ref_table, ref_names in connection.execute(KEYS.encode()):
        found = tables[name(schema, table)]
        if kind == "p":
            found["primary_key"] = names
        elif kind == "u":
            found["uniques"].append(names)
        elif (target := name(ref_schema, ref_table)) in tables:
            found["foreign_keys"].append({"columns": names, "ref_table": target, "ref_columns": ref_names})
    return tables


def export(url: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with psycopg.connect(conninfo(url)) as connection:
        tables = describe(connection)
        for name, table in tables.items():
            statement = f'copy (select * from "{table["schema"]}"."{table["table"]}") to stdout (format csv, header)'
            with (folder / f"{name}.csv").open("wb") as file, connection.cursor().copy(statement.encode()) as copy:
                for part in copy:
                    file.write(part)
        (folder / "schema.json").write_text(json.dumps(tables, indent=1))
