"""A source as it is planned under differential privacy: its catalog and numbers of rows, but no row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sqltypes

from dbsynth.dialect import Database, ReadRequest, Sample
from dbsynth.schema.model import Schema, Table, TableName
from dbsynth.schema.roles import DIRECT, PROSE, ColumnRole
from dbsynth.schema.types import arrow_type

OPEN_TEXTS = DIRECT | PROSE - {"label", "code"}


class Blind:
    """A database of which only ``public`` tables are read; of the others the numbers of rows alone are known."""

    def __init__(self, database: Database, public: Collection[TableName], schema: Schema) -> None:
        self.database, self.public, self.schema = database, frozenset(public), schema

    def __getattr__(self, name: str) -> Any:
        """What does not look at rows is asked of the database."""
        return getattr(self.database, name)

    def read(self, request: ReadRequest, snapshot: str | None = None) -> Iterator[pa.RecordBatch]:
        if request.table in self.public:
            yield from self.database.read(request, snapshot)
            return
        table = self.schema[request.table]
        fields = [(c, arrow_type(table.column(c).type)) for c in request.columns]
        yield pa.RecordBatch.from_pylist([], schema=pa.schema(fields))

    def degrees(
        self, table: TableName, columns: tuple[str, ...], sample: Sample | None = None, snapshot: str | None = None
    ) -> pa.Table:
        """How often the rows of public tables are referred to is public; of others nothing is told."""
        own = self.schema[table]
        if any(fk.columns == columns and fk.ref_table in self.public for fk in own.foreign_keys):
            return self.database.degrees(table, columns, sample, snapshot)
        fields = [(c, arrow_type(own.column(c).type)) for c in columns]
        return pa.schema([*fields, ("n", pa.int64())]).empty_table()


def by_catalog(table: Table, roles: Mapping[str, ColumnRole]) -> dict[str, ColumnRole]:
    """``roles`` that were told without values: texts that nothing calls personal are categories, of which those are
    shown that enough rows share."""
    found = {}
    for name, role in roles.items():
        type_ = table.column(name).type
        text = isinstance(type_, sqltypes.String) and not isinstance(type_, sqltypes.Enum)
        if text and role.kind == "presence" and not role.personal and role.role not in OPEN_TEXTS:
            said = f"{role.evidence}; values that show through the noise"
            role = replace(role, role="category", kind="category", confidence=0.8, evidence=said)
        found[name] = role
    return found
