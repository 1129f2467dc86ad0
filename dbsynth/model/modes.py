"""Codes ↔ the rows of Xu et al. 2019, "Modeling Tabular Data using Conditional GAN", §4.2: a number as its place alpha
within a mode of its column and the mode one-hot, a category one-hot.

A row vector holds all alphas first, then the one-hots by width, so that those of one width are one tensor (rows,
columns, width) and no step of training needs a loop over columns. Null and special values are modes of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dbsynth.model import mixture
from dbsynth.model.mixture import Mixture
from dbsynth.rng import generator

WITHIN = 4.0
"""Standard deviations of a mode that alpha = 1 stands for."""
CLIP = 0.99


@dataclass(frozen=True)
class Numbers:
    """The numeric column with ``scale`` (see ``TrainingData``) and ``modes``."""

    scale: np.ndarray
    modes: Mixture

    @property
    def specials(self) -> np.ndarray:
        """Codes that stand for no number: the hot ones after the modes."""
        return np.flatnonzero(np.isnan(self.scale))

    @property
    def width(self) -> int:
        return len(self.modes.means) + len(self.specials)

    def nearest(self, mode: np.ndarray, alpha: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """Codes int64 (rows,), of those ``allowed`` bool (cardinality,) that stand for a number, at least one."""
        codes = np.flatnonzero(allowed & ~np.isnan(self.scale))
        codes = codes[np.argsort(self.scale[codes], kind="stable")]
        numbers = self.scale[codes]
        values = alpha.astype(np.float64) * WITHIN * self.modes.deviations[mode] + self.modes.means[mode]
        return np.asarray(codes[np.searchsorted(numbers[:-1] / 2.0 + numbers[1:] / 2.0, values)])


@dataclass(frozen=True)
class Block:
    """One-hots of one ``width``: those of ``columns``, side by side from ``begin`` on."""

    begin: int
    width: int
    columns: tuple[int, ...]

    @property
    def end(self) -> int:
        return self.begin + self.width * len(self.columns)


class Modes:
    """``numbers``: by code column, for the numeric ones; other columns are categories of their cardinality. ``order``:
    the code columns as their one-hots follow each other, each from its ``start`` on."""

    def __init__(self, cardinalities: Sequence[int], numbers: Mapping[int, Numbers]) -> None:
        self.cardinalities, self.numbers = tuple(cardinalities), dict(sorted(numbers.items()))
        self.categories = [j for j in range(len(self.cardinalities)) if j not in self.numbers]
        self.alpha = {j: i for i, j in enumerate(self.numbers)}
        widths = [self.numbers[j].width if j in self.numbers else k for j, k in enumerate(self.cardinalities)]
        self.order: list[int] = []
        self.start = np.zeros(len(widths), np.int64)
        self.blocks: list[Block] = []
        self.width = len(self.numbers)
        for width in sorted(set(widths)):
            columns = tuple(j for j, w in enumerate(widths) if w == width)
            self.start[list(columns)] = self.width + width * np.arange(len(columns))
            self.blocks.append(Block(self.width, width, columns))
            self.order += columns
            self.width = self.blocks[-1].end

    @staticmethod
    def fit(codes: np.ndarray, cardinalities: Sequence[int], scales: Sequence[np.ndarray | None]) -> Modes:
        """``codes`` int (rows, columns). A column of which no number was seen is a category."""
        numbers = {}
        for j, scale in enumerate(scales):
            if scale is None:
                continue
            real = np.flatnonzero(~np.isnan(scale))
            counts = np.bincount(codes[:, j], minlength=cardinalities[j])[real]
            if counts.any():
                within = np.clip(scale.astype(np.float64), -mixture.LARGEST, mixture.LARGEST)
                numbers[j] = Numbers(within, mixture.fit(within[real], counts))
        return Modes(cardinalities, numbers)

    def encode(self, codes: np.ndarray, seed: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(hot int32 (rows, columns): where in the row vector each column's one stands; alpha float32 (rows, numeric
        columns)). The mode of a number is drawn by how likely each made it; without ``seed`` it is the likeliest."""
        hot = codes.astype(np.int32)
        alpha = np.zeros((len(codes), len(self.numbers)), np.float32)
        for j, column in self.numbers.items():
            own, modes = codes[:, j], column.modes
            real = ~np.isnan(column.scale)
            number = np.where(real, column.scale, modes.means[0])
            likely = modes.posterior(number)
            if seed is None:
                mode = likely.argmax(1)[own]
            else:
                u = generator(seed, "mode", j).random(len(codes))
                mode = (np.cumsum(likely, axis=1)[:, :-1][own] < u[:, None]).sum(1)
            away = (number[own] - modes.means[mode]) / (WITHIN * modes.deviations[mode])
            alpha[:, self.alpha[j]] = np.where(real[own], np.clip(away, -CLIP, CLIP), 0.0)
            special = len(modes.means) + np.cumsum(~real) - 1
            hot[:, j] = np.where(real[own], mode, special[own])
        return hot + self.start.astype(np.int32), alpha

    def vectors(self, hot: Tensor, alpha: Tensor) -> Tensor:
        """Row vectors float32 (rows, width)."""
        out = torch.zeros(len(hot), self.width, device=hot.device)
        out[:, : alpha.shape[1]] = alpha
        return out.scatter_(1, hot.long(), 1.0)

    def one_hots(self, vectors: Tensor) -> Iterator[tuple[Block, Tensor]]:
        """Views (rows, columns of the block, width)."""
        for block in self.blocks:
            yield block, vectors[:, block.begin : block.end].reshape(len(vectors), len(block.columns), block.width)

    def totals(self, logits: Tensor) -> Tensor:
        """Log of the sum of the exponentials of each one-hot of ``logits`` (rows, width): (rows, columns in order)."""
        return torch.cat([torch.logsumexp(block, dim=2) for _, block in self.one_hots(logits)], dim=1)

    def decode(
        self, alpha: np.ndarray, scores: np.ndarray, allowed: Sequence[np.ndarray | None] | None = None
    ) -> np.ndarray:
        """Codes int32 (rows, columns): of each one-hot in ``scores`` float (rows, width) the highest that is allowed,
        of a number the nearest allowed code. ``allowed``: see ``FittedModel.sample``; none allowed means all."""
        out = np.empty((len(scores), len(self.cardinalities)), np.int32)
        for j, size in enumerate(self.cardinalities):
            mask = None if allowed is None else allowed[j]
            free = np.ones(size, bool) if mask is None or not mask.any() else np.asarray(mask, bool)
            if j not in self.numbers:
                out[:, j] = _highest(scores[:, self.start[j] : self.start[j] + size], free)
                continue
            column = self.numbers[j]
            modes, own = len(column.modes.means), scores[:, self.start[j] : self.start[j] + self.numbers[j].width]
            real = free & ~np.isnan(column.scale)
            at = _highest(own, np.concatenate([np.full(modes, real.any()), free[column.specials]]))
            codes = np.append(column.specials, 0)[np.maximum(at - modes, 0)]
            if real.any():
                near = column.nearest(np.minimum(at, modes - 1), alpha[:, self.alpha[j]], real)
                codes = np.where(at < modes, near, codes)
            out[:, j] = codes
        return out

    def arrays(self) -> dict[str, np.ndarray]:
        out = {}
        for j, column in self.numbers.items():
            out[f"scale{j}"] = column.scale
            out[f"modes{j}"] = np.stack([column.modes.means, column.modes.deviations, column.modes.shares])
        return out

    @staticmethod
    def restore(cardinalities: Sequence[int], arrays: Mapping[str, np.ndarray]) -> Modes:
        numbers = {}
        for j in range(len(cardinalities)):
            if f"scale{j}" in arrays:
                numbers[j] = Numbers(np.asarray(arrays[f"scale{j}"]), Mixture(*np.asarray(arrays[f"modes{j}"])))
        return Modes(cardinalities, numbers)


def _highest(scores: np.ndarray, free: np.ndarray) -> np.ndarray:
    return np.asarray(scores.argmax(1) if free.all() else np.where(free, scores, -np.inf).argmax(1))
