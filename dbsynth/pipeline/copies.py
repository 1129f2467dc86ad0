"""Rows that are equal to a row of the source in all but their keys: no more of them than chance explains.

Two independent samples of a table share some rows: the more, the fewer values its columns have. The share of equal rows
between two random halves of the source is what chance explains; made rows beyond it are drawn again until they are new.
Equality is asked of a filter that takes a few new rows for equal ones: those are drawn again for nothing, which costs a
little time, whereas to allow for them would let as many true copies through.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.fact_rows import held_columns
from dbsynth.pipeline.row_rules import follow
from dbsynth.relation.keys import take

ROUNDS = 60
TOLD_SHARE = 0.01
"""More rows than this share that stay equal are told as a warning."""


def avoid_copies(draft: Draft) -> None:
    """Draw rows again that are equal to rows of the source until no more are left than chance explains. Keys stay; a
    row that breaks a CHECK is not taken."""
    known = draft.learned.known
    if known is None or draft.n == 0:
        return
    copies = np.flatnonzero(known.perhaps(draft.columns, draft.n))
    excess = len(copies) - int(known.allowed * draft.n)
    if excess <= 0:
        return
    rows = np.sort(draft.rng("copies").permutation(copies)[:excess])
    fixed = {c for key in draft.table.table.unique_keys for c in key}
    fixed |= {c for key in draft.table.keys for c in key.key.columns} | set(draft.learned.lines)
    fixed |= {c.name for c in draft.table.columns if c.how == "serial"}
    fixed |= {c for index in draft.rules.indexes for c in index.columns} | held_columns(draft)
    open_ = part_of(draft, rows)
    for turn in range(ROUNDS):
        if len(rows) == 0:
            return
        open_.codes = open_.sample(np.arange(open_.n), open_.given(np.arange(open_.n)), "copies", turn)
        before = {c: open_.columns[c] for c in fixed if c in open_.columns}
        open_.decode(np.arange(open_.n), "copies", turn)
        open_.columns |= before
        follow(open_)
        open_.columns |= open_.rules.computed(open_.batch(), fixed)
        good = ~known.perhaps(open_.columns, open_.n) & ~open_.rules.broken(open_.batch())
        if good.any():
            take_over(draft, rows[good], open_, np.flatnonzero(good))
            rows = rows[~good]
            open_ = part_of(draft, rows)
    if len(rows) > max(2, TOLD_SHARE * draft.n):
        draft.warnings.append(
            f"{len(rows)} of {draft.n} rows are equal to rows of the source in all but their keys: "
            "its columns have too few values for as many new ones"
        )


def part_of(draft: Draft, rows: np.ndarray) -> Draft:
    """A draft of ``rows`` only."""
    part = replace(draft, progress=lambda done: None)
    part.keep(rows)
    return part


def take_over(draft: Draft, rows: np.ndarray, part: Draft, at: np.ndarray) -> None:
    """Put rows ``at`` of ``part`` in the place of ``rows``."""
    draft.codes[rows] = part.codes[at]
    for name in draft.columns:
        draft.set(name, rows, take(part.columns[name], at))
