"""The conditional vector and training-by-sampling of Xu et al. 2019, §4.3: a category column drawn at random, a value
of it by the logarithm of its frequency, a row by that value. All of it indexing, none of it a loop over rows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Conditions:
    """Values of all category columns, one after the other, are the places of the vector. ``columns`` (C,): their code
    columns; ``first`` int64 (C + 1,): where each starts, the last is the vector's width; ``counts`` float64 (width,):
    rows with each value."""

    columns: tuple[int, ...]
    first: np.ndarray
    counts: np.ndarray

    @staticmethod
    def fit(codes: np.ndarray, columns: Sequence[int], cardinalities: Sequence[int]) -> Conditions:
        """From ``codes`` int (rows, code columns), of which ``columns`` are the categories."""
        sizes = [cardinalities[j] for j in columns]
        counts = [np.bincount(codes[:, j], minlength=k) for j, k in zip(columns, sizes, strict=True)]
        first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return Conditions(tuple(columns), first, np.concatenate([np.zeros(0), *counts]))

    @property
    def width(self) -> int:
        return int(self.first[-1])

    def vectors(self, places: Tensor) -> Tensor:
        """One-hot float32 (rows, width)."""
        return torch.zeros(len(places), self.width, device=places.device).scatter_(1, places.unsqueeze(1), 1.0)

    def drawn(self, u: np.ndarray, allowed: Sequence[np.ndarray | None] | None, given: np.ndarray | None) -> np.ndarray:
        """Places int64 (rows,) for rows to be made, from uniforms ``u`` (rows, 2): a column, and a value by frequency
        among those allowed. The first category column with a ``given`` code >= 0 (rows, code columns) is taken as it
        is."""
        weights = self.counts.copy()
        for c, j in enumerate(self.columns):
            mask = None if allowed is None else allowed[j]
            own = slice(int(self.first[c]), int(self.first[c + 1]))
            if mask is not None and (weights[own] * mask).any():
                weights[own] *= mask
        total, last = _cumulative(weights, self.first)
        column = np.minimum((u[:, 0] * len(self.columns)).astype(np.int64), len(self.columns) - 1)
        places = np.minimum(np.searchsorted(total, column + u[:, 1], side="right"), last[column])
        if given is not None:
            known = given[:, list(self.columns)]
            which = (known >= 0).argmax(1)
            code = known[np.arange(len(known)), which]
            places = np.where(code >= 0, self.first[which] + code, places)
        return np.asarray(places)


class RowSampler:
    """Draws (place, row) pairs for training from ``codes`` int (rows, code columns), at least one row."""

    def __init__(self, conditions: Conditions, codes: np.ndarray, device: torch.device) -> None:
        self.rows, self.columns = len(codes), len(conditions.columns)
        order = [np.argsort(codes[:, j], kind="stable").astype(np.int32) for j in conditions.columns]
        begin = np.cumsum(conditions.counts) - conditions.counts
        total, last = _cumulative(np.log1p(conditions.counts), conditions.first)
        self.order = torch.from_numpy(np.concatenate([np.zeros(0, np.int32), *order])).to(device)
        self.begin = torch.from_numpy(begin.astype(np.int64)).to(device)
        self.counts = torch.from_numpy(conditions.counts).to(device)
        self.total, self.last = torch.from_numpy(total).to(device), torch.from_numpy(last).to(device)

    def draw(self, size: int, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """(places long (size,), rows long (size,)); places are all 0 without a category column."""
        u = torch.rand(size, 3, generator=noise, device=self.total.device, dtype=torch.float64)
        if not self.columns:
            return torch.zeros(size, dtype=torch.int64, device=u.device), (u[:, 0] * self.rows).long()
        column = (u[:, 0] * self.columns).long()
        aim = (column + u[:, 1]).contiguous()
        places = torch.minimum(torch.searchsorted(self.total, aim, right=True), self.last[column])
        within = (u[:, 2] * self.counts[places]).long()
        return places, self.order[self.begin[places] + within].long()


def _cumulative(weights: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(float64 (width,) in which column c's values rise from c to c + 1 by their weight; int64 (C,) the last place of
    each column that has weight)."""
    total, last = np.empty(len(weights)), np.empty(len(first) - 1, np.int64)
    for c, (begin, end) in enumerate(itertools.pairwise(first.tolist())):
        own = np.cumsum(weights[begin:end])
        total[begin:end] = c + own / own[-1]
        last[c] = begin + np.flatnonzero(weights[begin:end])[-1]
    return total, last
