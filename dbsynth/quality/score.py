"""The score: one number for a table and one for all, from figures that are each set against their noise ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dbsynth.quality.figures import Figure
from dbsynth.schema.model import TableName

PARTS: Mapping[str, tuple[str, ...]] = {
    "shapes": (
        "shape",
        "text length",
        "text digits",
        "text capitals",
        "text small letters",
        "text spaces",
        "text other signs",
        "precision",
        "fine digits",
        "common values",
        "displacement",
        "range",
        "categories",
        "nulls",
        "null patterns",
        "kept rows",
    ),
    "trends": ("trend",),
    "relations": (
        "cardinality",
        "big parents",
        "children",
        "1-hop trend",
        "2-hop trend",
        "3-hop trend",
        "aggregate trend",
    ),
    "families": ("aggregate", "siblings", "gaps", "succession", "order"),
    "dependence": ("dependence", "1-hop dependence", "2-hop dependence", "3-hop dependence", "aggregate dependence"),
    "detection": ("C2ST", "C2ST join", "C2ST aggregates"),
    "utility": ("utility",),
}
"""Figures by what they tell of."""
WEIGHTS = {"shapes": 3, "trends": 3, "relations": 2, "families": 1, "dependence": 1, "detection": 1, "utility": 1}
AUC = PARTS["detection"]
FORMULA = (
    "Every figure is divided by its noise ceiling, the same figure between two halves of the real rows, at most 1; of "
    "an AUC counts 1 − 2·(AUC − ceiling), of that of a join what it exceeds those of its tables by. The score of a "
    "table is the mean of its parts: shapes (weight 3), trends (3), relations (2), families (1), dependence (1), "
    "detection (1) and utility (1), each the mean of its figures, without the parts that it has none of. The score of "
    "all is the mean of the tables' scores. Figures of too few rows to have a ceiling do not count."
)


def score_of(name: str, value: float, ceiling: float | None) -> float:
    """0..1: 1 where the two sides are as near as halves of the real one."""
    if name in AUC:
        return float(min(1.0, max(0.0, 1.0 - 2.0 * (value - max(0.5, ceiling or 0.5)))))
    best = ceiling if ceiling is not None else 1.0
    return float(min(1.0, max(0.0, value / best))) if best > 0 else 1.0


def of_parts(figures: Sequence[Figure]) -> dict[str, dict[TableName, float]]:
    """By part and by table that has figures of it with a ceiling, their mean."""
    found: dict[str, dict[TableName, list[float]]] = {}
    of = {name: part for part, names in PARTS.items() for name in names}
    for f in figures:
        if f.ceiling is not None:
            found.setdefault(of[f.name], {}).setdefault(f.subject.table, []).append(f.score)
    return {part: {table: mean(scores) for table, scores in tables.items()} for part, tables in found.items()}


def tables_of(figures: Sequence[Figure]) -> dict[TableName, float]:
    """By table that has figures with a ceiling."""
    scores: dict[TableName, list[tuple[float, int]]] = {}
    for part, tables in of_parts(figures).items():
        for table, score in tables.items():
            scores.setdefault(table, []).append((score, WEIGHTS[part]))
    return {t: sum(s * w for s, w in found) / sum(w for _, w in found) for t, found in scores.items()}


def overall(tables: Mapping[TableName, float]) -> float:
    return mean(list(tables.values())) if tables else 1.0


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
