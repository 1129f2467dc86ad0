"""A limit of wall-clock time for all of the training, shared out among the tables."""

from __future__ import annotations

from dbsynth.pipeline.plan import Plan
from dbsynth.schema.model import TableName


def train_seconds(plan: Plan, minutes: float | None, workers: int) -> dict[TableName, float]:
    """Seconds a table, by its cells; none where there is no limit. ``workers`` train side by side, but no table for
    longer than all of it."""
    if minutes is None:
        return {}
    cells = {t.name: t.train_rows * max(1, len(t.columns)) for t in plan.tables if t.train_rows and t.rows}
    total = sum(cells.values())
    beside = max(1, min(workers, len(cells)))
    return {name: 60.0 * minutes * min(1.0, beside * n / total) for name, n in cells.items()}
