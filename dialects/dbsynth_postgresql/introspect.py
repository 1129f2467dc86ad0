"""The catalog as a ``Schema``: a handful of queries for all tables together, assembled in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dbsynth_sql
from sqlalchemy import text
from sqlalchemy.engine import Connection

from dbsynth.schema.model import Column, Identity, Partition, Schema, Table, TableName
from dbsynth.schema.model import Sequence as SequenceObject
from dbsynth_postgresql.constraints import Constraints, constraints_of, domain_checks, index_of, with_partition_keys
from dbsynth_postgresql.definitions import user_types
from dbsynth_postgresql.notes import schema_notes, table_notes
from dbsynth_postgresql.types import Row, TypeResolver

NO_TABLE = 0
SYSTEM = ("pg_catalog", "information_schema")


def query(connection: Connection, name: str, /, **parameters: object) -> list[Row]:
    """The rows of a catalog query, by column name."""
    result = connection.execute(text(dbsynth_sql.read("postgresql", name)), parameters)
    return [dict(row) for row in result.mappings()]


def _grouped(rows: Iterable[Row], key: str = "table") -> dict[int, list[Row]]:
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def columns_of(rows: Iterable[Row], resolver: TypeResolver) -> tuple[Column, ...]:
    """``rows``: those of ``columns.sql`` for one table."""
    return tuple(_column(row, resolver) for row in rows)


def _column(row: Row, resolver: TypeResolver) -> Column:
    domains = resolver.domains(row["type"])
    identity = Identity(row["identity"] == "a", row["options"] or "") if row["identity"] else None
    generated = row["expression"] if row["generated"] else None
    return Column(
        name=row["name"],
        type=resolver.resolve(row["type"], row["typmod"], row["dimensions"], row["declared"]),
        declared=row["declared"],
        nullable=not row["not_null"],
        default=None if generated is not None else row["expression"],
        identity=identity,
        generated=generated,
        generated_stored=row["generated"] != "v",
        collation=row["collation"],
        comment=row["comment"],
        domain=domains[0]["declared"] if domains else None,
        serial=None if identity else row["sequence"],
    )


@dataclass
class _Catalog:
    """Everything read, grouped by the oid of the table."""

    tables: list[Row]
    columns: dict[int, list[Row]]
    constraints: dict[int, list[Row]]
    indexes: dict[int, list[Row]]
    functions: dict[int, list[Row]]
    resolver: TypeResolver
    domain_checks: dict[int, list[Row]]

    def __post_init__(self) -> None:
        self.by_oid = {t["oid"]: t for t in self.tables}
        self.families = _grouped(self.tables, "root")

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> _Catalog:
        tables = query(connection, "tables", schemas=list(schemas))
        oids = [t["oid"] for t in tables]
        roots = [t["oid"] for t in tables if t["parent"] is None]
        columns = query(connection, "columns", tables=roots)
        types = query(connection, "types", types=sorted({c["type"] for c in columns}), schemas=list(schemas))
        domains = [t["oid"] for t in types if t["kind"] == "d"]
        return cls(
            tables=tables,
            columns=_grouped(columns),
            constraints=_grouped(query(connection, "constraints", tables=oids)),
            indexes=_grouped(query(connection, "indexes", tables=oids)),
            functions=_grouped(query(connection, "functions", tables=oids, types=domains)),
            resolver=TypeResolver(types),
            domain_checks=_grouped(query(connection, "domain_checks", types=domains), "type"),
        )

    def table(self, row: Row) -> Table:
        """A root table with its partitions below it."""
        oid, name = row["oid"], TableName(row["schema"], row["name"])
        family = [t for t in self.families[oid] if t["oid"] != oid]
        partitions = tuple(self.partition(t) for t in family)
        own = constraints_of(self.constraints[oid])
        of_domains = [
            check
            for column in self.columns[oid]
            for check in domain_checks(column["name"], column["type"], self.resolver, self.domain_checks)
        ]
        notes = [note for t in (row, *family) for note in self._notes(t)]
        return Table(
            name=name,
            columns=columns_of(self.columns[oid], self.resolver),
            primary_key=own.primary_key,
            uniques=own.uniques,
            foreign_keys=with_partition_keys(own.foreign_keys, [p.foreign_keys for p in partitions]),
            checks=(*own.checks, *of_domains),
            exclusions=own.exclusions,
            indexes=tuple(index_of(i) for i in self.indexes[oid] if i["valid"]),
            partition_key=row["partition_key"],
            partitions=partitions,
            comment=row["comment"],
            # A partitioned table has rows and bytes only below it, and an estimate of its own that is often stale.
            estimated_rows=sum(
                t["estimated_rows"] for t in (family if row["kind"] == "p" else [row]) if t["kind"] != "p"
            ),
            bytes=row["bytes"] + sum(t["bytes"] for t in family),
            options=dict(option.split("=", 1) for option in row["options"]),
            notes=tuple(dict.fromkeys(notes)),
        )

    def _notes(self, row: Row) -> Iterable[str]:
        oid = row["oid"]
        sentences = table_notes(row, self.constraints[oid], self.indexes[oid], self.functions[oid])
        return sentences if row["parent"] is None else (f"Partition {row['name']}: {s}" for s in sentences)

    def partition(self, row: Row) -> Partition:
        own: Constraints = constraints_of(c for c in self.constraints[row["oid"]] if not _from_parent(c))
        parent = self.by_oid[row["parent"]]
        return Partition(
            name=TableName(row["schema"], row["name"]),
            parent=TableName(parent["schema"], parent["name"]),
            bound=row["bound"],
            key=row["partition_key"],
            primary_key=own.primary_key,
            uniques=own.uniques,
            foreign_keys=own.foreign_keys,
            checks=own.checks,
            indexes=tuple(index_of(i) for i in self.indexes[row["oid"]] if i["valid"]),
        )


def _from_parent(constraint: Row) -> bool:
    """A CHECK of a partition that comes from its parent; of the other kinds the query leaves those out."""
    return bool(constraint["kind"] == "c" and constraint["inherited"])


def introspect(connection: Connection, schemas: Sequence[str], *, follow_types: bool = False) -> Schema:
    """The catalog of ``schemas``, which must exist. The connection's ``search_path`` has to be empty.
    ``follow_types``: add the schemas of types that the tables use."""
    catalog = _Catalog.read(connection, schemas)
    elsewhere = _types_elsewhere(catalog, schemas)
    if follow_types and elsewhere:
        schemas = [*schemas, *sorted({row["schema"] for row in elsewhere})]
        catalog = _Catalog.read(connection, schemas)
        elsewhere = _types_elsewhere(catalog, schemas)
    checks = [row for rows in catalog.domain_checks.values() for row in rows]
    others = query(connection, "others", schemas=list(schemas))
    return Schema(
        tables=tuple(catalog.table(t) for t in catalog.tables if t["parent"] is None),
        types=user_types(catalog.resolver, checks, schemas),
        sequences=tuple(_sequence(row) for row in query(connection, "sequences", schemas=list(schemas))),
        extensions=tuple(row["name"] for row in query(connection, "extensions")),
        notes=tuple(schema_notes(others, elsewhere, catalog.functions[NO_TABLE])),
    )


def _types_elsewhere(catalog: _Catalog, schemas: Sequence[str]) -> list[Row]:
    """The types users made that the tables use, and that are in none of ``schemas``."""
    return [
        row
        for row in catalog.resolver.rows.values()
        if row["schema"] not in (*schemas, *SYSTEM) and not row["extension"] and not row["is_array"]
    ]


def _sequence(row: Row) -> SequenceObject:
    owner = (TableName(row["owner_schema"], row["owner_table"]), row["owner_column"]) if row["owner_table"] else None
    return SequenceObject(row["schema"], row["name"], row["definition"], owner)
