"""Rows as group numbers: joining, counting and comparing key tuples without Python loops over rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def _factorize(left: pa.Array, right: pa.Array | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Codes of both arrays over one dictionary; -1 for null. Different types compare by text."""
    if right is not None and left.type != right.type:
        left, right = pc.cast(left, pa.string()), pc.cast(right, pa.string())
    both = left if right is None else pa.concat_arrays([left, right])
    codes = pc.fill_null(pc.dictionary_encode(both).indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return (codes, None) if right is None else (codes[: len(left)], codes[len(left) :])


def combined(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def group_ids(
    left: Sequence[pa.Array | pa.ChunkedArray], right: Sequence[pa.Array | pa.ChunkedArray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Number the distinct tuples of the ``left`` columns (and, with the same numbers, of ``right``): int64 arrays.
    A tuple that holds a null gets -1. Without ``right`` the second result is empty."""
    n = len(left[0])
    m = len(right[0]) if right is not None else 0
    ids = np.zeros(n + m, np.int64)
    missing = np.zeros(n + m, bool)
    for i, column in enumerate(left):
        a, b = _factorize(combined(column), combined(right[i]) if right is not None else None)
        codes = a if b is None else np.concatenate([a, b])
        missing |= codes < 0
        width = int(codes.max(initial=0)) + 2
        # renumber before the product can pass 63 bits
        _, ids = np.unique(ids * width + codes + 1, return_inverse=True)
    ids = ids.astype(np.int64)
    ids[missing] = -1
    return ids[:n], ids[n:]


def same_ids(
    left: Sequence[pa.Array | pa.ChunkedArray], right: Sequence[pa.Array | pa.ChunkedArray]
) -> tuple[np.ndarray, np.ndarray]:
    """As ``group_ids``, but null equals null: no tuple gets -1."""
    marked = [(pc.is_null(combined(a)), pc.is_null(combined(b))) for a, b in zip(left, right, strict=True)]
    parts = [_factorize(combined(a), combined(b)) for a, b in zip(left, right, strict=True)]
    own = [pa.array(codes) for codes, _ in parts] + [m for m, _ in marked]
    theirs = [pa.array(codes) for _, codes in parts] + [m for _, m in marked]
    return group_ids(own, theirs)


def row_index(child: Sequence[pa.Array | pa.ChunkedArray], parent: Sequence[pa.Array | pa.ChunkedArray]) -> np.ndarray:
    """For each child row the position of the parent row with the same (unique) key, -1 where there is none."""
    c, p = group_ids(child, parent)
    size = int(max(c.max(initial=-1), p.max(initial=-1))) + 1
    where = np.full(size + 1, -1, np.int64)
    known = p >= 0
    where[p[known]] = np.flatnonzero(known)
    found: np.ndarray = where[c]
    return found


def duplicates(ids: np.ndarray) -> np.ndarray:
    """True for every row whose group number (>= 0) has occurred in an earlier row."""
    first = np.zeros(len(ids), bool)
    _, at = np.unique(ids, return_index=True)
    first[at] = True
    return ~first & (ids >= 0)


def take(array: pa.Array | pa.ChunkedArray, index: np.ndarray) -> pa.Array:
    """``array[index]``, null where ``index`` is negative."""
    where = pa.array(index, pa.int64(), mask=index < 0)
    return combined(pc.take(combined(array), where))
