"""Values that two tables share without a key between them: who subscribes to the newsletter is a customer, mostly.

Found by test on the source: a value of a personal column that stands in a column of another table is no chance. What
else is the same in both rows comes along: the person, not the address alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.relation.keys import combined, row_index, take
from dbsynth.schema.model import TableName

LEAST_SHARE = 0.05
LEAST_SHARE_OF_NAMES = 0.5
"""Of the rows; people of one name may be two."""
LEAST_COPIED = 0.5
"""Of the rows with a borrowed value those in which another column is the same as in the lender's row."""
MOST_COUNTS = 17


@dataclass(frozen=True)
class Borrowed:
    """``columns[0]`` of ``table`` is in ``share`` of its rows a value of ``sources[0]`` of ``parent``, without a key;
    the other ``columns`` are those of the same row, ``copied`` as often. A source is a column, or two with a joint of
    ``joints`` between (``", "`` of family and first name). ``repeats``: how many rows have the same
    value, at even steps from the rarest to the commonest. ``own``, ``via``: how the id calls the two tables."""

    table: TableName
    columns: tuple[str, ...]
    parent: TableName
    sources: tuple[tuple[str, ...], ...]
    joints: tuple[str, ...]
    copied: tuple[float, ...]
    repeats: tuple[float, ...]
    own: str
    via: str
    rows: int
    families: int
    share: float

    @property
    def id(self) -> str:
        return f"{self.own}.{self.columns[0]} in {self.via}.{self.sources[0][0]}"

    @property
    def believed(self) -> bool:
        return True

    def describe(self) -> str:
        more = ", ".join(self.columns[1:])
        also = f", with {more} of the same row" if more else ""
        source = f"{self.sources[0][0]} of {self.parent.name}"
        return f"{self.columns[0]} is one of {source} in {self.share:.0%} of the rows{also}"


@dataclass(frozen=True)
class Overlap:
    """What ``Borrowed`` holds of the rows: see there. ``distinct``: different values in both."""

    share: float
    rows: int
    distinct: int
    repeats: tuple[float, ...]
    at: np.ndarray
    """int64 (rows of the child,): the row of the parent with the same value, -1 for none."""


def overlap(child: pa.Array, parent: pa.Array, k: int) -> Overlap | None:
    """How values of ``child`` stand in ``parent``; None where ``parent`` has no value once only in most of its rows."""
    counts = pc.value_counts(parent.drop_null())
    single = counts.field("values").filter(pc.equal(counts.field("counts"), 1))
    if not len(single) or len(single) < 0.5 * len(counts):
        return None
    known = pc.if_else(pc.is_in(parent, single), parent, pa.scalar(None, parent.type))
    at = row_index([child], [known])
    there = child.is_valid().to_numpy(zero_copy_only=False)
    rows = int(there.sum())
    hits = at[at >= 0]
    if not rows or not len(hits):
        return None
    repeats = np.sort(np.bincount(hits)[np.unique(hits)])
    return Overlap(len(hits) / rows, rows, len(repeats), steps(repeats, k), at)


def steps(repeats: np.ndarray, k: int) -> tuple[float, ...]:
    """float (MOST_COUNTS,): sorted ``repeats`` at even steps, each the mean of k neighbours at least."""
    groups = np.array_split(repeats, max(1, min(MOST_COUNTS, len(repeats) // k)))
    means = np.array([g.mean() for g in groups])
    return tuple(np.round(np.interp(np.linspace(0, 1, MOST_COUNTS), np.linspace(0, 1, len(means)), means), 2).tolist())


def copied(own: pa.Array, theirs: pa.Array, at: np.ndarray) -> float:
    """Of the rows that point at one of the lender (``at``) the share in which two columns are the same; nulls are
    not."""
    rows = np.flatnonzero(at >= 0)
    same = pc.fill_null(pc.equal(take(own, rows), take(theirs, at[rows])), False)
    return float(pc.mean(same.cast(pa.float64())).as_py() or 0.0)


def lent(borrowers: int, lenders: int, fact: Borrowed, rng: np.random.Generator, *, once: bool) -> np.ndarray:
    """int64 (borrowers,): which of the ``lenders`` each gets; -1 where ``once`` leaves none."""
    order = rng.permutation(lenders)
    if once:
        return np.concatenate([order[:borrowers], np.full(max(0, borrowers - lenders), -1)]).astype(np.int64)
    at = rng.random(lenders) * (len(fact.repeats) - 1)
    counts = np.interp(at, np.arange(len(fact.repeats)), fact.repeats)
    counts = np.floor(counts + rng.random(lenders)).clip(1)
    if counts.sum() < borrowers:  # fewer lenders than in the source: each has more
        counts = np.ceil(counts * borrowers / counts.sum())
    dealt = np.repeat(order, counts.astype(np.int64))[:borrowers]
    return rng.permutation(dealt)


def values_of(table: pa.Table, source: tuple[str, ...], joint: str = "") -> pa.Array:
    """A column, or two joined by ``joint``."""
    parts = [combined(table.column(c)) for c in source]
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, joint)
