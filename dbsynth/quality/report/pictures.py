"""Pictures of two samples, each with its numbers: of a column, of a relation, of how columns hang together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from markupsafe import Markup

from dbsynth.pipeline.plan import ColumnPlan
from dbsynth.quality.figures import Figure
from dbsynth.quality.report import charts
from dbsynth.quality.report.association import Association, association
from dbsynth.quality.report.distribution import Bars, Distribution, Histogram, distribution
from dbsynth.quality.report.relations import children
from dbsynth.quality.report.text import share
from dbsynth.quality.sides import Sides
from dbsynth.schema.model import Column, ForeignKey, TableName

WORST_PAIRS = 8
SEEN = 0.02
"""Difference of two associations that is worth a line."""
CHIPS = 4
"""Figures under a picture."""
SHORT_TYPES = {
    "character varying": "varchar", "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp", "time without time zone": "time", "double precision": "double",
}  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """A picture with its numbers. ``facts``: short remarks under it; ``figures``: the measured ones."""

    title: str
    about: str
    picture: Markup | None
    says: str
    head: str
    numbers: tuple[tuple[str, str, str], ...]
    facts: tuple[str, ...]
    figures: tuple[Figure, ...]

    @property
    def score(self) -> float | None:
        return min((f.score for f in self.figures if f.ceiling is not None), default=None)

    @property
    def chips(self) -> tuple[Figure, ...]:
        """The lowest of each kind of figure."""
        lowest: dict[str, Figure] = {}
        for f in self.figures:
            lowest.setdefault(f.name, f)
        return tuple(lowest.values())[:CHIPS]


def worse_half(drawn: tuple[Drawn, ...]) -> tuple[Drawn, ...]:
    """The half with the lowest scores, in the order that they have."""
    if len(drawn) < 2:
        return drawn
    worst = sorted(drawn, key=lambda d: 1.0 if d.score is None else d.score)[: -(-len(drawn) // 2)]
    return tuple(d for d in drawn if d in worst)


@dataclass(frozen=True)
class HeatMap:
    picture: Markup
    pairs: tuple[tuple[str, str, float, float], ...]
    left_out: int


def of_column(
    column: Column,
    plan: ColumnPlan,
    real: pa.ChunkedArray,
    made: pa.ChunkedArray,
    figures: Sequence[Figure],
    k: int,
) -> Drawn:
    found = distribution(column, real, made, k, personal=plan.personal)
    return _drawn(column.name, _about(column, plan), found, figures, k)


def of_relation(
    sides: Sides, child: TableName, key: ForeignKey, figures: Mapping[str, Sequence[Figure]], k: int
) -> Drawn:
    columns = ", ".join(key.columns)
    told = f"{child.name}({columns}) > {key.ref_table.name}"
    found = children(sides, child, key)
    about = f"rows of {child.name} that a row of {key.ref_table.name} has"
    return _drawn(told, about, found, figures.get(f"{child}({columns}) > {key.ref_table}", figures.get(told, ())), k)


def heat_map(columns: Sequence[Column], real: pa.Table, made: pa.Table, label: str) -> HeatMap | None:
    """None where there are too few columns."""
    related = association(columns, real, made)
    if related is None:
        return None
    return HeatMap(charts.heat_map(related, label), _worst_pairs(related), related.left_out)


def _worst_pairs(related: Association) -> tuple[tuple[str, str, float, float], ...]:
    pairs = related.pairs()[:WORST_PAIRS]
    return tuple(p for i, p in enumerate(pairs) if i == 0 or abs(p[3] - p[2]) >= SEEN)


def _drawn(title: str, about: str, found: Distribution, figures: Sequence[Figure], k: int) -> Drawn:
    facts = []
    presence = found.presence
    if presence.real != 0.0 or presence.made != 0.0:
        facts.append(f"null: {share(presence.real, k)} of the source, {share(presence.made, k)} of the synthetic rows")
    if isinstance(found, Histogram | Bars):
        picture = charts.histogram(found, title) if isinstance(found, Histogram) else charts.bars(found, title)
        head, numbers = charts.told(found)
        if found.what == "length":
            about += ", text length"
        elif isinstance(found, Histogram) and found.scale == "logarithm":
            about += ", log axis"
        return Drawn(title, about, picture, "", head, tuple(numbers), tuple(facts), tuple(figures))
    return Drawn(title, about, None, found.says, "", (), tuple(facts), tuple(figures))


def _about(column: Column, plan: ColumnPlan) -> str:
    role = f", {plan.role}" if plan.role and plan.role != plan.kind else ""
    return f"{_short(column.declared)}{role}" + (", personal" if plan.personal else "")


def _short(declared: str) -> str:
    """SQL's long names of types, as most people write them."""
    for long, brief in SHORT_TYPES.items():
        declared = declared.replace(long, brief)
    return declared
