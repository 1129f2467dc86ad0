"""Moments that never lie before one of the parent's: nothing is booked before the account is opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from dbsynth.relation.families import Columns, Exact, Families
from dbsynth.relation.look import CHANCES, Look, moment
from dbsynth.relation.sequences import Bounds, Sequence, exact_of
from dbsynth.relation.steps import ABOVE

DAY = 86_400_000_000
SHORTEST = 0.02
"""Share of the leads of which one is taken where time is short."""


@dataclass(frozen=True)
class NotBefore(Sequence):
    """``column`` is not before ``above``, a column of the parent, which stands among the columns of the rows. Families
    that would be move as a whole where siblings are ordered by it, else the rows that would be: to as long after it as
    others are."""

    column: str
    above: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def reads(self) -> tuple[str, ...]:
        return (*self.family, self.above)

    def describe(self) -> str:
        return f"{self.column} is never before {self.above.removeprefix(ABOVE)} of the parent {self.per()}"

    def settle(self, columns: Columns, bounds: Bounds) -> dict[str, pa.Array]:
        old = columns[self.column]
        x, above = exact_of(old), in_unit_of(columns[self.above], old.type)
        families = Families.of(columns, self.family, (self.column,)).only(x.present & above.present)
        values, whole = x.values[families.at], self.order[:1] == (self.column,)
        of = families.head if whole else np.arange(len(values))
        start = above.values[families.at][of]
        gap, each = values[of] - start, families.first if whole else np.ones(len(values), bool)
        if not (gap < 0).any():
            return {self.column: old}
        span = values[families.ends] - values[of] if whole else 0
        leads, number = np.sort(gap[each & (gap >= 0)]), np.cumsum(each & (gap < 0))
        leads = leads if len(leads) else np.zeros(1, np.int64)
        timely = np.searchsorted(leads, values.max() - span - start, "right")
        among = np.where(timely > 0, timely, max(1, int(SHORTEST * len(leads))))
        moved = np.where(gap < 0, leads[(31 * number) % among] - gap, 0)
        return {self.column: x.array(x.values + families.back(moved, np.zeros_like(x.values)), x.present, old.type)}


def in_unit_of(array: pa.Array, kind: pa.DataType) -> Exact:
    """A date or timestamp in days or microseconds, as ``kind`` is; days begin at midnight."""
    x = exact_of(array)
    if pt.is_date32(kind) and not pt.is_date32(array.type):
        return Exact(x.values // DAY, x.present)
    if pt.is_date32(array.type) and not pt.is_date32(kind):
        return Exact(x.values * DAY, x.present)
    return x


def find_not_before(look: Look) -> Iterator[NotBefore]:
    """Of the moments of the parent that none precedes, each column gets the one that it follows most closely."""
    above = [c for c in look.rows if c.startswith(ABOVE)]
    for column in look.learned:
        x = look.numbers(column)
        if x is None or not moment(look, column):
            continue
        best: tuple[float, str] | None = None
        for name in above:
            base = in_unit_of(look.rows[name], look.rows[column].type)
            both = np.flatnonzero(x.present & base.present)
            gap = (x.values - base.values)[both]
            if len(gap) == 0 or gap.min() < 0:
                continue
            mixed = x.values[both] < np.roll(base.values[both], max(1, round(0.31 * len(both))))
            if mixed.sum() >= CHANCES and (best is None or float(np.median(gap)) < best[0]):
                best = float(np.median(gap)), name
        if best is not None:
            yield NotBefore(**look.common("not before parent", column, look.main), column=column, above=best[1])
