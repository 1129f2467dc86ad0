"""Has a source changed since: its catalog, and how its rows are distributed, beyond what chance and a few more rows
make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dbsynth.pipeline.plan import Plan
from dbsynth.quality.differences import Difference
from dbsynth.quality.figures import Figure, Subject
from dbsynth.quality.sides import Side
from dbsynth.quality.statistics import FAMILY, Statistics
from dbsynth.quality.without_source import figures_of
from dbsynth.relation.keys import combined
from dbsynth.schema.model import TableName

LEAST: Mapping[str, float] = {
    "shape": 0.03, "nulls": 0.02, "precision": 0.03, "cardinality": 0.03, FAMILY: 0.05, "trend": 0.05,
    "1-hop trend": 0.05, "siblings": 0.1,
}  # fmt: skip
"""By how much a figure has to be off before anyone would train for it; what is counted in texts: ``TEXT``."""
TEXT = 0.05
DISTANCE, SPREAD = 2.0, 1.5
"""Times √(1/n + 1/m): what a Kolmogorov–Smirnov statistic between samples of n and m rows that nothing changed stays
below but in 7 of 10,000 (Smirnov 1948), and what other distances stay below beyond their mean between halves."""
ROWS = 0.1
"""Share by which a table has to grow or shrink."""
LEAST_ROWS = 20
FEW_ROWS = 5
"""More or fewer in a small table mean nothing."""
WITHOUT_TRAINING = ("default", "identity", "comment", "index", "collation", "sequence", "partition", "partition key")
"""Differences of the catalog that no row depends on: the model takes them over as they are."""
WORDS = {
    "shape": "its values are distributed otherwise",
    "nulls": "it is null more often, or less",
    "precision": "its values are rounded otherwise",
    "cardinality": "parents have more or fewer children",
    FAMILY: "the parents with the most children have more or fewer",
    "trend": "they go together otherwise",
    "1-hop trend": "it goes with the columns of its parent otherwise",
    "siblings": "children of the same parent are more alike, or less",
}


@dataclass(frozen=True)
class Change:
    """``value``: how alike then and now are (1: equal). ``parent``: whose rows have more or fewer children."""

    table: TableName
    says: str
    figure: str = ""
    columns: tuple[str, ...] = ()
    relation: str = ""
    value: float | None = None
    parent: TableName | None = None

    def describe(self) -> dict[str, Any]:
        return {
            "table": str(self.table),
            "columns": list(self.columns),
            "relation": self.relation,
            "figure": self.figure,
            "value": self.value,
            "says": self.says,
        }


@dataclass(frozen=True)
class Drift:
    """``differences``: of the catalogs; ``changes``: of the rows. ``rows``: by table, then and now (None: not there).
    ``untold``: why the rows were not compared; "" where they were."""

    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    rows: Mapping[TableName, tuple[int | None, int | None]] = field(default_factory=dict)
    untold: str = ""

    def __bool__(self) -> bool:
        return bool(self.differences or self.changes)

    @property
    def stale(self) -> dict[TableName, str]:
        """Tables whose model is no longer that of the source, and the first reason."""
        out: dict[TableName, str] = {}
        for difference in self.differences:
            if matters(difference):
                out.setdefault(difference.subject.table, difference.says)
        for change in self.changes:
            out.setdefault(change.table, change.says)
            if change.parent is not None:
                out.setdefault(change.parent, change.says)
        return out


def matters(difference: Difference) -> bool:
    """Whether rows depend on what is different."""
    return difference.what not in WITHOUT_TRAINING


def changes_of(statistics: Statistics, now: Side, plan: Plan) -> tuple[Change, ...]:
    """``now``: the source as it is; ``plan``: that the statistics were taken with. Deterministic: rows that did not
    change have no change."""
    out: list[Change] = []
    for table in statistics.tables:
        if table.table in now.counts:
            out += _row_count(table.table, table.rows, now.counts[table.table])
    parents = {f"{k.child}({', '.join(k.key.columns)}) > {k.key.ref_table}": k.key.ref_table for k in statistics.keys}
    for figure in figures_of(statistics, now, plan):
        if drifted(figure):
            out.append(_change(figure, parents.get(figure.subject.relation)))
    for table_plan in plan.tables:
        if table_plan.name in now.counts and table_plan.kept is not None:
            out += _kept(plan, table_plan.name, now)
    return tuple(out)


def _row_count(table: TableName, then: int, now: int) -> Iterator[Change]:
    off = abs(now - then)
    if off > FEW_ROWS and off >= ROWS * then and off > 3 * np.sqrt(max(then, now)):
        yield Change(table, f"it had {then:,} rows, it has {now:,}", "rows")


def noise(figure: Figure) -> float:
    """What samples of an unchanged table may be off by, at most."""
    n, m = (max(1, r) for r in figure.rows)
    spread = float(np.sqrt(1 / n + 1 / m))
    if figure.name in ("cardinality", FAMILY) or figure.name.startswith("text "):
        return DISTANCE * spread
    halves = 1.0 - figure.ceiling if figure.ceiling is not None else 1.0
    return min(DISTANCE, SPREAD + halves * float(np.sqrt(n)) / 2.0) * spread


def drifted(figure: Figure) -> bool:
    if figure.name.endswith("dependence") or min(figure.rows) < LEAST_ROWS:
        return False
    off = 1.0 - figure.value
    return off > LEAST.get(figure.name, TEXT) and off > noise(figure)


def _change(figure: Figure, parent: TableName | None) -> Change:
    about: Subject = figure.subject
    counts = figure.name in ("cardinality", FAMILY)
    says = WORDS.get(figure.name, f"its texts have other {figure.name.removeprefix('text ')} than they had")
    if figure.name == "text length":
        says = "its texts are longer or shorter"
    told = f"{about.relation}: {says}" if counts else f"{', '.join(about.columns)}: {says}"
    return Change(
        about.table,
        f"{told} ({figure.name} {figure.value:.2f})",
        figure.name,
        about.columns,
        about.relation,
        figure.value,
        parent if counts else None,
    )


def _kept(plan: Plan, name: TableName, now: Side) -> Iterator[Change]:
    """Rows of a lookup table that are kept as they are, and that are others now."""
    kept = plan[name].kept
    assert kept is not None
    if kept.count < plan[name].source_rows or now.counts[name] > now.limit:
        return
    rows = now.rows(name)
    columns = [c for c in rows.column_names if c in kept.rows.column_names and c not in kept.remade]
    if not columns:
        return
    then, here = (_texts([t.column(c) for c in columns]) for t in (kept.rows, rows))
    off = len(then ^ here)
    if off:
        yield Change(name, f"{off:,} of its rows, which are kept as they are, are new, gone or changed", "kept rows")


def _texts(columns: Iterable[Any]) -> set[tuple[str | None, ...]]:
    return set(zip(*(combined(c).cast("string").to_pylist() for c in columns), strict=True))
