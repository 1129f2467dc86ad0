"""Who is meant by several columns together: a first and a last name, a name and a date of birth.

Each alone may be anybody's, and made names are drawn from lists of common ones. So what is counted is how many made
rows have the same of all of them as one real row, beside how many have if the made columns are shuffled, each by
itself: so many meet by chance."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from dbsynth.quality.disclosure.chance import surprising
from dbsynth.quality.disclosure.seen import COUNTED, Seen
from dbsynth.quality.figures import Finding, PrivacyFigure, Subject, past
from dbsynth.relation.keys import group_ids
from dbsynth.rng import generator
from dbsynth.values.distinct import folded

NAMED = frozenset(("first_name", "last_name", "full_name", "birth_date", "postcode"))
LEAST_ROWS = 20


def persons(rows: Seen, most: float, seed: int) -> tuple[list[PrivacyFigure], list[Finding]]:
    columns = _columns(rows)
    if len(columns) < 2 or min(rows.real.num_rows, rows.made.num_rows) < LEAST_ROWS:
        return [], []
    pairs = [tuple(_plain(a) for a in rows.both(c)) for c in columns]
    real, made = [a for a, _ in pairs], [b for _, b in pairs]
    rng = generator(seed, "persons", str(rows.name))
    shuffled = [made[0], *(a.take(pa.array(rng.permutation(len(a)))) for a in made[1:])]
    (hits, there), (base_hits, base_there) = _equal(real, made), _equal(real, shuffled)
    if not there:
        return [], []
    share, chance = hits / there, base_hits / max(1, base_there)
    excess = (share - chance) / max(rows.share, 1e-9)
    failed = excess > most and surprising(hits, there, base_hits, base_there)
    subject, told = Subject(rows.name, columns), ", ".join(columns)
    figure = PrivacyFigure(
        "persons", subject, share, chance, not failed,
        f"{hits:,} of {there:,} made rows have the {told} of one real row; {base_hits:,} if the columns are shuffled",
    )  # fmt: skip
    if not failed:
        return [figure], []
    says = (
        f"{rows.name}: {share:.1%} of the rows ({hits:,} of {there:,}) have the {told} of a row of the source; by "
        f"chance it would be {chance:.1%}: persons of the source came out"
    )
    return [figure], [Finding("failure", "privacy", subject, says, f"make {rows.name} anew", past(excess, most))]


def _columns(rows: Seen) -> tuple[str, ...]:
    found = [rows.plan.by_column[c] for c in rows.made.column_names]
    return tuple(c.name for c in found if c.role in NAMED and c.personal and c.how not in COUNTED)


def _plain(array: pa.Array) -> pa.Array:
    return folded(array) if pt.is_string(array.type) else array


def _equal(real: list[pa.Array], made: list[pa.Array]) -> tuple[int, int]:
    """Made rows that have the values of a real row that is the only one with them, and made rows with all values."""
    a, b = group_ids(real, made)
    times = np.bincount(a[a >= 0], minlength=int(max(a.max(initial=-1), b.max(initial=-1))) + 1)
    there = b[b >= 0]
    return int((times[there] == 1).sum()), len(there)
