"""Status machines: which value of a column may follow which within a family, and which may come first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.relation.families import Columns, Families
from dbsynth.relation.keys import take
from dbsynth.relation.sequences import Bounds, Sequence

MOST_STATES = 16
MOST_STEPS = 2_000
"""Rows of a family: settling goes from row to row, for all families at once."""


@dataclass(frozen=True)
class States(Sequence):
    """``column`` goes through ``states`` (text). ``follows``: per state how often each one came after it, ``starts``:
    how often each one came first, as shares; 0 is never."""

    column: str
    states: tuple[str, ...]
    starts: tuple[float, ...]
    follows: tuple[tuple[float, ...], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def describe(self) -> str:
        never = sum(share == 0 for row in self.follows for share in row)
        return f"{never} of the {len(self.states) ** 2} transitions of {self.column} never occur {self.per()}"

    def settle(self, columns: Columns, bounds: Bounds) -> dict[str, pa.Array]:
        """A row whose state may not follow the one before it, or leaves no way on for the rows after it, gets the
        likeliest that may and does."""
        old = columns[self.column]
        families = Families.of(columns, self.family, self.order)
        labels = pa.array(self.states, pa.string())
        found = pc.index_in(old.cast(pa.string()), value_set=labels).fill_null(-1).to_numpy(zero_copy_only=False)
        code = found[families.at].astype(np.int64)
        after, first = np.array(self.follows), np.array(self.starts)
        left = families.size - 1 - families.rank
        way = self._ways(after, int(left.max(initial=0)))
        by_rank = np.argsort(families.rank, kind="stable")
        cuts = np.searchsorted(families.rank[by_rank], np.arange(int(families.rank.max(initial=-1)) + 2))
        for start, end in pairwise(cuts.tolist()):
            at = by_rank[start:end]
            share = np.broadcast_to(first, (len(at), len(first))) if start == 0 else after[code[at - 1]]
            share = np.where(way[left[at]], share, 0.0)
            wrong = (code[at] < 0) | (share[np.arange(len(at)), code[at]] == 0)
            code[at] = np.where(wrong & (share.max(axis=1) > 0), share.argmax(axis=1), code[at])
        moved = families.back(code, found.astype(np.int64))
        settled = take(labels.cast(old.type), moved)
        return {self.column: pc.if_else(pa.array(moved == found), old, settled)}

    @staticmethod
    def _ways(after: np.ndarray, steps: int) -> np.ndarray:
        """bool (steps + 1, states): whether so many steps can be gone from a state."""
        out = np.ones((steps + 1, len(after)), bool)
        for i in range(1, steps + 1):
            out[i] = ((after > 0) & out[i - 1]).any(axis=1)
        return out
