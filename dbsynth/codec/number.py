"""Numbers: whole numbers, decimals (also as exact text) and floats.

All that lie on a grid (whole numbers, decimals of a scale, floats that are decimals of few digits) are handled as int64
multiples of a unit and come back exactly; other floats as float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from sqlalchemy import types as sqltypes

from dbsynth.codec import units
from dbsynth.codec.base import ColumnSpec, State
from dbsynth.codec.ordered import NULL, Marked, Ordered
from dbsynth.schema.types import arrow_type

FLOAT_DIGITS = 9
"""Floats that are decimals of up to so many digits after the point are handled as such."""
LARGEST_REAL = float(np.finfo(np.float32).max)
MINUS_INFINITY, INFINITY, NAN = 1, 2, 3
_TEXTS = {"-Infinity": MINUS_INFINITY, "Infinity": INFINITY, "NaN": NAN}


@dataclass(frozen=True)
class Grid:
    """How numbers become int64: value = whole · 10^``shift`` · 10^−``scale``.

    ``scale`` None: float64 as they are. ``shift`` > 0 only for decimals beyond int64; ``exact`` then pairs those that k
    rows share with their whole number (before the shift), in ascending order. ``trimmed``: as text, without trailing
    zeros.
    """

    scale: int | None
    shift: int = 0
    exact: tuple[tuple[int, int], ...] = ()
    trimmed: bool = False


class NumberCodec:
    """Kind number. Raises ValueError where text is not a number."""

    def __init__(self, spec: ColumnSpec, arrow: pa.DataType, grid: Grid, ordered: Ordered) -> None:
        self.spec, self.arrow, self.grid, self.ordered = spec, arrow, grid, ordered

    @staticmethod
    def fit(values: pa.Array, spec: ColumnSpec, *, k: int, seed: int) -> NumberCodec:
        arrow = arrow_type(spec.type) if spec.type is not None else values.type
        k = 1 if spec.reference else k
        grid = _grid(values, arrow, k)
        low, high = _limits(spec, grid, arrow)
        return NumberCodec(spec, arrow, grid, Ordered.fit(_marked(values, grid), k=k, low=low, high=high))

    @property
    def cardinalities(self) -> tuple[int, ...]:
        return (self.ordered.cardinality,)

    @property
    def scales(self) -> tuple[np.ndarray | None, ...]:
        return (self.ordered.scale,)

    def encode(self, values: pa.Array) -> np.ndarray:
        return self.ordered.encode(_marked(values, self.grid))[:, None]

    def decode(self, codes: np.ndarray, rng: np.random.Generator) -> pa.Array:
        column = self.ordered.decode(codes[:, 0], rng)
        null = column.marks == NULL
        if self.grid.scale is None or pt.is_floating(self.arrow):
            values = column.values.astype(np.float64)
            if self.grid.scale is not None:
                values = values / 10.0**self.grid.scale
            for mark, value in ((MINUS_INFINITY, -np.inf), (INFINITY, np.inf), (NAN, np.nan)):
                values[column.marks == mark] = value
            return pa.array(values, mask=null, from_pandas=False)
        if self.grid.shift:
            return self._decode_large(column)
        if pt.is_integer(self.arrow):
            return pa.array(column.values, self.arrow, mask=null)
        if pt.is_decimal(self.arrow):
            return units.decimals(column.values, self.arrow.scale, null)
        text = units.decimal_text(column.values, self.grid.scale, self.grid.trimmed)
        return self._with_texts(text, column.marks)

    def _decode_large(self, column: Marked) -> pa.Array:
        exact, factor = dict(self.grid.exact), 10**self.grid.shift
        whole = [exact.get(v, v * factor) for v in column.values.tolist()]
        assert self.grid.scale is not None
        numbers = [units.decimal_of(v, self.grid.scale) for v in whole]
        if pt.is_decimal(self.arrow):
            return pa.array(numbers, self.arrow, mask=column.marks == NULL)
        texts = (format(n, "f") for n in numbers)
        trimmed = [t.rstrip("0").rstrip(".") if self.grid.trimmed and "." in t else t for t in texts]
        return self._with_texts(pa.array(trimmed, pa.string()), column.marks)

    def _with_texts(self, text: pa.Array, marks: np.ndarray) -> pa.Array:
        for name, mark in _TEXTS.items():
            if (marks == mark).any():
                text = pc.if_else(pa.array(marks == mark), name, text)
        return pc.if_else(pa.array(marks == NULL), pa.scalar(None, pa.string()), text)

    def state(self) -> State:
        inner = self.ordered.state()
        grid = {
            "scale": self.grid.scale,
            "shift": self.grid.shift,
            "exact": [[a, str(b)] for a, b in self.grid.exact],
            "trimmed": self.grid.trimmed,
        }
        return State({"arrow": units.arrow_name(self.arrow), "grid": grid, "ordered": inner.config}, inner.arrays)

    @staticmethod
    def restore(state: State, spec: ColumnSpec) -> NumberCodec:
        g = state.config["grid"]
        grid = Grid(g["scale"], g["shift"], tuple((int(a), int(b)) for a, b in g["exact"]), g["trimmed"])
        ordered = Ordered.restore(State(state.config["ordered"], state.arrays))
        return NumberCodec(spec, units.arrow_named(state.config["arrow"]), grid, ordered)


def _grid(values: pa.Array, arrow: pa.DataType, k: int) -> Grid:
    if pt.is_integer(arrow):
        return Grid(0)
    if pt.is_floating(arrow):
        return Grid(_float_scale(values))
    if pt.is_decimal(arrow):
        return _decimal_grid(values, arrow.scale, False, k)
    digits = units.fraction_digits(values.filter(pc.invert(_special_text(values))).drop_null())
    return _decimal_grid(values, int(digits.max(initial=0)), bool(len(digits) and digits.min() < digits.max()), k)


def _decimal_grid(values: pa.Array, scale: int, trimmed: bool, k: int) -> Grid:
    ordinary = values.drop_null()
    if pt.is_string(values.type):
        ordinary = ordinary.filter(pc.invert(_special_text(ordinary)))
    wholes = units.whole(ordinary, scale)
    if isinstance(wholes, np.ndarray):
        return Grid(scale, trimmed=trimmed)
    shift = max(0, len(str(max(abs(v) for v in wholes))) - 18)
    counts: dict[int, int] = {}
    for v in wholes:
        counts[v] = counts.get(v, 0) + 1
    exact: list[tuple[int, int]] = []
    for v in sorted(v for v, n in counts.items() if n >= k):
        own = _shifted(v, shift)
        exact.append((max(own, exact[-1][0] + 1) if exact else own, v))  # equal prefixes are told apart
    return Grid(scale, shift, tuple(exact), trimmed)


def _shifted(value: int, shift: int) -> int:
    size = abs(value) // int(10**shift)
    return -size if value < 0 else size


def _float_scale(values: pa.Array) -> int | None:
    x = values.drop_null().to_numpy(zero_copy_only=False)
    x = x[np.isfinite(x)]
    if not len(x):
        return None
    for digits in range(FLOAT_DIGITS + 1):
        if np.abs(x).max() >= 2.0**53 / 10.0**digits:
            return None
        if (np.round(x, digits) == x).mean() >= 0.995:
            return digits
    return None


def _special_text(values: pa.Array) -> pa.Array:
    return pc.is_in(values, value_set=pa.array(list(_TEXTS)))


def _marked(values: pa.Array, grid: Grid) -> Marked:
    marks = np.where(pc.is_null(values).to_numpy(zero_copy_only=False), NULL, 0).astype(np.int8)
    if pt.is_floating(values.type):
        x = values.fill_null(0.0).to_numpy(zero_copy_only=False).astype(np.float64)
        for mark, hit in ((MINUS_INFINITY, np.isneginf(x)), (INFINITY, np.isposinf(x)), (NAN, np.isnan(x))):
            marks[hit] = mark
        x = np.where(marks == 0, x, 0.0)
        if grid.scale is not None:
            limit = 2.0**62
            x = np.clip(np.round(x * 10.0**grid.scale), -limit, limit).astype(np.int64)
        return Marked(x, marks)
    if pt.is_integer(values.type):
        return Marked(values.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64), marks)
    assert grid.scale is not None
    if pt.is_string(values.type):
        for name, mark in _TEXTS.items():
            marks[pc.equal(values, name).fill_null(False).to_numpy(zero_copy_only=False)] = mark
        values = pc.if_else(pa.array(marks == 0), values, "0")
    else:
        values = values.fill_null(Decimal(0))
    wholes = units.whole(values, grid.scale)
    if grid.shift:
        exact = {v: own for own, v in grid.exact}
        wholes = np.array([_clamp(exact.get(int(v), _shifted(int(v), grid.shift))) for v in wholes], np.int64)
    elif not isinstance(wholes, np.ndarray):  # larger than any that were learned
        wholes = np.array([_clamp(v) for v in wholes], np.int64)
    return Marked(wholes, marks)


def _clamp(value: int) -> int:
    return max(-(2**63), min(2**63 - 1, value))


def _limits(spec: ColumnSpec, grid: Grid, arrow: pa.DataType) -> tuple[float | int | None, float | int | None]:
    """Inclusive bounds in grid units, of the CHECKs and of the type."""
    lows: list[Any] = [spec.low]
    highs: list[Any] = [spec.high]
    match spec.type:
        case sqltypes.SmallInteger():
            lows.append(-(2**15))
            highs.append(2**15 - 1)
        case sqltypes.BigInteger():
            pass
        case sqltypes.Integer():
            lows.append(-(2**31))
            highs.append(2**31 - 1)
        case sqltypes.Numeric(precision=int(p), scale=s) if not pt.is_floating(arrow):
            largest: Any = Fraction(10**p - 1, 10 ** (s or 0))
            lows.append(-largest)
            highs.append(largest)
        case sqltypes.REAL():
            lows.append(-LARGEST_REAL)
            highs.append(LARGEST_REAL)
        case _:
            pass
    # 0.01 is what was written, not the float next to it
    low = max((Fraction(str(x)) for x in lows if x is not None and np.isfinite(float(x))), default=None)
    high = min((Fraction(str(x)) for x in highs if x is not None and np.isfinite(float(x))), default=None)
    if grid.scale is None:
        return (None if low is None else float(low)), (None if high is None else float(high))
    unit = Fraction(10**grid.shift, 10**grid.scale)
    return (
        None if low is None else _clamp(-((-low / unit) // 1)),
        None if high is None else _clamp((high / unit) // 1),
    )
