"""What the page shows, as plain data: a verification cut into tables, with pictures of their samples."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup

from dbsynth.pipeline.plan import ColumnPlan, TablePlan
from dbsynth.quality.figures import ConstraintResult, Figure, Finding, QueryFigure, Verification
from dbsynth.quality.report import charts
from dbsynth.quality.report.association import Association, association
from dbsynth.quality.report.diagram import Box, schema_map
from dbsynth.quality.report.distribution import Bars, Distribution, Histogram, distribution
from dbsynth.quality.report.examples import KEYS, Examples, examples
from dbsynth.quality.report.relations import children
from dbsynth.quality.report.text import share
from dbsynth.quality.score import PARTS, mean
from dbsynth.quality.sides import Sides
from dbsynth.relation.facts import Fact
from dbsynth.rules.rule import Rule
from dbsynth.schema.model import Column, ForeignKey, Table, TableName

MOST_CHARTS = 600
"""Of columns, on the whole page; of a table not fewer than ``LEAST_CHARTS``, not more than ``MOST_OF_TABLE``."""
LEAST_CHARTS, MOST_OF_TABLE = 8, 60
MOST_FIGURES = 1500
LEAST_FIGURES, FIGURES_OF_TABLE = 12, 120
WORST_PAIRS = 8
SEEN = 0.02
"""Difference of two associations that is worth a line."""
CHIPS = 4
"""Figures under a picture."""
SHORT_TYPES = {
    "character varying": "varchar", "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp", "time without time zone": "time", "double precision": "double",
}  # fmt: skip
SEVERITIES = {"failure": 0, "warning": 1, "note": 2}
MARKS = {"failure": "✕", "warning": "▲", "note": "·"}


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


def _half(drawn: tuple[Drawn, ...]) -> tuple[Drawn, ...]:
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


@dataclass(frozen=True)
class TableView:
    name: TableName
    label: str
    anchor: str
    rows: tuple[int | None, int]
    score: float | None
    parts: Mapping[str, float]
    kept: str | None
    findings: tuple[Finding, ...]
    constraints: tuple[ConstraintResult, ...]
    figures: tuple[Figure, ...]
    figures_left_out: int
    how: str = ""
    columns: tuple[Drawn, ...] = ()
    columns_left_out: int = 0
    keys: tuple[str, ...] = ()
    relations: tuple[Drawn, ...] = ()
    relations_left_out: int = 0
    heat_map: HeatMap | None = None
    rules: tuple[str, ...] = ()
    examples: Examples | None = None

    def smaller(self) -> TableView:
        columns, relations = _half(self.columns), _half(self.relations)
        figures = self.figures[: -(-len(self.figures) // 2)]
        return replace(
            self,
            columns=columns,
            columns_left_out=self.columns_left_out + len(self.columns) - len(columns),
            relations=relations,
            relations_left_out=self.relations_left_out + len(self.relations) - len(relations),
            figures=figures,
            figures_left_out=self.figures_left_out + len(self.figures) - len(figures),
        )

    @property
    def broken(self) -> int:
        return sum(not c.holds for c in self.constraints)

    @property
    def failed(self) -> bool:
        return self.broken > 0 or any(f.severity == "failure" for f in self.findings)


@dataclass(frozen=True)
class View:
    """``map``: of the schema; None: no table is known."""

    verification: Verification
    findings: tuple[Finding, ...]
    tables: tuple[TableView, ...]
    map: Markup | None
    strip: Markup | None
    kinds: tuple[tuple[str, str, int, int, int], ...]
    """Of constraints: kind, who says so, how many, how many that the database enforces, how many broken."""
    k: int | None
    real: bool
    """Whether rows of the source were drawn."""
    shows_rows: bool
    anchors: Mapping[TableName, str] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        """Of the score, those that any table has."""
        return tuple(part for part in PARTS if any(part in t.parts for t in self.tables))

    @property
    def broken(self) -> tuple[ConstraintResult, ...]:
        return tuple(c for c in self.verification.constraints if not c.holds)

    @property
    def tolerated(self) -> tuple[ConstraintResult, ...]:
        """Broken by so few rows that they count as kept."""
        return tuple(c for c in self.verification.constraints if c.holds and c.violations)

    @property
    def queries(self) -> list[QueryFigure]:
        """Of the workload: those that did not run, then the others by their q-error, the worst first."""
        found = self.verification.workload.queries if self.verification.workload else ()
        return sorted(found, key=lambda q: (q.alike, -(math.inf if q.q_error is None else q.q_error)))

    def smaller(self) -> View:
        """With half of the pictures and figures of each table, those with the lowest scores."""
        return replace(self, tables=tuple(t.smaller() for t in self.tables))

    def counted(self, severity: str) -> int:
        return sum(1 for f in self.findings if f.severity == severity)


def view(verification: Verification, sides: Sides | None) -> View:
    """Reads the samples of ``sides``, table by table."""
    found = _findings(verification)
    names = _names(verification, sides)
    labels = {n: n.name if len({m.schema for m in names}) == 1 else str(n) for n in names}
    anchors = {n: f"t{i}" for i, n in enumerate(names)}
    shows_rows = sides is not None and _private(verification)
    sorted_out = _Sorted(verification, found)
    most = max(LEAST_CHARTS, min(MOST_OF_TABLE, MOST_CHARTS // max(1, len(names))))
    tables = tuple(
        _table(n, labels[n], anchors[n], verification, sorted_out, sides, most, len(names), shows_rows) for n in names
    )
    scores = [(t.label, t.score) for t in tables if t.score is not None]
    gate = next((g.threshold for g in verification.gates if g.gate == "quality"), None)
    return View(
        verification,
        found,
        tables,
        _map(sides, tables) if sides is not None else None,
        charts.strip(scores, gate) if scores else None,
        _kinds(verification.constraints),
        sides.plan.privacy_k if sides is not None else None,
        sides is not None,
        shows_rows,
        anchors,
    )


def parts_of(figures: Sequence[Figure]) -> dict[str, float]:
    """The means that a table's score is made of."""
    scores: dict[str, list[float]] = defaultdict(list)
    for part, names in PARTS.items():
        scores[part] += [f.score for f in figures if f.name in names and f.ceiling is not None]
    return {part: mean(found) for part, found in scores.items() if found}


