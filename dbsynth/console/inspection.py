"""What is in a source, as plain data: read from the catalog, without a value of any row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import URL

from dbsynth.dialect import Database, connect, dialect_name, load_dialect
from dbsynth.errors import CannotClone, PermissionDenied
from dbsynth.limits import MAX_BYTES
from dbsynth.pipeline.planner import Wishes, check_supported, select
from dbsynth.pipeline.suggest import suggested
from dbsynth.schema import graph
from dbsynth.schema.checks import parse_checks
from dbsynth.schema.model import Schema, Table, TableName
from dbsynth.schema.virtual import VirtualKey, with_virtual_keys
from dbsynth.sqlbase.verify import counts_of, together

KEY_KINDS = ("primary key", "unique", "foreign key")
COUNTED_BYTES = 256 * 1024 * 1024
"""Tables up to this size are counted; of larger ones the catalog's estimate is told."""


def inspect(
    url: URL,
    schemas: Sequence[str],
    tables: Sequence[str],
    exclude: Sequence[str],
    *,
    virtual_keys: Sequence[VirtualKey] = (),
    check_keys: bool = False,
    suggest_keys: bool = False,
    max_bytes: int | None = None,
) -> dict[str, Any]:
    """The selected part of the source (all schemas if none is named). ``max_bytes``: what one statement over rows may
    be billed for, where it is."""
    if load_dialect(dialect_name(url)).capabilities.bills_bytes:
        url = url.update_query_dict({"dbsynth_max_bytes": str(MAX_BYTES if max_bytes is None else max_bytes)})
    database = connect(url)
    try:
        whole, unknown = with_virtual_keys(database.introspect(schemas or None), virtual_keys)
        schema = select(whole, Wishes(tables=tuple(tables), exclude=tuple(exclude)))
        obstacles: list[str] = []
        try:
            database.check_readable(schema)
        except PermissionDenied as error:
            obstacles.append(f"{error.message}; {error.hint}")
        exact = {} if obstacles else _counted(database, schema)
        rows = {t.name: exact.get(t.name, t.estimated_rows) for t in schema.tables}
        obstacles += _obstacles(database, schema, rows)
        return {
            "source": database.describe(),
            "schemas": list(schema.schemas),
            "tables": [_table(t, rows, exact, database.dialect.grammar.sqlglot) for t in schema.tables],
            "types": [
                {"name": f"{t.schema}.{t.name}", "kind": t.kind, "definition": t.definition} for t in schema.types
            ],
            "sequences": len(schema.sequences),
            "extensions": list(schema.extensions),
            "notes": [*schema.notes, *unknown],
            "obstacles": obstacles,
            "broken_keys": _broken_keys(database, schema) if check_keys else None,
            "suggested_keys": [k.describe() for k in suggested(database, schema, rows)] if suggest_keys else None,
        }
    finally:
        database.close()


def _broken_keys(database: Database, schema: Schema) -> list[dict[str, Any]]:
    """Every key with the number of values (of foreign keys: rows) that break it."""
    found = []
    grammar = database.dialect.grammar
    for table in schema.tables:
        counts = [c for c in counts_of(grammar, schema, table, database.place) if c.kind in KEY_KINDS]
        if counts:
            numbers = database.numbers(together(counts, grammar), f"checking the keys of {table.name}")
            for count, broken in zip(counts, numbers, strict=True):
                found.append({"table": str(table.name), "kind": count.kind, "name": count.name, "violations": broken})
    return found


def _counted(database: Database, schema: Schema) -> dict[TableName, int]:
    return database.count([t.name for t in schema.tables if t.bytes <= COUNTED_BYTES])


def _obstacles(database: Database, schema: Schema, rows: Mapping[TableName, int]) -> list[str]:
    """Why the selection cannot be cloned as it is, each with its remedy."""
    found = []
    try:
        graph.order(schema, rows, constraints_after_load=database.dialect.capabilities.constraints_after_load)
    except CannotClone as error:
        found.append(f"{error.message}; {error.hint}")
    now = datetime.now(UTC)
    for table in schema.tables:
        try:
            check_supported(table, rows[table.name], database.dialect.grammar.sqlglot, now)
        except CannotClone as error:
            found.append(f"{error.message}; {error.hint}")
    return found


def _table(
    table: Table, rows: Mapping[TableName, int], exact: Mapping[TableName, int], sqlglot_dialect: str
) -> dict[str, Any]:
    return {
        "table": str(table.name),
        "rows": rows[table.name],
        "rows_exact": table.name in exact,
        "bytes": table.bytes,
        "comment": table.comment,
        "partitions": len(table.partitions),
        "columns": [
            {
                "name": c.name,
                "type": c.declared,
                "nullable": c.nullable,
                "default": c.default,
                "generated": c.generated,
                "identity": c.identity is not None or c.serial is not None,
                "domain": c.domain,
            }
            for c in table.columns
        ],
        "layout": dict(table.options),
        "primary_key": list(table.primary_key.columns) if table.primary_key else None,
        "uniques": [list(u.columns) for u in table.uniques],
        "foreign_keys": [
            {
                "name": fk.name,
                "columns": list(fk.columns),
                "ref_table": str(fk.ref_table),
                "ref_columns": list(fk.ref_columns),
                "deferrable": fk.deferrable,
            }
            for fk in table.foreign_keys
        ],
        "checks": [
            {
                "name": parsed.check.name,
                "expression": parsed.check.expression,
                "evaluated_by": "dbsynth" if parsed.evaluable else "the database",
                "reason": parsed.reason,
            }
            for parsed in parse_checks(table, sqlglot_dialect)
        ],
        "exclusions": [{"name": e.name, "definition": e.definition} for e in table.exclusions],
        "indexes": [{"name": i.name, "definition": i.definition, "unique": i.unique} for i in table.indexes],
        "notes": list(table.notes),
    }
