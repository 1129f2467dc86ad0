"""What the page shows of one table: what was found of it, and pictures of its samples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dbsynth.pipeline.plan import TablePlan
from dbsynth.quality.figures import ConstraintResult, Figure, Finding, Verification
from dbsynth.quality.report.examples import KEYS, Examples, examples
from dbsynth.quality.report.pictures import Drawn, HeatMap, heat_map, of_column, of_relation, worse_half
from dbsynth.quality.score import PARTS, mean
from dbsynth.quality.sides import Sides
from dbsynth.relation.facts import Fact
from dbsynth.rules.rule import Rule
from dbsynth.schema.model import Column, Table, TableName

LEAST_CHARTS, CHARTS_OF_TABLE, MOST_CHARTS = 8, 60, 600
LEAST_FIGURES, FIGURES_OF_TABLE, MOST_FIGURES = 12, 120, 1500
"""Of columns, and of what was measured: of a table not fewer than the first number, not more than the second; the page
has about the third."""


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
        columns, relations = worse_half(self.columns), worse_half(self.relations)
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


class Sorted:
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


def table_view(
    name: TableName,
    label: str,
    anchor: str,
    verification: Verification,
    by_table: Sorted,
    sides: Sides | None,
    tables: int,
    shows_rows: bool,
) -> TableView:
    """``tables``: that the page has."""
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
    most = max(LEAST_CHARTS, min(CHARTS_OF_TABLE, MOST_CHARTS // tables))
    return _with_pictures(basic, figures, sides, most, shows_rows)


def parts_of(figures: Sequence[Figure]) -> dict[str, float]:
    """The means that a table's score is made of."""
    scores: dict[str, list[float]] = defaultdict(list)
    for part, names in PARTS.items():
        scores[part] += [f.score for f in figures if f.name in names and f.ceiling is not None]
    return {part: mean(found) for part, found in scores.items() if found}


def _with_pictures(basic: TableView, figures: Sequence[Figure], sides: Sides, most: int, shows_rows: bool) -> TableView:
    name, plan, table = basic.name, sides.plan[basic.name], sides.schema[basic.name]
    by_column: dict[str, list[Figure]] = defaultdict(list)
    by_relation: dict[str, list[Figure]] = defaultdict(list)
    for f in figures:
        if f.subject.relation:
            by_relation[f.subject.relation].append(f)
        elif len(f.subject.columns) == 1:
            by_column[f.subject.columns[0]].append(f)
    k = sides.plan.privacy_k
    facts = [f for f in sides.plan.facts if f.table == name]
    view = replace(
        basic,
        how=_how(plan),
        keys=_keys(table, plan),
        relations=tuple(
            of_relation(sides, name, key, by_relation, k)
            for key in table.foreign_keys
            if key.ref_table in sides.schema.by_name
        ),
        rules=tuple(dict.fromkeys([*(_rule(f) for f in facts), *(r.expression for r in table.rules)])),
    )
    if _is_kept(plan):
        return view
    real, made = sides.real.rows(name), sides.made.rows(name)
    free = [c for c in table.stored_columns if c.name in real.column_names and c.name in made.column_names]
    free = [c for c in free if (p := plan.by_column.get(c.name)) is not None and p.how not in KEYS]
    chosen = _worst(free, by_column, most)
    codes = [c for c in table.stored_columns if c.name in _codes(sides, table) and c.name in made.column_names]
    related = [*(c for c in free if not plan.by_column[c.name].personal), *codes]
    return replace(
        view,
        columns=tuple(
            of_column(c, plan.by_column[c.name], real.column(c.name), made.column(c.name), by_column[c.name], k)
            for c in chosen
        ),
        columns_left_out=len(free) - len(chosen),
        heat_map=heat_map(related, real, made, basic.label),
        examples=examples(sides, name) if shows_rows else None,
    )


def _worst(columns: Sequence[Column], figures: Mapping[str, Sequence[Figure]], most: int) -> list[Column]:
    """In the table's order; where there are too many, those with the lowest scores."""
    if len(columns) <= most:
        return list(columns)
    by_score = sorted(columns, key=lambda c: min((f.score for f in figures.get(c.name, ())), default=1.0))
    wanted = {c.name for c in by_score[:most]}
    return [c for c in columns if c.name in wanted]


def _codes(sides: Sides, table: Table) -> set[str]:
    """Columns that point at lookup tables whose rows are kept: a key means the same on both sides."""
    kept = {t.name for t in sides.plan.tables if _is_kept(t)}
    return {k.columns[0] for k in table.foreign_keys if len(k.columns) == 1 and k.ref_table in kept}


def _is_kept(plan: TablePlan) -> bool:
    """Every row of the source is in the target."""
    return plan.kept is not None and plan.made_rows <= 0


def _how(plan: TablePlan) -> str:
    if _is_kept(plan):
        return "all rows kept as they are"
    parent = plan.context
    after = f", in the context of {parent.key.ref_table.name}" if parent is not None else ""
    if not plan.train_rows:
        return "no rows to learn from"
    rows = "1 row" if plan.train_rows == 1 else f"{plan.train_rows:,} rows"
    return f"planned for {plan.strategy}, {rows} to learn from{after}"


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
