"""How one database writes names, literals and types: all that translating a schema from one to another asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.schema.types import Structured

Folds = Literal["lower", "upper", "keep"]
TEXT_FAMILY_NOTE = "kept as text"


@dataclass(frozen=True)
class Declared:
    """``sql``: how the type is declared; ``type``: what introspecting that gives. ``note``: what is lost, for people;
    ``check``: a condition on the column (written ``{}``) that keeps what the type itself does not."""

    sql: str
    type: TypeEngine[Any]
    note: str = ""
    check: str = ""


@dataclass(frozen=True)
class TypeNames:
    """SQL text per kind of type; None: the database has no such type. ``{n}``, ``{p}``, ``{s}``, ``{item}`` are filled
    in. ``widths``: smallint, integer and bigint are types of their own."""

    boolean: str = "BOOLEAN"
    smallint: str = "SMALLINT"
    integer: str = "INTEGER"
    bigint: str = "BIGINT"
    real: str = "REAL"
    double: str = "DOUBLE PRECISION"
    decimal: str = "DECIMAL({p}, {s})"
    wide_decimal: str | None = None
    """For what ``decimal`` does not hold."""
    most_digits: int = 38
    most_scale: int = 38
    any_decimal: str | None = None
    """A type of any number of digits; without one, ``decimal`` of 38 digits, 9 of them after the point."""
    text: str = "VARCHAR"
    varchar: str = "VARCHAR({n})"
    char: str = "CHAR({n})"
    longest: int = 10_485_760
    binary: str = "BYTEA"
    date: str = "DATE"
    time: str = "TIME"
    timestamp: str = "TIMESTAMP"
    timestamptz: str = "TIMESTAMP WITH TIME ZONE"
    json: str = "JSON"
    uuid: str | None = "UUID"
    interval: str | None = "INTERVAL"
    array: str | None = "{item}[]"


class Grammar:
    """What differs between databases. A dialect subclasses it and fills in the class attributes."""

    sqlglot: str = ""
    """Under which name sqlglot knows the SQL of this database."""
    folds: Folds = "lower"
    """Into which letters the database turns a name that is written without quotes."""
    longest_name: int = 63
    """Bytes in a name."""
    types: TypeNames = TypeNames()
    infinity: bool = False
    """Dates and timestamps may be infinite; elsewhere they become the ends of ``years``."""
    years: tuple[int, int] = (1, 9999)

    identities: bool = True
    """Columns can count up by themselves."""
    cyclic_keys: bool = True
    keys_across_schemas: bool = True
    """Foreign keys can be declared after all tables are there."""
    keys_to_primary_only: bool = False
    """A foreign key refers to a primary key, never to another unique key."""
    keys_of_one_type: bool = False
    """A foreign key's columns have exactly the types of those it refers to."""

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def literal(self, text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def false_where(self, condition: str) -> str:
        """A boolean that is true where ``condition`` is false (null passes)."""
        return f"NOT COALESCE({condition}, TRUE)"

    def allows_name(self, name: str, kind: str) -> str | None:
        """Why ``name`` cannot be the name of a ``kind`` (schema, table, column); None if it can."""
        if len(name.encode()) > self.longest_name:
            return f"longer than {self.longest_name} bytes"
        return None

    def declare(self, type_: TypeEngine[Any]) -> Declared:
        """How a column of ``type_`` is declared here; types without a counterpart become text, with a note."""
        names = self.types
        match type_:
            case sqltypes.Boolean():
                return Declared(names.boolean, sqltypes.Boolean())
            case sqltypes.Enum():
                length = max((len(label) for label in type_.enums), default=1)
                labels = ", ".join(self.literal(label) for label in type_.enums)
                return self._string(length, note="enum kept as text with a CHECK", check=f"{{}} IN ({labels})")
            case sqltypes.Uuid():
                return Declared(names.uuid, type_) if names.uuid else self._string(36)
            case sqltypes.SmallInteger():
                return Declared(names.smallint, type_)
            case sqltypes.BigInteger():
                return Declared(names.bigint, type_)
            case sqltypes.Integer():
                return Declared(names.integer, type_)
            case sqltypes.REAL():
                return Declared(names.real, type_)
            case sqltypes.Float():
                return Declared(names.double, sqltypes.Double())
            case sqltypes.Numeric():
                return self._decimal(type_)
            case sqltypes.CHAR():
                return self._string(type_.length, form=names.char, make=sqltypes.CHAR)
            case sqltypes.String():
                return self._string(type_.length)
            case sqltypes.LargeBinary():
                return Declared(names.binary, sqltypes.LargeBinary())
            case sqltypes.DateTime():
                zoned = type_.timezone
                return Declared(names.timestamptz if zoned else names.timestamp, sqltypes.DateTime(timezone=zoned))
            case sqltypes.Date():
                return Declared(names.date, sqltypes.Date())
            case sqltypes.Time() if not type_.timezone:
                return Declared(names.time, sqltypes.Time())
            case sqltypes.Interval() if names.interval:
                return Declared(names.interval, sqltypes.Interval())
            case sqltypes.ARRAY():
                return self._array(type_)
            case sqltypes.JSON():
                return Declared(names.json, sqltypes.JSON())
            case Structured() if type_.family == "document":
                return Declared(names.json, sqltypes.JSON(), note=f"{type_.declared} kept as {names.json}")
        what = type_.declared if isinstance(type_, Structured) else str(type_).lower()
        return self._string(None, note=f"{what} {TEXT_FAMILY_NOTE}")

    def _string(
        self,
        length: int | None,
        *,
        form: str = "",
        make: Callable[[int | None], TypeEngine[Any]] = sqltypes.String,
        note: str = "",
        check: str = "",
    ) -> Declared:
        if length is None or length > self.types.longest:
            return Declared(self.types.text, sqltypes.Text(), note, check)
        sql = (form or self.types.varchar).format(n=length)
        return Declared(sql, make(length) if "{n}" in (form or self.types.varchar) else sqltypes.Text(), note, check)

    def _decimal(self, type_: sqltypes.Numeric[Any]) -> Declared:
        names, precision, scale = self.types, type_.precision, type_.scale or 0
        if precision is None:
            if names.any_decimal:
                return Declared(names.any_decimal, sqltypes.Numeric())
            digits = (38, 9)
            note = "numbers of any precision get 38 digits, 9 of them after the point"
            return Declared(names.decimal.format(p=38, s=9), sqltypes.Numeric(*digits), note)
        if scale < 0:
            precision, scale = precision - scale, 0
        precision = max(precision, scale)
        if precision <= names.most_digits and scale <= names.most_scale and self.fits_decimal(precision, scale):
            return Declared(names.decimal.format(p=precision, s=scale), sqltypes.Numeric(precision, scale))
        if names.wide_decimal and precision <= 38:
            return Declared(names.wide_decimal.format(p=precision, s=scale), sqltypes.Numeric(precision, scale))
        return self._string(None, note=f"numeric({precision}, {scale}) {TEXT_FAMILY_NOTE}")

    def fits_decimal(self, precision: int, scale: int) -> bool:
        """Whether ``types.decimal`` takes these digits (beyond ``most_digits`` and ``most_scale``)."""
        return True

    def _array(self, type_: sqltypes.ARRAY[Any]) -> Declared:
        item = self.declare(type_.item_type)
        if self.types.array is None or item.note:
            return Declared(self.types.json, sqltypes.JSON(), note=f"array kept as {self.types.json}")
        return Declared(self.types.array.format(item=item.sql), sqltypes.ARRAY(item.type))
