"""What `check-dump` says: a line a file, and what speaks against it. No value is ever told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from dbsynth.console.output import bullet
from dbsynth.dumps.check import Checker, Finding, Verdict
from dbsynth.errors import UsageError

MOST_FINDINGS = 5
"""Of a file that are told."""


def check(files: Sequence[Path], models: Sequence[Path]) -> list[Verdict]:
    """One a file and model. Raises ArtifactError, and UsageError where there is nothing to ask a model."""
    checkers = [Checker.load(path) for path in models]
    for checker, path in zip(checkers, models, strict=True):
        if not checker.values and not checker.rows:
            raise UsageError(
                f"{path} knows no value and no row of its source: it cannot tell",
                hint="it was learned with differential privacy, or its source has no such columns",
            )
    return [checker.check(file) for file in files for checker in checkers]


def show(console: Console, verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        console.print(Text(f"{verdict.path}: {said(verdict)}", style="bold red" if verdict.findings else ""))
        for finding in verdict.findings[:MOST_FINDINGS]:
            console.print(bullet(told(finding)))
        if len(verdict.findings) > MOST_FINDINGS:
            console.print(bullet(f"and {len(verdict.findings) - MOST_FINDINGS} more"))
        for table in verdict.cut:
            console.print(bullet(f"{table} has more rows than were looked at", "yellow"))


def said(verdict: Verdict) -> str:
    if verdict.findings:
        return "refused: it holds rows of the source"
    if not verdict.asked:
        return f"{verdict.rows:,} rows, nothing in them that the model could know"
    return f"{verdict.rows:,} rows, none known to be the source's"


def told(finding: Finding) -> str:
    what = f"values of {finding.column}" if finding.column is not None else "rows"
    known = f"{finding.yes:,} of {finding.asked:,} {what} are known from {finding.known_as}"
    return f"{finding.table}: {known} ({finding.chance:.0%} would be chance)"
