"""A column of both sides as shares of bins or of categories, of which none is fewer than k rows of the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from sqlalchemy.types import Numeric

from dbsynth.quality.report.axis import FIRST_DATE, LAST_DATE, Scale, bin_edges, plain
from dbsynth.quality.report.text import all_capped
from dbsynth.relation.keys import combined
from dbsynth.relation.numbers import numbers
from dbsynth.schema.model import Column

BINS = 24
MOST_BARS = 10
"""Categories that are drawn; the others are one bar."""
FEW_NUMBERS = 12
"""Different numbers that are drawn as categories, in their order."""
TELLING = 0.3
"""Of the rows that frequent texts have to cover, or the lengths of the texts are drawn instead."""
CLIP = 0.01
"""Of the rows, beyond each end of the axis; drawn in the outermost bins."""
SKEWED = 20.0

What = Literal["value", "length", "children"]


@dataclass(frozen=True)
class Presence:
    """Shares of null, 0..1; ``real`` None: of fewer than k rows, or of all but fewer than k."""

    real: float | None
    made: float


@dataclass(frozen=True)
class Histogram:
    """``edges``: float64 (bins + 1,) on ``scale``. ``real``, ``made``: shares of the rows that are not null, float64
    (bins,); ``real`` None: too few rows to show. Values beyond the ends are in the outermost bins."""

    edges: np.ndarray
    scale: Scale
    real: np.ndarray | None
    made: np.ndarray
    presence: Presence
    what: What = "value"


@dataclass(frozen=True)
class Bars:
    """``labels``: categories that at least k rows of the source share. ``rest``: shares of all other values, in the
    source (None: fewer than k rows) and among the made rows; ``others``: how many different ones the source has."""

    labels: tuple[str, ...]
    real: np.ndarray
    made: np.ndarray
    rest: tuple[float | None, float]
    others: int
    ordered: bool
    presence: Presence
    what: What = "value"


@dataclass(frozen=True)
class Untold:
    """``says``: why nothing is drawn."""

    says: str
    presence: Presence = field(default_factory=lambda: Presence(None, 0.0))


Distribution = Histogram | Bars | Untold


def distribution(column: Column, real: pa.Array, made: pa.Array, k: int, *, personal: bool) -> Distribution:
    """``real``, ``made``: the column's values in both samples. ``personal``: no value is told, only lengths."""
    real, made = combined(real), combined(made)
    presence = _presence(real, made, k)
    present = len(real) - real.null_count
    if present < k:
        return Untold(
            "null in all rows of the source" if not present else f"fewer than {k} rows hold a value", presence
        )
    if len(made) == made.null_count:
        return Untold("no synthetic row holds a value", presence)
    if pt.is_nested(real.type) or pt.is_binary(real.type) or pt.is_interval(real.type):
        return Untold(f"values of type {column.declared} are not drawn", presence)
    if not pt.is_boolean(real.type):
        points = points_of(column, real), points_of(column, made)
        if points[0] is not None and points[1] is not None and not personal:
            return of_numbers(_told(points[0][0]), _told(points[1][0]), points[0][1], k, presence)
    texts, others = _texts(real), _texts(made)
    if not personal:
        bars = _bars(texts, others, k, presence, always=bool(pt.is_boolean(real.type)))
        if bars is not None:
            return bars
    return of_numbers(_lengths(texts), _lengths(others), "whole", k, presence, "length")


def of_numbers(
    real: np.ndarray, made: np.ndarray, scale: Scale, k: int, presence: Presence, what: What = "value"
) -> Distribution:
    """``real``, ``made``: float64 (rows,), no nulls."""
    if len(real) < k or not len(made):
        return Untold(f"fewer than {k} rows hold a value", presence)
    if scale in ("number", "whole"):
        few = _few_numbers(real, made, k, presence, what)
        if few is not None:
            return few
    low, high = _range(real, made, k)
    if scale in ("number", "whole") and _spread(real, low, high):
        scale, real, made = "logarithm", np.log10(np.maximum(real, low)), np.log10(np.maximum(made, low))
        low, high = float(np.log10(low)), float(np.log10(high))
    edges = bin_edges(low, high, scale, BINS)
    if len(edges) < 2 or not np.isfinite(edges).all():
        return Untold("values too far apart to draw", presence)
    counts = _counts(real, edges)
    edges = merged(edges, counts, k)
    if len(edges) < 3:
        return Untold(f"too few rows to draw without telling of fewer than {k}", presence)
    return Histogram(edges, scale, _counts(real, edges) / len(real), _counts(made, edges) / len(made), presence, what)


def merged(edges: np.ndarray, counts: np.ndarray, k: int) -> np.ndarray:
    """``edges`` without those between bins that have to be one for each to hold no row, or at least ``k``."""
    keep = [0]
    held = 0
    for i, n in enumerate(counts):
        held += int(n)
        if held == 0 or held >= k:
            keep.append(i + 1)
            held = 0
    if held:  # what is left over goes to the last bin that holds rows
        while len(keep) > 1 and not counts[keep[-2] : keep[-1]].sum():
            keep.pop()
        if len(keep) > 1:
            keep.pop()
        keep.append(len(counts))
    kept: np.ndarray = edges[keep]
    return kept


