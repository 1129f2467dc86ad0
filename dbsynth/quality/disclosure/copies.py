"""Rows that are equal to a row of the source in all but their keys.

How often would that be by chance? As often as a row of the source is equal to another one: leaving each out in turn,
and looking for it among the rest. That share is one minus that of the rows that occur once, over all rows: the coverage
of Good (1953, "The population frequencies of species and the estimation of population parameters") and Turing. A row
that occurs once in the source and comes out is worse than one of which there are many; how often a fresh row is equal
to one of those, the rows that occur twice tell, in the same way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dbsynth.quality.disclosure.chance import surprising
from dbsynth.quality.disclosure.counters import is_counter
from dbsynth.quality.disclosure.seen import Seen
from dbsynth.quality.figures import Finding, PrivacyFigure, past
from dbsynth.relation.keys import same_ids

LEAST_COLUMNS = 1
"""Of one column beside the keys, it is values that are repeated, not rows."""
OFTEN = 2.0
"""Of few combinations that the rows of a table can be, a clone has the seldom ones a little more or less often."""


@dataclass(frozen=True)
class Equal:
    """Of ``rows`` made rows, ``hits`` are equal to a real one; of ``base_rows`` real ones ``base_hits`` to another."""

    hits: int
    rows: int
    base_hits: int
    base_rows: int
    share: float = 1.0

    @property
    def value(self) -> float:
        return self.hits / self.rows if self.rows else 0.0

    @property
    def baseline(self) -> float:
        return self.base_hits / self.base_rows if self.base_rows else 0.0

    @property
    def excess(self) -> float:
        """Beyond chance, estimated for all rows of the source, not those of the sample only."""
        return max(0.0, self.value - self.baseline) / max(self.share, 1e-9)

    def too_many(self, most: float, times: float = 1.0) -> bool:
        """``times``: so often as by chance it has to be at least."""
        enough = self.excess > most and self.value >= times * self.baseline
        return enough and surprising(self.hits, self.rows, self.base_hits, self.base_rows)


def equal_rows(rows: Seen, columns: tuple[str, ...]) -> tuple[Equal, Equal]:
    """Any real row, and those that occur once. Rows without any value are not counted."""
    pairs = [rows.both(c) for c in columns]
    real, made = same_ids([a for a, _ in pairs], [b for _, b in pairs])
    there = [_filled([p[side] for p in pairs]) for side in (0, 1)]
    real, made = real[there[0]], made[there[1]]
    times = np.bincount(real, minlength=int(max(real.max(initial=-1), made.max(initial=-1))) + 1)
    n, m = len(real), len(made)
    seen = times[made]
    any_ = Equal(int((seen > 0).sum()), m, int((times[real] > 1).sum()), n, rows.share)
    once = Equal(int((seen == 1).sum()), m, int((times[real] == 2).sum()), n, rows.share)
    return any_, once


def copies(rows: Seen, most: float) -> tuple[list[PrivacyFigure], list[Finding]]:
    """``most``: the share of made rows, beyond chance, that may be equal to real ones."""
    columns = tuple(c for c in rows.own if not is_counter(rows.both(c)[0], rows.share))
    if len(columns) < LEAST_COLUMNS or not rows.real.num_rows or not rows.made.num_rows:
        return [], []
    any_, once = equal_rows(rows, columns)
    kept = f", without {rows.kept} rows that are kept on purpose" if rows.kept else ""
    failed = {id(any_): any_.too_many(most), id(once): once.too_many(most, OFTEN)}
    figures = [
        PrivacyFigure(
            name,
            rows.subject,
            found.value,
            found.baseline,
            not failed[id(found)],
            f"{found.hits:,} of {found.rows:,} made rows are equal to {what} in {len(columns)} columns beside the keys"
            f"{kept}; between real rows {found.baseline:.2%} are",
        )
        for name, found, what in (
            ("exact_copies", any_, "a real row"),
            ("copies_of_unique_rows", once, "a real row that occurs once"),
        )
    ]
    worst = max((any_, once), key=lambda e: (failed[id(e)], e.excess))
    if not failed[id(worst)]:
        return figures, []
    what = "a row of the source" if worst is any_ else "a row that the source has once"
    says = (
        f"{rows.name}: {worst.value:.1%} of the rows ({worst.hits:,} of {worst.rows:,}) are equal to {what} in all "
        f"columns but the keys; by chance it would be {worst.baseline:.1%}: rows of the source were copied"
    )
    remedy = "make the table anew; if its rows are meant to be the source's, name it with --keep"
    return figures, [Finding("failure", "privacy", rows.subject, says, remedy, past(worst.excess, most))]


def _filled(arrays: list) -> np.ndarray:  # type: ignore[type-arg]
    """bool (rows,): where any of the columns has a value."""
    out = np.zeros(len(arrays[0]), bool)
    for array in arrays:
        out |= np.asarray(array.is_valid())
    return out
