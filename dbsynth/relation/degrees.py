"""How often the rows of a table are referred to: the distribution that was learned, imposed on what the model says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

MOST_TOGETHER = 256
"""Up to so many parents the numbers of children of several kinds are kept together: the shop with the most orders is
the one with the most shipments too. A model learns that from many parents, not from a few."""


@dataclass(frozen=True)
class Degrees:
    """``numbers`` of children and how many ``parents`` of the source had each (both int64), fewest first. ``lead``:
    the column of counts in whose order the numbers stand instead ("": their own)."""

    numbers: np.ndarray
    parents: np.ndarray
    lead: str = ""

    @classmethod
    def of(cls, counts: np.ndarray, k: int) -> Degrees:
        """From the number of children of each parent, see ``told``."""
        numbers, parents = np.unique(told(counts, k), return_counts=True)
        return cls(numbers, parents.astype(np.int64))

    @staticmethod
    def of_table(counts: Mapping[str, np.ndarray], k: int) -> dict[str, Degrees]:
        """Of each column of ``counts`` (parents,)."""
        if len(counts) < 2 or not 0 < len(next(iter(counts.values()))) <= MOST_TOGETHER:
            return {name: Degrees.of(column, k) for name, column in counts.items()}
        lead = max(counts, key=lambda name: int(counts[name].sum()))
        known = {name: told(column, k) for name, column in counts.items()}
        order = np.lexsort([*known.values(), known[lead]])
        return {name: Degrees(column[order], np.ones(len(order), np.int64), lead) for name, column in known.items()}

    def imposed(self, drawn: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """int64: the learned distribution in the order of ``drawn`` (rows,), the model's numbers (of ``lead`` if there
        is one); ties fall by chance. As many rows as were learned from get exactly the learned numbers."""
        n = len(drawn)
        if n == 0 or len(self.numbers) == 0:
            return drawn.astype(np.int64)
        order = np.lexsort((rng.random(n), drawn))
        edges = np.cumsum(self.parents)
        place = (np.arange(n) + 0.5) * (edges[-1] / n)
        out = np.empty(n, np.int64)
        out[order] = self.numbers[np.searchsorted(edges, place, side="right").clip(max=len(edges) - 1)]
        return out


def told(counts: np.ndarray, k: int) -> np.ndarray:
    """int64 ``counts`` that may be told: a number stays what it is where k parents share it, or where it stands for k
    children or more, which share their parent; the others become their median."""
    numbers, at, parents = np.unique(counts.astype(np.int64), return_inverse=True, return_counts=True)
    rare = ((parents < k) & (numbers < k) & (numbers > 0))[at]
    return np.where(rare, int(np.median(counts[rare])) if rare.any() else 0, counts.astype(np.int64))
