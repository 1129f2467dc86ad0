"""Siblings in time: the moment of a row counts from that of the row before it.

Gaps keep what absolute moments lose: daily rows stay daily, a burst stays a burst. The first row of a family has no
gap; where it follows closely on a moment of its parent it has a *lead* instead, the time since that. What else depends
on the moment (seasons, trends, prices) sees it through the *clock*, the same moment as an ordinary column, which is
drawn for first rows without a lead and told from the gap or the lead for all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from dbsynth.codec.gaps import INFINITIES, ORDERED_SHARE, TIGHTER, spread, ticks
from dbsynth.relation.keys import take
from dbsynth.relation.siblings import LEAST_SHARE, Places

BEFORE, LEAD, CLOCK, ABOVE = "←", "⇡", "◷", "↑"
"""Columns beside those of the table: the moment of the row before · the moment of a first row, which counts from its
parent's · the moment as it is · a moment of the parent."""
LEAST_FOLLOWERS = 300
PACED = 0.15
"""Gaps that are nearer than this to those of chance are left to chance."""


@dataclass(frozen=True)
class Steps:
    """``column``: the moment by which siblings are ordered; ``above``: the column of the parent on which first rows
    follow, if they do on one. ``latest`` int64, in the unit of the column: rows after it are drawn again. ``first``,
    ``later``: per column of ``drawn`` the codes that occur in first rows and in others, bool (cardinality,)."""

    column: str
    above: str | None
    latest: int
    first: tuple[np.ndarray, ...] = ()
    later: tuple[np.ndarray, ...] = ()

    @property
    def before(self) -> str:
        return BEFORE + self.column

    @property
    def lead(self) -> str:
        return LEAD + self.column

    @property
    def clock(self) -> str:
        return CLOCK + self.column

    @property
    def drawn(self) -> tuple[str, ...]:
        """The columns of which a row knows its moment, and rows of other tables nothing."""
        return (self.lead, self.column) if self.above is not None else (self.column,)

    @property
    def gaps(self) -> dict[str, str]:
        """What is counted from what."""
        return {self.column: self.before} | ({self.lead: self.above} if self.above is not None else {})

    def seen(self, codes: Mapping[str, np.ndarray], cardinalities: Mapping[str, int], places: Places) -> Steps:
        """With the ``codes`` int (rows,) of the columns ``drawn`` that occur in the source."""
        head = places.place == 0
        first, later = (
            tuple(np.bincount(codes[c][rows], minlength=cardinalities[c]) > 0 for c in self.drawn)
            for rows in (head, ~head)
        )
        return replace(self, first=first, later=later)

    @classmethod
    def find(
        cls,
        column: str,
        values: pa.Array,
        above: Mapping[str, pa.Array],
        places: Places,
        k: int,
        rng: np.random.Generator,
    ) -> Steps | None:
        """None for moments that do not count, or hold nulls or infinities, and where the gaps are those of moments that
        are spread over the families by chance: such families are no sequences. ``above``: the moments of each row's
        parent, by name."""
        followers = int((places.place > 0).sum())
        if followers < LEAST_FOLLOWERS or followers < LEAST_SHARE * len(values) or values.null_count:
            return None
        if not (pt.is_date32(values.type) or pt.is_timestamp(values.type)):
            return None
        moments = ticks(values)
        if np.isin(moments, INFINITIES).any() or not _paced(moments, places, rng):
            return None
        head = places.place == 0
        best, found = TIGHTER * spread(moments[head]), None
        for name, array in above.items():
            if array.type != values.type or array.null_count:
                continue
            start = ticks(array)
            lead = (moments - start)[head]
            if np.isin(start, INFINITIES).any() or (lead >= 0).mean() < ORDERED_SHARE:
                continue
            if (width := spread(lead)) <= best:
                best, found = width, name
        ordered = np.sort(moments)
        step = int(np.gcd.reduce(np.diff(ordered))) or 1
        outer = int(ordered[-min(k, len(ordered)) :].mean())
        return cls(column, found, outer - (outer - int(ordered[0])) % step)

    def columns(self, values: pa.Array, places: Places) -> dict[str, pa.Array]:
        """The columns beside those of the table that the codes of its rows need, for finished rows."""
        at = places.before()
        out = {self.before: take(values, at), self.clock: values}
        if self.above is not None:
            out[self.lead] = take(values, np.where(at < 0, np.arange(len(at)), -1))
        return out


def _paced(moments: np.ndarray, places: Places, rng: np.random.Generator) -> bool:
    """True where gaps differ from those between the same moments dealt to the families at random (two-sample
    Kolmogorov-Smirnov distance)."""
    at = places.before()
    later = at >= 0
    dealt = rng.permutation(moments)
    order = np.lexsort((dealt, places.piece))
    shuffled = np.empty_like(dealt)
    shuffled[np.lexsort((places.place, places.piece))] = dealt[order]
    gaps, chance = ((m - m[at])[later] for m in (moments, shuffled))
    both = np.concatenate([gaps, chance])
    shares = (np.searchsorted(np.sort(g), both, side="right") / len(g) for g in (gaps, chance))
    return bool(np.abs(np.subtract(*shares)).max() > PACED)
