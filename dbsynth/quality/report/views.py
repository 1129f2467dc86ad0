"""What the page shows, as plain data: a verification cut into tables, with pictures of their samples."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup

from dbsynth.quality.figures import ConstraintResult, Finding, QueryFigure, Verification, worst_first
from dbsynth.quality.report import charts
from dbsynth.quality.report.diagram import Box, schema_map
from dbsynth.quality.report.tables import Sorted, TableView, table_view
from dbsynth.quality.score import PARTS
from dbsynth.quality.sides import Sides
from dbsynth.schema.model import TableName

MARKS = {"failure": "✕", "warning": "▲", "note": "·"}


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
    sorted_out = Sorted(verification, found)
    tables = tuple(
        table_view(n, labels[n], anchors[n], verification, sorted_out, sides, len(names), shows_rows) for n in names
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


def _findings(verification: Verification) -> tuple[Finding, ...]:
    """All of them, the worst first, each once."""
    parts = (verification.fidelity, verification.privacy, verification.workload)
    all_of_them = [*verification.findings, *(f for part in parts if part is not None for f in part.findings)]
    return worst_first(dict.fromkeys(all_of_them))


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
