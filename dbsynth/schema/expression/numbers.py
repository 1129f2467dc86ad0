"""Exact decimals as vectors: integers times a power of ten, in int64 while they fit and Python integers beyond.

Results of division carry the scale PostgreSQL chooses (16 significant digits or more); rounding is half away from zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import numpy as np
import pyarrow as pa

from dbsynth.schema.expression.values import FLOAT, INT, NUMERIC, SqlType, Vec, merged, strict

SAFE = 2**62
SPECIALS = {"nan": 2, "infinity": 1, "-infinity": -1, "inf": 1, "-inf": -1, "+infinity": 1, "+inf": 1}


def _largest(values: np.ndarray) -> int:
    if not len(values):
        return 0
    return max(abs(int(values.max())), abs(int(values.min())))


def shifted(values: np.ndarray, digits: int) -> np.ndarray:
    """``values`` times 10**digits, digits >= 0."""
    if digits == 0:
        return values
    factor = 10**digits
    if values.dtype == np.int64 and max(_largest(values), 1) * factor < SAFE:
        return np.asarray(values * np.int64(factor))
    return np.asarray(values.astype(object) * factor)


def aligned(a: Vec, b: Vec) -> tuple[np.ndarray, np.ndarray, int]:
    scale = max(a.scale, b.scale)
    return shifted(a.values, scale - a.scale), shifted(b.values, scale - b.scale), scale


def divided_half_up(values: np.ndarray, divisor: int) -> np.ndarray:
    """Integer division, halves away from zero."""
    magnitude = np.abs(values)
    quotient = (magnitude + divisor // 2) // divisor
    return np.asarray(np.where(values < 0, -quotient, quotient))


def rounded(vec: Vec, scale: int) -> Vec:
    """To ``scale`` digits after the point (negative: tens, hundreds, ...)."""
    if scale >= vec.scale:
        values, kept = shifted(vec.values, scale - vec.scale), scale
    else:
        values, kept = divided_half_up(vec.values.astype(object), 10 ** (vec.scale - scale)), scale
        values = narrowed(values)
    if kept < 0:
        values, kept = shifted(values, -kept), 0
    return Vec(NUMERIC, values, vec.valid, vec.bad, kept, vec.special)


def floored(vec: Vec, up: bool = False) -> Vec:
    values = vec.values.astype(object)
    whole = -(-values // 10**vec.scale) if up else values // 10**vec.scale
    return Vec(NUMERIC, narrowed(whole), vec.valid, vec.bad, 0, vec.special)


def truncated(vec: Vec, scale: int) -> Vec:
    if scale >= vec.scale:
        return vec
    values = vec.values.astype(object)
    magnitude = np.abs(values) // 10 ** (vec.scale - scale)
    values = narrowed(np.where(values < 0, -magnitude, magnitude))
    if scale < 0:
        values, scale = shifted(values, -scale), 0
    return Vec(NUMERIC, values, vec.valid, vec.bad, scale, vec.special)


def narrowed(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int64) if _largest(values) < SAFE else np.asarray(values)


def from_decimal128(array: pa.Array, type_: SqlType) -> Vec:
    """Reads the 128-bit integers in place: two int64 words each."""
    valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    words = np.frombuffer(array.buffers()[1], dtype=np.int64).reshape(-1, 2)[array.offset : array.offset + len(array)]
    low, high = np.where(valid, words[:, 0], 0), np.where(valid, words[:, 1], 0)
    if np.array_equal(high, low >> 63) and _largest(low) < SAFE:
        values = low
    else:
        values = np.asarray(high.astype(object) * 2**64 + low.view(np.uint64).astype(object))
    return Vec(type_, values, valid, scale=array.type.scale)


def parse_number(text: str) -> tuple[int, int, int]:
    """(digits, scale, special) of a number's text; ValueError where the database would refuse it."""
    text = text.strip()
    special = SPECIALS.get(text.lower())
    if special is not None:
        return 0, 0, special
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    if "_" in text or not (whole.strip("+-") or fraction):
        raise ValueError(f"not a number: {text!r}")
    digits, scale = int(whole + fraction), len(fraction) - int(exponent or 0)
    return (digits, scale, 0) if scale >= 0 else (digits * 10**-scale, 0, 0)


