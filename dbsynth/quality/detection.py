"""Classifier two-sample tests (Lopez-Paz & Oquab 2017): can trees tell rows of one side from those of the other?"""

from __future__ import annotations

from typing import Any

import numpy as np

from dbsynth.errors import UsageError
from dbsynth.quality import measures
from dbsynth.quality.variables import Frame, Variable
from dbsynth.rng import derive, generator

MOST_ROWS = 5_000
"""A side."""
LEAST_ROWS = 40
FOLDS = 3
STEADY_ROWS, MOST_TURNS = 500, 5
"""Fewer rows a side are dealt into folds so many times that as many are tested: which rows share a fold says much."""
FEW = 6
"""Rows of the same values that share a fold."""
MOST_VARIABLES = 60
CATEGORIES = 60
"""Of a category: its commonest real values, and one for all others."""
Kin = tuple[np.ndarray, np.ndarray]
"""int64 (rows,) of the real and the made side: which parent a row has, -1: none."""
LEAST_KIN = 40
"""Parents a side, for folds that no family is torn between."""


def boosting() -> Any:
    """scikit-learn's module of boosted trees on binned values. Raises UsageError where it is not installed."""
    try:
        from sklearn import ensemble
    except ImportError:
        raise UsageError(
            "fidelity needs scikit-learn, which is not installed", hint="pip install 'dbsynth[quality]'"
        ) from None
    return ensemble


def auc(frame: Frame, seed: int, kin: Kin | None = None) -> float | None:
    """Of a frame's real rows against its made ones, cross-validated; 0.5 where they cannot be told apart. None for too
    few rows or no columns. What says nothing of other columns is left out. ``kin``: rows with a parent in common share
    a fold: else a parent's values that its children repeat (a customer's address in each order) would tell in testing
    of which side the parent was in training, however good they are. None for fewer than ``LEAST_KIN`` parents."""
    told = tuple(v for v in frame.variables if not v.alone)
    if min(frame.rows) < LEAST_ROWS or not told:
        return None
    name = str(frame.table)
    count = min(*frame.rows, MOST_ROWS)
    picks = [generator(seed, "C2ST", name, side).permutation(n)[:count] for side, n in enumerate(frame.rows)]
    variables = chosen(told, seed, name)
    values = np.column_stack([inputs(v, picks[0], picks[1]) for v in variables])
    made = np.repeat([0, 1], count)
    kinds = [not v.number for v in variables]
    families = None if kin is None else families_of(kin[0][picks[0]], kin[1][picks[1]])
    if kin is not None and families is None:
        return None
    areas = []
    for turn in range(min(MOST_TURNS, -(-STEADY_ROWS // count))):
        fold = folds(values, seed, f"{name} {turn}" if turn else name, families)
        for part in range(FOLDS):
            train = fold != part
            if any(len(np.unique(made[rows])) < 2 for rows in (train, ~train)):
                return None
            model = trees(kinds, seed).fit(values[train], made[train])
            areas.append(area(model.predict_proba(values[~train])[:, 1], made[~train]))
    return sum(areas) / len(areas)


def trees(categories: list[bool], seed: int, number: bool = False) -> Any:
    """Not yet fitted, that guess a class or (``number``) a number; ``categories``: which columns have no order."""
    kind = boosting().HistGradientBoostingRegressor if number else boosting().HistGradientBoostingClassifier
    return kind(
        max_iter=30,
        learning_rate=0.2,
        max_leaf_nodes=16,
        max_bins=64,
        min_samples_leaf=20,
        categorical_features=categories if any(categories) else None,
        early_stopping=False,
        random_state=derive(seed, "trees") % 2**32,
    )


def chosen(variables: tuple[Variable, ...], seed: int, name: str) -> tuple[Variable, ...]:
    """At most ``MOST_VARIABLES``, always the same."""
    if len(variables) <= MOST_VARIABLES:
        return variables
    picks = np.sort(generator(seed, "variables", name).permutation(len(variables))[:MOST_VARIABLES])
    return tuple(variables[i] for i in picks)


def inputs(v: Variable, real: np.ndarray, made: np.ndarray) -> np.ndarray:
    """float64 of the rows at these positions, real ones first: the order of numbers, or of categories by how frequent
    they are in both sides together; -1: none."""
    both = np.concatenate([v.real[real], v.made[made]])
    if v.number:
        return measures.ordered(both).astype(np.float64)
    size = int(both.max(initial=-1)) + 1
    rank = np.empty(size + 1)
    rank[np.argsort(-np.bincount(both[both >= 0], minlength=size), kind="stable")] = np.arange(size)
    rank[size] = -1.0  # code -1
    return np.asarray(np.minimum(rank, CATEGORIES)[both])


def families_of(real: np.ndarray, made: np.ndarray) -> np.ndarray | None:
    """int64 (rows,): the family of each, none of both sides; who has no parent is one. None for too few families."""
    sides = []
    for at in (real, made):
        found = np.unique(at[at >= 0], return_inverse=True)[1]
        if found.max(initial=-1) + 1 < LEAST_KIN:
            return None
        own = np.arange(len(at)) + len(at)
        own[at >= 0] = found
        sides.append(own)
    return np.concatenate([sides[0], sides[1] + 2 * len(real)])


def folds(values: np.ndarray, seed: int, name: str, families: np.ndarray | None = None) -> np.ndarray:
    """int64 (rows,) 0..FOLDS-1. The few rows of the same values share one, of whatever side they are: else a row that
    both sides have, seen in training on the one side, would be guessed to be of that side and pull the figure below
    0.5. Values that many rows have are dealt out row by row: how frequent they are is learned from some and tested on
    others. So is everything where ``families`` and equal rows together hold most rows in one piece; else both stay
    whole."""
    same, count = np.unique(values, axis=0, return_inverse=True, return_counts=True)[1:]
    same = same.reshape(-1)
    rng = generator(seed, "folds", name)
    few = count[same] <= FEW
    if families is not None:
        piece = pieces(families, same, few)
        if np.bincount(piece).max() * FOLDS <= len(piece):
            return np.asarray((rng.permutation(piece.max() + 1) % FOLDS)[piece])
    together = (rng.permutation(len(count)) % FOLDS)[same]
    apart = rng.permutation(len(values)) % FOLDS
    return np.where(few, together, apart)


def pieces(families: np.ndarray, same: np.ndarray, tied: np.ndarray) -> np.ndarray:
    """int64 (rows,): what hangs together by family, or (where ``tied``) by equal values."""
    from scipy.sparse import coo_array  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    family = np.unique(families, return_inverse=True)[1].reshape(-1)
    size = int(family.max() + 1 + same.max() + 1)
    rows = np.flatnonzero(tied)
    edges = (family[rows], family.max() + 1 + same[rows])
    graph = coo_array((np.ones(len(rows)), edges), shape=(size, size))
    found = connected_components(graph, directed=False)[1]
    return np.asarray(np.unique(found[family], return_inverse=True)[1].reshape(-1))


def area(belief: np.ndarray, made: np.ndarray) -> float:
    """Under the ROC curve: how often a made row is believed to be made rather than a real one; ties count half."""
    at, count = np.unique(belief, return_inverse=True, return_counts=True)[1:]
    rank = np.cumsum(count) - (count - 1) / 2.0
    positives = int(made.sum())
    negatives = len(made) - positives
    total = float(rank[at][made == 1].sum())
    return (total - positives * (positives + 1) / 2.0) / (positives * negatives)
