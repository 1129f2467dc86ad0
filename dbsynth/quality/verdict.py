"""In words: what is good, what is not, which table, column or relation is worst, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dbsynth.quality.figures import Figure, Finding, Subject, past
from dbsynth.quality.score import PARTS, of_parts
from dbsynth.schema.model import TableName

GOOD = 0.95
WEAK = 0.8
TOLD = 3
"""Weak figures that are named."""
PLAIN = {
    "shapes": "columns by themselves",
    "trends": "pairs of columns",
    "relations": "foreign keys",
    "families": "siblings",
    "dependence": "strength of what goes together",
    "detection": "rows as a classifier sees them",
    "utility": "what models learn",
}
LONGER = "train longer (--effort thorough) or on more rows (--sample-rows)"
REMEDIES = {
    "shapes": "were rows changed after they were made? else see the role in `dbsynth plan`; [tables.*.columns] sets it",
    "trends": LONGER,
    "relations": "train longer (--effort thorough); `dbsynth plan` says which parent gives the context",
    "families": "train longer (--effort thorough); `dbsynth plan` says what siblings are ordered by",
    "dependence": LONGER,
    "detection": "see which columns of that table score low (--html, --json): they tell its rows apart",
    "utility": "train longer (--effort thorough), or do not train models on this column",
}
OF = {name: part for part, names in PARTS.items() for name in names}


def verdict(figures: Sequence[Figure], tables: Mapping[TableName, float]) -> Iterator[Finding]:
    """Notes and warnings; none of them closes a gate."""
    parts = {part: sum(scores.values()) / len(scores) for part, scores in of_parts(figures).items()}
    good = [f"{PLAIN[p]} {score:.0%}" for p, score in parts.items() if score >= GOOD]
    if good:
        yield Finding(
            "note", "quality", None, f"as near to the source as halves of it are to each other: {', '.join(good)}"
        )
    for part, score in sorted(parts.items(), key=lambda p: p[1]):
        if score < WEAK:
            worst = min((f for f in figures if f.name in PARTS[part] and f.ceiling is not None), key=lambda f: f.score)
            says = f"{PLAIN[part]}: {score:.0%} of what halves of the source reach, the least in {worst.subject}"
            yield Finding("warning", "quality", None, says, REMEDIES[part], _weak(score))
    if tables:
        least = min(tables, key=lambda t: tables[t])
        if tables[least] < WEAK:
            says = f"{least} is the table least like its source: score {tables[least]:.2f}"
            yield Finding("warning", "quality", Subject(least), says, REMEDIES["trends"], _weak(tables[least]))
    for figure in weakest(figures):
        says = f"{figure.subject}: {figure.name} {figure.value:.2f}, between halves of the source {figure.ceiling:.2f}"
        yield Finding("warning", "quality", figure.subject, says, REMEDIES[OF[figure.name]], _weak(figure.score))


def _weak(score: float) -> float:
    return past(1.0 - score, 1.0 - WEAK)


def weakest(figures: Sequence[Figure]) -> list[Figure]:
    """The lowest of columns and of relations, one of each table."""
    low = sorted((f for f in figures if f.ceiling is not None and f.score < WEAK), key=lambda f: f.score)
    found: dict[TableName, Figure] = {}
    for f in low:
        if f.name in PARTS["shapes"] + PARTS["relations"]:
            found.setdefault(f.subject.table, f)
    return list(found.values())[:TOLD]
