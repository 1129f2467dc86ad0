"""Conversions between Arrow arrays and whole numbers that lose nothing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.schema.types import TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY

DAY = 86_400_000_000
"""In microseconds."""
_NAMED = {
    "int64": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "date32[day]": pa.date32(),
    "timestamp[us]": pa.timestamp("us"),
    "timestamp[us, tz=UTC]": pa.timestamp("us", tz="UTC"),
    "time64[us]": pa.time64("us"),
}


def arrow_name(arrow: pa.DataType) -> str:
    """A name for one of the Arrow types in which rows travel (see ``schema.types``)."""
    return f"decimal:{arrow.scale}" if pt.is_decimal(arrow) else str(arrow)


def arrow_named(name: str) -> pa.DataType:
    """The inverse of ``arrow_name``. Raises KeyError for other names."""
    return pa.decimal128(38, int(name[8:])) if name.startswith("decimal:") else _NAMED[name]


def whole(values: pa.Array, scale: int) -> np.ndarray | Sequence[int]:
    """Decimals or their text (no null) as whole multiples of 10^−scale: int64, or Python's where one does not fit.

    Digits beyond the scale are rounded away. Raises ValueError for text that is not a number.
    """
    if pt.is_string(values.type):
        if _most_digits(values) + scale > 38:  # Arrow does not tell that a number has no room
            return _whole_slow(values.to_pylist(), scale)
        try:
            values = values.cast(pa.decimal128(38, scale))
        except pa.ArrowInvalid:
            return _whole_slow(values.to_pylist(), scale)
    if values.type.scale != scale:
        return _whole_slow(values.to_pylist(), scale)
    if not len(values):
        return np.zeros(0, np.int64)
    words = np.frombuffer(values.buffers()[1], np.int64).reshape(-1, 2)[values.offset : values.offset + len(values)]
    low, high = words[:, 0], words[:, 1]
    if (high == low >> 63).all():
        return low.copy()
    return [int(h) * 2**64 + int(w) for h, w in zip(high.tolist(), low.view(np.uint64).tolist(), strict=True)]


def _most_digits(texts: pa.Array) -> int:
    """Before the point, at most: those of a power of ten count as many as it may stand for."""
    length = pc.utf8_length(texts).to_numpy(zero_copy_only=False) - fraction_digits(texts)
    power = pc.match_substring(texts, "e", ignore_case=True).to_numpy(zero_copy_only=False)
    return int(np.where(power, 39, length).max(initial=0))


def _whole_slow(values: Sequence[str | Decimal], scale: int) -> np.ndarray | Sequence[int]:
    out = []
    for value in values:
        try:
            number = Decimal(value)
            out.append(_rounded(number, scale))
        except (InvalidOperation, ValueError, OverflowError) as error:
            raise ValueError("a value is not a number") from error
    if all(-(2**63) <= v < 2**63 for v in out):
        return np.array(out, np.int64)
    return out


def _rounded(number: Decimal, scale: int) -> int:
    numerator, denominator = number.as_integer_ratio()
    return round(Fraction(numerator * 10**scale, denominator))


def decimals(values: np.ndarray, scale: int, null: np.ndarray) -> pa.Array:
    """int64 multiples of 10^−scale as decimal128(38, scale), null where ``null``."""
    words = np.stack([values, values >> 63], axis=1)  # little-endian, sign-extended
    valid = pa.array(~null).buffers()[1] if null.any() else None
    arrow = pa.decimal128(38, scale)
    return pa.Array.from_buffers(arrow, len(values), [valid, pa.py_buffer(words.tobytes())])


def decimal_of(value: int, scale: int) -> Decimal:
    """Exact, whatever the precision of the current decimal context."""
    return Decimal((int(value < 0), tuple(map(int, str(abs(value)))), -scale))


def decimal_text(values: np.ndarray, scale: int, trimmed: bool) -> pa.Array:
    """int64 multiples of 10^−scale as plain decimal text; ``trimmed``: without trailing zeros."""
    unit = np.uint64(10**scale) if scale < 20 else None
    if unit is None:
        texts = [format(decimal_of(v, scale), "f") for v in values.tolist()]
        out = pa.array(texts, pa.string())
    else:
        size = np.where(values < 0, (~values).view(np.uint64) + np.uint64(1), values.view(np.uint64))
        out = pc.cast(pa.array(size // unit), pa.string())
        if scale:
            fraction = pc.utf8_lpad(pc.cast(pa.array(size % unit), pa.string()), width=scale, padding="0")
            out = pc.binary_join_element_wise(out, fraction, ".")
        out = pc.binary_join_element_wise(pa.array(np.where(values < 0, "-", "")), out, "")
    if trimmed and scale:
        out = pc.utf8_rtrim(pc.utf8_rtrim(out, characters="0"), characters=".")
    return out


def fraction_digits(texts: pa.Array) -> np.ndarray:
    """How many digits stand after the point of each text."""
    point = pc.find_substring(texts, ".").to_numpy(zero_copy_only=False)
    length = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    return np.where(point < 0, 0, length - point - 1)


def moment_as(values: pa.Array, arrow: pa.DataType) -> pa.Array:
    """Moments in another type of moment; a day is the moment at which it begins. Infinity stays infinity, and days that
    a timestamp does not reach are it too."""
    if not (pt.is_date32(values.type) and pt.is_timestamp(arrow)):
        return values.cast(arrow)
    days = values.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    most = TIMESTAMP_INFINITY // DAY
    micros = np.where(days > most, TIMESTAMP_INFINITY, np.where(days < -most, TIMESTAMP_MINUS_INFINITY, days * DAY))
    return pa.array(micros, pa.int64(), mask=np.asarray(values.is_null())).cast(arrow)
