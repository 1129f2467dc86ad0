"""Members of arrays and of other collections whose type has few texts that are valid: enums, moments, multiranges."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from dbsynth.values.numbers import Numbers
from dbsynth.values.special import Ranges


class Drawer(Protocol):
    def draw(self, count: int, rng: np.random.Generator) -> list[str]: ...


class Choice:
    """Some of ``allowed``, which everybody who knows the schema knows, as often as in the source."""

    def __init__(self, texts: Sequence[str], allowed: Sequence[str]) -> None:
        counts = Counter(texts)
        self.values = [a for a in allowed if counts[a]] or list(allowed)
        weights = np.array([counts[v] or 1 for v in self.values], float)
        self.shares = weights / weights.sum()

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return [self.values[i] for i in rng.choice(len(self.values), count, p=self.shares)]


class Moments:
    """Dates and timestamps between those of the source, as the lower ends of ranges are drawn."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        finite = [t for t in texts if re.match(r"\d{4}-", t) and not t.endswith("BC")]
        self.ranges = Ranges([f'["{t}",)' for t in finite or ["2000-01-01"]], k)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return [t[1:].split(",")[0].strip('"') for t in self.ranges.draw(count, rng)]


class Shared:
    """Those values that k share, or one that is always valid: for types whose texts cannot be invented."""

    def __init__(self, texts: Sequence[str], k: int, valid: str) -> None:
        common = [(t, n) for t, n in Counter(texts).most_common(500) if n >= k] or [(valid, 1)]
        self.choice = Choice([t for t, n in common for _ in range(n)], [t for t, _ in common])

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return self.choice.draw(count, rng)


MULTIRANGE = re.compile(r"\{(?:[\[(][^\])]*[\])],?)*\}")
PART = re.compile(r"[\[(][^\])]*[\])]")


class Multiranges:
    """Ranges as in the source, as many as there; the database merges those that overlap."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        parts = [PART.findall(t) for t in texts]
        self.ranges = Ranges([p for row in parts for p in row], k)
        self.sizes = Numbers([str(len(row)) for row in parts], k)

    @staticmethod
    def fits(texts: Sequence[str]) -> bool:
        return any(PART.search(t) for t in texts) and all(MULTIRANGE.fullmatch(t) for t in texts)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        sizes = [max(0, int(n)) for n in self.sizes.draw(count, rng)]
        flat = iter(self.ranges.draw(sum(sizes), rng))
        return ["{" + ",".join(next(flat) for _ in range(n)) + "}" for n in sizes]
