"""What every rule within a row has. Kinds are frozen dataclasses that are entered in ``dbsynth.artifact.registry``.

A rule is found by test: proposed on one half of a sample, confirmed on the other, improbable were its columns
independent. It is a ``Fact`` of the plan; ``dbsynth.pipeline.row_rules`` makes it hold in the rows that are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbsynth.relation.families import Columns, same
from dbsynth.relation.keys import take
from dbsynth.schema.model import TableName

MIN_ROWS = 50
"""Rows of the source that speak for a rule."""
CHANCES = 20.0
"""Rows that would break it at least, were its columns independent of each other."""
LEAST_SHARE = 0.995
"""A rule with more exceptions is none: the model learns such a dependence as any other."""
PRESENCE, ORDER, VALUE = 0, 1, 2
"""What of a column a rule decides, in the order in which rules of one column are applied."""


@dataclass(frozen=True)
class Rule:
    """It decides ``column`` of ``table``. ``rows``: of the source in which it could have been broken; ``families``:
    different values among them; ``share``: of these rows, those that keep it. ``whole``: the column holds nothing that
    is not told by others, so that it need not be learned."""

    id: str
    table: TableName
    column: str
    rows: int
    families: int
    share: float
    whole: bool

    decides = VALUE

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that have to be there before."""
        raise NotImplementedError

    @property
    def told(self) -> str:
        """The right side of an id that is an equation."""
        return self.id.partition(f".{self.column} = ")[2]

    @property
    def believed(self) -> bool:
        """Enough of the source speaks for it."""
        return self.rows >= MIN_ROWS

    def describe(self) -> str:
        raise NotImplementedError

    def settle(self, columns: Columns) -> dict[str, pa.Array]:
        """The columns that it decides, so that it holds in every row; rows in which it holds stay as they are."""
        raise NotImplementedError

    def broken(self, columns: Columns) -> np.ndarray:
        """bool (rows,): those that ``settle`` would change."""
        out = np.zeros(len(columns[self.reads[0]]), bool)
        for name, settled in self.settle(columns).items():
            out |= ~same(settled, columns[name].cast(settled.type))
        return out

    def kept_by(self, columns: Columns) -> dict[str, pa.Array]:
        """As ``settle``, but for as many of the rows that break it as may: exceptions stay at their rate."""
        settled = self.settle(columns)
        if self.share == 1.0:
            return settled
        broken = np.zeros(len(columns[self.reads[0]]), bool)
        for name, array in settled.items():
            broken |= ~same(array, columns[name].cast(array.type))
        excepted = spread(np.flatnonzero(broken), int((1.0 - self.share) * len(broken)))
        return {name: chosen(array, columns[name], excepted) for name, array in settled.items()}


def spread(rows: np.ndarray, count: int) -> np.ndarray:
    """``count`` of ``rows``, evenly; all of them where there are no more."""
    if count >= len(rows):
        return rows
    picked: np.ndarray = rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]
    return picked


def chosen(values: pa.Array, others: pa.Array, rows: np.ndarray) -> pa.Array:
    """``values``, but ``others`` at ``rows`` (positions)."""
    if not len(rows):
        return values
    index = np.arange(len(values))
    index[rows] += len(values)
    return take(pa.concat_arrays([values, others.cast(values.type)]), index)


def donors(rows: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """One of ``pool`` (not empty) for each of ``rows``, in no order that means anything; the same for the same rows."""
    picked: np.ndarray = pool[(rows * 2654435761 % (2**32)) % len(pool)]
    return picked


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
