"""Values that made rows have and real ones have not, or hardly: what no distance between whole distributions shows.

The limits are those that honest clones of the eleven databases of the tests and of little odd schemas stay below, by a
half at least (docs/quality.md has both). Fewer than ``LEAST`` rows are not judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.pipeline.plan import ColumnPlan, TablePlan
from dbsynth.quality import measures
from dbsynth.quality.figures import Finding, Subject, past
from dbsynth.quality.relations import effective
from dbsynth.quality.variables import INNER, Frame, flat
from dbsynth.relation.keys import group_ids

LEAST = 100
DEVIATIONS = 4.0
"""Standard deviations of the difference of two shares that are put down to chance."""
RARE, FREQUENT = 0.01, 0.2
"""Shares of the real rows up to which a value is rare, and from which on it is frequent: more of what is frequent is
what the figures of shape tell."""
NEW, NEW_MOMENT, MORE_CATEGORY, MORE_NUMBER, REPEATED = 0.05, 0.25, 0.08, 0.35, 0.08
"""By how much the share of a value may be larger than in the source, beyond chance: of a rare one (a moment: orders of
one day), of another one (a category, a number), of the commonest of texts that are made."""
FEW_ROWS, FAR, NULLS = 3, 0.01, 0.01
"""Rows that are put down to chance; shares of rows that may lie far beyond the range of the real ones, and that may be
null where no real row is."""
NONE: Mapping[str, tuple[str, ...]] = MappingProxyType({})
LOOK = "look at what changed these rows after they were made, or make them again"


class Odd(NamedTuple):
    """``weight``: as of a ``Finding``."""

    says: str
    weight: float


def oddities(
    frame: Frame, plan: TablePlan, real: pa.Table, made: pa.Table, copied: Mapping[str, tuple[str, ...]] = NONE
) -> Iterator[Finding]:
    """``real``, ``made``: the rows of the frame. ``copied``: of the columns that hold what the parent has, the foreign
    key's columns: as many rows have one value as the parent has children."""
    for v in frame.main:
        yield from _found(Subject(frame.table, (v.column,)), never_null(*(missing(x) for x in (v.real, v.made))))
    for v in frame.variables:
        column = plan.by_column.get(v.column)
        if v.facet or (column is not None and (column.how == "made" or column.role in INNER)):
            continue
        a, b = measures.present(v.real), measures.present(v.made)
        if min(len(a), len(b)) >= LEAST:
            about = Subject(frame.table, (v.column,))
            key = column is not None and column.how == "foreign key"
            more = MORE_NUMBER if v.number and not key else MORE_CATEGORY
            over = copied.get(v.column, ())
            draws = drawn(v.real, real, over), drawn(v.made, made, over)
            yield from _found(about, heaped(a, b, more, NEW_MOMENT if v.moment else NEW, draws))
            if v.number and not key:
                yield from _found(about, beyond(a[np.isfinite(a)], b[np.isfinite(b)], v.moment))
    for name in dict.fromkeys(v.column for v in frame.variables if v.facet):
        column = plan.by_column.get(name)
        if repeats_tell(column):
            says = repeated(flat(real.column(name)).drop_null(), flat(made.column(name)).drop_null())
            yield from _found(Subject(frame.table, (name,)), says)


def _found(about: Subject, odd: Odd | None) -> Iterator[Finding]:
    if odd is not None:
        yield Finding("failure", "quality", about, f"{about}: {odd.says}", LOOK, odd.weight)


def missing(values: np.ndarray) -> np.ndarray:
    """bool (rows,): where there is no value."""
    return np.isnan(values) if values.dtype.kind == "f" else values < 0


def drawn(values: np.ndarray, rows: pa.Table, over: Sequence[str]) -> int:
    """How many values were drawn, each by itself: one a row, or of those that come with a parent, told by the columns
    ``over``, as many as equal families would be."""
    there = ~missing(values)
    if not over or not set(over) <= set(rows.column_names):
        return int(there.sum())
    families = group_ids([rows.column(c) for c in over])[0][there]
    return max(1, effective(np.bincount(families[families >= 0]).astype(np.float64)))


def never_null(real: np.ndarray, made: np.ndarray) -> Odd | None:
    """``real``, ``made``: bool (rows,), where there is no value."""
    rows = int(made.sum())
    if min(len(real), len(made)) < LEAST or real.any() or rows < FEW_ROWS or rows <= NULLS * len(made):
        return None
    says = f"null in {rows:,} of {len(made):,} rows, and in none of the source"
    return Odd(says, past(rows / len(made), NULLS))


def repeats_tell(column: ColumnPlan | None) -> bool:
    return column is not None and column.how == "made" and column.role not in INNER


def heaped(
    real: np.ndarray, made: np.ndarray, limit: float, new: float = NEW, draws: tuple[int, int] | None = None
) -> Odd | None:
    """``real``, ``made``: what is there of a variable's values. ``limit``: for those that are not rare, ``new``: for
    those that are. ``draws``: how many values were drawn a side, if not all."""
    known, times = np.unique(real, return_counts=True)
    values, count = np.unique(made, return_counts=True)
    at = np.minimum(np.searchsorted(known, values), len(known) - 1)
    before = np.where(known[at] == values, times[at], 0) / len(real)
    more = count / len(made) - before - chance(before, *(draws or (len(real), len(made))))
    most = np.where(before < RARE, new, limit)
    over = np.where(before < FREQUENT, more - most, -1.0)
    worst = int(over.argmax())
    if over[worst] <= 0:
        return None
    says = f"{count[worst] / len(made):.0%} of the rows have one value that {before[worst]:.1%} of the source's have"
    return Odd(says, past(float(more[worst]), float(most[worst])))


def chance(share: np.ndarray, real: int, made: int) -> np.ndarray:
    """By how much shares of samples of these sizes may differ; of none at all, as if one row had it."""
    variance = share * (1.0 - share) + 1.0 / real
    return np.asarray(DEVIATIONS * np.sqrt(variance * (1.0 / real + 1.0 / made)))


def beyond(real: np.ndarray, made: np.ndarray, moment: bool) -> Odd | None:
    """Values that are farther from the range of the real ones than that is wide; and negative ones, where none is."""
    low, high = (float(real.min()), float(real.max())) if len(real) else (0.0, 0.0)
    width = high - low
    if width <= 0:
        return None
    far = np.maximum(low - made, made - high) > width
    if not moment and low >= 0:
        far |= made < 0
    rows = int(far.sum())
    if rows < FEW_ROWS or rows <= FAR * len(made):
        return None
    says = f"{rows:,} of {len(made):,} values lie far beyond the range of the source's, or below zero where none does"
    return Odd(says, past(rows / len(made), FAR))


def repeated(real: pa.Array, made: pa.Array) -> Odd | None:
    """Texts that are made are about as different as the real ones."""
    if min(len(real), len(made)) < LEAST:
        return None
    before, now = (int(pc.max(pc.value_counts(x).field("counts")).as_py()) / len(x) for x in (real, made))
    more = now - before - float(chance(np.array([max(before, now)]), len(real), len(made))[0])
    if more <= REPEATED:
        return None
    return Odd(f"{now:.0%} of the texts are the same; of the source's {before:.1%}", past(more, REPEATED))