def _findings(verification: Verification) -> tuple[Finding, ...]:
    """All of them, the worst first, each once."""
    parts = (verification.fidelity, verification.privacy, verification.workload)
    all_of_them = [*verification.findings, *(f for part in parts if part is not None for f in part.findings)]
    return tuple(sorted(dict.fromkeys(all_of_them), key=lambda f: SEVERITIES[f.severity]))


def _names(verification: Verification, sides: Sides | None) -> list[TableName]:
    """Every table that is told of anything, in the order in which tables are made, or else by name."""
    told = set(verification.rows) | {c.subject.table for c in verification.constraints}
    told |= set(verification.fidelity.tables if verification.fidelity else ()) | set(verification.kept)
    if sides is None:
        return sorted(told)
    planned = [t.name for t in sides.plan.tables if t.name in sides.schema.by_name]
    return planned + sorted(told - set(planned))


def _private(verification: Verification) -> bool:
    """Rows of the target may be shown: nothing says that they are the source's."""
    privacy = verification.privacy
    if privacy is None or any(f.passed is False for f in privacy.figures):
        return False
    return all(g.passed for g in verification.gates if g.gate == "privacy")


def _kinds(constraints: Sequence[ConstraintResult]) -> tuple[tuple[str, str, int, int, int], ...]:
    all_of_them: dict[tuple[str, str], list[ConstraintResult]] = defaultdict(list)
    for c in constraints:
        all_of_them[c.kind, c.origin].append(c)
    return tuple(
        (kind, origin, len(found), sum(c.enforced for c in found), sum(not c.holds for c in found))
        for (kind, origin), found in sorted(all_of_them.items())
    )


class _Sorted:
    """Findings, constraints and figures by table."""

    def __init__(self, verification: Verification, findings: Sequence[Finding]) -> None:
        self.findings: dict[TableName, list[Finding]] = defaultdict(list)
        self.constraints: dict[TableName, list[ConstraintResult]] = defaultdict(list)
        self.figures: dict[TableName, list[Figure]] = defaultdict(list)
        for finding in findings:
            if finding.subject is not None:
                self.findings[finding.subject.table].append(finding)
        for constraint in verification.constraints:
            self.constraints[constraint.subject.table].append(constraint)
        for measured in verification.fidelity.figures if verification.fidelity else ():
            self.figures[measured.subject.table].append(measured)


