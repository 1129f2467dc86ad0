"""A target verified by the model that its rows were made from: no source is needed. Likeness by the statistics that the
model kept, privacy by its filters of what was there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbsynth.errors import UsageError
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.known import ROW_BITS
from dbsynth.pipeline.plan import Plan
from dbsynth.quality.figures import Fidelity, Figure, Finding, Privacy, PrivacyFigure, Subject, past
from dbsynth.quality.kept import KEPT
from dbsynth.quality.levels import PRECISION
from dbsynth.quality.privacy import MOST_COPIES
from dbsynth.quality.score import FORMULA, overall, tables_of
from dbsynth.quality.sides import Side
from dbsynth.quality.statistics import FAMILY, Statistics
from dbsynth.quality.without_source import figures_of
from dbsynth.relation.keys import combined
from dbsynth.schema.model import TableName
from dbsynth.values.column import MadeColumn
from dbsynth.values.distinct import texts_of
from dbsynth.values.guard import VALUE_BITS

DEVIATIONS = 4.0
"""Standard deviations of chance that a share of matches in a filter is lowered by."""
LEAST_ROWS = 100
"""Of the source and of the target, from which on a figure that is far off is damage."""
AGAIN = "the rows were changed after they were made, or another model made them: make the target again"


@dataclass(frozen=True)
class Limit:
    """What of the ceiling a figure has to reach, and what it says of the rows if it does not."""

    share: float
    says: str


LIMITS: Mapping[str, Limit] = {
    "shape": Limit(0.75, "its values are distributed otherwise than in the source"),
    PRECISION: Limit(0.6, "its values are rounded otherwise than in the source"),
    "nulls": Limit(0.85, "it is null more often, or less, than in the source"),
    "text length": Limit(0.6, "its texts are longer or shorter than in the source"),
    "text capitals": Limit(0.5, "its texts are written in other letters than in the source"),
    "text small letters": Limit(0.5, "its texts are written in other letters than in the source"),
    "text digits": Limit(0.5, "its texts have more or fewer digits than in the source"),
    "cardinality": Limit(0.7, "parents have more or fewer children than in the source"),
    FAMILY: Limit(0.6, "the parents with the most children have more or fewer than in the source"),
    "dependence": Limit(0.15, "its values have next to nothing to do with those of other columns, as they had"),
    "1-hop dependence": Limit(0.05, "its values have next to nothing to do with those of its parent, as they had"),
}
"""Below what honest rows reach; what else is low is told by the score."""


def fidelity_of_statistics(statistics: Statistics | None, made: Side, plan: Plan) -> Fidelity:
    """Raises UsageError where the model kept none."""
    if statistics is None:
        raise UsageError(
            f"the model of {plan.source} holds no statistics to verify rows by: {_why_none(plan)}",
            hint="say --against SOURCE, or --fail-on violations,privacy"
            if plan.private
            else "train it again with this version (dbsynth train SOURCE --out MODEL), or say --against SOURCE",
        )
    figures = figures_of(statistics, made, plan)
    tables = tables_of(figures)
    return Fidelity(overall(tables), tables, tuple(figures), tuple(damage(figures)), FORMULA)


def check_statistics(statistics: Statistics | None, plan: Plan) -> None:
    """UsageError where there is nothing that rows that are about to be made could be set against."""
    if statistics is None:
        raise UsageError(
            f"the model of {plan.source} holds no statistics to verify rows by: {_why_none(plan)}",
            hint='leave likeness out, fail_on = ["violations", "privacy"] in [verify] of dbsynth.toml'
            + ("" if plan.private else ", or train it again with this version"),
        )


def _why_none(plan: Plan) -> str:
    if plan.private is not None:
        return "it was learned with differential privacy, which would have to account for them"
    return "it was saved by an earlier version, or learned where reading is billed by the byte"


def damage(figures: Sequence[Figure]) -> Iterator[Finding]:
    for figure in figures:
        if figure.name == KEPT and figure.value < 1.0:
            says = f"{figure.subject}: {figure.says}"
            yield Finding("failure", "quality", figure.subject, says, AGAIN, past(1.0 - figure.value, 0.0))
    for figure, says in damaged(figures):
        about = figure.subject.relation or str(figure.subject.table)
        far = past(1.0 - figure.score, 1.0 - LIMITS[figure.name].share)
        yield Finding("failure", "quality", figure.subject, f"{about}: {says}", AGAIN, far)


def damaged(figures: Sequence[Figure]) -> Iterator[tuple[Figure, str]]:
    """Figures that are too far off for honest rows, and what that means."""
    for figure in figures:
        limit = LIMITS.get(figure.name)
        if limit is None or figure.score >= limit.share or min(figure.rows) < LEAST_ROWS:
            continue
        best = f", where halves of the source reach {figure.ceiling:.2f}" if figure.ceiling is not None else ""
        columns = ", ".join(figure.subject.columns)
        yield figure, f"{columns}: {limit.says} ({figure.name} {figure.value:.2f}{best})"


# --- privacy ----------------------------------------------------------------------------------------------------------

PROVES = (
    "The model knows rows and made values of its source by filters only, which say yes to all that were there and to a "
    "known share of others: a share of matches beyond that one is evidence of copies, and its absence shows that there "
    "are none to speak of.",
    "How near rows that are no copies come to real ones, and what can be inferred from them, takes the source: verify "
    "--against SOURCE measures it. A guarantee for whoever it is gives differential privacy only (--dp-epsilon).",
)


def privacy_of_model(
    plan: Plan, learned: Mapping[TableName, Learned], made: Side, most: float = MOST_COPIES
) -> Privacy:
    """Copies of rows and of values by the model's filters; what it holds is of at least k rows. ``most``: beyond
    chance, the share of rows, or of made values, that may be equal to the source's."""
    figures: list[PrivacyFigure] = []
    findings: list[Finding] = []
    for name, found in learned.items():
        if name not in made.counts or not made.counts[name]:
            continue
        rows = made.rows(name)
        for figure in (*_copies(found, rows, most), *_values(found, rows, most)):
            figures.append(figure)
            if figure.passed is False:
                remedy = "real rows came in after the rows were made: make the target again, and look who wrote to it"
                far = past(figure.value - (figure.baseline or 0.0), most)
                findings.append(Finding("failure", "privacy", figure.subject, f"{figure.says}", remedy, far))
    figures += [
        PrivacyFigure(
            "rows that share what the model holds", Subject(t.name), float(plan.privacy_k), None, None,
            f"{t.name}: every value and count that the model holds is of at least {plan.privacy_k} rows"
            + (f", but for the {t.kept.count:,} rows that are kept ({t.kept.reason})" if t.kept else ""),
        )
        for t in plan.tables
        if t.name in learned
    ]  # fmt: skip
    return Privacy(tuple(figures), tuple(findings), PROVES, plan.private.describe() if plan.private else None)


