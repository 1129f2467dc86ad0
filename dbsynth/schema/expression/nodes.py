"""A compiled expression: typed nodes, each a function of a batch."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from dbsynth.schema.arrays import literal_of
from dbsynth.schema.expression import numbers
from dbsynth.schema.expression.moments import ENDLESS, parse_interval
from dbsynth.schema.expression.texts import parse_array
from dbsynth.schema.expression.values import STRINGS, TEXT, SqlType, Vec, apply, plain, vector

ARROW_TYPES = {
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
"""Of the families that travel as themselves; decimals by their scale, everything else as text."""


class Context:
    """One batch during evaluation; columns are read once. ``now`` in µs since 1970, UTC."""

    def __init__(self, batch: pa.RecordBatch | pa.Table | None, now: int) -> None:
        self.batch, self.now = batch, now
        self.rows = 1 if batch is None else batch.num_rows
        self._columns: dict[tuple[str, SqlType], Vec] = {}

    def column(self, name: str, type_: SqlType) -> Vec:
        key = (name, type_)
        if key not in self._columns:
            if self.batch is None:
                raise LookupError(f"a constant expression reads column {name}")
            self._columns[key] = read_column(plain(self.batch.column(name)), type_)
        return self._columns[key]


@dataclass(frozen=True, eq=False)
class Node:
    """``kind``: column, const, and, or, not, compare, null, in, pattern, cast, field, call, case.
    ``name``: the column, operator or function; ``value``: what the kind needs besides (documented where it is made)."""

    kind: str
    type: SqlType
    run: Callable[[Context], Vec]
    args: tuple[Node, ...] = ()
    name: str = ""
    value: Any = field(default=None)

    @cached_property
    def columns(self) -> frozenset[str]:
        if self.kind == "column":
            return frozenset({self.name})
        return frozenset().union(*(a.columns for a in self.args))

    @property
    def constant(self) -> bool:
        return not self.columns

    def scalar(self, now: int) -> Any:
        """The value of an expression without columns: None, bool, int (µs, days), float, Decimal, str or tuple."""
        return scalar(self.run(Context(None, now)))


def scalar(vec: Vec) -> Any:
    if not vec.valid[0] or (vec.bad is not None and vec.bad[0]):
        return None
    value = vec.values[0]
    match vec.type.family:
        case "numeric":
            return numbers.scalar(vec)
        case "bool":
            return bool(value)
        case "float":
            return float(value)
        case "interval":
            return tuple(int(v) for v in value)
        case family if family in STRINGS or family == "array":
            return value
        case _:
            return int(value)


def constant(type_: SqlType, value: Any) -> Node:
    """A literal. A Decimal for numeric, a Python value otherwise, None for null."""
    if type_.family == "numeric":
        vec = numbers.from_texts([None if value is None else format(Decimal(value), "f")], type_)
    else:
        vec = vector(type_, [value])
    return Node("const", type_, lambda _: vec)


def column(name: str, type_: SqlType) -> Node:
    return Node("column", type_, lambda ctx: ctx.column(name, type_), name=name)


def call(name: str, type_: SqlType, args: tuple[Node, ...], kernel: Callable[..., Vec]) -> Node:
    """A function of the vectors of its arguments."""
    return Node("call", type_, lambda ctx: kernel(*(a.run(ctx) for a in args)), args, name)


def read_column(array: pa.Array, type_: SqlType) -> Vec:
    """A column of a batch (``schema/types.py``) as a Vec."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    family = type_.family
    if family == "numeric":
        if pa.types.is_decimal128(array.type):
            return numbers.from_decimal128(array, type_)
        encoded = array.cast(pa.string()).dictionary_encode()  # each different text is read once
        codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        return numbers.from_texts([*encoded.dictionary.to_pylist(), None], type_).take(codes)
    valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    if family in ARROW_TYPES:
        if array.type != ARROW_TYPES[family]:
            array = array.cast(ARROW_TYPES[family])
        if family == "bool":
            return Vec(type_, array.fill_null(False).to_numpy(zero_copy_only=False), valid)
        if family == "float":
            floats = array.fill_null(0.0).to_numpy(zero_copy_only=False)
            return Vec(type_, floats.astype(np.float32).astype(np.float64) if type_.single else floats, valid)
        width = pa.int32() if family == "date" else pa.int64()
        values = array.view(width).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        return Vec(type_, values, valid)
    texts = array.cast(pa.string()).fill_null("").to_numpy(zero_copy_only=False)
    if family == "bpchar":
        texts = np.array([t.rstrip(" ") for t in texts], dtype=object)
    elif family == "inet":  # one text for each address: without a mask that says nothing
        return apply(type_, lambda t: str(ipaddress.ip_interface(t)), Vec(TEXT, texts, valid))
    elif family in ("array", "interval"):
        return apply(type_, parse_array if family == "array" else parse_interval, Vec(TEXT, texts, valid))
    return Vec(type_, texts, valid)


def write_column(vec: Vec, arrow: pa.DataType) -> pa.Array:
    """A Vec in the Arrow type of a column; the caller has cast it to the column's SQL type."""
    null = ~vec.valid if vec.bad is None else ~vec.valid | vec.bad
    if vec.type.family == "numeric":
        decimals = [
            None if gone else numbers.scalar(vec.take(np.array([i]))) for i, gone in enumerate(null)
        ]  # fmt: skip
        if pa.types.is_decimal(arrow):
            return pa.array(decimals, type=arrow)
        return pa.array([None if d is None else format(d, "f") for d in decimals], type=pa.string())
    if vec.type.family == "date":
        null = null | (np.abs(vec.values) > 2**31)
        return pa.array(np.where(null, 0, vec.values).astype(np.int32), mask=null).view(pa.date32())
    if vec.type.family in ("timestamp", "timestamptz", "time"):
        return pa.array(vec.values, mask=null).view(arrow)
    if vec.type.family in ("array", "interval"):
        write = literal_of if vec.type.family == "array" else interval_text
        return pa.array([None if gone else write(v) for v, gone in zip(vec.values.tolist(), null, strict=True)], arrow)
    return pa.array(vec.values, type=arrow, mask=null)


def interval_text(parts: Sequence[int]) -> str:
    """Months, days and µs as the database reads them."""
    months, days, micros = parts
    if abs(micros) >= ENDLESS:
        return "infinity" if micros > 0 else "-infinity"
    sign, clock = ("-" if micros < 0 else ""), abs(int(micros))
    seconds, rest = divmod(clock, 1_000_000)
    fraction = f".{rest:06}".rstrip("0") if rest else ""
    words = [f"{months} mons"] * bool(months) + [f"{days} days"] * bool(days)
    if micros or not words:
        words.append(f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}")
    return " ".join(words)
