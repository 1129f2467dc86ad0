"""Order within a row: created ≤ updated ≤ closed, low ≤ high."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbsynth.relation.families import Columns
from dbsynth.relation.numbers import Numbers
from dbsynth.rules.arithmetic import in_type
from dbsynth.rules.rule import CHANCES, LEAST_SHARE, ORDER, Rule, chosen, listed
from dbsynth.rules.view import View, amounts

CHANCE_SHARE = 0.01
"""Of the rows that would be out of order, were the columns independent: columns of other magnitudes do not compare."""


@dataclass(frozen=True)
class AtLeast(Rule):
    """``column`` is not less than any of ``low``, where both are known. Rows in which it is get the distance that a row
    has whose lower value is next to theirs."""

    low: tuple[str, ...]

    decides = ORDER

    @property
    def reads(self) -> tuple[str, ...]:
        return self.low

    def describe(self) -> str:
        return f"{self.column} is never less than {listed(self.low)}"

    def settle(self, columns: Columns) -> dict[str, pa.Array]:
        old = columns[self.column]
        own = amounts(old)
        lows = [x for c in self.low if (x := amounts(columns[c])) is not None]
        assert own is not None
        assert len(lows) == len(self.low)
        if own.scale is None or any(x.scale is None for x in lows):
            values, bounds, scale = own.floats, [np.where(x.there, x.floats, -np.inf) for x in lows], None
            bound = np.max(bounds, axis=0)
        else:
            scale = max(own.scale, *(x.scale or 0 for x in lows))
            values = own.values * 10 ** (scale - own.scale)
            least = np.iinfo(np.int64).min
            bound = np.max([np.where(x.there, x.values * 10 ** (scale - (x.scale or 0)), least) for x in lows], axis=0)
        known = own.there & np.logical_or.reduce([x.there for x in lows])
        wrong, right = np.flatnonzero(known & (values < bound)), np.flatnonzero(known & (values >= bound))
        if not len(wrong):
            return {self.column: old}
        fresh = bound.copy()
        if len(right):
            right = right[np.argsort(bound[right], kind="stable")]
            at = np.searchsorted(bound[right], bound[wrong]).clip(max=len(right) - 1)
            fresh[wrong] = bound[wrong] + (values[right] - bound[right])[at]
        fresh = np.where(known, fresh, 0)
        settled = in_type(Numbers(fresh, scale, own.there), old.type)
        stay = np.ones(len(old), bool)
        stay[wrong] = False
        return {self.column: chosen(settled, old, np.flatnonzero(stay))}


def find_order(view: View) -> Iterator[AtLeast]:
    """Each open column, and of the columns that are never greater those that no other of them already bounds."""
    names = [c for c in view.all if view.numbers(c) is not None and not view.constant(c)]
    place = {c: i for i, c in enumerate(names)}
    below: dict[str, dict[str, tuple[float, int]]] = {}
    for column in names:
        for low in names:
            if low != column and view.moment(low) == view.moment(column):
                found = _never_less(view, column, low)
                if found is not None:
                    below.setdefault(column, {})[low] = found
    for column in view.open:
        lows = below.get(column, {})
        nearest = [c for c in lows if (c, column) not in view.checked]
        nearest = [c for c in nearest if not any(c in below.get(o, {}) for o in lows if o != c)]
        if nearest:
            rows = min(lows[c][1] for c in nearest)
            share = min(lows[c][0] for c in nearest)
            nearest.sort(key=lambda c: place[c])
            yield AtLeast(
                f"{view.label}.{column} >= {', '.join(nearest)}", view.table, column, rows, rows, share, False,
                tuple(nearest),
            )  # fmt: skip


def _never_less(view: View, column: str, low: str) -> tuple[float, int] | None:
    """The share of the rows in which it is not, and their number, where they would be in another order by chance."""
    a, b = view.numbers(low), view.numbers(column)
    assert a is not None
    assert b is not None
    both = a.there & b.there
    if both.sum() < view.least:
        return None
    x, y = a.floats, b.floats
    fine = x <= y
    if (
        min(fine[both & half].mean() for half in (view.first_half, ~view.first_half) if (both & half).any())
        < LEAST_SHARE
    ):
        return None
    if not (x < y)[both].any():
        return None
    strange = (x[view.shuffled] > y) & both & a.there[view.shuffled]
    if strange.sum() < CHANCE_SHARE * both.sum():
        return None
    return (float(fine[both].mean()), int(both.sum())) if strange.sum() >= CHANCES + (~fine & both).sum() else None