def _table(
    name: TableName,
    label: str,
    anchor: str,
    verification: Verification,
    by_table: _Sorted,
    sides: Sides | None,
    most: int,
    tables: int,
    shows_rows: bool,
) -> TableView:
    figures = sorted(by_table.figures[name], key=lambda f: (f.ceiling is None, f.score, f.name, str(f.subject)))
    room = max(LEAST_FIGURES, min(FIGURES_OF_TABLE, MOST_FIGURES // tables))
    fidelity = verification.fidelity
    basic = TableView(
        name,
        label,
        anchor,
        verification.rows.get(name, (None, 0)),
        fidelity.tables.get(name) if fidelity else None,
        parts_of(figures),
        verification.kept.get(name),
        tuple(by_table.findings[name]),
        tuple(sorted(by_table.constraints[name], key=lambda c: -c.violations)),
        tuple(figures[:room]),
        max(0, len(figures) - room),
    )
    if sides is None or name not in sides.schema.by_name:
        return basic
    return _with_pictures(basic, figures, sides, most, shows_rows)


def _with_pictures(basic: TableView, figures: Sequence[Figure], sides: Sides, most: int, shows_rows: bool) -> TableView:
    name, plan, table = basic.name, sides.plan[basic.name], sides.schema[basic.name]
    by_column: dict[str, list[Figure]] = defaultdict(list)
    by_relation: dict[str, list[Figure]] = defaultdict(list)
    for f in figures:
        if f.subject.relation:
            by_relation[f.subject.relation].append(f)
        elif len(f.subject.columns) == 1:
            by_column[f.subject.columns[0]].append(f)
    real, made = sides.real.rows(name), sides.made.rows(name)
    free = [c for c in table.stored_columns if c.name in real.column_names and c.name in made.column_names]
    free = [c for c in free if (p := plan.by_column.get(c.name)) is not None and p.how not in KEYS]
    wholly_kept = plan.kept is not None and plan.made_rows <= 0
    chosen = [] if wholly_kept else _worst(free, by_column, most)
    k = sides.plan.privacy_k
    columns = []
    for c in chosen:
        planned = plan.by_column[c.name]
        found = distribution(c, real.column(c.name), made.column(c.name), k, personal=planned.personal)
        columns.append(_drawn(c.name, _about(c, planned), found, by_column[c.name], k))
    facts = [f for f in sides.plan.facts if f.table == name]
    codes = [c for c in table.stored_columns if c.name in _codes(sides, table) and c.name in made.column_names]
    related = (
        None
        if wholly_kept
        else association([*(c for c in free if not plan.by_column[c.name].personal), *codes], real, made)
    )
    return replace(
        basic,
        how=_how(plan),
        columns=tuple(columns),
        columns_left_out=0 if wholly_kept else len(free) - len(chosen),
        keys=_keys(table, plan),
        relations=tuple(
            _relation(sides, name, key, by_relation, k) for key in table.foreign_keys if _joins(sides, key)
        ),
        heat_map=None
        if related is None
        else HeatMap(charts.heat_map(related, basic.label), _worst_pairs(related), related.left_out),
        rules=tuple(dict.fromkeys([*(_rule(f) for f in facts), *(r.expression for r in table.rules)])),
        examples=examples(sides, name) if shows_rows and not wholly_kept else None,
    )


def _worst_pairs(related: Association) -> tuple[tuple[str, str, float, float], ...]:
    pairs = related.pairs()[:WORST_PAIRS]
    return tuple(p for i, p in enumerate(pairs) if i == 0 or abs(p[3] - p[2]) >= SEEN)


def _worst(columns: Sequence[Column], figures: Mapping[str, Sequence[Figure]], most: int) -> list[Column]:
    """In the table's order; where there are too many, those with the lowest scores."""
    if len(columns) <= most:
        return list(columns)
    by_score = sorted(columns, key=lambda c: min((f.score for f in figures.get(c.name, ())), default=1.0))
    wanted = {c.name for c in by_score[:most]}
    return [c for c in columns if c.name in wanted]


def _joins(sides: Sides, key: ForeignKey) -> bool:
    return key.ref_table in sides.schema.by_name


def _codes(sides: Sides, table: Table) -> set[str]:
    """Columns that point at lookup tables whose rows are kept: a key means the same on both sides."""
    kept = {t.name for t in sides.plan.tables if t.kept is not None and t.made_rows <= 0}
    return {k.columns[0] for k in table.foreign_keys if len(k.columns) == 1 and k.ref_table in kept}


def _relation(
    sides: Sides, child: TableName, key: ForeignKey, figures: Mapping[str, Sequence[Figure]], k: int
) -> Drawn:
    columns = ", ".join(key.columns)
    told = f"{child.name}({columns}) > {key.ref_table.name}"
    found = children(sides, child, key)
    about = f"rows of {child.name} that a row of {key.ref_table.name} has"
    return _drawn(told, about, found, figures.get(f"{child}({columns}) > {key.ref_table}", figures.get(told, ())), k)


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


def _how(plan: TablePlan) -> str:
    if plan.kept is not None and plan.made_rows <= 0:
        return "all rows kept as they are"
    parent = plan.context
    after = f", in the context of {parent.key.ref_table.name}" if parent is not None else ""
    return f"learned by {plan.strategy} from {plan.train_rows:,} rows{after}"


def _keys(table: Table, plan: TablePlan) -> tuple[str, ...]:
    """What is not drawn because it is a key: columns and how they are filled."""
    named: dict[str, list[str]] = defaultdict(list)
    for c in table.stored_columns:
        planned = plan.by_column.get(c.name)
        if planned is not None and planned.how in KEYS:
            named[planned.how].append(c.name)
    return tuple(f"{how}: {', '.join(columns)}" for how, columns in named.items())


def _rule(fact: Fact) -> str:
    within = "within a row" if isinstance(fact, Rule) else "across rows"
    witnesses = f"seen in {fact.rows:,} rows" if fact.rows else "declared"
    return f"{fact.describe()} ({within}, {witnesses})"


def _map(sides: Sides, tables: Sequence[TableView]) -> Markup | None:
    boxes = {
        t.name: Box(
            t.name.name,
            t.name.schema if t.label != t.name.name else "",
            t.anchor,
            t.rows[1],
            t.score,
            t.failed,
            t.kept is not None,
            any(k.ref_table == t.name for k in sides.schema[t.name].foreign_keys),
        )
        for t in tables
        if t.name in sides.schema.by_name
    }
    return schema_map(sides.schema, boxes) if boxes else None
