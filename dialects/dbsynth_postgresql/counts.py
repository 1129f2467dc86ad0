"""What only PostgreSQL can be asked of its tables: sequences, indexes, exclusion constraints, partitions' own keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from sqlalchemy.engine import Connection

from dbsynth.dialect import Count
from dbsynth.schema.exclusion import elements, without_class
from dbsynth.schema.model import Exclusion, Schema, Table, TableName
from dbsynth.sqlbase.verify import counts_of
from dbsynth_postgresql.grammar import PostgresqlGrammar
from dbsynth_postgresql.introspect import query
from dbsynth_postgresql.names import qualified

GRAMMAR = PostgresqlGrammar()


def own_counts(connection: Connection, schema: Schema) -> Mapping[TableName, tuple[Count, ...]]:
    """The counts of each table of ``schema``."""
    found: dict[TableName, list[Count]] = defaultdict(list)
    schemas = list(schema.schemas)
    for row in query(connection, "sequence_users", schemas=schemas):
        if row["readable"]:
            name = TableName(row["table_schema"], row["table_name"])
            found[name].append(_behind(row))
    for row in query(connection, "index_states", schemas=schemas):
        says = f"the index {row['name']} is complete and in use"
        sql = f"SELECT count(*) FROM pg_index WHERE indexrelid = {row['oid']} AND NOT (indisvalid AND indisready)"
        found[TableName(row["schema"], row["table"])].append(Count("index", row["name"], sql, says=says))
    for table in schema:
        found[table.name] += [c for e in table.exclusions for c in _overlaps(table, e)]
        found[table.name] += _of_partitions(schema, table)
    return {name: tuple(counts) for name, counts in found.items() if name in schema.by_name}


def _behind(row: Mapping[str, object]) -> Count:
    """Rows whose key the sequence has still to hand out: an INSERT that draws it fails, or repeats it."""
    up = int(str(row["step"])) > 0
    following = (
        f"(SELECT CASE WHEN is_called THEN last_value + ({row['step']}) ELSE last_value END FROM {row['sequence']})"
    )
    sql = f"SELECT count(*) FROM {row['table']} WHERE {row['column']} {'>=' if up else '<='} {following}"
    column = str(row["column_name"])
    return Count("sequence", column, sql, (column,), says=f"{row['sequence']} is beyond the last {column}")


def _overlaps(table: Table, exclusion: Exclusion) -> Iterator[Count]:
    """Pairs of rows for which every operator holds; rows are told apart by where they lie. Nothing for a definition
    that cannot be read: the server keeps it."""
    try:
        parts, condition = elements(exclusion.definition)
    except ValueError:
        return
    told = ", ".join(f"({without_class(text, table, GRAMMAR.sqlglot)}) AS e{i}" for i, (text, _) in enumerate(parts))
    where = f" WHERE {condition}" if condition else ""
    rows = f"SELECT tableoid AS part, ctid AS place, {told} FROM {qualified(table.name)}{where}"
    meet = " AND ".join(f"a.e{i} {operator} b.e{i}" for i, (_, operator) in enumerate(parts))
    sql = f"SELECT count(*) FROM ({rows}) AS a JOIN ({rows}) AS b ON {meet} AND (a.part, a.place) < (b.part, b.place)"
    yield Count("exclusion", exclusion.name, sql, exclusion.columns, says=exclusion.definition)


def _of_partitions(schema: Schema, table: Table) -> Iterator[Count]:
    """Keys and CHECKs that a partition has for itself."""
    for part in table.partitions:
        alone = Table(part.name, (), part.primary_key, part.uniques, part.foreign_keys, part.checks)
        for count in counts_of(GRAMMAR, schema, alone, qualified):
            yield replace(count, name=f"{count.name} of {part.name.name}")
