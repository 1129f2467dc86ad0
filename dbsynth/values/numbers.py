"""Numbers by quantiles, written as the source writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from dbsynth.privacy.smoothing import centre, smoothed
from dbsynth.values.forms import even

NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
MOST_DECIMALS = 12
LARGEST = 1e100
"""Numbers beyond are drawn as this one: their squares are no numbers any more."""


class Numbers:
    """Quantiles of numbers, their ends those that k of them reach, written with as many decimals as the source shows
    (``decimals`` int (101,), quantiles; ``trimmed``: the last of them is never 0); of fewer than 2k, anything near
    their mean."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        numbers = np.sort(np.clip([float(t) for t in texts], -LARGEST, LARGEST)) if texts else np.zeros(1)
        if len(numbers) < 2 * k:
            mean, spread = centre(numbers, k), numbers.std()
            self.knots = mean + max(spread, abs(mean) / 10.0) * np.linspace(-1, 1, 33)
            if numbers[0] >= 0:  # lengths, radii
                self.knots = self.knots.clip(min=0)
        else:
            self.knots = np.quantile(smoothed(numbers, k), np.linspace(0, 1, 33))
        written = [t.partition(".")[2] for t in texts if "e" not in t.lower()]
        self.decimals = _frequent(np.array([len(d) for d in written] or [0]).clip(max=MOST_DECIMALS), k)
        self.trimmed = not any(d.endswith("0") for d in written)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        values = np.interp(even(count, rng), np.linspace(0, 1, len(self.knots)), self.knots)
        if not self.decimals.any():
            return [str(round(v)) for v in values]
        places = self.decimals[(even(count, rng) * len(self.decimals)).astype(np.int64)].tolist()
        last = rng.integers(1, 10, count).tolist()
        return [self._written(v, p, d) for v, p, d in zip(values.tolist(), places, last, strict=True)]

    def _written(self, value: float, places: int, last: int) -> str:
        if not places:
            return str(round(value))
        text = f"{value:.{places}f}"
        return text[:-1] + str(last) if self.trimmed and text.endswith("0") else text


def _frequent(values: np.ndarray, k: int) -> np.ndarray:
    """int (101,): quantiles of those of ``values`` that k of them are, or of the most frequent."""
    counts = np.bincount(values)
    often = np.isin(values, np.flatnonzero(counts >= min(k, counts.max())))
    return np.asarray(np.quantile(values[often], np.linspace(0, 1, 101), method="nearest"))
