"""A column as few levels that no single row shapes: numbers by edges between which at least k rows lie, categories by
the values that at least k rows share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.pipeline.plan import ColumnPlan
from dbsynth.quality import shapes
from dbsynth.quality.variables import FACETS, SEEN, as_numbers, as_text, flat, is_category

Kind = Literal["number", "category"]
LEVELS = 32
"""Of a number, about."""
LISTED = 200
"""Of a category."""
COARSE = 8
"""Levels in pairs, one for all others and one for what is missing not counted."""
PRECISION = "precision"
LENGTH = "length"


@dataclass(frozen=True)
class Feature:
    """What is looked at of a column. ``facet``: "" its values, ``precision`` the place of their last digit, else what
    is counted in its texts. ``moment``: its numbers are microseconds (days, for dates)."""

    column: str
    facet: str
    kind: Kind
    moment: bool


@dataclass(frozen=True)
class Levels:
    """Level i of a number: above ``edges[i - 1]`` and at most ``edges[i]``; of a category: ``values[i]``, the last one
    all others. ``counts``: int64, rows of each level in the source; ``missing``: rows without a value. ``ceiling``: of
    the figure that compares them, between halves of the source (NaN: too few rows)."""

    feature: Feature
    edges: np.ndarray
    values: tuple[str, ...]
    counts: np.ndarray
    missing: int
    ceiling: float = float("nan")

    @property
    def size(self) -> int:
        return (len(self.edges) if self.feature.kind == "number" else len(self.values)) + 1

    def encode(self, values: np.ndarray | pa.Array) -> np.ndarray:
        """int64 (rows,); -1 where there is no value. ``values``: as ``observed`` gives them."""
        if isinstance(values, np.ndarray):
            level = np.searchsorted(self.edges, values, side="left")
            return np.asarray(np.where(np.isnan(values), -1, level))
        listed = pa.array(self.values, pa.string())
        level = pc.fill_null(pc.index_in(values, value_set=listed), len(self.values))
        out = level.to_numpy(zero_copy_only=False).astype(np.int64)
        out[pc.is_null(values).to_numpy(zero_copy_only=False)] = -1
        return np.asarray(out)

    def coarse(self) -> np.ndarray:
        """int64 (size + 1,): of each level the one it has in pairs; the last entry is of what is missing. Of a number
        about equally many rows each, of a category its commonest values."""
        out = np.zeros(self.size + 1, np.int64)
        if self.feature.kind == "number":
            middle = np.cumsum(self.counts) - self.counts / 2
            share = (middle * COARSE / max(1, self.counts.sum())).astype(np.int64)
            out[:-1] = np.unique(share, return_inverse=True)[1]
        else:
            common = np.argsort(-self.counts[:-1], kind="stable")[:COARSE]
            out[:-1] = len(common)
            out[common] = np.arange(len(common))
        out[-1] = out.max() + 1
        return out


def features(name: str, plan: ColumnPlan | None, values: pa.Array) -> list[Feature]:
    """Of a column of the source: as ``variables`` takes it."""
    if pa.types.is_temporal(values.type):
        return [Feature(name, "", "number", True), Feature(name, PRECISION, "category", True)]
    whole = pa.types.is_integer(values.type)
    number = whole or pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)
    kind = plan.kind if plan is not None else None
    if (number and kind != "category") or (kind == "number" and not pa.types.is_boolean(values.type)):
        return [Feature(name, "", "number", False), Feature(name, PRECISION, "category", False)]
    if number or pa.types.is_boolean(values.type) or is_category(plan, as_text(values)):
        return [Feature(name, "", "category", False)]
    return [Feature(name, facet, "number", False) for facet in (LENGTH, *FACETS)]


def observed(feature: Feature, values: pa.Array | pa.ChunkedArray) -> np.ndarray | pa.Array:
    """float64 with NaN for nothing (a number), or texts (a category)."""
    array = flat(values)
    if feature.kind == "category":
        if feature.facet == PRECISION:
            with np.errstate(over="ignore", invalid="ignore"):  # of the largest numbers no digit is told
                place = shapes.places(_numbers(array), feature.moment)
            return pa.array(place.astype(str), pa.string(), mask=place < 0)
        return as_text(array)
    if not feature.facet:
        return _numbers(array)
    texts = as_text(array)
    if feature.facet == LENGTH:
        return as_numbers(pc.utf8_length(texts))
    size = np.clip(as_numbers(pc.utf8_length(texts)), 1, SEEN)
    seen = pc.utf8_slice_codeunits(texts, 0, SEEN)
    return np.asarray(as_numbers(pc.count_substring_regex(seen, FACETS[feature.facet])) / size)


def _numbers(values: pa.Array) -> np.ndarray:
    """Infinite ones as the largest there are. A text that is none as nothing: it is one of a drifted column."""
    try:
        numbers = as_numbers(values)
    except pa.ArrowInvalid:
        numbers = np.array([_number(v) for v in pc.unique(values).to_pylist()])
        at = pc.index_in(values, value_set=pc.unique(values)).to_numpy(zero_copy_only=False)
        numbers = numbers[at]
    return np.asarray(np.nan_to_num(numbers, nan=np.nan))


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else float("nan")
    except ValueError:
        return float("nan")


def learned(feature: Feature, values: np.ndarray | pa.Array, k: int) -> Levels:
    """The levels of these values of the source, with their counts: each of at least ``k`` rows, or none."""
    edges, listed = np.zeros(0), tuple[str, ...]()
    if isinstance(values, np.ndarray):
        edges, missing = _edges(values, k), int(np.isnan(values).sum())
    else:
        listed, missing = _listed(values, k), values.null_count
    rough = Levels(feature, edges, listed, np.zeros(0, np.int64), 0)
    code = rough.encode(values)
    counts = np.bincount(code[code >= 0], minlength=rough.size)
    counts[counts < k] = 0  # the others of a category, or all there is
    return Levels(feature, edges, listed, counts, missing if missing >= k else 0)


def _edges(values: np.ndarray, k: int) -> np.ndarray:
    """float64, rising: half-way between neighbouring values (no row's own, unless there is nothing between), so that
    about a 1/LEVELS of the rows and at least ``k`` of them lie between two, below the first and above the last."""
    unique, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    if counts.sum() < 2 * k:
        return np.zeros(0)
    middle = np.cumsum(counts) - counts / 2
    group = (middle * LEVELS / counts.sum()).astype(np.int64)
    begin = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    size = np.add.reduceat(counts, begin)
    starts: list[int] = []
    held = 0
    for at, rows in zip(begin.tolist(), size.tolist(), strict=True):
        if held >= k:
            starts.append(at)
            held = 0
        held += rows
    if held < k and starts:
        starts.pop()
    below, above = unique[[s - 1 for s in starts]], unique[starts]
    half = below / 2 + above / 2
    return np.asarray(np.where((half >= below) & (half < above), half, below), np.float64)


def _listed(values: pa.Array, k: int) -> tuple[str, ...]:
    """The commonest values that ``k`` rows share."""
    counted = pc.value_counts(values.drop_null())
    number = counted.field("counts").to_numpy(zero_copy_only=False)
    texts = counted.field("values").to_pylist()
    common = sorted((i for i in range(len(texts)) if number[i] >= k), key=lambda i: (-number[i], texts[i]))
    return tuple(texts[i] for i in common[:LISTED])