def from_texts(texts: Iterable[str | None], type_: SqlType = NUMERIC) -> Vec:
    """Numbers from their text; a text that is no number is an error of the row."""
    parsed: list[tuple[int, int, int] | None] = []
    bad_rows = []
    for i, text in enumerate(texts):
        try:
            parsed.append(None if text is None else parse_number(text))
        except ValueError:
            parsed.append((0, 0, 0))
            bad_rows.append(i)
    scale = max((p[1] for p in parsed if p is not None), default=0)
    values = np.array([0 if p is None else p[0] * 10 ** (scale - p[1]) for p in parsed], dtype=object)
    special = np.array([0 if p is None else p[2] for p in parsed], dtype=np.int8)
    bad = None
    if bad_rows:
        bad = np.zeros(len(parsed), dtype=bool)
        bad[bad_rows] = True
    valid = np.array([p is not None for p in parsed], dtype=bool)
    return Vec(type_, narrowed(values), valid, bad, scale, special if special.any() else None)


def to_float(vec: Vec) -> np.ndarray:
    if vec.type.family == "float":
        return vec.values
    if vec.scale == 0:
        result = vec.values.astype(np.float64)
    elif vec.values.dtype == np.int64 and vec.scale <= 22 and _largest(vec.values) < 2**53:
        result = vec.values / 10.0**vec.scale  # both exact, so the quotient is the nearest float
    else:
        result = np.array([float(Decimal(int(v)).scaleb(-vec.scale)) for v in vec.values], dtype=np.float64)
    if vec.special is not None:
        for code, value in ((1, np.inf), (-1, -np.inf), (2, np.nan)):
            result = np.where(vec.special == code, value, result)
    return np.asarray(result)


def from_float(vec: Vec) -> Vec:
    """As the database casts float8 to numeric: 15 significant digits."""
    texts = [f"{v:.15g}" if ok else None for v, ok in zip(vec.values, vec.valid, strict=True)]
    result = from_texts(texts)
    return Vec(NUMERIC, result.values, vec.valid, vec.bad, result.scale, result.special)


def _special_of(kind: str, a: Vec, b: Vec) -> np.ndarray | None:
    """NaN and infinities go through floats; None if there are none."""
    if a.special is None and b.special is None:
        return None
    with np.errstate(all="ignore"):
        x, y = to_float(a), to_float(b)
        result = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.fmod}[kind](x, y)
    codes = np.where(np.isnan(result), 2, np.where(np.isposinf(result), 1, np.where(np.isneginf(result), -1, 0)))
    has = (a.special if a.special is not None else 0) != 0
    has = has | ((b.special if b.special is not None else 0) != 0)
    return np.asarray(np.where(has, codes, 0), dtype=np.int8)


def _wide(values: np.ndarray, product: int) -> np.ndarray:
    return values if values.dtype == np.int64 and product < SAFE else values.astype(object)


def arithmetic(kind: str, a: Vec, b: Vec) -> Vec:
    """+ - * / % of two ints, two numerics or two floats; of ints the result is an int (/ truncates)."""
    if a.type.family == "float":
        with np.errstate(all="ignore"):
            operation = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.fmod}[kind]
            values = operation(a.values, b.values)
        return strict(FLOAT, values, a, b, bad=(b.values == 0) if kind in "/%" else None)
    type_ = INT if a.type.family == "int" else NUMERIC
    special = _special_of(kind, a, b)
    scale = max(a.scale, b.scale)
    if kind in "+-":
        x, y, scale = aligned(a, b)
        bound = _largest(x) + _largest(y)
        x, y = _wide(x, bound), _wide(y, bound)
        return strict(type_, x + y if kind == "+" else x - y, a, b, scale=scale, special=special)
    if kind == "*":
        bound = _largest(a.values) * _largest(b.values)
        values = _wide(a.values, bound) * _wide(b.values, bound)
        return strict(type_, values, a, b, scale=a.scale + b.scale, special=special)
    zero = np.asarray(b.values == 0, dtype=bool)
    if b.special is not None:
        zero = zero & (b.special == 0)
    if type_ is NUMERIC and kind == "/":
        values, scale = _quotient(a, b, zero)
    else:
        x, y, scale = aligned(a, b)
        y = np.where(y == 0, 1, y)
        whole = np.abs(x) // np.abs(y)
        whole = np.where((x < 0) != (y < 0), -whole, whole)
        values = whole if kind == "/" else x - whole * y
    return strict(type_, np.asarray(values), a, b, bad=zero, scale=scale, special=special)


