"""Distance to the closest record, beside that of rows that are left out.

A verification has no rows that the clone was not made from. So each real row is left out in turn, and looked for among
the rest: how near it finds another one is how near a row comes that is like the source and no copy of any of its rows.
Made rows that come nearer are what memory looks like, unless rows come so near that are pieced together of the columns'
values by chance: where a day has one rate for each currency, every pair is near to one of the source, and none was
copied. (``benchmarks/privacy.py`` learns one half and measures against the other.)"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from dbsynth.quality.disclosure.chance import surprising
from dbsynth.quality.disclosure.counters import is_counter
from dbsynth.quality.disclosure.nearest import Rows, coded, different, half_ranks, is_ordered, nearest
from dbsynth.quality.disclosure.seen import COUNTED, Seen
from dbsynth.quality.figures import Finding, PrivacyFigure, past
from dbsynth.rng import generator

LEAST_COLUMNS, LEAST_ROWS = 3, 50
ASKED, AMONG = 1_000, 20_000
"""Rows whose nearest is looked for, and those among which."""
NEAR = 0.05
"""Of the rows left out, those that come as near as what is called near."""
MARKED = 0.05
"""So many more of the made rows than of those left out have to be near for it to be held against them."""
TINY = 1e-5
"""What sums of float32 are off by."""
FILLED = 0.1
"""Of numbers that no two rows share, so many of their range: whoever draws from it meets those of the source."""
UNLIKE = 0.5
"""Texts of which more than that share are different tell rows apart and say nothing of how far."""


@dataclass(frozen=True)
class Distances:
    """Two columns each, float32: of made rows, of real ones, and of such as are pieced together of the values of real
    rows that were drawn for each column anew, to the nearest and to the second nearest real row."""

    made: np.ndarray
    real: np.ndarray
    pieced: np.ndarray
    columns: int


def comparable(rows: Seen) -> list[str]:
    """The columns over which rows are near or far: numbers, moments, categories; keys to rows that are kept."""
    kept = {c for key in rows.plan.keys if key.fill == "category" for c in key.key.columns}
    found = []
    for name in rows.made.column_names:
        column = rows.plan.by_column[name]
        if column.how in COUNTED and name not in kept:
            continue
        if name not in rows.own and name not in kept:
            continue
        if is_counter(rows.real.column(name).combine_chunks(), rows.share, FILLED):
            continue
        told_apart = column.personal or not is_ordered(both(rows, name)[0].type)
        if told_apart and max(map(different, rows.both(name))) > UNLIKE:
            continue
        found.append(name)
    return found


def both(rows: Seen, column: str) -> tuple[pa.Array, pa.Array]:
    """Numbers without a bound on their digits, which travel as text, as numbers."""
    real, made = rows.both(column)
    if rows.plan.by_column[column].kind == "number" and pt.is_string(real.type) and pt.is_string(made.type):
        return real.cast(pa.float64()), made.cast(pa.float64())
    return real, made


def measured(rows: Seen, seed: int) -> Distances | None:
    """None where there is too little to compare."""
    columns = comparable(rows)
    n, m = rows.real.num_rows, rows.made.num_rows
    if len(columns) < LEAST_COLUMNS or n < LEAST_ROWS or m < LEAST_ROWS:
        return None
    rng = generator(seed, "distances", str(rows.name))
    pairs = [both(rows, c) for c in columns]
    among = np.sort(rng.permutation(n)[:AMONG])
    asked = np.sort(rng.permutation(len(among))[:ASKED])
    some = np.sort(rng.permutation(m)[:ASKED])
    real, made = coded([a for a, _ in pairs], [b for _, b in pairs])
    reference = real.at(among)
    drawn = rng.integers(0, n, (len(columns), len(asked)))
    pieced = Rows(np.take_along_axis(real.codes, drawn, axis=1), real.ordered)
    return Distances(
        nearest(made.at(some), reference, 2)[0],
        nearest(reference.at(asked), reference, 2, own=asked, half=half_ranks(real))[0],
        nearest(pieced, reference, 2)[0],
        len(columns),
    )


def near_rows(rows: Seen, seed: int) -> tuple[list[PrivacyFigure], list[Finding]]:
    found = measured(rows, seed)
    if found is None:
        return [], []
    n, m = len(found.real), len(found.made)
    bound = float(np.quantile(found.real[:, 0], NEAR)) + TINY
    near, near_real, near_pieced = (int((side[:, 0] <= bound).sum()) for side in (found.made, found.real, found.pieced))
    near_real = max(near_real, near_pieced)
    share, base = near / m, near_real / n
    failed = share - base > MARKED and surprising(near, m, near_real, n)
    told = f"over {found.columns} columns, {m:,} made and {n:,} real rows that are left out in turn"
    closest = [float(np.median(side[:, 0])) / found.columns for side in (found.made, found.real)]
    ratios = [float(np.median(ratio(side))) for side in (found.made, found.real)]
    subject = rows.subject
    figures = [
        PrivacyFigure(
            "near_rows", subject, share, base, not failed,
            f"made rows as near to a real one as the nearest {NEAR:.0%} of left-out rows are to another; beside it the "
            f"share of left-out rows, or that of rows pieced together by chance, whichever is more; {told}",
        ),
        PrivacyFigure(
            "distance_to_closest", subject, closest[0], closest[1], None,
            f"median distance to the closest real row, 0 equal .. 1 different in every column; {told}",
        ),
        PrivacyFigure(
            "nearest_ratio", subject, ratios[0], ratios[1], None,
            f"median of the distance to the closest real row over that to the second closest; {told}",
        ),
    ]  # fmt: skip
    if not failed:
        return figures, []
    says = (
        f"{rows.name}: {share:.1%} of the rows come as near to a row of the source as {base:.1%} of rows do that are "
        f"left out of it (over {found.columns} columns): rows of the source were copied and changed a little"
    )
    remedy = f"make {rows.name} anew, with another strategy"
    return figures, [Finding("failure", "privacy", subject, says, remedy, past(share - base, MARKED))]


def ratio(near: np.ndarray) -> np.ndarray:
    """The nearest-neighbour distance ratio (after Lowe 2004); 1 where both are equal rows."""
    return np.asarray((near[:, 0] + TINY) / (near[:, -1] + TINY))
