"""What a verification finds, as plain data: nothing here holds a value of the source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from dbsynth.schema.model import TableName

Origin = Literal["catalog", "configuration", "rule", "fact", "sequence", "index"]
"""Who says that a constraint holds: the database's catalog, dbsynth.toml (virtual keys, rules), or the plan (what was
found to hold in every row of the source)."""
Severity = Literal["failure", "warning", "note"]
Gate = Literal["violations", "quality", "privacy", "workload"]


@dataclass(frozen=True)
class Subject:
    """What a figure or a finding is about. ``relation``: the foreign key, as ``orders(customer_id) > customer``;
    ``constraint``: its name."""

    table: TableName
    columns: tuple[str, ...] = ()
    relation: str = ""
    constraint: str = ""

    def __str__(self) -> str:
        if self.relation:
            return self.relation
        told = f"({', '.join(self.columns)})" if self.columns else ""
        return f"{self.table}{told}" + (f": {self.constraint}" if self.constraint else "")


@dataclass(frozen=True)
class ConstraintResult:
    """A constraint and how many rows (of keys: values) of the target break it. ``sql``: the query that counted (empty:
    rows were read and tested here). ``rows``: so many were looked at, None: all. ``tolerated``: violations up to which
    it counts as kept; what is declared tolerates none."""

    subject: Subject
    kind: str
    says: str
    origin: Origin
    enforced: bool
    violations: int
    sql: str
    rows: int | None = None
    tolerated: int = 0

    @property
    def holds(self) -> bool:
        return self.violations <= self.tolerated


@dataclass(frozen=True)
class Figure:
    """One measured number. ``name``: the metric, as docs/quality.md defines it. ``value``: as defined there (mostly
    0..1, 1 best; an AUC: 0.5 best). ``ceiling``: the same figure between two halves of the real data (None: too few
    rows to tell). ``score``: 0..1, 1 = as close as the halves of the real data are to each other. ``rows``: of the real
    and of the made side that it was computed from."""

    name: str
    subject: Subject
    value: float
    ceiling: float | None
    score: float
    rows: tuple[int, int]
    says: str = ""


@dataclass(frozen=True)
class PrivacyFigure:
    """``value`` against ``baseline``: what real rows that nobody copied (hold-out, halves) have. ``passed``: None where
    the figure informs and does not gate."""

    name: str
    subject: Subject
    value: float
    baseline: float | None
    passed: bool | None
    says: str


@dataclass(frozen=True)
class Finding:
    """A sentence for people: ``says`` names the cause, ``remedy`` what to do. A failure closes its gate. ``weight``:
    how far beyond its limit that is, see ``past``; of what breaks a constraint the share of rows."""

    severity: Severity
    gate: Gate
    subject: Subject | None
    says: str
    remedy: str = ""
    weight: float = field(default=0.0, compare=False)


SEVERITIES: tuple[Severity, ...] = ("failure", "warning", "note")


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By severity; then what breaks constraints; then by weight. What weighs the same stays in its order."""
    return tuple(sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), f.gate != "violations", -f.weight)))


def past(value: float, limit: float) -> float:
    """How many times its limit something comes to that is best at 0: 1 at the limit; what may not be at all counts as
    allowed in one of 1,000 rows."""
    return value / max(limit, 1e-3)


@dataclass(frozen=True)
class Fidelity:
    """``score``: of all tables, 0..1; ``formula`` says how it and ``tables`` come about."""

    score: float
    tables: Mapping[TableName, float]
    figures: tuple[Figure, ...]
    findings: tuple[Finding, ...]
    formula: str


@dataclass(frozen=True)
class Privacy:
    """``proves``: in plain sentences, what the figures show and what they do not."""

    figures: tuple[PrivacyFigure, ...]
    findings: tuple[Finding, ...]
    proves: tuple[str, ...] = ()
    budget: Mapping[str, object] | None = None
    """ε and δ where the rows were made under differential privacy."""


@dataclass(frozen=True)
class QueryFigure:
    """A query on both sides. ``query``: its name or place, never its literals. ``rows``: of its result on the real and
    the made side (None: it did not run there). ``q_error``: max(a/b, b/a) of rows, 1 is best; the worst of the result
    and of the plan's nodes. ``says``: why it is not alike, "" where it is."""

    query: str
    kind: str
    alike: bool
    rows: tuple[int | None, int | None]
    q_error: float | None = None
    says: str = ""


@dataclass(frozen=True)
class Workload:
    """Queries replayed on both sides. ``share``: of those that were compared, how many ran on both with a q-error of at
    most ``most``. ``skipped``: queries that were not run, with why; they do not count."""

    share: float
    most: float
    queries: tuple[QueryFigure, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class GateResult:
    gate: Gate
    passed: bool
    says: str
    threshold: float | None = None
    value: float | None = None


@dataclass(frozen=True)
class Verification:
    """``rows``: by table, of the real side (None: not looked at) and of the target. ``seconds``: by step."""

    target: str
    against: str | None
    rows: Mapping[TableName, tuple[int | None, int]]
    constraints: tuple[ConstraintResult, ...]
    fidelity: Fidelity | None
    privacy: Privacy | None
    findings: tuple[Finding, ...]
    gates: tuple[GateResult, ...]
    kept: Mapping[TableName, str] = field(default_factory=dict)
    """Tables whose rows were taken over as they are, and why."""
    workload: Workload | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    about: Mapping[str, object] = field(default_factory=dict)
    """Versions, seeds, the command to repeat it."""

    @property
    def passed(self) -> bool:
        return all(g.passed for g in self.gates)
