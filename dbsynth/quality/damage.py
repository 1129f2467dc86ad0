"""What looks like damage, not like noise: findings in words, each with the figure that shows it and a remedy.

The floors lie below what honest clones of the eleven databases of the tests reach at the least effort, and above what
is left when a column or a key is ruined by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt

from sqlalchemy.types import Date, DateTime, Time

from dbsynth.pipeline.plan import ColumnPlan
from dbsynth.quality.figures import Figure, Finding, Severity, Subject, past, worst_first
from dbsynth.quality.kept import KEPT
from dbsynth.quality.levels import PRECISION
from dbsynth.quality.measured import Result
from dbsynth.quality.score import AUC as DETECTION
from dbsynth.quality.sides import Sides
from dbsynth.quality.variables import INNER
from dbsynth.quality.verdict import LONGER, verdict
from dbsynth.schema.model import TableName
from dbsynth.schema.types import Structured

LOOK = "look at what changed these rows after they were made, or make them again"
CERTAIN = 5.0
STRONG = 20.0
"""Standard deviations of a dependence that is looked for in the made rows, and that they may not lose altogether."""
SURE = 0.6
"""Of a dependence between halves of the real rows, for its loss to count."""
RECASED = 0.3
"""Score of both kinds of letters below which they have changed places."""
LOST = 0.03
"""Share of a dependence that counts as none."""
MANY, NOISE = 100, 2.0
MADE_ANEW = ("shape", "fine digits", "common values", "displacement", "range")
TOLD_APART = 0.9
"""AUC from which on a table or a key is named."""
APART = "see which of its columns score low: they tell its rows apart"
PLACES = ("city", "state", "country", "district", "postcode")
"""Roles whose values are taken from a gazetteer or from what k rows share: they may go with others than they did."""


@dataclass(frozen=True)
class Floor:
    """``score``: below it a figure is a finding, where it also falls short of its ceiling by more than chance does,
    which is about ``chance`` / √rows. ``margin``: of ``MANY`` rows it is one too where it falls short by more than so
    much and ``NOISE`` standard deviations of the difference of two shares."""

    score: float
    chance: float
    severity: Severity
    says: str
    remedy: str = LOOK
    margin: float | None = None

    def passed_by(self, figure: Figure, rows: tuple[int, int], effect: float) -> float | None:
        """How far (see ``past``), None where it is not. ``effect``: see ``design_effects``; margins hold for families
        too."""
        if figure.ceiling is None:
            return None
        gap = figure.ceiling - figure.value
        if figure.score < self.score and gap > self.chance * sqrt(2.0 * effect / max(1, min(rows))):
            return past(1.0 - figure.score, 1.0 - self.score)
        if self.margin is None or min(rows) < MANY:
            return None
        most = self.margin + NOISE * sqrt(1.0 / rows[0] + 1.0 / rows[1])
        return past(gap, most) if gap > most else None


FLOORS: Mapping[str, Floor] = {
    KEPT: Floor(1.0, 0.0, "failure", "{says}"),
    "shape": Floor(
        0.72, 1.7, "failure", "values are not distributed as in the source: {value:.2f}, halves {ceiling:.2f}"
    ),
    "text length": Floor(
        0.5, 1.7, "failure", "texts are not as long as in the source: {value:.2f}, halves {ceiling:.2f}"
    ),
    "text capitals": Floor(0.0, 0.0, "failure", "texts are not written in the capitals of the source's", margin=0.45),
    "nulls": Floor(
        0.8, 1.7, "failure", "null in another share of the rows than in the source: {value:.2f} alike", margin=0.1
    ),
    PRECISION: Floor(
        0.0, 0.0, "failure", "values are told to another place than the source's ({value:.2f})", margin=0.2
    ),
    "fine digits": Floor(0.6, 1.7, "failure", "rounded: values end in more zeros than in the source ({value:.2f})"),
    "common values": Floor(
        0.5, 1.7, "failure", "values that recur in the source do not: {value:.2f}, in halves {ceiling:.2f}"
    ),
    "displacement": Floor(0.96, 0.0, "failure", "values are displaced: {says}"),
    "range": Floor(0.95, 1.7, "failure", "only {value:.0%} of the values lie within the range of the source's"),
    "categories": Floor(0.9, 0.0, "failure", "only {value:.0%} of the values that are common in the source occur"),
    "children": Floor(
        0.85, 0.6, "failure", "children a parent are {value:.2f} of what they were, or the other way round"
    ),
    "cardinality": Floor(0.7, 1.7, "failure", "parents do not have as many children as in the source: {value:.2f}"),
    "big parents": Floor(
        0.35, 2.5, "failure", "children do not gather under big parents as in the source: {value:.2f}"
    ),
}


def findings_of(
    sides: Sides, results: Sequence[Result], tables: Mapping[TableName, float], odd: Sequence[Finding] = ()
) -> tuple[Finding, ...]:
    """The worst first. ``odd``: what was found of single values."""
    found = [*emptied(sides), *below(sides, results), *odd]
    named = {f.subject for f in found}
    found += [f for f in recased(results) if f.subject not in named]
    found += [*shuffled(sides, results), *dealt(results), *told_apart(results)]
    found += verdict([r.figure for r in results], tables)
    return worst_first(found)


def emptied(sides: Sides) -> Iterator[Finding]:
    for table in sides.schema.tables:
        real, due = sides.real.counts[table.name], sides.plan[table.name].rows
        if real and due and not sides.made.counts[table.name]:
            says = f"{table.name} is empty; {real:,} rows are in the source"
            yield Finding("failure", "quality", Subject(table.name), says, "make its rows again", inf)


def below(sides: Sides, results: Sequence[Result]) -> Iterator[Finding]:
    effects = design_effects(sides, results)
    for r in results:
        f = r.figure
        floor = FLOORS.get(f.name)
        if floor is None or f.ceiling is None or exempt(sides, r):
            continue
        effect = 1.0 if f.subject.relation else effects.get((f.subject.table, f.subject.columns), 1.0)
        far = floor.passed_by(f, r.measured.rows or f.rows, effect)
        if far is not None:
            says = floor.says.format(value=f.value, ceiling=f.ceiling, says=f.says)
            yield Finding(floor.severity, "quality", f.subject, f"{f.subject}: {says}", floor.remedy, far)


def design_effects(sides: Sides, results: Sequence[Result]) -> dict[tuple[TableName, tuple[str, ...]], float]:
    """How many rows of a column tell as much as one that is drawn by itself (Kish 1965, "Survey sampling", section
    5.4), from how much siblings have in common and how many families of one size would count as much: where a few big
    families each have a value of their own, few families make out its share."""
    families = {f.subject.relation: r.measured.rows for r in results if (f := r.figure).name == "big parents"}
    found: dict[tuple[TableName, tuple[str, ...]], float] = {}
    for r in results:
        f, depends = r.figure, r.measured.dependence
        many = families.get(f.subject.relation) if f.name == "siblings" else None
        if depends is not None and many is not None:
            size = sides.real.counts[f.subject.table] / max(1, many[0])
            key = (f.subject.table, f.subject.columns)
            found[key] = max(found.get(key, 1.0), 1.0 + (size - 1.0) * max(0.0, depends.real))
    return found


def exempt(sides: Sides, result: Result) -> bool:
    """Texts of types with an inner structure are as long as their numbers are written; of numbers that are made as
    identifiers are, only that they are there counts."""
    f = result.figure
    if len(f.subject.columns) != 1 or f.subject.relation:
        return False
    column = sides.schema[f.subject.table].column(f.subject.columns[0])
    plan = column_plan(sides, f)
    if f.name.startswith("text"):
        inner = plan is not None and plan.role in INNER and f.name == "text capitals"
        return inner or isinstance(column.type, Structured)
    if f.name == PRECISION:  # numbers are rounded in more ways than a small net learns
        return not isinstance(column.type, Date | DateTime | Time)
    return plan is not None and plan.how == "made" and f.name in MADE_ANEW


def column_plan(sides: Sides, figure: Figure) -> ColumnPlan | None:
    return sides.plan[figure.subject.table].by_column.get(figure.subject.columns[0])


def recased(results: Sequence[Result]) -> Iterator[Finding]:
    """Texts in other capitals: both kinds of letters have changed places."""
    shares: dict[Subject, list[Result]] = {}
    for r in results:
        if r.figure.name in ("text capitals", "text small letters") and r.figure.ceiling is not None:
            shares.setdefault(r.figure.subject, []).append(r)
    for subject, both in shares.items():
        worst = max(r.figure.score for r in both)
        if len(both) == 2 and worst < RECASED and all(min(r.measured.rows or (0,)) >= 30 for r in both):
            says = f"{subject}: capitals and small letters are not used as in the source"
            yield Finding("failure", "quality", subject, says, LOOK, past(1.0 - worst, 1.0 - RECASED))


def shuffled(sides: Sides, results: Sequence[Result]) -> Iterator[Finding]:
    """Columns of which nothing goes with anything any more: neither with the other columns of the row, nor with its
    parents, nor with its siblings."""
    evidence: dict[tuple[TableName, str], list[Result]] = {}
    for r in results:
        f = r.figure
        own = (
            {c for k in sides.schema[f.subject.table].foreign_keys for c in k.columns} if f.subject.relation else set()
        )
        if certain(r) and f.subject.columns[0] not in own and not f.name.startswith("aggregate"):
            evidence.setdefault((f.subject.table, f.subject.columns[0]), []).append(r)
    for (table, column), found in evidence.items():
        plan = sides.plan[table].by_column.get(column)
        if plan is not None and (plan.how == "made" or plan.role in PLACES):
            continue
        names = {r.figure.name for r in found if strong(r, 0.3, 0.15)}
        if not names - {"succession"} or not all(map(lost, found)):
            continue
        subject = Subject(table, (column,))
        if names <= {"succession", "siblings"}:  # what rows of one parent share is the hardest to learn
            says = f"{subject}: rows of one parent have no more in common than those of others"
            yield Finding("warning", "quality", subject, says, LONGER, gone(found))
        else:
            says = f"{subject}: nothing is left of what it has to do with other columns: shuffled or replaced?"
            yield Finding("failure", "quality", subject, says, LOOK, gone(found))


def dealt(results: Sequence[Result]) -> Iterator[Finding]:
    """Foreign keys over which nothing goes together any more."""
    evidence: dict[str, list[Result]] = {}
    for r in results:
        if certain(r) and r.figure.name in ("1-hop dependence", "siblings"):
            evidence.setdefault(r.figure.subject.relation, []).append(r)
    for relation, found in evidence.items():
        if sum(strong(r, 0.15, 0.08) for r in found) > 1 and all(lost(r) for r in found):
            subject = Subject(found[0].figure.subject.table, relation=relation)
            says = f"{relation}: children have nothing to do with their parents any more: was the key shuffled?"
            yield Finding("failure", "quality", subject, says, LOOK, gone(found))


def told_apart(results: Sequence[Result]) -> Iterator[Finding]:
    """Tables whose rows a classifier tells from real ones, and the foreign key over which it does so best; honest
    clones have such tables too."""
    figures = [r.figure for r in results]
    parents = {f.subject.relation: min(f.rows) for f in figures if f.name == "cardinality"}
    joins = []
    for f in figures:
        if f.name not in DETECTION or f.value < TOLD_APART:
            continue
        if f.subject.relation:  # a few parents, each of them in many rows, are told by anything
            joins += [f] if parents.get(f.subject.relation, 0) >= MANY else []
            continue
        says = f"{f.subject}: a classifier tells its rows from real ones: AUC {f.value:.2f}"
        yield Finding("warning", "quality", f.subject, says, APART, past(f.value - 0.5, TOLD_APART - 0.5))
    if joins:
        worst = min(joins, key=lambda f: (f.score, -f.value))
        says = f"{worst.subject}: a classifier tells families from real ones: {worst.name} {worst.value:.2f}"
        yield Finding("warning", "quality", worst.subject, says, APART, past(worst.value - 0.5, TOLD_APART - 0.5))


def certain(result: Result) -> bool:
    """A dependence on the real side that is there in both halves."""
    depends, ceiling = result.measured.dependence, result.figure.ceiling
    return depends is not None and depends.certain(CERTAIN) and ceiling is not None and ceiling >= SURE


def strong(result: Result, squares: float, kin: float) -> bool:
    """``squares``: φ² that counts, ``kin``: alikeness of siblings."""
    depends = result.measured.dependence
    assert depends is not None
    return depends.real >= (kin if result.figure.name == "siblings" else squares) and depends.certain(STRONG)


def gone(results: Sequence[Result]) -> float:
    """How much of what was there is, over what may be: each of them is lost."""
    kept = [d.kept for r in results if (d := r.measured.dependence) is not None]
    return past(1.0 - min(1.0, max(0.0, *kept)), 1.0 - LOST)


def lost(result: Result) -> bool:
    """No more of it than chance makes; of a strong one next to nothing."""
    depends = result.measured.dependence
    assert depends is not None
    return depends.kept < LOST if depends.certain(STRONG) else not depends.found(3.0)
