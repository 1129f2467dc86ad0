"""Numbers that point at persons and have no check digit (a phone number as a bigint): as long as those of the source,
with the leading digits that k rows share, between numbers that k rows reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbsynth.values.guard import Guard
from dbsynth.values.numbered import Numbered

LOW_PART = 10**6
LEADING = 3
SHARED = 0.9


@dataclass(frozen=True)
class Between:
    """The whole numbers from ``low`` to ``high``."""

    low: int
    high: int

    @property
    def sizes(self) -> tuple[int, ...]:
        size = self.high - self.low + 1
        return (-(-size // LOW_PART), LOW_PART) if size > LOW_PART else (size,)

    @property
    def means(self) -> tuple[str, ...]:
        return ("",) * len(self.sizes)

    def write(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        offsets = codes[:, 0] * LOW_PART + codes[:, 1] if codes.shape[1] > 1 else codes[:, 0]
        numbers = self.low + offsets
        return np.array([str(n) for n in numbers.tolist()], object), numbers <= self.high

    def finish(self, values: np.ndarray, rng: np.random.Generator) -> list[str]:
        return list(values)


def fit_numbers(
    table: str, column: str, values: Sequence[str], guard: Guard, type_: pa.DataType, *, unique: bool, k: int,
    distinct: float,
) -> Numbered:  # fmt: skip
    """``values``: whole numbers as text, at least one."""
    numbers = np.array([int(v) for v in values], np.int64)
    lengths = np.array([len(str(abs(int(n)))) for n in numbers])
    spaces, weights = [], []
    for leading in range(LEADING, -1, -1):
        heads = np.where(lengths > leading, np.abs(numbers) // 10 ** np.maximum(lengths - leading, 0), -1)
        keys, inverse, counts = np.unique(np.stack([lengths, heads]), axis=1, return_inverse=True, return_counts=True)
        usual = counts >= k
        if counts[usual].sum() < SHARED * len(numbers) and leading:
            continue
        for i in np.flatnonzero(usual if usual.any() else counts == counts.max()).tolist():
            own = np.sort(numbers[inverse.ravel() == i])
            spaces.append(_widened(own, int(keys[0, i]), leading, k))
            weights.append(float(counts[i]))
        break
    wide = Between(int(10 ** (int(np.median(lengths)) - 1)), int(np.sort(numbers)[-min(k, len(numbers))]))
    if wide.low < wide.high:
        spaces.append(wide)
        weights.append(0.0)
    return Numbered(table, column, spaces, weights, guard, unique=unique, distinct=distinct, whole=type_)


def _widened(ordered: np.ndarray, length: int, leading: int, k: int) -> Between:
    """Between the numbers that k rows reach; of one beginning, all that begin so, if these are few."""
    inner = min(k - 1, (len(ordered) - 1) // 2)
    low, high = int(ordered[inner]), int(ordered[len(ordered) - 1 - inner])
    if high - low < 20 * len(ordered):
        step = 10 ** max(0, length - leading)
        low = low // step * step
        high = min(low + step - 1, max(high, int(ordered[-1])))
    return Between(low, max(low, high))
