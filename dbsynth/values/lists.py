"""Arrays and maps in documents: many documents each, of a learned number, order and distinctness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.values.forms import choose
from dbsynth.values.leaves import Lengths, Written
from dbsynth.values.notations import dumps
from dbsynth.values.scalars import json_strings, loads

if TYPE_CHECKING:
    from dbsynth.values.base import ValueGenerator
    from dbsynth.values.document import Document

TURNS = 8
"""Rounds in which members that repeat another of their array are drawn again before they are left out."""


@dataclass
class Items:
    """``distinct``: no member of an array is another one's equal. ``order``: 1 or -1 where members rise or fall (as
    numbers where ``numeric``). ``grids``: of arrays of more than one dimension the lengths below the first one, as
    often as ``weights`` float (grids,) says; () of others."""

    lengths: Lengths
    member: Document
    distinct: bool = False
    order: int = 0
    numeric: bool = False
    grids: tuple[tuple[int, ...], ...] = ()
    weights: np.ndarray = field(default_factory=lambda: np.zeros(0))
    whole: dict[int, Written] = field(default_factory=dict)
    """By length the arrays that k documents share, where nearly all are such: they are drawn as they are."""

    def texts(self, count: int, lengths: pa.Array | None, rng: np.random.Generator, compact: bool) -> pa.Array:
        """JSON arrays; ``lengths`` int64 (count,) where they are known, with nulls where not."""
        sizes = self.lengths.draw(count, rng)
        if lengths is not None:
            known = lengths.is_valid().to_numpy(zero_copy_only=False)
            sizes = np.where(known, lengths.fill_null(0).to_numpy(zero_copy_only=False), sizes).astype(np.int64)
        if self.whole:
            return self._whole(sizes, rng, compact)
        if self.grids:
            return self._grids(sizes, rng, "," if compact else ", ")
        row = np.repeat(np.arange(count), sizes)
        flat = self.member.fold(len(row), {}, rng)
        if self.distinct:
            row, flat = apart(row, flat, lambda n: self.member.fold(n, {}, rng))
        if self.order:
            flat = flat.take(pa.array(self._sorted(row, flat)))
        return joined(row, flat, count, "[", "]", "," if compact else ", ")

    def _whole(self, sizes: np.ndarray, rng: np.random.Generator, compact: bool) -> pa.Array:
        known = np.array(sorted(self.whole))
        nearest = known[np.abs(known[None, :] - sizes[:, None]).argmin(axis=1)]
        parts = [(rows, size) for size in known if len(rows := np.flatnonzero(nearest == size))]
        texts = [self.whole[int(size)].texts(len(rows), rng) for rows, size in parts]
        order = np.argsort(np.concatenate([r for r, _ in parts] or [np.zeros(0, np.int64)]), kind="stable")
        out = pa.concat_arrays([*texts, pa.array([], pa.string())]).take(pa.array(order))
        return _compact(out) if compact else out

    def _grids(self, sizes: np.ndarray, rng: np.random.Generator, comma: str) -> pa.Array:
        inner = np.array(self.grids, np.int64)[choose(self.weights, len(sizes), rng)]
        # how many lists there are of each dimension in each row
        many = np.cumprod(np.column_stack([sizes, inner]), axis=1)
        flat = self.member.fold(int(many[:, -1].sum()), {}, rng)
        for level in reversed(range(inner.shape[1])):
            lengths = np.repeat(inner[:, level], many[:, level])
            flat = joined(np.repeat(np.arange(len(lengths)), lengths), flat, len(lengths), "[", "]", comma)
        return joined(np.repeat(np.arange(len(sizes)), sizes), flat, len(sizes), "[", "]", comma)

    def _sorted(self, row: np.ndarray, flat: pa.Array) -> np.ndarray:
        key = flat.cast(pa.float64()) if self.numeric else pc.replace_substring_regex(flat, '^"|"$', "")
        rank = pc.rank(key, sort_keys="ascending").to_numpy(zero_copy_only=False).astype(np.int64)
        return np.lexsort((rank * self.order, row))


def _compact(texts: pa.Array) -> pa.Array:
    """A few different JSON texts without blanks."""
    found = texts.dictionary_encode()
    shorter = [dumps(loads(t), compact=True) for t in found.dictionary.to_pylist()]
    return pa.array(shorter, pa.string()).take(found.indices)


@dataclass
class Entries:
    """Objects of any keys, which are values themselves: ``keys`` makes the column ``key``."""

    lengths: Lengths
    keys: ValueGenerator
    member: Document

    def texts(self, count: int, rng: np.random.Generator, compact: bool) -> pa.Array:
        """JSON objects without repeated keys."""
        row = np.repeat(np.arange(count), self.lengths.draw(count, rng))
        row, keys = apart(row, self._keys(len(row), rng), lambda n: self._keys(n, rng))
        colon, comma = (":", ",") if compact else (": ", ", ")
        flat = pc.binary_join_element_wise(keys, self.member.fold(len(row), {}, rng), colon)
        return joined(row, flat, count, "{", "}", comma)

    def _keys(self, count: int, rng: np.random.Generator) -> pa.Array:
        name = self.keys.columns[0]
        return json_strings(self.keys.generate({name: np.ones(count, bool)}, {}, rng)[name])


def apart(row: np.ndarray, flat: pa.Array, fresh: Callable[[int], pa.Array]) -> tuple[np.ndarray, pa.Array]:
    """``row`` int (n,) and ``flat`` (n,) without members that occur twice in a row: drawn again by ``fresh``."""
    for _ in range(TURNS):
        again = np.flatnonzero(_repeated(row, flat))
        if not len(again):
            return row, flat
        where = np.arange(len(row))
        where[again] = len(row) + np.arange(len(again))
        flat = pa.concat_arrays([flat, fresh(len(again))]).take(pa.array(where))
    keep = ~_repeated(row, flat)
    return row[keep], flat.filter(pa.array(keep))


def _repeated(row: np.ndarray, flat: pa.Array) -> np.ndarray:
    """True for members equal to an earlier one of their row."""
    if not len(row):
        return np.zeros(0, bool)
    codes = flat.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    first = np.unique(row * (int(codes.max()) + 1) + codes, return_index=True)[1]
    out = np.ones(len(row), bool)
    out[first] = False
    return out


def joined(row: np.ndarray, flat: pa.Array, count: int, left: str, right: str, comma: str) -> pa.Array:
    """One text a row: ``row`` int (n,) rising."""
    ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))]).astype(np.int32)
    body = pc.binary_join(pa.ListArray.from_arrays(pa.array(ends), flat), comma)
    return pc.binary_join_element_wise(left, body, right, "")
