"""Whether what was found is good enough: each gate is a sentence with its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dbsynth.quality.figures import (
    ConstraintResult,
    Fidelity,
    Finding,
    Gate,
    GateResult,
    Privacy,
    Severity,
    Verification,
    Workload,
)
from dbsynth.schema.model import TableName

GATES: tuple[Gate, ...] = ("violations", "quality", "privacy", "workload")
AUC, COPIES = "C2ST", ("exact_copies", "copies")
"""Figures that have a threshold of their own; of copies the second where a model stands for the source."""
REMEDIES = {
    "sequence": "setval() it past the last key, or make the target again",
    "index": "REINDEX it",
    "catalog": "the rows were changed after they were made, or the constraint is not validated: make the target again",
    "configuration": "the rows were changed after they were made: make the target again",
    "rule": "columns that others of their row tell were changed: make the target again, or refuse the rule in [facts]",
    "fact": "rows that others tell were changed: make the target again, or refuse the fact in [facts] of dbsynth.toml",
}


@dataclass(frozen=True)
class Thresholds:
    """``quality``: the least score of all tables; ``copies``: the largest share of rows that are exact copies of real
    ones, beyond what chance gives; ``auc``: how well a classifier may tell real rows from made ones, the mean of all
    tables (.5: not at all). ``share``: of the queries of a workload that have to be alike. ``fail_on``: the gates that
    count, where something was measured for them."""

    quality: float = 0.85
    copies: float = 0.01
    auc: float = 0.8
    fail_on: tuple[Gate, ...] = GATES
    share: float = 0.95


DEFAULTS = Thresholds()


def findings_of(constraints: Iterable[ConstraintResult], rows: Mapping[TableName, int]) -> tuple[Finding, ...]:
    """One sentence for each constraint that rows break; a warning where so few do that it counts as kept. They weigh
    as much as the share of rows that do."""
    found = []
    for result in constraints:
        if not result.violations:
            continue
        seen = result.rows if result.rows is not None else rows.get(result.subject.table)
        of = f" of {seen:,}" if seen is not None and result.kind not in ("index", "exclusion") else ""
        says = f"{result.subject.table}: {_broken(result, of)}"
        severity: Severity = "warning" if result.holds else "failure"
        weight = result.violations / max(result.violations, seen or 0)
        found.append(Finding(severity, "violations", result.subject, says, REMEDIES[result.origin], weight))
    return tuple(found)


def _broken(result: ConstraintResult, of: str) -> str:
    n = f"{result.violations:,}"
    match result.kind:
        case "index":
            return f"the index {result.subject.constraint} is not valid: the database does not use it"
        case "sequence":
            return f"not so: {result.says}: {n} keys lie at or past its next value, so that INSERTs will fail"
        case "primary key" | "unique" | "unique index" | "virtual key":
            return f"{result.kind} {result.subject.constraint}: {n} values stand in more than one row ({result.says})"
        case "foreign key" | "virtual foreign key":
            return f"foreign key {result.subject.constraint}: {n}{of} rows point at no row ({result.subject.relation})"
        case "exclusion":
            return f"{result.kind} {result.subject.constraint}: {n} pairs of rows meet ({result.says})"
    return f"{result.kind}: {n}{of} rows break it ({result.says})"


def judged(
    thresholds: Thresholds,
    constraints: Sequence[ConstraintResult],
    fidelity: Fidelity | None,
    privacy: Privacy | None,
    findings: Sequence[Finding],
    workload: Workload | None = None,
) -> tuple[GateResult, ...]:
    """The results of the gates that ``thresholds`` names and that something was measured for."""
    failures = {gate: sum(f.severity == "failure" and f.gate == gate for f in findings) for gate in GATES}
    gates = [_violations(constraints, failures["violations"])]
    if fidelity is not None:
        gates += _quality(thresholds, fidelity, failures["quality"])
    if privacy is not None:
        gates += _privacy(thresholds, privacy, failures["privacy"])
    if workload is not None:
        gates.append(_workload(thresholds, workload))
    return tuple(g for g in gates if g.gate in thresholds.fail_on)


def _violations(constraints: Sequence[ConstraintResult], failures: int) -> GateResult:
    broken = sum(not c.holds for c in constraints)
    says = f"{len(constraints) - broken:,} of {len(constraints):,} constraints, rules and facts hold"
    if failures > broken:
        says += f"; the schemas differ in {failures - broken:,} ways that matter"
    return GateResult("violations", broken == 0 and failures == 0, says, 0, broken)


def _quality(thresholds: Thresholds, fidelity: Fidelity, failures: int) -> list[GateResult]:
    score, least = fidelity.score, thresholds.quality
    gates = [
        GateResult("quality", score >= least, f"the score is {score:.3f}, at least {least:g} is asked", least, score)
    ]
    aucs = [f.value for f in fidelity.figures if f.name == AUC and not f.subject.relation]
    if aucs:
        auc, most = sum(aucs) / len(aucs), thresholds.auc
        says = f"a classifier tells made rows from real ones with AUC {auc:.3f}, the mean of all tables,"
        says += f" at most {most:g} is asked"
        gates.append(GateResult("quality", auc <= most, says, most, auc))
    if failures:
        says = f"figures that look like damage: {failures:,}, each is among the findings"
        gates.append(GateResult("quality", False, says, 0, failures))
    return gates


def _privacy(thresholds: Thresholds, privacy: Privacy, failures: int) -> list[GateResult]:
    gates = []
    copies = [f for f in privacy.figures if f.name in COPIES]
    if copies:
        # of a handful of rows one or two more may be equal by chance: the figure knows, whatever the share is
        passed, most = [f for f in copies if f.passed is not False], thresholds.copies
        worst = max((max(0.0, f.value - (f.baseline or 0.0)) for f in copies if f not in passed), default=0.0)
        over = len(copies) - len(passed)
        says = f"in {over or 'none'} of {len(copies):,} tables more than {most:.2%} of the rows copy real ones"
        gates.append(GateResult("privacy", not over, f"{says} beyond chance", most, worst))
    failed = sum(f.passed is False for f in privacy.figures)
    lost = max(failed, failures)
    says = f"figures that fail: {lost:,}" if lost else f"none of {len(privacy.figures):,} figures fails"
    gates.append(GateResult("privacy", not lost, says, 0, lost))
    return gates


def _workload(thresholds: Thresholds, workload: Workload) -> GateResult:
    alike, least = sum(q.alike for q in workload.queries), thresholds.share
    says = f"{alike:,} of {len(workload.queries):,} queries behave alike on both sides, at least {least:.0%} is asked"
    if workload.skipped:
        says += f"; not run: {len(workload.skipped):,}"
    return GateResult("workload", bool(workload.queries) and workload.share >= least, says, least, workload.share)


def verdict(verification: Verification) -> str:
    """In one sentence."""
    failed = [g for g in verification.gates if not g.passed]
    if not verification.gates:
        return "nothing was asked to hold"
    if failed:
        names = ", ".join(dict.fromkeys(g.gate for g in failed))
        return f"not good enough: {names}"
    warned = sum(f.severity == "warning" for f in verification.findings)
    told = {
        "violations": "constraints hold",
        "quality": "the rows behave like the source's",
        "privacy": "no row of it came out",
        "workload": "queries run alike on both",
    }
    parts = [told[g] for g in dict.fromkeys(g.gate for g in verification.gates) if g in told]
    more = f"; {warned} warning{'' if warned == 1 else 's'}" if warned else ""
    return f"good: {', '.join(parts)}{more}"
