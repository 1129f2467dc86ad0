"""What stands at the ends of documents, drawn without the help of a model: each leaf knows the values that k share, or
quantiles, and writes JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from dbsynth.values.forms import choose, even
from dbsynth.values.numbers import Numbers
from dbsynth.values.scalars import Digits, MomentForm, json_strings

MOST_VALUES = 1000
MOSTLY = 0.9
"""Numbers of which k share so many are drawn as they are."""
STEPS = 400
"""Quantiles of lengths and moments."""


class Drawer(Protocol):
    def draw(self, count: int, rng: np.random.Generator) -> list[str]: ...


class Leaf(Protocol):
    def texts(self, count: int, rng: np.random.Generator) -> pa.Array: ...


@dataclass(frozen=True)
class Written:
    """JSON texts that k share, by their frequency."""

    written: tuple[str, ...]
    weights: np.ndarray

    @classmethod
    def of(cls, written: Sequence[str], k: int) -> Written:
        """The commonest of ``written`` where k share none."""
        counts = Counter(written).most_common(MOST_VALUES)
        common = [(t, n) for t, n in counts if n >= min(k, counts[0][1])]
        return cls(tuple(t for t, _ in common), np.array([n for _, n in common], float))

    def texts(self, count: int, rng: np.random.Generator) -> pa.Array:
        return pa.array(self.written, pa.string()).take(pa.array(choose(self.weights, count, rng)))


@dataclass(frozen=True)
class Quantiles:
    numbers: Numbers

    def texts(self, count: int, rng: np.random.Generator) -> pa.Array:
        return pa.array(self.numbers.draw(count, rng), pa.string())


@dataclass(frozen=True)
class MomentSteps:
    """``knots`` int64: quantiles, in microseconds or days."""

    form: MomentForm
    knots: np.ndarray

    @classmethod
    def of(cls, form: MomentForm, column: pa.Array, k: int) -> MomentSteps:
        whole = column.cast(pa.int32()).cast(pa.int64()) if pa.types.is_date32(column.type) else column.cast(pa.int64())
        return cls(form, trimmed(whole.drop_null().to_numpy(zero_copy_only=False), k))

    def texts(self, count: int, rng: np.random.Generator) -> pa.Array:
        at = even(count, rng) * (len(self.knots) - 1)
        low = at.astype(np.int64)
        high = np.minimum(low + 1, len(self.knots) - 1)
        values = self.knots[low] + np.rint((at - low) * (self.knots[high] - self.knots[low])).astype(np.int64)
        if not self.form.mark:
            return json_strings(self.form.written(pa.array(values.astype(np.int32)).cast(pa.date32())))
        if self.form.decimals == 0:
            values -= values % 1_000_000
        return json_strings(self.form.written(pa.array(values).cast(pa.timestamp("us"))))


@dataclass(frozen=True)
class Typed:
    """Texts of a declared type, from the drawer of this type."""

    drawer: Drawer

    def texts(self, count: int, rng: np.random.Generator) -> pa.Array:
        return json_strings(pa.array(self.drawer.draw(count, rng), pa.string()))


@dataclass(frozen=True)
class Lengths:
    """``steps`` int64: quantiles, their ends those that k arrays reach."""

    steps: np.ndarray

    @classmethod
    def of(cls, lengths: Sequence[int], k: int) -> Lengths:
        return cls(trimmed(np.array(lengths or [0], np.int64), k))

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        return np.asarray(self.steps[(even(count, rng) * len(self.steps)).astype(np.int64)])


def trimmed(values: np.ndarray, k: int) -> np.ndarray:
    """int64 (STEPS,): quantiles of whole numbers, without the outermost that fewer than k reach."""
    ordered = np.sort(values)
    cut = min(k - 1, (len(ordered) - 1) // 2)
    inner = ordered[cut : len(ordered) - cut] if len(ordered) else np.zeros(1, np.int64)
    return inner[np.rint(np.linspace(0, len(inner) - 1, STEPS)).astype(np.int64)]


def numbers_leaf(values: Sequence[int | Digits], k: int) -> Written | Quantiles:
    written = [v if isinstance(v, Digits) else str(v) for v in values]
    shared = sum(n for n in Counter(written).values() if n >= k)
    if shared >= MOSTLY * len(written) or not written:
        return Written.of([str(t) for t in written] or ["0"], k)
    return Quantiles(Numbers([_plain(t) for t in written], k))


def _plain(text: str) -> str:
    return format(float(text), ".12f").rstrip("0").rstrip(".") if "e" in text.lower() else str(text)


def strings_choice(values: Sequence[str], k: int) -> Written:
    return Written.of([json.dumps(v, ensure_ascii=False) for v in values], k)
