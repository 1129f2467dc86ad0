"""What a column means: from its name and comment, its table, its type and keys, and the shape of its values.

The values have the last word: a column called ``email`` that holds yes and no is none. What they say by themselves
(``shapes``) goes before what the name says (``names``), and where only the name speaks, values that cannot be of the
role speak against it.
"""

from __future__ import annotations

import math

import pyarrow as pa
from sqlalchemy import types as sqltypes

from dbsynth.codec.base import Kind
from dbsynth.schema.model import Column, Table
from dbsynth.schema.roles.catalog import AREAS, CATALOG, DIRECT, PERSONAL, ROLES
from dbsynth.schema.roles.column import PROSE, ColumnRole
from dbsynth.schema.roles.names import meaning, words
from dbsynth.schema.roles.numbers import number_role
from dbsynth.schema.roles.shapes import possible
from dbsynth.schema.roles.terms import TEXT_TERMS
from dbsynth.schema.roles.text import CATEGORY_SHARE, MOST_CATEGORIES, categories, named_roles, text_role
from dbsynth.schema.types import Structured

__all__ = [
    "AREAS",
    "CATALOG",
    "CATEGORY_SHARE",
    "DIRECT",
    "MOST_CATEGORIES",
    "PERSONAL",
    "PROSE",
    "ROLES",
    "ColumnRole",
    "infer_roles",
    "words",
]


def infer_roles(table: Table, sample: pa.Table, k: int = 5, rows: int | None = None) -> dict[str, ColumnRole]:
    """The role of every stored column of ``table``; ``sample`` holds some of its ``rows`` (None: all). A value that k
    rows share stands in fewer of the sample: in two at least, or nothing tells that it is shared."""
    if rows is not None and rows > sample.num_rows:
        k = min(k, max(2, math.ceil(k * sample.num_rows / rows)))
    return {c.name: _role(table, c, sample.column(c.name).combine_chunks(), k) for c in table.stored_columns}


def _role(table: Table, column: Column, values: pa.Array, k: int) -> ColumnRole:
    type_ = column.type
    if isinstance(type_, sqltypes.Boolean):
        return ColumnRole("flag", False, 1.0, "boolean", "category", "flag")
    if isinstance(type_, sqltypes.Enum):
        return _enum(table, column, list(type_.enums))
    if isinstance(type_, sqltypes.Integer | sqltypes.Numeric | sqltypes.Float):
        return number_role(table, column, values)
    if isinstance(type_, sqltypes.Date | sqltypes.DateTime | sqltypes.Interval) or (
        isinstance(type_, sqltypes.Time) and not type_.timezone
    ):
        if "birth_date" in meaning(column.name, TEXT_TERMS) and isinstance(type_, sqltypes.Date | sqltypes.DateTime):
            return ColumnRole("birth_date", True, 0.95, f"column name {column.name}", "moment", "moment")
        return ColumnRole("moment", False, 1.0, f"type {column.declared}", "moment", "moment")
    if isinstance(type_, sqltypes.Uuid):
        return ColumnRole("uuid", False, 1.0, "type uuid", "presence", "uuid")
    if isinstance(type_, Structured | sqltypes.ARRAY | sqltypes.JSON | sqltypes.LargeBinary):
        return _structured(column, values, k)
    return text_role(table, column, values, k)


def _enum(table: Table, column: Column, labels: list[str]) -> ColumnRole:
    for role, where in named_roles(table, column):
        if role not in DIRECT and (likely := possible(role, labels)) is not None:
            return ColumnRole(role, False, 0.9, f"enum; {where}; its labels {likely.says}", "category")
    return ColumnRole("category", False, 1.0, "enum", "category")


def _structured(column: Column, values: pa.Array, k: int) -> ColumnRole:
    share, kept = categories(values, k)
    kind: Kind = "category" if share >= 0.99 and 0 < kept <= 50 else "presence"
    why = f"type {column.declared}"
    family = column.type.family if isinstance(column.type, Structured) else ""
    if isinstance(column.type, sqltypes.JSON):
        return ColumnRole("json", False, 1.0, why, kind, "structured")
    if family == "network":
        declared = column.declared.lower()
        role = "mac" if "mac" in declared else "cidr" if "cidr" in declared else "ip"
        personal = role in PERSONAL
        return ColumnRole(role, personal, 1.0, why, "presence" if personal else kind, "structured")
    if family == "xml":
        return ColumnRole("xml", False, 1.0, why, kind, "structured")
    return ColumnRole("structured", False, 1.0, why, kind, "structured")
