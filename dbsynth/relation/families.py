"""Rows in families and in order, and columns as whole numbers: what facts among siblings are tested and applied on,
without Python loops over rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.codec.units import decimal_text, decimals, fraction_digits
from dbsynth.codec.units import whole as whole_of_text
from dbsynth.relation.keys import combined, group_ids

Columns = Mapping[str, pa.Array]
MOST_DIGITS = 9
"""After the point, of floats and decimal text that still count as exact."""


@dataclass(frozen=True)
class Exact:
    """A column as whole numbers: ``values`` int64 (rows,), 0 for null, in units of 10^−``scale`` (dates: days,
    timestamps: microseconds); ``present`` bool (rows,)."""

    values: np.ndarray
    present: np.ndarray
    scale: int = 0

    @staticmethod
    def of(array: pa.Array, scale: int | None = None) -> Exact | None:
        """None for a column of another kind, or with numbers that do not fit. ``scale``: that of floats and text, which
        are then rounded; else what their digits need."""
        present = array.is_valid().to_numpy(zero_copy_only=False)
        kind = array.type
        if pt.is_decimal(kind):
            values = _words(array, present)
            return None if values is None else Exact(values, present, kind.scale)
        if pt.is_date32(kind):
            array = array.cast(pa.int32())
        if pt.is_date32(kind) or pt.is_integer(kind) or pt.is_timestamp(kind):
            values = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
            return Exact(values, present)
        if pt.is_floating(kind):
            return _of_floats(array.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64), present, scale)
        return _of_text(array, present, scale) if pt.is_string(kind) else None

    def array(self, values: np.ndarray, present: np.ndarray, kind: pa.DataType) -> pa.Array:
        """``values`` (null where not ``present``) as a column of type ``kind``."""
        values = np.where(present, values, 0).astype(np.int64)
        if pt.is_decimal(kind):
            return decimals(values, kind.scale, ~present).cast(kind)
        if pt.is_date32(kind):
            return pa.array(values.astype(np.int32), mask=~present).cast(kind)
        if pt.is_floating(kind):
            return pa.array(values / 10.0**self.scale, mask=~present).cast(kind)
        if pt.is_string(kind):
            return pc.if_else(pa.array(present), decimal_text(values, self.scale, trimmed=False), pa.scalar(None, kind))
        return pa.array(values, mask=~present).cast(kind)

    def at_scale(self, scale: int) -> np.ndarray:
        """The values in units of 10^−``scale``, which is no coarser than their own."""
        out: np.ndarray = self.values * 10 ** (scale - self.scale)
        return out


def _words(array: pa.Array, present: np.ndarray) -> np.ndarray | None:
    """The 128-bit words of a decimal column, None where one does not fit 64 bits."""
    if not len(array):
        return np.zeros(0, np.int64)
    wide = array.cast(pa.decimal128(38, array.type.scale))
    words = np.frombuffer(wide.buffers()[1], np.int64).reshape(-1, 2)[wide.offset : wide.offset + len(wide)]
    low, high = np.where(present, words[:, 0], 0), np.where(present, words[:, 1], 0)
    return low if bool((high == low >> 63).all()) else None


def _of_floats(values: np.ndarray, present: np.ndarray, scale: int | None) -> Exact | None:
    if not np.isfinite(values).all():
        return None
    for digits in range(MOST_DIGITS + 1) if scale is None else (scale,):
        scaled = values * 10.0**digits
        if np.abs(scaled).max(initial=0) >= 2.0**53:
            return None
        near = np.round(scaled)
        if scale is not None or (np.abs(scaled - near) <= 1e-9 * np.maximum(1.0, np.abs(scaled))).all():
            return Exact(near.astype(np.int64), present, digits)
    return None


def _of_text(array: pa.Array, present: np.ndarray, scale: int | None) -> Exact | None:
    try:
        digits = int(fraction_digits(array.fill_null("0")).max(initial=0)) if scale is None else scale
        values = whole_of_text(array.fill_null("0"), digits)
    except ValueError:
        return None
    return Exact(values, present, digits) if isinstance(values, np.ndarray) and digits <= MOST_DIGITS else None


@dataclass(frozen=True)
class Families:
    """The rows that belong to families of equal ``family`` columns (none: all rows are one), in order; rows with a null
    in them belong to none. All int64 (m,) but ``first``, ``last`` (bool): ``at`` the rows, family after family;
    ``rank`` 0, 1, ... in the family; ``head`` where the row's family starts in ``at``; ``number`` 0, 1, ... of it."""

    at: np.ndarray
    first: np.ndarray
    last: np.ndarray
    rank: np.ndarray
    head: np.ndarray
    number: np.ndarray

    @staticmethod
    def of(columns: Columns, family: Sequence[str], order: Sequence[str]) -> Families:
        """In the order of the columns ``order``, nulls last, then as the rows stand."""
        n = len(next(iter(columns.values())))
        groups = group_ids([columns[c] for c in family])[0] if family else np.zeros(n, np.int64)
        at = np.lexsort([*(sort_key(columns[c]) for c in reversed(order)), groups])
        at = at[groups[at] >= 0]
        ordered = groups[at]
        first = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(at)]
        last = np.append(first[1:], True)[: len(at)]
        head = np.maximum.accumulate(np.where(first, np.arange(len(at)), 0))
        return Families(at, first, last, np.arange(len(at)) - head, head, np.cumsum(first) - 1)

    @property
    def size(self) -> np.ndarray:
        """Rows of each row's family."""
        count = np.bincount(self.number) if len(self.number) else np.zeros(0, np.int64)
        out: np.ndarray = count[self.number]
        return out

    @property
    def ends(self) -> np.ndarray:
        """Where each row's family ends in ``at``."""
        out: np.ndarray = self.head + self.size - 1
        return out

    @property
    def later(self) -> np.ndarray:
        """Positions in ``at`` of the rows that have one before them."""
        return np.flatnonzero(~self.first)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Running sums within the families of int64 ``values`` in the order of ``at``."""
        total = np.cumsum(values)
        out: np.ndarray = total - (total - values)[self.head]
        return out

    def tops(self, values: np.ndarray) -> np.ndarray:
        """Running maxima within the families of int64 ``values`` in the order of ``at``."""
        order = np.lexsort((values, self.number))
        code = np.empty(len(values), np.int64)
        code[order] = np.arange(len(values))
        out: np.ndarray = values[order][np.maximum.accumulate(code)] if len(values) else values
        return out

    def apart(self, values: np.ndarray, step: int) -> np.ndarray:
        """``values`` (ascending within each family), at least ``step`` apart, moved up as little as possible."""
        lag = self.rank * step
        out: np.ndarray = self.tops(values - lag) + lag
        return out

    def only(self, keep: np.ndarray) -> Families:
        """Without the rows that are False in ``keep`` bool (all rows,)."""
        place = np.flatnonzero(keep[self.at])
        number = self.number[place]
        first = np.concatenate([[True], number[1:] != number[:-1]])[: len(place)]
        last = np.append(first[1:], True)[: len(place)]
        head = np.maximum.accumulate(np.where(first, np.arange(len(place)), 0))
        return Families(self.at[place], first, last, np.arange(len(place)) - head, head, np.cumsum(first) - 1)

    def back(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """``rows`` (of all rows) with ``values`` (in the order of ``at``) in their places."""
        out = rows.copy()
        out[self.at] = values
        return out


def sort_key(array: pa.Array) -> np.ndarray:
    """Ranks 1, 2, ..., int64, that sort as ``array`` does, nulls last; text that holds numbers sorts as these."""
    if pt.is_string(array.type) and (x := Exact.of(array)) is not None:
        array = pa.array(x.values, mask=~x.present)
    ranks = pc.rank(combined(array), sort_keys="ascending", tiebreaker="dense")
    out: np.ndarray = ranks.to_numpy(zero_copy_only=False).astype(np.int64)
    return out


def same(left: pa.Array, right: pa.Array) -> np.ndarray:
    """True where two columns of one type hold the same, null equal to null."""
    both = pc.fill_null(pc.equal(left, right), False).to_numpy(zero_copy_only=False).astype(bool)
    none = pc.and_(pc.is_null(left), pc.is_null(right)).to_numpy(zero_copy_only=False).astype(bool)
    out: np.ndarray = both | none
    return out