def _leading(magnitude: int, scale: int) -> tuple[int, int]:
    """(weight, first digit) of a decimal in base 10000, as the database stores it."""
    if magnitude == 0:
        return 0, 0
    padded = magnitude * 10 ** (-scale % 4)
    groups = (scale + 3) // 4
    weight = -groups
    while padded >= 10000:
        padded //= 10000
        weight += 1
    return weight, padded


def _quotient(a: Vec, b: Vec, zero: np.ndarray) -> tuple[np.ndarray, int]:
    rows = max(len(a), len(b))
    x = np.broadcast_to(a.values.astype(object), rows)
    y = np.broadcast_to(np.where(zero, 1, b.values.astype(object)), rows)
    scales, values = [], []
    for n, d in zip(x, y, strict=True):
        (wn, fn), (wd, fd) = _leading(abs(n), a.scale), _leading(abs(d), b.scale)
        weight = wn - wd - (fn <= fd)
        scale = min(max(16 - weight * 4, a.scale, b.scale, 0), 1000)
        # n*10^-sa / (d*10^-sb) rounded to `scale` digits, halves away from zero
        numerator, denominator = abs(n) * 10 ** (scale + b.scale), abs(d) * 10**a.scale
        quotient = (2 * numerator + denominator) // (2 * denominator)
        values.append(-quotient if (n < 0) != (d < 0) else quotient)
        scales.append(scale)
    top = max(scales, default=0)
    result = [v * 10 ** (top - s) for v, s in zip(values, scales, strict=True)]
    return narrowed(np.array(result, dtype=object)), top


def compare_keys(a: Vec, b: Vec) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays that order as the numbers do: -Infinity < numbers < Infinity < NaN = NaN."""
    if a.type.family == "float":
        # ranks of NaN above everything, without losing the order of the rest
        nan_a, nan_b = np.isnan(a.values), np.isnan(b.values)
        if not (nan_a.any() or nan_b.any()):
            return a.values, b.values
        pair_a = np.empty(len(a.values), dtype=object)
        pair_b = np.empty(len(b.values), dtype=object)
        pair_a[:] = [(bool(n), 0.0 if n else float(v)) for n, v in zip(nan_a, a.values, strict=True)]
        pair_b[:] = [(bool(n), 0.0 if n else float(v)) for n, v in zip(nan_b, b.values, strict=True)]
        return pair_a, pair_b
    x, y, _ = aligned(a, b)
    if a.special is None and b.special is None:
        return x, y
    bound = max(_largest(x), _largest(y)) + 1
    return _with_specials(x, a.special, bound), _with_specials(y, b.special, bound)


def _with_specials(values: np.ndarray, special: np.ndarray | None, bound: int) -> np.ndarray:
    values = values.astype(object)
    if special is None:
        return values
    return np.asarray(np.where(special == 0, values, special.astype(object) * bound), dtype=object)


def scalar(vec: Vec) -> Decimal:
    """The one number of a constant Vec."""
    if vec.special is not None and vec.special[0]:
        return Decimal({1: "Infinity", -1: "-Infinity", 2: "NaN"}[int(vec.special[0])])
    return decimal(int(vec.values[0]), vec.scale)


def decimal(value: int, scale: int) -> Decimal:
    """``value`` times 10**-scale, exact (Decimal's own arithmetic rounds to 28 digits)."""
    return Decimal((int(value < 0), tuple(int(c) for c in str(abs(value))), -scale))


def limited(vec: Vec, type_: SqlType) -> Vec:
    """Rounded to numeric(p, s); too many digits are an error of the row."""
    if type_.precision is None:
        return Vec(NUMERIC, vec.values, vec.valid, vec.bad, vec.scale, vec.special)
    result = rounded(vec, type_.scale or 0)
    too_big = np.asarray(np.abs(result.values) >= 10**type_.precision, dtype=bool)
    _, bad = merged([result], too_big if too_big.any() else None)
    return Vec(type_, result.values, result.valid, bad, result.scale, result.special)
