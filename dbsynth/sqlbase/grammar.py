"""How a database that is reached by SQL alone writes what is read and stored: the expressions around a column."""

from __future__ import annotations

from sqlalchemy import types as sqltypes

from dbsynth.grammar import Grammar
from dbsynth.schema.model import Column
from dbsynth.schema.types import Structured


def is_scalar(column: Column) -> bool:
    """Values that can be compared, ordered and grouped by."""
    return not isinstance(column.type, sqltypes.ARRAY | sqltypes.JSON | sqltypes.LargeBinary | Structured)


class SqlGrammar(Grammar):
    """A dialect overrides what its database writes in another way."""

    text_type: str = "VARCHAR"

    def place(self, *parts: str) -> str:
        return ".".join(self.quote(p) for p in parts)

    def value(self, column: Column) -> str:
        """What to select so that the result casts to the type in which the column travels."""
        name = self.quote(column.name)
        match column.type:
            case sqltypes.ARRAY() | sqltypes.JSON():
                return self.json_text(name, column)
            case Structured() if column.type.family == "document":
                return self.json_text(name, column)
            case sqltypes.Uuid() | sqltypes.Interval() | sqltypes.Enum() | Structured():
                return self.as_text(name)
            case sqltypes.Numeric(precision=None) if not isinstance(column.type, sqltypes.Float):
                return self.as_text(name)
            case _:
                return name

    def sort_key(self, column: Column) -> str:
        return f"{self.quote(column.name) if is_scalar(column) else self.value(column)} ASC NULLS LAST"

    def hash_text(self, column: Column) -> str:
        """Equal for equal values, whatever number or text type the column has."""
        return self.as_text(self.quote(column.name)) if is_scalar(column) else self.value(column)

    def stored(self, column: Column, sql: str) -> str:
        """From ``sql``, a column of rows on their way in (``arrow.staged_type``), to the column's own type."""
        return sql

    def as_text(self, sql: str) -> str:
        return f"CAST({sql} AS {self.text_type})"

    def json_text(self, sql: str, column: Column) -> str:
        return f"CAST(TO_JSON({sql}) AS {self.text_type})"

    def hashed(self, text: str) -> str:
        """32 hexadecimal digits of the MD5 of a text."""
        return f"MD5({text})"

    def as_of(self, snapshot: str | None) -> str:
        """What follows a table's name to read it as it was at ``snapshot``."""
        return ""
