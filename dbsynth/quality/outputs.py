"""A verification for machines: JSON (with a schema), JUnit XML, annotations of GitHub Actions."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

from dbsynth.quality.figures import ConstraintResult, Finding, Subject, Verification
from dbsynth.quality.gates import verdict

VERSION = 1
"""Of the JSON: raised when a key goes or means something else; keys may come without that."""
MOST_ANNOTATIONS = 10
"""GitHub shows so many of a step."""
UNWRITABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535, *range(55296, 57344)), "�")
"""What XML cannot hold."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``as_data``."""
    text = files("dbsynth.quality").joinpath("verification.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def as_data(verification: Verification) -> dict[str, Any]:
    """What ``json.dumps`` takes; no value of the source."""
    v = verification
    return {
        "v": VERSION,
        "event": "Verification",
        "target": v.target,
        "against": v.against,
        "passed": v.passed,
        "verdict": verdict(v),
        "gates": [_clean(asdict(g)) for g in v.gates],
        "findings": [_finding(f) for f in v.findings],
        "tables": [
            {
                "table": str(name),
                "rows": made,
                "source_rows": real,
                "score": _number(v.fidelity.tables.get(name)) if v.fidelity else None,
                "kept": v.kept.get(name),
            }
            for name, (real, made) in v.rows.items()
        ],
        "constraints": [_constraint(c) for c in v.constraints],
        "fidelity": None
        if v.fidelity is None
        else {
            "score": _number(v.fidelity.score),
            "formula": v.fidelity.formula,
            "figures": [_figure(f) for f in v.fidelity.figures],
        },
        "privacy": None
        if v.privacy is None
        else {
            "figures": [_figure(f) for f in v.privacy.figures],
            "proves": list(v.privacy.proves),
            "budget": _clean(v.privacy.budget),
        },
        "workload": None
        if v.workload is None
        else {
            "share": _number(v.workload.share),
            "most_q_error": _number(v.workload.most),
            "queries": [_clean(asdict(q)) for q in v.workload.queries],
            "skipped": _clean(v.workload.skipped),
        },
        "seconds": {step: round(s, 3) for step, s in v.seconds.items()},
        "about": _clean(v.about),
    }


def _subject(subject: Subject | None) -> dict[str, Any] | None:
    if subject is None:
        return None
    return {
        "table": str(subject.table),
        "columns": list(subject.columns),
        "relation": subject.relation or None,
        "constraint": subject.constraint or None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "gate": finding.gate,
        "subject": _subject(finding.subject),
        "says": finding.says,
        "remedy": finding.remedy,
    }


def _constraint(result: ConstraintResult) -> dict[str, Any]:
    return {
        "subject": _subject(result.subject),
        "kind": result.kind,
        "says": result.says,
        "origin": result.origin,
        "enforced": result.enforced,
        "violations": result.violations,
        "tolerated": result.tolerated,
        "rows": result.rows,
        "holds": result.holds,
        "sql": result.sql,
    }


def _figure(figure: Any) -> dict[str, Any]:
    found: dict[str, Any] = _clean({k: v for k, v in vars(figure).items() if k != "subject"})
    return {"subject": _subject(figure.subject), **found}


def _number(value: float | None) -> float | None:
    """JSON has no NaN."""
    return None if value is None or not math.isfinite(value) else float(value)


def _clean(value: Any) -> Any:
    match value:
        case bool() | int() | str() | None:
            return value
        case float():
            return _number(value)
        case Mapping():
            return {str(k): _clean(v) for k, v in value.items()}
        case list() | tuple():
            return [_clean(v) for v in value]
    return str(value)


def junit(verification: Verification) -> str:
    """One suite a gate that was asked for, with its results as cases; what closed it are failures, with their
    sentences. A constraint is a case of its own, so is a query."""
    root = ElementTree.Element("testsuites", name="dbsynth verify")
    for gate in dict.fromkeys(g.gate for g in verification.gates):
        results = [g for g in verification.gates if g.gate == gate]
        failed = [f for f in verification.findings if f.gate == gate and f.severity == "failure"]
        cases = [_case(gate, g.says, [] if g.passed else [g.says]) for g in results]
        told = {f.subject for f in failed}
        cases += [_case(_classname(gate, f.subject), f.says, [_told(f)]) for f in failed]
        if gate == "violations":
            held = [c for c in verification.constraints if c.subject not in told]
            cases += [_case(_classname(gate, c.subject), f"{c.kind}: {c.says}", []) for c in held]
        if gate == "workload" and verification.workload is not None:
            unlike = any(not g.passed for g in results)  # a few may be: then they are no failures
            queries = verification.workload.queries
            cases += [_case(f"{gate}.{q.kind}", q.query, [q.says] if unlike and not q.alike else []) for q in queries]
        failures = sum(len(c) > 0 for c in cases)
        suite = ElementTree.SubElement(
            root, "testsuite", name=gate, tests=str(len(cases)), failures=str(failures), errors="0", skipped="0"
        )
        suite.extend(cases)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _classname(gate: str, subject: Subject | None) -> str:
    return gate if subject is None else f"{gate}.{subject.table}"


def _told(finding: Finding) -> str:
    return f"{finding.says}\n{finding.remedy}" if finding.remedy else finding.says


def _case(classname: str, name: str, failures: list[str]) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=_xml(classname), name=_xml(name), time="0")
    for text in failures:
        ElementTree.SubElement(case, "failure", message=_xml(text.partition("\n")[0])).text = _xml(text)
    return case


def _xml(text: str) -> str:
    return text.translate(UNWRITABLE)


def github_annotations(verification: Verification) -> Iterator[str]:
    """Workflow commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""
    shown = [f for f in verification.findings if f.severity != "note"]
    for finding in shown[:MOST_ANNOTATIONS]:
        level = "error" if finding.severity == "failure" else "warning"
        title = f"dbsynth verify: {finding.gate}"
        text = f"{finding.says} — {finding.remedy}" if finding.remedy else finding.says
        yield f"::{level} title={_property(title)}::{_data(text)}"
    if verification.gates:
        level = "notice" if verification.passed else "error"
        yield f"::{level} title=dbsynth verify::{_data(f'{verification.target}: {verdict(verification)}')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
