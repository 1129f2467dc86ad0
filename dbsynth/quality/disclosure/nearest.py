"""How far rows are from each other: Gower's distance (1971, "A general coefficient of similarity and some of its
properties") over ranks of numbers and moments, and equality of all else; a null is as far as can be from all but null.
Distances are sums over the columns: 0 for equal rows, up to 1 a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.relation.keys import combined, same_ids

BLOCK = 1 << 20
"""Pairs of rows at a time."""
NULL = np.float32(9.0)


@dataclass(frozen=True)
class Rows:
    """float32 ``codes`` (columns, rows): ranks 0..1 where ``ordered``, else numbers that are equal for equal values."""

    codes: np.ndarray
    ordered: np.ndarray

    def __len__(self) -> int:
        return int(self.codes.shape[1])

    def at(self, index: np.ndarray) -> Rows:
        return Rows(np.ascontiguousarray(self.codes[:, index]), self.ordered)

    def columns(self, index: Sequence[int]) -> Rows:
        return Rows(self.codes[list(index)], self.ordered[list(index)])


def coded(real: Sequence[pa.Array], made: Sequence[pa.Array]) -> tuple[Rows, Rows]:
    """Both sides of the same columns in the same codes; ranks are those among the real values."""
    parts, ordered = [], []
    for a, b in zip(real, made, strict=True):
        ranked = is_ordered(a.type) and a.type == b.type
        parts.append(_ranks(a, b) if ranked else _numbers(a, b))
        ordered.append(ranked)
    kinds = np.array(ordered, bool)
    return tuple(Rows(np.stack([p[i] for p in parts]), kinds) for i in (0, 1))  # type: ignore[return-value]


def is_ordered(type_: pa.DataType) -> bool:
    return bool(
        pt.is_integer(type_) or pt.is_floating(type_) or pt.is_decimal(type_) or pt.is_temporal(type_)
    )  # fmt: skip


def numeric(array: pa.Array) -> np.ndarray:
    """float64 (rows,), NaN for null."""
    if pt.is_temporal(array.type):
        array = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64())
    return np.asarray(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)


def _ranks(real: pa.Array, made: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    a, b = numeric(combined(real)), numeric(combined(made))
    order = np.sort(a[~np.isnan(a)])
    n = max(1, len(order))

    def rank(values: np.ndarray) -> np.ndarray:
        middle = np.searchsorted(order, values, "left") + np.searchsorted(order, values, "right")
        return np.where(np.isnan(values), NULL, middle / (2 * n)).astype(np.float32)

    return rank(a), rank(b)


def _numbers(real: pa.Array, made: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    a, b = same_ids([real], [made])
    return a.astype(np.float32), b.astype(np.float32)


def half_ranks(real: Rows) -> np.ndarray:
    """float32 (columns,): by how much each real value is farther from the others for having a rank among them itself.
    What is made lies between two ranks, half a rank from either; a real value lies a whole one from the next."""
    return np.where(real.ordered, 0.5 / np.maximum(1, (real.codes != NULL).sum(axis=1)), 0.0).astype(np.float32)


def nearest(
    rows: Rows, others: Rows, count: int, own: np.ndarray | None = None, half: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """float32 and int64 (rows, count): distances to the nearest of ``others``, nearest first, and which those are.
    ``own``: for each row its own place among the others, which is left out, and so is what ``half_ranks`` says."""
    count = min(count, len(others) - (own is not None))
    near, where = np.empty((len(rows), count), np.float32), np.empty((len(rows), count), np.int64)
    step = max(1, BLOCK // max(1, len(others)))
    for begin in range(0, len(rows), step):
        total = distances(rows, others, slice(begin, begin + step), half)
        if own is not None:
            total[np.arange(len(total)), own[begin : begin + step]] = np.inf
        found = np.argpartition(total, min(count, total.shape[1] - 1), axis=1)[:, :count]
        reached = np.take_along_axis(total, found, axis=1)
        order = np.argsort(reached, axis=1, kind="stable")
        where[begin : begin + step] = np.take_along_axis(found, order, axis=1)
        near[begin : begin + step] = np.take_along_axis(reached, order, axis=1)
    return near, where


def distances(rows: Rows, others: Rows, some: slice, half: np.ndarray | None = None) -> np.ndarray:
    """float32 (some, others). ``half`` (columns,) is taken off what lies between two values that differ."""
    total = np.zeros((rows.codes[:, some].shape[1], len(others)), np.float32)
    one = np.empty_like(total)
    for j in range(len(rows.codes)):
        apart(rows, others, j, some, one)
        if half is not None and half[j]:
            np.subtract(one, half[j], out=one, where=(one > half[j]) & (one < 1))
        total += one
    return total


def apart(rows: Rows, others: Rows, j: int, some: slice, out: np.ndarray | None = None) -> np.ndarray:
    """float32 (some, others): in column ``j`` alone; 0..1."""
    a, b = rows.codes[j, some], others.codes[j]
    found = np.empty((len(a), len(b)), np.float32) if out is None else out
    if not rows.ordered[j]:
        np.not_equal(a[:, None], b[None, :], out=found, casting="unsafe")
        return found
    np.subtract(a[:, None], b[None, :], out=found)
    np.abs(found, out=found)
    if (a == NULL).any() or (b == NULL).any():
        np.minimum(found, 1.0, out=found)
    return found


def different(array: pa.Array) -> float:
    """Share of the values that are different from each other."""
    there = array.drop_null()
    return pc.count_distinct(there).as_py() / len(there) if len(there) else 0.0
