"""From the types of the catalog to SQLAlchemy types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from dbsynth.schema.types import Structured

Type = TypeEngine[Any]
Row = Mapping[str, Any]

NO_MODIFIER = -1
LENGTH_OFFSET = 4
"""The modifier of varchar(n), char(n) and numeric is that much more than what it means."""


def _length(typmod: int) -> int | None:
    return None if typmod == NO_MODIFIER else typmod - LENGTH_OFFSET


def _numeric(typmod: int) -> Type:
    if typmod == NO_MODIFIER:
        return sqltypes.Numeric()
    packed = typmod - LENGTH_OFFSET
    # The scale is an 11-bit number with sign since version 15, and was never more than 1000 before.
    scale = ((packed & 0x7FF) ^ 0x400) - 0x400
    return sqltypes.Numeric(precision=(packed >> 16) & 0xFFFF, scale=scale)


PLAIN: Mapping[str, Callable[[int], Type]] = {
    "bool": lambda _: sqltypes.Boolean(),
    "int2": lambda _: sqltypes.SmallInteger(),
    "int4": lambda _: sqltypes.Integer(),
    "int8": lambda _: sqltypes.BigInteger(),
    "oid": lambda _: sqltypes.BigInteger(),
    "float4": lambda _: sqltypes.REAL(),
    "float8": lambda _: sqltypes.Double(),
    "numeric": _numeric,
    "text": lambda _: sqltypes.Text(),
    "name": lambda _: sqltypes.String(63),
    "char": lambda _: sqltypes.String(1),
    "varchar": lambda typmod: sqltypes.String(_length(typmod)),
    "bpchar": lambda typmod: sqltypes.CHAR(_length(typmod)),
    "date": lambda _: sqltypes.Date(),
    "time": lambda _: sqltypes.Time(),
    "timestamp": lambda _: sqltypes.DateTime(),
    "timestamptz": lambda _: sqltypes.DateTime(timezone=True),
    "interval": lambda _: sqltypes.Interval(),
    "uuid": lambda _: sqltypes.Uuid(as_uuid=False),
    "json": lambda _: sqltypes.JSON(),
    "jsonb": lambda _: JSONB(),
    "bytea": lambda _: sqltypes.LargeBinary(),
}
"""Types of pg_catalog, from their modifier."""

FAMILY = {
    "xml": "xml",
    "inet": "network", "cidr": "network", "macaddr": "network", "macaddr8": "network",
    "bit": "bits", "varbit": "bits",
    "money": "money",
    "tsvector": "tsvector",
    "point": "geometry", "line": "geometry", "lseg": "geometry", "box": "geometry", "path": "geometry",
    "polygon": "geometry", "circle": "geometry",
    "timetz": "timetz",
}  # fmt: skip
"""Types of pg_catalog that SQLAlchemy has no generic type for; the rest of them is ``other``."""

VECTORS = ("int2vector", "oidvector")
"""Arrays by the catalog, but not in their text form."""

EXTENSION_TYPES: Mapping[str, Callable[[str], Type]] = {
    "citext": lambda _: sqltypes.Text(),
    "hstore": lambda declared: Structured(declared, "hstore"),
}


class TypeResolver:
    """SQLAlchemy types for the rows of ``types.sql``, which hold all types that others are made of."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows: dict[int, Row] = {row["oid"]: row for row in rows}

    def resolve(self, oid: int, typmod: int = NO_MODIFIER, dimensions: int = 0, declared: str | None = None) -> Type:
        """The type called ``oid``, of a domain its base type. ``declared``: its SQL text with the modifier."""
        row = self.rows[oid]
        text = declared or row["declared"]
        if row["kind"] == "d":
            return self.resolve(row["base"], row["typmod"], row["dimensions"], row["base_declared"])
        if row["is_array"] and row["name"] not in VECTORS:
            item = self.resolve(row["element"], typmod)
            if isinstance(item, sqltypes.ARRAY):  # a domain over an array: SQLAlchemy knows no nested arrays
                return Structured(text)
            return sqltypes.ARRAY(item, dimensions=dimensions or None)
        if row["kind"] == "e":
            return (
                sqltypes.Enum(*row["labels"], name=row["name"], schema=row["schema"])
                if row["labels"]
                else Structured(text)
            )
        if row["kind"] == "r":
            return Structured(text, "range", element=self.resolve(row["subtype"]))
        if row["kind"] == "c":
            fields = zip(row["field_names"], row["field_types"], row["field_typmods"], strict=True)
            return Structured(text, "composite", fields=tuple((n, self.resolve(t, m)) for n, t, m in fields))
        if row["schema"] == "pg_catalog":
            plain = PLAIN.get(row["name"])
            return plain(typmod) if plain else Structured(text, FAMILY.get(row["name"], "other"))
        if row["extension"] == row["name"] and row["name"] in EXTENSION_TYPES:
            return EXTENSION_TYPES[row["name"]](text)
        return Structured(text)

    def domains(self, oid: int) -> list[Row]:
        """The domain called ``oid`` and those it is based on, outermost first; nothing for another type."""
        chain = []
        while self.rows[oid]["kind"] == "d":
            chain.append(self.rows[oid])
            oid = self.rows[oid]["base"]
        return chain
