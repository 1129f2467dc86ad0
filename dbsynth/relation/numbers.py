"""Numbers of Arrow columns in exact arithmetic: whole numbers with a decimal scale as long as 64 bits hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.relation.keys import combined

EXACT = 2.0**53
"""Up to here a float is the whole number that it stands for."""
ROOM = 2.0**62
MAX_SCALE = 12


@dataclass(frozen=True)
class Numbers:
    """``values`` / 10 ** ``scale``: int64 (rows,); ``scale`` None: ``values`` are float64 as they are. ``there``: bool
    (rows,), not null."""

    values: np.ndarray
    scale: int | None
    there: np.ndarray

    @property
    def floats(self) -> np.ndarray:
        found: np.ndarray = self.values.astype(np.float64) / 10.0 ** (self.scale or 0)
        return found

    def at(self, rows: np.ndarray) -> Numbers:
        return Numbers(self.values[rows], self.scale, self.there[rows])


def numbers(column: pa.Array | pa.ChunkedArray) -> Numbers | None:
    """None for what holds no numbers. Moments are their count of days or microseconds."""
    array = combined(column)
    there = pc.is_valid(array).to_numpy(zero_copy_only=False)
    type_ = array.type
    if pt.is_integer(type_) or pt.is_timestamp(type_) or pt.is_time(type_):
        return Numbers(pc.fill_null(array.cast(pa.int64()), 0).to_numpy(zero_copy_only=False), 0, there)
    if pt.is_date32(type_):
        whole = array.cast(pa.int32()).cast(pa.int64())
        return Numbers(pc.fill_null(whole, 0).to_numpy(zero_copy_only=False), 0, there)
    if pt.is_floating(type_):
        values = pc.fill_null(array, 0.0).to_numpy(zero_copy_only=False).astype(np.float64)
        return Numbers(np.where(np.isfinite(values), values, 0.0), None, there & np.isfinite(values))
    if pt.is_decimal(type_):
        return _scaled(array.cast(pa.float64()), there, type_.scale)
    if pt.is_string(type_):
        try:
            parsed = array.cast(pa.float64())
        except pa.ArrowInvalid:
            return None
        dot = pc.find_substring(array, ".")
        digits = pc.if_else(pc.less(dot, 0), 0, pc.subtract(pc.subtract(pc.utf8_length(array), dot), 1))
        scale = pc.max(pc.cast(digits, pa.int64())).as_py() or 0
        return _scaled(parsed, there, scale if scale <= MAX_SCALE else None)
    return None


def _scaled(array: pa.Array, there: np.ndarray, scale: int | None) -> Numbers:
    values = pc.fill_null(array, 0.0).to_numpy(zero_copy_only=False)
    there = there & np.isfinite(values)
    values = np.where(there, values, 0.0)
    if scale is None or np.abs(values).max(initial=0.0) * 10.0**scale >= EXACT:
        return Numbers(values, None, there)
    return Numbers(np.round(values * 10.0**scale).astype(np.int64), scale, there)


def complement(x: Numbers) -> Numbers:
    """1 - x."""
    return Numbers((1 if x.scale is None else 10**x.scale) - x.values, x.scale, x.there)


def product(factors: Sequence[Numbers]) -> Numbers:
    out = factors[0]
    for x in factors[1:]:
        there = out.there & x.there
        largest = np.abs(out.floats).max(initial=0.0) * np.abs(x.floats).max(initial=0.0)
        if out.scale is None or x.scale is None or largest * 10.0 ** (out.scale + x.scale) >= ROOM:
            out = Numbers(out.floats * x.floats, None, there)
        else:
            out = Numbers(out.values * x.values, out.scale + x.scale, there)
    return out


def divided(x: Numbers, n: np.ndarray, scale: int | None) -> Numbers:
    """x / n (int64, > 0) rounded half away from zero to ``scale`` decimals, exactly where 64 bits hold it."""
    if scale is None:
        return Numbers(x.floats / n, None, x.there)
    if x.scale is not None:
        up, down = 10 ** max(0, scale - x.scale), 10 ** max(0, x.scale - scale)
        if np.abs(x.values).max(initial=0) * 2.0 * up < ROOM and n.max(initial=1) * 2.0 * down < ROOM:
            above, below = np.abs(x.values) * up, n * down
            return Numbers(np.sign(x.values) * ((2 * above + below) // (2 * below)), scale, x.there)
    return _scaled(pa.array(_half_away(x.floats / n, scale)), x.there, scale)


def _half_away(values: np.ndarray, scale: int) -> np.ndarray:
    found: np.ndarray = np.sign(values) * np.floor(np.abs(values) * 10.0**scale * (1 + 1e-12) + 0.5) / 10.0**scale
    return found


def close(found: Numbers, wanted: Numbers, precision: float) -> np.ndarray:
    """bool (rows,): equal; of floats up to the relative ``precision``, and to the last digit of what is rounded. Two
    nulls are equal."""
    if found.scale is not None and found.scale == wanted.scale:
        same = found.values == wanted.values
    else:
        x, y = found.floats, wanted.floats
        slack = 0.0 if wanted.scale is None else 0.501 * 10.0**-wanted.scale
        same = np.abs(x - y) <= slack + precision * np.maximum(np.abs(x), np.abs(y))
    out: np.ndarray = (same & found.there & wanted.there) | (~found.there & ~wanted.there)
    return out


def written(x: Numbers, type_: pa.DataType) -> pa.Array:
    """``x`` as a column of ``type_``: integers and moments whole, decimals and texts with the decimals of ``x``."""
    mask = ~x.there
    if x.scale is None or pt.is_floating(type_):
        return pa.array(x.floats, pa.float64(), mask=mask).cast(type_, safe=False)
    if pt.is_decimal(type_) or pt.is_string(type_):
        raw = np.stack([x.values, x.values >> 63], axis=1)  # 128 bits, little-endian, sign extended
        valid = pa.array(x.there).buffers()[1] if mask.any() else None
        exact = pa.Array.from_buffers(
            pa.decimal128(38, x.scale), len(raw), [valid, pa.py_buffer(np.ascontiguousarray(raw).tobytes())]
        )
        return exact.cast(type_)
    whole = pa.array(x.values, pa.int64(), mask=mask)
    return whole.cast(pa.int32()).cast(type_) if pt.is_date32(type_) else whole.cast(type_)
