r"""From SQLAlchemy types to the Arrow types in which rows travel.

Rows travel through dbsynth as Arrow record batches, with one Arrow type for each kind of column:

    integer                         int64
    float                           float64
    numeric(p, s), p <= 38          decimal128(38, s)
    numeric without precision       string, the exact decimal text (NaN and Infinity are possible)
    boolean                         bool
    date                            date32, timestamp -> timestamp[us], timestamptz -> timestamp[us, UTC]
    time without zone               time64[us]
    everything else                 string, in one text form whatever the database: uuid and json as such, binary as
                                    \x and hex digits, arrays as {1,NULL,"a b"}, intervals as 1 day 02:00:00, documents
                                    (STRUCT, MAP, arrays of them) as JSON; other types in the database's own text form

±infinity of dates and timestamps are the largest and smallest value of the Arrow type (INFINITY_* below), years
before Christ are proleptic-negative values; 24:00 is the time of 86,400,000,000 microseconds. The blanks that pad
char(n) are left out. NaN in numeric(p, s), which decimals do not have, travels as null. A dialect reads into these
types and writes from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine, UserDefinedType

DATE_INFINITY, DATE_MINUS_INFINITY = 2**31 - 1, -(2**31)
"""date32 values (days) that stand for 'infinity' and '-infinity'."""
TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY = 2**63 - 1, -(2**63)
"""timestamp[us] values that stand for 'infinity' and '-infinity'."""

FAMILIES = (
    "range", "composite", "xml", "network", "bits", "money", "tsvector", "geometry", "hstore", "timetz", "document",
    "other",
)  # fmt: skip


@dataclass(eq=False)
class Structured(UserDefinedType[str]):
    """A type that SQLAlchemy's generic types do not cover, by family (one of ``FAMILIES``).

    ``declared`` is its SQL text, ``element`` the subtype of a range, ``fields`` the (name, type) of a composite. A
    ``document`` has an inner structure and travels as JSON: with ``fields`` an object, with ``element`` a list (of
    documents or lists), with neither an object of any keys.
    """

    declared: str
    family: str = "other"
    element: TypeEngine[Any] | None = None
    fields: tuple[tuple[str, TypeEngine[Any]], ...] = ()
    cache_ok = True

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"unknown family {self.family!r} of type {self.declared}")

    def get_col_spec(self, **_: Any) -> str:
        return self.declared


def arrow_type(type_: TypeEngine[Any]) -> pa.DataType:
    """The Arrow type in which values of an SQLAlchemy type travel (table above)."""
    match type_:
        case sqltypes.Boolean():
            return pa.bool_()
        case sqltypes.Integer():
            return pa.int64()
        case sqltypes.Float():
            return pa.float64()
        case sqltypes.Numeric(precision=int(p), scale=s) if p <= 38 and 0 <= (s or 0) <= 38:
            return pa.decimal128(38, s or 0)
        case sqltypes.DateTime():
            return pa.timestamp("us", tz="UTC" if type_.timezone else None)
        case sqltypes.Date():
            return pa.date32()
        case sqltypes.Time() if not type_.timezone:
            return pa.time64("us")
        case _:
            return pa.string()
