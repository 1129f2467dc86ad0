"""What was taken over on purpose: rows of lookup tables, and how many rows refer to each of them."""

from __future__ import annotations

import numpy as np

from dbsynth.pipeline.plan import TablePlan
from dbsynth.quality.figures import Finding, PrivacyFigure, Subject


def kept_rows(plan: TablePlan, k: int) -> tuple[list[PrivacyFigure], list[Finding]]:
    """The smallest number of rows that refer to a kept row (those of a tree: to it or to one below it, which is not
    counted here, so that what is told may be less than k)."""
    if plan.kept is None or not plan.kept.count:
        return [], []
    kept = plan.kept
    counts = [kept.rows.column(c) for c in kept.rows.column_names if c.startswith("#")]
    total = np.sum([c.to_numpy() for c in counts], axis=0) if counts else np.zeros(kept.count, np.int64)
    least, subject = int(total.min()), Subject(plan.name)
    figure = PrivacyFigure(
        "kept_references", subject, float(least), float(k), True if least >= k else None,
        f"{kept.count:,} rows are the source's own ({kept.reason}); to each at least {least:,} rows refer",
    )  # fmt: skip
    if least >= k:
        return [figure], []
    says = f"{plan.name}: {kept.count:,} rows are the source's own, to some of which fewer than {k} rows refer directly"
    return [figure], [Finding("note", "privacy", subject, f"{says} ({kept.reason})", "--keep none keeps none")]
