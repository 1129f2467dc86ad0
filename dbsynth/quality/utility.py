"""Train on synthetic, test on real (Esteban et al. 2017): does a model that learned from made rows serve real ones?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dbsynth.quality import detection
from dbsynth.quality.frames import half
from dbsynth.quality.measured import Measured
from dbsynth.quality.variables import Frame, Variable
from dbsynth.rng import generator

LEAST_ROWS = 500
MOST_ROWS = 6_000
LEAST_SKILL = 0.1
"""Of a model that learned from real rows: below it there is nothing to predict."""


def target(dependences: Sequence[Measured]) -> str | None:
    """The column that depends most on the others of its row: what one would want to predict."""
    known = [m for m in dependences if m.name == "dependence" and m.dependence is not None]
    best = max(known, key=lambda m: m.dependence.real if m.dependence else 0.0, default=None)
    return best.columns[0] if best else None


def utility(frame: Frame, column: str, seed: int) -> tuple[Measured, float] | None:
    """How well ``column`` is predicted from the others in real rows that neither model saw, by one that learned from
    made rows; and by one that learned from real ones, as its ceiling. None where there is too little to go by."""
    goal = next((v for v in frame.variables if v.column == column and not v.facet), None)
    others = detection.chosen(tuple(v for v in frame.variables if v.column != column), seed, column)
    if goal is None or not others or min(frame.rows) < LEAST_ROWS:
        return None
    rng = generator(seed, "utility", str(frame.table))
    real, made = (rng.permutation(n)[: 2 * MOST_ROWS] for n in frame.rows)
    values = np.column_stack([detection.inputs(v, real, made) for v in others])
    answer = np.concatenate(answers(goal, real, made))
    rows = np.arange(len(answer))
    known = ~np.isnan(answer)
    learn = half(len(real), rng)
    tests = rows[: len(real)][~learn & known[: len(real)]]
    size = int(learn.sum())
    skills = []
    for train in (rows[len(real) :], rows[: len(real)][learn]):
        train = train[known[train]][:size]
        if len(train) < LEAST_ROWS // 4 or len(np.unique(answer[train])) < 2 or len(np.unique(answer[tests])) < 2:
            return None
        skills.append(skill(values, answer, train, tests, goal.number, [not v.number for v in others], seed))
    if skills[1] < LEAST_SKILL:
        return None
    return Measured("utility", (column,), max(0.0, skills[0])), skills[1]


def answers(goal: Variable, real: np.ndarray, made: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float64: a number as its rank among the real values, 0..1; of a category whether it is the commonest one."""
    if not goal.number:
        return (goal.levels[0][real] == 0).astype(np.float64), (goal.levels[1][made] == 0).astype(np.float64)
    known = np.sort(goal.real[~np.isnan(goal.real)])
    sides = []
    for x in (goal.real[real], goal.made[made]):
        middle = (np.searchsorted(known, x, side="left") + np.searchsorted(known, x, side="right")) / 2.0
        sides.append(np.where(np.isnan(x), np.nan, middle / max(1, len(known))))
    return sides[0], sides[1]


def skill(
    values: np.ndarray,
    answer: np.ndarray,
    train: np.ndarray,
    tests: np.ndarray,
    number: bool,
    categories: list[bool],
    seed: int,
) -> float:
    """Of a number R² of its ranks, of a category 2·AUC − 1: 0 for a guess, 1 for knowing."""
    model = detection.trees(categories, seed, number).fit(values[train], answer[train])
    if not number:
        return 2.0 * detection.area(model.predict_proba(values[tests])[:, 1], answer[tests].astype(np.int64)) - 1.0
    error = answer[tests] - model.predict(values[tests])
    return float(1.0 - (error**2).mean() / max(1e-12, answer[tests].var()))
