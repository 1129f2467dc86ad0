"""How much the columns of a table tell of each other on both sides: Cramér's V, corrected for bias (Bergsma 2013)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.quality.report.distribution import points_of
from dbsynth.relation.keys import combined
from dbsynth.schema.model import Column

LEAST_COLUMNS, MOST_COLUMNS = 3, 20
BINS = 8
LEAST_ROWS = 100
"""Of either side: fewer are too few for 8 × 8 cells."""


@dataclass(frozen=True)
class Association:
    """``real``, ``made``: float64 (columns, columns), 0 (independent) .. 1 (one tells the other), symmetric.
    ``left_out``: columns after these."""

    columns: tuple[str, ...]
    real: np.ndarray
    made: np.ndarray
    left_out: int = 0

    @property
    def difference(self) -> np.ndarray:
        """Of the made rows from the real ones: negative where a dependence is lost."""
        found: np.ndarray = self.made - self.real
        return found

    def pairs(self) -> list[tuple[str, str, float, float]]:
        """(column, column, real, made), the largest difference first."""
        rows, columns = np.tril_indices(len(self.columns), -1)
        order = np.argsort(-np.abs(self.difference[rows, columns]), kind="stable")
        return [
            (self.columns[i], self.columns[j], float(self.real[i, j]), float(self.made[i, j]))
            for i, j in zip(rows[order], columns[order], strict=True)
        ]


def association(columns: Sequence[Column], real: pa.Table, made: pa.Table) -> Association | None:
    """None: too few rows or columns."""
    if min(real.num_rows, made.num_rows) < LEAST_ROWS:
        return None
    coded: list[tuple[str, np.ndarray, np.ndarray, int]] = []
    for column in columns:
        if len(coded) == MOST_COLUMNS:
            break
        found = _coded(column, combined(real.column(column.name)), combined(made.column(column.name)))
        if found is not None:
            coded.append((column.name, *found))
    if len(coded) < LEAST_COLUMNS:
        return None
    names = [c.name for c in columns]
    left_out = len(names) - names.index(coded[-1][0]) - 1 if len(coded) == MOST_COLUMNS else 0
    sizes = [c[3] for c in coded]
    ours, theirs = _associations([c[1] for c in coded], sizes), _associations([c[2] for c in coded], sizes)
    return Association(tuple(c[0] for c in coded), ours, theirs, left_out)


def _coded(column: Column, real: pa.Array, made: pa.Array) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Both sides' rows as codes 0..size-1 of common classes; None where the column has but one class, or a class for
    nearly every row."""
    if real.null_count == len(real):
        return None
    points = points_of(column, real), points_of(column, made)
    if points[0] is not None and points[1] is not None:
        values = points[0][0], points[1][0]
        different = np.unique(values[0][~np.isnan(values[0])])
        if len(different) <= BINS:
            inner = different[1:]
        else:
            inner = np.unique(np.nanquantile(values[0], np.linspace(0, 1, BINS + 1)[1:-1]))
        codes = [np.where(np.isnan(v), 0, np.searchsorted(inner, v, "right") + 1) for v in values]
        size = len(inner) + 2
    else:
        texts = [side if pa.types.is_string(side.type) else pc.cast(side, pa.string()) for side in (real, made)]
        counted = pc.value_counts(pc.drop_null(texts[0]))
        counts = counted.field("counts").to_numpy()
        order = np.argsort(-counts, kind="stable")[: BINS - 1]
        if len(counts) and counts[order].sum() < 0.2 * len(real):
            return None
        chosen = counted.field("values").take(pa.array(order))
        codes = [_category(side, chosen) for side in texts]
        size = len(chosen) + 2
    if len(np.unique(codes[0])) < 2:
        return None
    return codes[0], codes[1], size


def _category(texts: pa.Array, chosen: pa.Array) -> np.ndarray:
    hits = pc.fill_null(pc.index_in(texts, value_set=chosen), len(chosen)).to_numpy(zero_copy_only=False) + 1
    return np.where(pc.is_valid(texts).to_numpy(zero_copy_only=False), hits, 0)


def _associations(codes: Sequence[np.ndarray], sizes: Sequence[int]) -> np.ndarray:
    """float64 (columns, columns). All contingency tables at once: the product of the one-hot matrix with itself."""
    rows = len(codes[0])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    table = np.zeros((starts[-1], starts[-1]))
    for first in range(0, rows, 8192):
        part = [c[first : first + 8192] for c in codes]
        hot = np.zeros((len(part[0]), starts[-1]), np.float32)
        for start, code in zip(starts, part, strict=False):
            hot[np.arange(len(code)), start + code] = 1.0
        table += hot.T @ hot
    out = np.eye(len(codes))
    for i in range(len(codes)):
        for j in range(i):
            cells = table[starts[i] : starts[i + 1], starts[j] : starts[j + 1]]
            out[i, j] = out[j, i] = cramers_v(cells)
    return out


def cramers_v(cells: np.ndarray) -> float:
    """Of a contingency table of counts, corrected for bias: W. Bergsma, A bias-correction for Cramér's V and
    Tschuprow's T, Journal of the Korean Statistical Society 42 (2013). 0 where a side has but one class."""
    cells = cells[cells.sum(1) > 0][:, cells.sum(0) > 0]
    n = cells.sum()
    rows, columns = cells.shape
    if n < 2 or rows < 2 or columns < 2:
        return 0.0
    expected = cells.sum(1, keepdims=True) * cells.sum(0, keepdims=True) / n
    squared = float(((cells - expected) ** 2 / expected).sum() / n)
    corrected = max(0.0, squared - (rows - 1) * (columns - 1) / (n - 1))
    least = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(corrected / least))) if least > 0 else 0.0
