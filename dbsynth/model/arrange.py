"""The order in which the codes of a category are best laid along a hidden variable: so that it rises with what depends
on the category. A copula knows rising and falling only, and of three shops the middle one may sell most.

Reciprocal averaging (Hill 1973): categories are placed by the means of the other columns in them. Only columns whose
means differ beyond chance have a say, so that noise lends no order that then looks like a correlation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dbsynth.model.latent import Cuts

SWEEPS = 2
MOST_ROWS = 5000
Z = 2.0
"""Standard deviations beyond the largest that so many columns of noise are expected to reach."""


def arranged(codes: np.ndarray, sizes: Sequence[int], ordered: Sequence[bool]) -> list[Cuts]:
    """The cuts of each column of ``codes`` int (rows, columns), at least one row; the codes of a column that is not
    ``ordered`` are placed by falling frequency where nothing depends on it."""
    cuts = []
    for j, size in enumerate(sizes):
        counts = np.bincount(codes[:, j], minlength=size)
        cuts.append(Cuts.fit(codes[:, j], np.arange(size) if ordered[j] else np.argsort(-counts, kind="stable")))
    some = codes[:: -(-len(codes) // MOST_ROWS)]
    x = np.column_stack([c.values(some[:, j]) for j, c in enumerate(cuts)])
    free = [j for j in range(len(sizes)) if not ordered[j] and len(np.unique(some[:, j])) > 2]
    for _ in range(SWEEPS):
        for j in free:
            others = np.arange(len(sizes)) != j
            order = _by_means(some[:, j], cuts[j].order, x, others)
            cuts[j] = Cuts.fit(codes[:, j], order)
            x[:, j] = cuts[j].values(some[:, j])
    return cuts


def _by_means(codes: np.ndarray, before: np.ndarray, x: np.ndarray, others: np.ndarray) -> np.ndarray:
    """All codes of a column in the order of the first principal component of the means (codes, columns) of ``x`` float
    (rows, columns), standardised; as ``before`` where no mean of the ``others`` bool (columns,) is sure."""
    by_code = np.argsort(codes, kind="stable")
    seen, begin, counts = np.unique(codes[by_code], return_index=True, return_counts=True)
    means = np.add.reduceat(x[by_code], begin, axis=0) / counts[:, None]
    freedom = len(seen) - 1
    chi2 = counts @ means**2
    # Wilson & Hilferty (1931): the cube root of chi² is about normal
    spread = 2.0 / (9.0 * freedom)
    z = ((chi2 / freedom) ** (1.0 / 3.0) - (1.0 - spread)) / math.sqrt(spread)
    sure = others & (z > Z + math.sqrt(2.0 * math.log(len(others))))
    if not sure.any():
        return before
    weighted = means[:, sure] * np.sqrt(counts)[:, None]
    along = means[:, sure] @ np.linalg.svd(weighted, full_matrices=False)[2][0]
    place = np.zeros(len(before))
    place[seen] = along * counts / (counts + 1.0)  # the mean of few rows is drawn to the middle
    return np.asarray(before[np.argsort(place[before], kind="stable")])
