"""What the rows of catalogs have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from dbsynth.schema.model import Column, TableName


def by_table(
    rows: Iterable[Mapping[str, Any]], schema: str = "schema_name", table: str = "table_name"
) -> defaultdict[TableName, list[dict[str, Any]]]:
    found: defaultdict[TableName, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[TableName(row[schema], row[table])].append(dict(row))
    return found


def required(column: Column) -> Column:
    """``column`` as one of a primary key: never null."""
    return replace(column, nullable=False)
