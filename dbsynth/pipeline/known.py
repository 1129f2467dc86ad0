"""Rows of the source, known by a filter over keyed hashes of all their columns but the keys: whether a made row is
perhaps equal to one can be asked, none can be read, and a yes proves nothing (see ``values.guard``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.relation.keys import combined
from dbsynth.rng import derive, generator
from dbsynth.schema.model import Table
from dbsynth.schema.types import arrow_type
from dbsynth.values.base import ValueGenerator
from dbsynth.values.guard import Filter

LEAST_COLUMNS = 3
"""Fewer columns beside the keys make a value, not a row."""
LEAST_ROWS = 4
HALVINGS = 5
ROW_BITS = 64
"""Bits a row: one in so many of the rows that were never there is taken for one that was."""


@dataclass(frozen=True)
class Known:
    """The rows of the source over ``columns`` in a filter. ``allowed``: the share of equal rows that chance explains;
    ``never``: columns whose values are never those of the source."""

    columns: Mapping[str, pa.DataType]
    never: tuple[str, ...]
    filter: Filter
    allowed: float

    @classmethod
    def of(cls, table: Table, rows: pa.Table, makers: Sequence[ValueGenerator], seed: int) -> Known | None:
        """None where the table has no rows to compare. ``makers``: those with a guard never repeat a value of
        the source."""
        held = {c for key in table.unique_keys for c in key} | {c for fk in table.foreign_keys for c in fk.columns}
        columns = [c.name for c in table.stored_columns if c.name not in held]
        if len(columns) < LEAST_COLUMNS or rows.num_rows < LEAST_ROWS:
            return None
        never = {c for m in makers if getattr(m, "guarded", False) for c in m.columns} & set(columns)
        known = cls(
            {c: arrow_type(table.column(c).type) for c in columns if c not in never},
            tuple(sorted(never)),
            Filter(np.zeros(0, np.uint8), derive(seed, "rows")),
            0.0,
        )
        there = known.comparable({c: combined(rows.column(c)) for c in columns})
        hashes = np.where(there, known.digest({c: combined(rows.column(c)) for c in known.columns}, rows.num_rows), 0)
        shares = []
        rng = generator(seed, "halves")
        for _ in range(HALVINGS):
            half = rng.permutation(rows.num_rows) < rows.num_rows // 2
            shares.append(float((there[half] & np.isin(hashes[half], hashes[~half & there])).mean()))
        members = Filter.of(np.unique(hashes[there]), ROW_BITS, known.filter.key)
        return replace(known, filter=members, allowed=min(shares))

    def comparable(self, columns: Mapping[str, pa.Array]) -> np.ndarray:
        """True for rows without a value in a column whose values are never those of the source."""
        out = np.ones(len(next(iter(columns.values()))), bool)
        for name in self.never:
            out &= pc.is_null(columns[name]).to_numpy(zero_copy_only=False)
        return out

    def digest(self, columns: Mapping[str, pa.Array], rows: int) -> np.ndarray:
        """uint64 (rows,): equal rows have equal values."""
        total = np.zeros(rows, np.uint64)
        for name, type_ in self.columns.items():
            encoded = combined(columns[name]).cast(type_).dictionary_encode()
            words = np.array([*map(self.filter.word, _binary(encoded.dictionary).to_pylist()), 0], np.uint64)
            at = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
            total = _mixed(total ^ words[at])
        return total

    def perhaps(self, columns: Mapping[str, pa.Array], rows: int) -> np.ndarray:
        """bool (rows,): True for every row that is equal to one of the source, and for one in ``ROW_BITS`` others."""
        if not len(self.filter) or rows == 0:
            return np.zeros(rows, bool)
        there = self.comparable(columns)
        return there & self.filter.perhaps(self.digest(columns, rows)) if there.any() else there


def _mixed(x: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele et al. 2014): spreads every bit over the whole word."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = x ^ (x >> np.uint64(31))
    return mixed


def _binary(values: pa.Array) -> pa.Array:
    return values if pa.types.is_binary(values.type) else values.cast(pa.string()).cast(pa.binary())