def _copies(learned: Learned, rows: pa.Table, most: float) -> Iterator[PrivacyFigure]:
    """Rows that are equal to one of the source in all but their keys."""
    known, kept = learned.known, learned.plan.kept.count if learned.plan.kept else 0
    if known is None or not set(known.columns) <= set(rows.column_names):
        return
    columns = {c: combined(rows.column(c)) for c in rows.column_names}
    there = known.comparable(columns) if set(known.never) <= set(columns) else np.zeros(0, bool)
    if not there.any():
        return
    hits = int(known.perhaps(columns, rows.num_rows).sum())
    value = beyond_chance(max(0, hits - kept), rows.num_rows, 1.0 / ROW_BITS)
    passed = value <= known.allowed + most
    says = (
        f"{learned.plan.name}: {value:.2%} of the rows are copies of rows of the source beyond what chance makes a "
        f"filter of one in {ROW_BITS} say, where {known.allowed:.2%} of real rows are equal to another one"
    )
    yield PrivacyFigure("copies", Subject(learned.plan.name), value, known.allowed, passed, says)


def _values(learned: Learned, rows: pa.Table, most: float) -> Iterator[PrivacyFigure]:
    """Values of columns that are made, and never those of the source."""
    for maker in learned.generators:
        guard = getattr(maker, "guard", None)
        if guard is None or not getattr(maker, "guarded", False) or len(maker.columns) != 1 or not len(guard):
            continue
        (column,) = maker.columns
        if column not in rows.column_names or not isinstance(maker, MadeColumn):
            continue
        if learned.plan.by_column[column].how != "made" or not pa.types.is_string(rows.column(column).type):
            continue
        if learned.plan.kept is not None and column not in learned.plan.kept.remade:
            continue
        texts = texts_of(rows.column(column).drop_null().to_pylist())
        if not len(texts):
            continue
        words = np.unique(guard.words(texts))
        chance = 1.0 / VALUE_BITS
        value = beyond_chance(int(guard.perhaps(words).sum()), len(words), chance)
        name, personal = learned.plan.name, learned.plan.by_column[column].personal
        says = (
            f"{name}: {value:.2%} of the values of {column}{', which is personal,' if personal else ''} are values of "
            f"the source beyond what chance makes a filter of one in {VALUE_BITS} say: they are made, and never its own"
        )
        yield PrivacyFigure("made values", Subject(name, (column,)), value, 0.0, value <= most, says)


def beyond_chance(hits: int, rows: int, chance: float) -> float:
    """The share of members among ``rows`` of which a filter that says yes to ``chance`` of all others said yes to
    ``hits``: lowered by what chance may have added."""
    if not rows:
        return 0.0
    share = hits / rows - DEVIATIONS * float(np.sqrt(chance * (1.0 - chance) / rows))
    return float(np.clip((share - chance) / (1.0 - chance), 0.0, 1.0))
