"""What an SQL expression computes with: types, and vectors of values with nulls.

A ``Vec`` of one element stands for a constant and broadcasts. ``values`` hold, by family of the type:

    bool                  bool                        int, date, time, timestamp(tz)   int64 (days, µs)
    float                 float64                     numeric   int64 or Python ints, times 10**-scale, exact
    text, bpchar, enum, uuid, json, bytea, inet, bits str (bpchar without its trailing blanks)
    interval              int64 (n, 3): months, days, µs
    array                 list of (text or None)      composite, range, opaque         str, the text form

Where ``valid`` is False the value is a filler of the right type, never None, so that numpy can work on whole vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.schema.types import Structured


class NotEvaluable(Exception):
    """The expression holds something this evaluator does not compute; the message names it."""


@dataclass(frozen=True)
class SqlType:
    """``length`` of char(n)/varchar(n); ``precision``/``scale`` of numeric(p, s); ``single``: float4."""

    family: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    single: bool = False
    labels: tuple[str, ...] = ()
    element: SqlType | None = None
    fields: tuple[tuple[str, SqlType], ...] = ()
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.family


BOOL, INT, NUMERIC, FLOAT, TEXT = SqlType("bool"), SqlType("int"), SqlType("numeric"), SqlType("float"), SqlType("text")
DATE, TIME, TIMESTAMP, TIMESTAMPTZ = SqlType("date"), SqlType("time"), SqlType("timestamp"), SqlType("timestamptz")
INTERVAL, JSON, UNKNOWN = SqlType("interval"), SqlType("json"), SqlType("unknown", name="an untyped literal")
INET, BITS, BYTES = SqlType("inet"), SqlType("bits"), SqlType("bytea")

STRINGS = frozenset({
    "text", "bpchar", "enum", "uuid", "json", "bytea", "composite", "range", "inet", "bits", "opaque", "unknown",
})  # fmt: skip
"""Families whose values are Python strings."""


def sql_type(type_: TypeEngine[Any]) -> SqlType:
    """The evaluator's type of a column's SQLAlchemy type. Enum before String: SQLAlchemy derives one from the other."""
    match type_:
        case sqltypes.Boolean():
            return BOOL
        case sqltypes.Integer():
            return INT
        case sqltypes.Float(precision=precision):
            single = isinstance(type_, sqltypes.REAL) or (precision is not None and precision <= 24)
            return SqlType("float", single=single)
        case sqltypes.Numeric(precision=precision, scale=scale):
            return SqlType("numeric", precision=precision, scale=None if precision is None else scale or 0)
        case sqltypes.DateTime():
            return TIMESTAMPTZ if type_.timezone else TIMESTAMP
        case sqltypes.Date():
            return DATE
        case sqltypes.Time():
            return SqlType("opaque", name="time with time zone") if type_.timezone else TIME
        case sqltypes.Interval():
            return INTERVAL
        case sqltypes.Enum():
            return SqlType("enum", labels=tuple(type_.enums), name=type_.name or "enum")
        case sqltypes.Uuid():
            return SqlType("uuid")
        case sqltypes.JSON():
            return JSON
        case sqltypes.ARRAY():
            return SqlType("array", element=sql_type(type_.item_type))
        case sqltypes.LargeBinary():
            return SqlType("bytea")
        case sqltypes.CHAR() | sqltypes.NCHAR():
            return SqlType("bpchar", length=type_.length or 1)
        case sqltypes.Text():
            return SqlType("text", length=type_.length)
        case sqltypes.String():
            return SqlType("text", length=type_.length, name="character varying")
        case Structured(family="composite"):
            return SqlType("composite", fields=tuple((n, sql_type(t)) for n, t in type_.fields), name=type_.declared)
        case Structured(family="network") if type_.declared in ("inet", "cidr"):
            return INET
        case Structured(family="bits"):
            return BITS
        case Structured(family="range") if type_.element is not None:
            return SqlType("range", element=sql_type(type_.element), name=type_.declared)
        case Structured():
            return SqlType("opaque", name=type_.declared)
        case _:
            return SqlType("opaque", name=str(type_.__class__.__name__).lower())


@dataclass(frozen=True, eq=False)
class Vec:
    """``bad``: rows on which the database would raise an error (division by zero, 'x'::integer).
    ``special`` of a numeric: -1/1 for -Infinity/Infinity, 2 for NaN, else 0."""

    type: SqlType
    values: np.ndarray
    valid: np.ndarray
    bad: np.ndarray | None = None
    scale: int = 0
    special: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.valid)

    def expand(self, rows: int) -> Vec:
        """The same with ``rows`` elements, if it is a constant."""
        if len(self) == rows:
            return self
        index = np.zeros(rows, dtype=np.int64)
        return self.take(index)

    def take(self, index: np.ndarray) -> Vec:
        return replace(
            self,
            values=self.values[index],
            valid=self.valid[index],
            bad=None if self.bad is None else self.bad[index],
            special=None if self.special is None else self.special[index],
        )


def merged(inputs: Sequence[Vec], bad: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """(valid, bad) of a strict function: null if an input is, an error if an input is."""
    valid = inputs[0].valid
    for vec in inputs[1:]:
        valid = valid & vec.valid
    if bad is not None:
        bad = np.broadcast_to(bad & valid, valid.shape)
    for vec in inputs:
        if vec.bad is not None:
            bad = vec.bad if bad is None else bad | vec.bad
    if bad is not None and bad.shape != valid.shape:
        bad, valid = (np.array(x) for x in np.broadcast_arrays(bad, valid))
    return valid, bad


def strict(
    type_: SqlType,
    values: np.ndarray,
    *inputs: Vec,
    bad: np.ndarray | None = None,
    null: np.ndarray | None = None,
    scale: int = 0,
    special: np.ndarray | None = None,
) -> Vec:
    """The result of a strict function: ``values`` where every input is valid. ``null`` adds nulls, ``bad`` errors."""
    valid, bad = merged(inputs, bad)
    if null is not None:
        valid = valid & ~null
    if len(values) != len(valid):
        values = np.broadcast_to(values, (len(valid), *values.shape[1:]))
    return Vec(type_, values, valid, bad, scale, special)


FILLERS: dict[str, Any] = {"bool": False, "float": 0.0} | dict.fromkeys(STRINGS, "")


def vector(type_: SqlType, items: Iterable[Any], bad: np.ndarray | None = None) -> Vec:
    """A Vec of Python values, None for null (numeric: not here, see ``numbers``)."""
    listed = list(items)
    valid = np.fromiter((x is not None for x in listed), dtype=bool, count=len(listed))
    family = type_.family
    if family == "array":
        values: np.ndarray = np.empty(len(listed), dtype=object)
        values[:] = [x if x is not None else [] for x in listed]
    elif family == "interval":
        values = np.array([x if x is not None else (0, 0, 0) for x in listed], dtype=np.int64).reshape(-1, 3)
    else:
        dtype = {"bool": np.bool_, "float": np.float64}.get(family, object if family in STRINGS else np.int64)
        filler = FILLERS.get(family, 0)
        values = np.array([x if x is not None else filler for x in listed], dtype=dtype)
    return Vec(type_, values, valid, bad)


def per_value(function: Callable[..., Any], *inputs: Vec) -> tuple[list[Any], np.ndarray | None]:
    """Calls ``function`` on the rows where all inputs are valid; None is null; ValueError (and a part
    that is missing from the text of a value) an error of the database."""
    valid, _ = merged(inputs)
    rows = len(valid)
    columns = [v.values if len(v) == rows else np.broadcast_to(v.values, (rows, *v.values.shape[1:])) for v in inputs]
    results: list[Any] = [None] * rows
    bad: np.ndarray | None = None
    for i in np.flatnonzero(valid):
        try:
            results[i] = function(*(c[i] for c in columns))
        except (ValueError, OverflowError, LookupError):
            bad = np.zeros(rows, dtype=bool) if bad is None else bad
            bad[i] = True
    return results, bad


REPEATED = 1000
"""Rows from which on a function of text is called once for each different value."""


def apply(type_: SqlType, function: Callable[..., Any], *inputs: Vec) -> Vec:
    """A strict function given for single values."""
    first, *rest = inputs
    if len(first) > REPEATED and first.type.family in STRINGS and all(len(v) == 1 for v in rest):
        encoded = pa.array(np.where(first.valid, first.values, ""), type=pa.string()).dictionary_encode()
        values = encoded.dictionary.to_numpy(zero_copy_only=False)
        once = _each(type_, function, Vec(first.type, values, np.ones(len(values), dtype=bool)), *rest)
        result = once.take(encoded.indices.to_numpy(zero_copy_only=False))
        valid, bad = merged(inputs, result.bad)
        return replace(result, valid=result.valid & valid, bad=bad)
    return _each(type_, function, *inputs)


def _each(type_: SqlType, function: Callable[..., Any], *inputs: Vec) -> Vec:
    results, bad = per_value(function, *inputs)
    _, bad = merged(inputs, None if bad is None else bad)
    return vector(type_, results, bad)


def plain(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One Arrow array, no chunks."""
    if isinstance(array, pa.ChunkedArray):
        return array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)
    return array
