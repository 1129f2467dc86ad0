"""What a clone tells of single rows of its source: every figure of ``disclosure``, table by table."""

from __future__ import annotations

from dbsynth.quality.disclosure.attacks import attacked
from dbsynth.quality.disclosure.copies import LEAST_COLUMNS, copies
from dbsynth.quality.disclosure.distances import near_rows
from dbsynth.quality.disclosure.persons import persons
from dbsynth.quality.disclosure.seen import Seen, alike, lent, seen
from dbsynth.quality.disclosure.taken_over import kept_rows
from dbsynth.quality.disclosure.texts import shared_runs
from dbsynth.quality.disclosure.values import Values
from dbsynth.quality.figures import Finding, Privacy, PrivacyFigure
from dbsynth.quality.sides import Sides
from dbsynth.schema.model import TableName

MOST_COPIES = 0.01
"""Beyond chance, the share of made rows that may be equal to real ones."""
PROVES = (
    "Copies, distances and values are compared with what real rows show of each other: a failure is evidence that "
    "rows or values of the source came out.",
    "That none is found proves nothing of what was not looked for: somebody who knows more than a verification does "
    "may still learn something of a row. Only differential privacy (--dp-epsilon) is a guarantee against anybody.",
    "All real rows were there to be learned from: what is compared with are real rows that are left out and looked "
    "for among the rest, not rows that the model never saw.",
    "Rows of lookup tables that are kept on purpose are left out of every figure.",
)


def privacy(sides: Sides, seed: int = 0, max_copies: float = MOST_COPIES) -> Privacy:
    """Reads a few samples of each table, one table at a time. The same seed gives the same figures."""
    figures: list[PrivacyFigure] = []
    findings: list[Finding] = []
    k = sides.plan.privacy_k
    values = Values(k, max_copies)
    for table in sides.schema.tables:
        rows = seen(sides, table.name)
        looked = [kept_rows(rows.plan, k)]
        if rows.real.num_rows and rows.made.num_rows:
            looked += [
                copies(_compared(sides, table.name, rows), max_copies),
                near_rows(rows, seed),
                persons(rows, max_copies, seed),
                shared_runs(rows, k, max_copies),
                attacked(rows, sides.plan, seed, lent(sides, rows, k)),
            ]
            values.look(sides, rows)
        for found, said in looked:
            figures += found
            findings += said
    for figure, finding in values.judged():
        figures.append(figure)
        findings += [finding] if finding else []
    private = sides.plan.private
    return Privacy(tuple(figures), tuple(findings), PROVES, private.describe() if private else None)


def _compared(sides: Sides, name: TableName, rows: Seen) -> Seen:
    """Of a large table, rows that share one fate if they are equal in all but their keys."""
    if max(side.counts[name] for side in (sides.real, sides.made)) <= min(sides.real.limit, sides.made.limit):
        return rows
    return (alike(sides, name, rows.own) if len(rows.own) >= LEAST_COLUMNS else None) or rows
