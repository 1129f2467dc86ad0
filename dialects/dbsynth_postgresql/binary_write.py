"""Arrow batches as PostgreSQL's binary COPY format, whole columns at a time.

The server reads it with half the work that csv takes. A row is a count of fields and, for each, its length and bytes.
What lies between two texts has one width in all rows: it is laid out as a NumPy record (big-endian), out of which the
bytes of null values are cut; Arrow then joins these pieces and the texts row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.schema.types import DATE_INFINITY, DATE_MINUS_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
NULL = -1

Numbers = np.ndarray[Any, Any]
DAYS_TO_2000 = 10_957
MICROS_TO_2000 = DAYS_TO_2000 * 86_400_000_000
OLDEST_MICROS = -220_000_000_000_000_000
"""Before the first moment the server knows (4714 BC): far from what 64 bits hold."""


class OutOfRange(ValueError):
    """A value does not fit the type of its column."""


def _integer(type_: str) -> Callable[[pa.Array], Numbers]:
    info = np.iinfo(type_)

    def encode(column: pa.Array) -> Numbers:
        values: Numbers = column.fill_null(0).to_numpy(zero_copy_only=False)
        if len(values) and (values.min() < info.min or values.max() > info.max):
            worst = values.max() if values.max() > info.max else values.min()
            raise OutOfRange(f"{worst} is out of range")
        return values

    return encode


def _float(type_: str) -> Callable[[pa.Array], Numbers]:
    def encode(column: pa.Array) -> Numbers:
        values: Numbers = column.fill_null(0.0).to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore"):
            narrow = values.astype(type_)
        lost = np.isinf(narrow) & np.isfinite(values)
        if lost.any():
            raise OutOfRange(f"{values[lost][0]} is out of range")
        return narrow

    return encode


def _bool(column: pa.Array) -> Numbers:
    values: Numbers = column.fill_null(False).to_numpy(zero_copy_only=False)
    return values.astype("u1")


def _date(column: pa.Array) -> Numbers:
    """Days since 2000; infinity is the same number in Arrow's column and in the server's."""
    days: Numbers = column.view(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False)
    endless = (days == DATE_INFINITY) | (days == DATE_MINUS_INFINITY)
    return np.where(endless, days.astype("i8"), days.astype("i8") - DAYS_TO_2000)


def _timestamp(column: pa.Array) -> Numbers:
    micros: Numbers = column.view(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    endless = (micros == TIMESTAMP_INFINITY) | (micros == TIMESTAMP_MINUS_INFINITY)
    usual = np.where(endless, 0, micros)
    if len(usual) and usual.min() < OLDEST_MICROS:
        raise OutOfRange(f"{usual.min()} microseconds since 1970 are out of range")
    return np.where(endless, micros, usual - MICROS_TO_2000)


def _time(column: pa.Array) -> Numbers:
    values: Numbers = column.view(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return values


def _numeric(column: pa.Array) -> Numbers:
    """Digits of base 10,000, as many for all values of the column: the server strips zeros at both ends."""
    scale = column.type.scale
    after = -(-scale // 4)
    pad = 10 ** (4 * after - scale)
    column = column.fill_null(0)
    words = np.frombuffer(column.buffers()[1], "<i8").reshape(-1, 2)[column.offset : column.offset + len(column)]
    low, high = words[:, 0], words[:, 1]
    limit = (2**63 - 1) // pad
    if ((high == low >> 63) & (low <= limit) & (low >= -limit)).all():
        whole = np.abs(low) * pad
        negative = low < 0
    else:  # wider than a machine word: exact all the same, with Python's numbers
        exact = high.astype(object) * 2**64 + low.view("<u8").astype(object)
        whole = np.abs(exact) * pad
        negative = high < 0
    digits: list[Numbers] = []
    while len(digits) < after + 1 or whole.any():
        digits.append((whole % 10_000).astype("i2"))
        whole = whole // 10_000
    count = len(digits)
    layout = [("n", ">i2"), ("weight", ">i2"), ("sign", ">u2"), ("scale", ">i2"), ("d", ">i2", (count,))]
    made: Numbers = np.empty(len(column), layout)
    made["n"], made["weight"], made["scale"] = count, count - after - 1, scale
    made["sign"] = np.where(negative, 0x4000, 0)
    made["d"] = np.stack(digits[::-1], axis=1)
    return made


HEX = np.full(256, 255, "u1")
HEX[np.frombuffer(b"0123456789abcdef", "u1")] = np.arange(16)
HEX[np.frombuffer(b"ABCDEF", "u1")] = np.arange(10, 16)


def _uuid(column: pa.Array) -> Numbers:
    plain = pc.replace_substring_regex(column, "[{}-]", "").fill_null("0" * 32)
    if not pc.all(pc.equal(pc.binary_length(plain), 32)).as_py():
        raise OutOfRange("a value is no uuid")
    text = np.frombuffer(b"" if len(plain) == 0 else plain.buffers()[2], "u1")
    start = plain.offset * 32
    nibbles = HEX[text[start : start + 32 * len(plain)]].reshape(-1, 32)
    if (nibbles == 255).any():
        raise OutOfRange("a value is no uuid")
    packed: Numbers = (nibbles[:, 0::2] << 4) | nibbles[:, 1::2]
    return packed


@dataclass(frozen=True)
class Fixed:
    """A type whose values have one width within a batch: how to make them, and their NumPy type (None: as made)."""

    encode: Callable[[pa.Array], Numbers]
    dtype: str | None
    arrow: Callable[[pa.DataType], bool]


FIXED: Mapping[str, Fixed] = {
    "int2": Fixed(_integer("i2"), ">i2", pa.types.is_int64),
    "int4": Fixed(_integer("i4"), ">i4", pa.types.is_int64),
    "int8": Fixed(_integer("i8"), ">i8", pa.types.is_int64),
    "float4": Fixed(_float("f4"), ">f4", pa.types.is_float64),
    "float8": Fixed(_float("f8"), ">f8", pa.types.is_float64),
    "bool": Fixed(_bool, "u1", pa.types.is_boolean),
    "date": Fixed(_date, ">i4", pa.types.is_date32),
    "timestamp": Fixed(_timestamp, ">i8", pa.types.is_timestamp),
    "timestamptz": Fixed(_timestamp, ">i8", pa.types.is_timestamp),
    "time": Fixed(_time, ">i8", pa.types.is_time64),
    "numeric": Fixed(_numeric, None, pa.types.is_decimal128),
    "uuid": Fixed(_uuid, None, pa.types.is_string),
}
TEXT = frozenset({"text", "varchar", "bpchar", "json", "enum"})
"""Types whose binary form is their text."""
VERSIONED = frozenset({"jsonb"})
"""The same behind one byte, a 1."""


def can_encode(kinds: Mapping[str, str], types: pa.Schema) -> bool:
    """``kinds``: the server's name of each column's type (of a domain its base type; "enum" for those)."""
    for f in types:
        kind = kinds[f.name]
        fits = FIXED[kind].arrow(f.type) if kind in FIXED else kind in TEXT | VERSIONED and pa.types.is_string(f.type)
        if not fits:
            return False
    return len(types) > 0


@dataclass
class _Run:
    """Fields of fixed width that follow each other."""

    rows: int
    parts: list[tuple[Any, Numbers | int]] = field(default_factory=list)
    holes: list[tuple[int, int, Numbers]] = field(default_factory=list)
    """(first byte, width, rows) of what null values leave out."""
    width: int = 0

    def add(self, dtype: Any, values: Numbers | int, absent: Numbers | None = None) -> None:
        size = np.dtype(dtype).itemsize
        if absent is not None:
            self.holes.append((self.width, size, absent))
        self.parts.append((dtype, values))
        self.width += size

    def array(self) -> pa.Array:
        record = np.empty(self.rows, [(f"f{i}", dtype) for i, (dtype, _) in enumerate(self.parts)])
        for i, (_, values) in enumerate(self.parts):
            record[f"f{i}"] = values
        flat = record.view("u1")
        lengths = np.full(self.rows, self.width, "i4")
        if self.holes:
            keep = np.ones((self.rows, self.width), bool)
            for start, size, absent in self.holes:
                keep[absent, start : start + size] = False
                lengths[absent] -= size
            flat = flat[keep.ravel()]
        offsets = np.zeros(self.rows + 1, "i4")
        np.cumsum(lengths, out=offsets[1:])
        return pa.Array.from_buffers(pa.binary(), self.rows, [None, pa.py_buffer(offsets), pa.py_buffer(flat)])


def encode(batch: pa.RecordBatch, kinds: Mapping[str, str]) -> memoryview:
    """The rows of ``batch``, without header and trailer. Raises OutOfRange that names the column."""
    run = _Run(batch.num_rows)
    run.add(">i2", batch.num_columns)
    pieces = []
    for f, column in zip(batch.schema, batch.columns, strict=True):
        kind = kinds[f.name]
        absent = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
        if kind in FIXED:
            try:
                values = FIXED[kind].encode(column)
            except OutOfRange as error:
                raise OutOfRange(f"column {f.name}: {error}") from error
            dtype = FIXED[kind].dtype or (values.dtype if values.ndim == 1 else (values.dtype, values.shape[1:]))
            size = np.dtype(dtype).itemsize
            run.add(">i4", size if absent is None else np.where(absent, NULL, size))
            run.add(dtype, values, absent)
            continue
        extra = kind in VERSIONED
        lengths = pc.binary_length(column).fill_null(NULL - extra).to_numpy(zero_copy_only=False)
        run.add(">i4", lengths.astype("i4") + extra)
        if extra:
            run.add("u1", 1, absent)
        pieces += [run.array(), column.cast(pa.binary()).fill_null(b"")]
        run = _Run(batch.num_rows)
    if run.width:
        pieces.append(run.array())
    joined = pc.binary_join_element_wise(*pieces, b"") if len(pieces) > 1 else pieces[0]
    ends = np.frombuffer(joined.buffers()[1], "i4")[joined.offset : joined.offset + len(joined) + 1]
    return memoryview(joined.buffers()[2])[ends[0] : ends[-1]]