def _counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """int64 (bins,): what lies beyond an end counts in the outermost bin."""
    at = np.clip(np.searchsorted(edges, values, "right") - 1, 0, len(edges) - 2)
    counts: np.ndarray = np.bincount(at, minlength=len(edges) - 1)
    return counts


def _range(real: np.ndarray, made: np.ndarray, k: int) -> tuple[float, float]:
    """Ends of an axis on which both sides can be seen. At least k rows lie at or beyond either end of either side."""
    ends = []
    for values in (real, made):
        ordered = np.sort(values)
        beyond = min(max(int(CLIP * len(ordered)), k - 1), (len(ordered) - 1) // 2)
        ends.append((ordered[beyond], ordered[-1 - beyond]))
    return float(min(e[0] for e in ends)), float(max(e[1] for e in ends))


def _spread(values: np.ndarray, low: float, high: float) -> bool:
    """Whether a logarithmic axis shows more: positive numbers most of which crowd at the lower end."""
    return low > 0 and high / max(float(np.median(values)), low) > SKEWED


def _few_numbers(real: np.ndarray, made: np.ndarray, k: int, presence: Presence, what: What) -> Bars | None:
    values, counts = np.unique(real, return_counts=True)
    shared = counts >= k
    if not 0 < shared.sum() <= FEW_NUMBERS or counts[shared].sum() < 0.95 * len(real):
        return None
    shown, n = values[shared], counts[shared]
    found = np.array([np.count_nonzero(made == v) for v in shown])
    others = len(real) - int(n.sum())
    labels = tuple(plain(float(v)) for v in shown)
    return _with_rest(
        labels, n, found, (others, len(made) - int(found.sum())), int((~shared).sum()), k, presence, True, what
    )


def _bars(real: pa.Array, made: pa.Array, k: int, presence: Presence, *, always: bool) -> Bars | None:
    """The most frequent texts; None where they tell little of the column."""
    counted = pc.value_counts(real)
    counts = counted.field("counts").to_numpy()
    shared = np.flatnonzero(counts >= k)
    if not len(shared) or (not always and counts[shared].sum() < TELLING * len(real)):
        return None
    values = counted.field("values")
    chosen = shared[np.argsort(-counts[shared], kind="stable")][:MOST_BARS]
    labels = values.take(pa.array(chosen))
    hits = pc.index_in(made, value_set=labels)
    found = np.bincount(pc.fill_null(hits, len(chosen)).to_numpy(zero_copy_only=False), minlength=len(chosen) + 1)
    rest = len(real) - int(counts[chosen].sum())
    named = tuple(all_capped(labels.to_pylist()))
    left = (rest, int(found[-1]))
    return _with_rest(named, counts[chosen], found[:-1], left, len(counts) - len(chosen), k, presence, False, "value")


def _with_rest(
    labels: tuple[str, ...],
    real: np.ndarray,
    made: np.ndarray,
    rest: tuple[int, int],
    others: int,
    k: int,
    presence: Presence,
    ordered: bool,
    what: What,
) -> Bars:
    """Shares of counts. Where fewer than k rows are left over, the source's shares are of the shown rows only: nobody
    can subtract."""
    told = rest[0] == 0 or rest[0] >= k
    of_real = real.sum() + (rest[0] if told else 0)
    of_made = max(1, made.sum() + rest[1])
    left = (rest[0] / of_real if told else None, rest[1] / of_made)
    return Bars(labels, real / of_real, made / of_made, left, others, ordered, presence, what)


def _presence(real: pa.Array, made: pa.Array, k: int) -> Presence:
    nulls = real.null_count
    told = nulls in (0, len(real)) or k <= nulls <= len(real) - k
    return Presence(nulls / max(1, len(real)) if told else None, made.null_count / max(1, len(made)))


def points_of(column: Column, array: pa.Array) -> tuple[np.ndarray, Scale] | None:
    """Numbers, seconds since 1970, seconds of the day: float64 (rows,), NaN for null and for what stands for no number
    or date; None for a column of neither. Digits in a column of text are no number."""
    if pt.is_boolean(array.type) or (pt.is_string(array.type) and not isinstance(column.type, Numeric)):
        return None
    found = numbers(array)
    if found is None:
        return None
    values = np.where(found.there, found.floats, np.nan)
    if pt.is_date32(array.type) or pt.is_timestamp(array.type):
        seconds = values * 86_400.0 if pt.is_date32(array.type) else values / 1e6
        return np.where((seconds >= FIRST_DATE) & (seconds <= LAST_DATE), seconds, np.nan), "date"
    if pt.is_time(array.type):
        return values / 1e6, "time"
    there = values[found.there]
    whole = bool(np.all(there == np.round(there))) and bool(np.abs(there).max(initial=0) < 2**53)
    return values, "whole" if whole else "number"


def _told(values: np.ndarray) -> np.ndarray:
    told: np.ndarray = values[~np.isnan(values)]
    return told


def _texts(array: pa.Array) -> pa.Array:
    return pc.drop_null(array if pt.is_string(array.type) else pc.cast(array, pa.string()))


def _lengths(texts: pa.Array) -> np.ndarray:
    lengths: np.ndarray = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.float64)
    return lengths
