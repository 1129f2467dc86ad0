"""Ordered values ↔ items: frequent values stand for themselves (spikes), the rest falls into quantile bins that decode
by a piecewise linear inverse distribution function which no single row shapes (``bin_fitting.py``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dbsynth.codec.base import State


@dataclass(frozen=True)
class Bins:
    """Items 0..size-1 in the order of their values. Arrays of values are int64 (exact) or float64.

    ``spikes`` (S,) sorted · ``edges`` (B,) borders above each bin · ``items`` (S+B,): spike i as i, bin j as S+j, by
    value · ``low``/``high`` (Q,) segments, with ``cumulative`` (Q+1,) shares of the rows outside the spikes · ``first``
    (B+1,) first segment of each bin · ``step``/``offset`` (B,) the lattice on which the values of a bin lie (0: none) ·
    ``bounds`` (2,) smallest and largest value ever decoded.
    """

    spikes: np.ndarray
    edges: np.ndarray
    items: np.ndarray
    low: np.ndarray
    high: np.ndarray
    cumulative: np.ndarray
    first: np.ndarray
    step: np.ndarray
    offset: np.ndarray
    bounds: np.ndarray

    @property
    def size(self) -> int:
        return len(self.items)

    @property
    def exact(self) -> bool:
        """True where every item is one value."""
        return len(self.edges) == 0

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Items int32 (rows,). An unseen value gets the bin around it, or where there are no bins the nearest spike."""
        rank = np.empty(self.size, np.int32)
        rank[self.items] = np.arange(self.size, dtype=np.int32)
        spikes = len(self.spikes)
        if not len(self.edges):
            return np.asarray(rank[_nearest(self.spikes, values)])
        item = spikes + np.searchsorted(self.edges[:-1], values, side="left")
        if spikes:
            at = np.minimum(np.searchsorted(self.spikes, values), spikes - 1)
            item = np.where(self.spikes[at] == values, at, item)
        return np.asarray(rank[item])

    def decode(self, items: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Values for ``items`` (rows,) with uniforms ``u`` (rows,) that place them inside their bins."""
        kind = self.items[items]
        spikes = len(self.spikes)
        out = np.zeros(len(items), self.bounds.dtype)
        is_spike = kind < spikes
        out[is_spike] = self.spikes[kind[is_spike]]
        if not is_spike.all():
            out[~is_spike] = self._inside(kind[~is_spike] - spikes, u[~is_spike])
        return np.clip(out, self.bounds[0], self.bounds[1])

    def _inside(self, bins: np.ndarray, u: np.ndarray) -> np.ndarray:
        begin, end = self.cumulative[self.first[bins]], self.cumulative[self.first[bins + 1]]
        q = begin + u * (end - begin)
        at = np.searchsorted(self.cumulative, q, side="right") - 1
        at = np.clip(at, self.first[bins], self.first[bins + 1] - 1)
        share = (q - self.cumulative[at]) / np.maximum(self.cumulative[at + 1] - self.cumulative[at], 1e-300)
        share = np.clip(share, 0.0, 1.0)
        low, high = self.low[at], self.high[at]
        if self.bounds.dtype.kind == "f":
            return np.asarray(low * (1.0 - share) + high * share)
        values = between(low, high, share)
        step = self.step[bins]
        snapped = _snap(values, np.maximum(step, 1), self.offset[bins], low, high)
        return np.where((step > 1) & (low < high), snapped, values)

    def state(self) -> State:
        names = ("spikes", "edges", "items", "low", "high", "cumulative", "first", "step", "offset", "bounds")
        return State({}, {name: getattr(self, name) for name in names})

    @staticmethod
    def restore(arrays: Any) -> Bins:
        return Bins(**{name: np.asarray(arrays[name]) for name in Bins.__dataclass_fields__})


def span(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """high − low as uint64, exact over the whole range of int64 (high ≥ low)."""
    return np.asarray(high).astype(np.int64).view(np.uint64) - np.asarray(low).astype(np.int64).view(np.uint64)


def between(low: np.ndarray, high: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The whole number at ``share`` of [low, high], int64, without overflow."""
    width = span(low, high)
    away = np.floor(share * (width.astype(np.float64) + 1.0))
    offset = np.where(away >= 2.0**63, 0, away).astype(np.uint64)
    offset = np.where(away >= 2.0**63, width, np.minimum(offset, width))
    return (low.view(np.uint64) + offset).view(np.int64)


def _snap(values: np.ndarray, step: np.ndarray, offset: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The nearest value on the lattice that lies in [low, high]; the value itself where there is none."""
    down = (values % step - offset) % step
    up = step - down
    can_down = span(low, values) >= down.astype(np.uint64)
    can_up = span(values, high) >= up.astype(np.uint64)
    go_up = can_up & ((up < down) | ~can_down) & (down > 0)
    shift = np.where(go_up, up, np.where(can_down, -down, 0))
    return values + shift


def _nearest(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    at = np.clip(np.searchsorted(ordered, values), 1, max(len(ordered) - 1, 1))
    if len(ordered) == 1:
        return np.zeros(len(values), np.int64)
    left, right = ordered[at - 1], ordered[at]
    inside = (values > left) & (values < right)
    if ordered.dtype.kind == "f":
        near_left = values / 2 - left / 2 <= right / 2 - values / 2  # the whole difference may be out of range
    else:
        near_left = span(left, values) <= span(values, right)
    return np.where(np.where(inside, near_left, values <= left), at - 1, at)
