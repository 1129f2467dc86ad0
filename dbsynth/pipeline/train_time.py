"""A limit of wall-clock time for all of the training, shared out among the tables."""

from __future__ import annotations

import heapq

from dbsynth.model.pace import rows_to_see
from dbsynth.pipeline.plan import Plan
from dbsynth.schema.model import TableName


def train_seconds(plan: Plan, minutes: float | None, workers: int) -> dict[TableName, float]:
    """Seconds a table; none where there is no limit. Tables get shares by how many of their cells are worth reading,
    such that ``workers`` that train side by side, the longest first, are done with all of them in time."""
    if minutes is None:
        return {}
    cells = {t.name: rows_to_see(t.train_rows) * max(1, len(t.columns)) for t in plan.tables if t.train_rows and t.rows}
    whole = _until_all_are_done(sorted(cells.values(), reverse=True), workers)
    return {name: 60.0 * minutes * n / whole for name, n in cells.items()}


def _until_all_are_done(lengths: list[float], workers: int) -> float:
    """When the last of ``lengths`` ends, if each begins, in this order, as soon as one of ``workers`` is free."""
    free = [0.0] * max(1, workers)
    for length in lengths:
        heapq.heapreplace(free, free[0] + length)
    return max(free)
