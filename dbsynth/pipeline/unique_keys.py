"""Unique keys of generated rows: what repeats is moved, and what the keys decide is drawn anew."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.pipeline.bonds import bond_of
from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.foreign_keys import set_member
from dbsynth.pipeline.room import closed_values
from dbsynth.pipeline.units import unwhole, whole, with_values
from dbsynth.relation.enforce import Choice, exchange_categories, exchange_members, move_off, move_on_lattice, repeated
from dbsynth.relation.keys import take

UNIQUE_TURNS = 4
"""Rounds over the unique keys of a table: moving one can touch another."""


def keep_unique(draft: Draft) -> None:
    lost = np.zeros(draft.n, bool)
    moved = np.zeros(draft.n, bool)
    for column, places in draft.places.items():
        own = draft.columns[column]
        draft.columns[column] = with_values(own, places.nearest(whole(own)))
    for turn in range(UNIQUE_TURNS):
        again = False
        for unique in draft.table.table.unique_keys:
            if any(k.fill in ("self", "cycle") and set(k.free) & set(unique) for k in draft.table.keys):
                continue  # enforced when these keys are filled
            repeats = np.flatnonzero(repeated(unique, draft.columns, draft.kept_table()) & ~lost)
            if len(repeats):
                again = True
                separate(draft, unique, repeats, moved, lost, turn)
        if not again:
            break
    rows = np.flatnonzero(moved & ~lost)
    fixed = draft.modelled_keys
    if len(rows) and fixed:
        follow_moved_keys(draft, rows, fixed)
    if lost.any():
        draft.drop(lost, "a unique key has no free place for them")


def separate(
    draft: Draft, unique: tuple[str, ...], repeats: np.ndarray, moved: np.ndarray, lost: np.ndarray, turn: int
) -> None:
    """Move what can move of ``unique`` in the rows ``repeats``: a lattice value, a made value, the other parent, a
    category, in this order."""
    rng = draft.rng("unique", *unique, turn)
    own = [c for c in unique if c in draft.learned.lattices]
    made = [c for c in unique if draft.table.by_column[c].how == "made"]
    choices = [
        k for k in draft.table.keys
        if k.key.name in draft.member and k.fill not in ("context", "determined") and set(k.free) & set(unique)
    ]  # fmt: skip
    if made:
        present = {
            c.name: pc.is_valid(take(draft.columns[c.name], repeats)).to_numpy(zero_copy_only=False)
            for c in draft.table.columns
            if c.how == "made"
        }
        draft.make_values(repeats, present, "again", turn, *unique)
        if turn == UNIQUE_TURNS - 1:
            lost[repeats] = True
    elif own and pc.is_valid(draft.columns[own[-1]]).to_numpy(zero_copy_only=False).all():
        column = own[-1]
        values = whole(draft.columns[column])
        bounds = (draft.rules.least(column), draft.rules.most(column))
        lattice = draft.places.get(column, draft.learned.lattices[column])
        fresh, homeless = move_on_lattice(unique, column, values, draft.columns, lattice, bounds)
        if (there := draft.kept_table()) is not None and there.num_rows:
            kind = draft.columns[column].type
            again = lambda x: repeated(unique, draft.columns | {column: unwhole(x, kind)}, there)  # noqa: E731
            fresh, lost_here = move_off(fresh, again, lattice, bounds, rng)
            homeless = homeless | lost_here
        moved |= fresh != values
        lost |= homeless
        draft.columns[column] = unwhole(fresh, draft.columns[column].type)
    elif choices:
        key = choices[-1]
        choice = Choice(key, draft.parent_of(key), draft.member[key.key.name], draft.code(key), bond_of(draft, key))
        member = exchange_members(unique, choice, draft.columns, repeats, rng, kept=draft.kept_table())
        lost[repeats[member[repeats] < 0]] = True
        set_member(draft, key, member)
    else:
        modelled = [c for c in unique if draft.table.by_column[c].how == "modelled"]
        if not modelled:
            lost[repeats] = True
            return
        allowed = closed_values(draft.table.table.column(modelled[-1]), draft.rules.implied)
        closed = pa.array(allowed) if allowed else None
        draft.columns[modelled[-1]], gone = exchange_categories(
            unique, modelled[-1], draft.columns, repeats, rng, closed, draft.kept_table()
        )
        moved[repeats] = True
        lost |= gone


def follow_moved_keys(draft: Draft, rows: np.ndarray, fixed: list[str]) -> None:
    """Key values have moved: draw the other columns of these rows anew, given the keys as they are now."""
    keys = {c: take(draft.columns[c], rows) for c in fixed}
    for c, values in keys.items():
        span, codes = draft.code_of(c, rows, values)
        draft.codes[rows, span] = codes
    draft.codes[rows] = draft.sample(rows, draft.given(rows), "moved")
    held = {c: take(draft.columns[c], rows) for c in draft.columns if draft.table.by_column[c].how == "made"}
    draft.decode(rows, "moved")
    for c, values in (keys | {c: held[c] for c in held if draft.in_unique_key(c)}).items():
        draft.set(c, rows, values)
