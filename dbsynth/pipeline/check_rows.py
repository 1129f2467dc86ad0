"""CHECKs of generated rows: computed columns, bounded redraws in the same context, then repair."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from dbsynth.pipeline.bonds import facts_of
from dbsynth.pipeline.draft import LOST_SHARE, Draft
from dbsynth.pipeline.fact_rows import held_columns, tied_keys
from dbsynth.pipeline.foreign_keys import hold_place
from dbsynth.pipeline.row_rules import follow, ruled_columns
from dbsynth.pipeline.unique_indexes import repeated_in, separated
from dbsynth.pipeline.units import present_codes
from dbsynth.relation.assign import choose, fill_columns
from dbsynth.relation.enforce import repeated
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.key_facts import Exclusive, Ranked, Threaded
from dbsynth.relation.keys import take

CONSTRUCTIONS = 4
"""Rounds in which made values are shaped by CHECKs and must differ from each other."""
REDRAWS = 8
"""Rounds in which rows that break a CHECK are drawn again before they are repaired."""


def keep_checks(draft: Draft) -> None:
    if not draft.rules.any or draft.n == 0:
        return
    fixed = {c for k in draft.table.keys if k.fill != "dropped" for c in k.key.columns}
    fixed |= {c for key in draft.table.table.unique_keys for c in key}
    copied = held_columns(draft)
    construct_made(draft, copied)
    follow(draft)
    rows = np.arange(draft.n)
    for turn in range(REDRAWS):
        for name, array in draft.rules.computed(draft.batch(rows), fixed | copied).items():
            draft.set(name, rows, array)
        rows = np.union1d(rows[draft.rules.broken(draft.batch(rows))], np.flatnonzero(repeats(draft)))
        if len(rows) == 0:
            return
        loose = loose_keys(draft) if turn >= REDRAWS // 2 else []
        draft.codes[rows] = draft.sample(rows, draft.given(rows, loose), "redraw", turn)
        for key in loose:
            assign_again(draft, key, rows, turn)
        redecode(draft, rows, fixed, turn)
        follow(draft, rows)
    tied = tied_keys(draft)
    exchangeable = {k.free[0] for k in loose_keys(draft) if len(k.key.columns) == 1 and k.key.name not in tied}
    ruled = ruled_columns(draft.plan, draft.table.name)
    repaired, bad = draft.rules.repair(draft.batch(), draft.rng("repair"), (fixed | copied | ruled) - exchangeable)
    if bad.any() and ruled:
        repaired, bad = draft.rules.repair(repaired, draft.rng("repair", "rules"), (fixed | copied) - exchangeable)
    if bad.any() and copied:
        draft.warnings.append(
            f"{int(bad.sum())} rows may differ from what {', '.join(sorted(copied))} are copied from: the values that "
            "their parents have break a CHECK here"
        )
        repaired, bad = draft.rules.repair(repaired, draft.rng("repair", "copies"), fixed - exchangeable)
    for i, name in enumerate(repaired.schema.names):
        draft.columns[name] = repaired.column(i)
    follow_repaired_keys(draft)
    separate_repeats(draft, fixed | copied)
    bad = draft.rules.broken(draft.batch()) | repeats(draft)
    if bad.any():
        if int(bad.sum()) > max(2, LOST_SHARE * draft.n):
            draft.rules.give_up(draft.table.name, draft.batch(np.flatnonzero(bad)[:1]))
        draft.drop(bad, "a CHECK cannot be met for them")


def construct_made(draft: Draft, copied: set[str]) -> None:
    """Values that are made, not learned, where a CHECK asks for others: a redraw would not know of it. Where they
    repeat what must be unique, they are what they were, and are tried again."""
    keys = {c for k in draft.table.keys if k.fill != "dropped" for c in k.key.columns}
    made = {c.name for c in draft.table.columns if c.how == "made"} - keys - copied
    made &= {c for check in draft.rules.local for c in check.columns}
    others = set(draft.columns) - made
    for turn in range(CONSTRUCTIONS if made else 0):
        rows = np.flatnonzero(draft.rules.broken_here(draft.batch()))
        if len(rows) == 0:
            return
        before = {name: take(draft.columns[name], rows) for name in made}
        better = draft.rules.construct(draft.batch(rows), draft.rng("construct", turn), others)
        for name in made:
            draft.set(name, rows, better.column(name))
        again = repeats(draft)
        for unique in draft.table.table.unique_keys:
            if set(unique) & made:
                again |= repeated(unique, draft.columns, draft.kept_table())
        back = again[rows] if again[rows].sum() == again.sum() else np.ones(len(rows), bool)
        for name, array in before.items():
            draft.set(name, rows[back], take(array, np.flatnonzero(back)))
        if not again.any():
            return


def drop_broken(draft: Draft) -> None:
    """Leave only the rows that meet every constraint as they were drawn, and count what the others broke."""
    bad = np.zeros(draft.n, bool)
    for name, broken in _broken_by_constraint(draft):
        if broken.any():
            draft.violations[name] = int(broken.sum())
            bad |= broken
    if bad.any():
        draft.keep(np.flatnonzero(~bad))


def _broken_by_constraint(draft: Draft) -> Iterator[tuple[str, np.ndarray]]:
    for unique in draft.table.table.unique_keys:
        if not any(k.fill in ("self", "cycle") and set(k.free) & set(unique) for k in draft.table.keys):
            yield f"unique ({', '.join(unique)})", repeated(unique, draft.columns, draft.kept_table())
    batch = draft.batch()
    for check in draft.rules.local:
        yield f"check {check.check.name}", check.violations(batch, draft.rules.now)
    if draft.rules.indexes:
        yield "unique indexes", repeats(draft)


def repeats(draft: Draft) -> np.ndarray:
    """True for rows that repeat a kept or an earlier row in a unique index that is no plain key."""
    if not draft.rules.indexes:
        return np.zeros(draft.n, bool)
    rows = pa.Table.from_batches([draft.batch()])
    kept = draft.kept_table()
    if kept is not None:
        rows = pa.concat_tables([kept.select(rows.column_names).cast(rows.schema), rows])
    return repeated_in(draft.rules.indexes, rows, draft.rules.now)[rows.num_rows - draft.n :]


def separate_repeats(draft: Draft, fixed: set[str]) -> None:
    """Rows that repeat others in a unique expression get a value of their own there, worked out backwards; what then
    breaks a CHECK or repeats another stays what it was."""
    for index in draft.rules.indexes:
        rows = np.flatnonzero(repeats(draft))
        if len(rows) == 0:
            return
        free = index.columns - fixed
        batch = draft.batch()
        made = separated(index, batch, rows, free, draft.rules.implied, draft.rng("separate", index.index.name),
                         draft.rules.now)  # fmt: skip
        before = {c: take(draft.columns[c], rows) for c in made}
        for name, array in made.items():
            draft.set(name, rows, array)
        wrong = (draft.rules.broken(draft.batch()) | repeats(draft))[rows]
        for name, array in before.items():
            draft.set(name, rows[wrong], take(array, np.flatnonzero(wrong)))


def redecode(draft: Draft, rows: np.ndarray, fixed: set[str], turn: int) -> None:
    before = {c: take(draft.columns[c], rows) for c in fixed if c in draft.columns}
    draft.decode(rows, "redraw", turn)
    for name, array in before.items():
        draft.set(name, rows, array)


def follow_repaired_keys(draft: Draft) -> None:
    """Keys that are filled later are null or not as the repair left them."""
    for key in draft.key_codes:
        if key.fill in ("self", "cycle"):
            present = present_codes([draft.columns[c] for c in key.free]) > 0
            code = draft.codes[:, draft.spans[key.code]][:, 0]
            draft.codes[:, draft.spans[key.code]] = np.where(present, np.maximum(code, 1), 0)[:, None]


def loose_keys(draft: Draft) -> list[KeyPlan]:
    """Foreign keys that may be drawn again: no unique key, no other foreign key and no fact between keys depends on
    them."""
    held = {c for u in draft.table.table.unique_keys for c in u}
    for key in draft.table.keys:
        held |= {c for c in key.key.columns if c not in key.free}
    bound = {
        name for f in facts_of(draft) if not isinstance(f, Ranked | Threaded | Exclusive) for name in (f.key, f.other)
    }
    return [k for k in draft.key_codes if not set(k.free) & held and k.key.name not in bound]


def assign_again(draft: Draft, key: KeyPlan, rows: np.ndarray, turn: int) -> None:
    code = draft.code(key)
    assert code is not None
    if key.fill in ("self", "cycle"):
        hold_place(draft, key)
        return
    parent, rng = draft.parent_of(key), draft.rng("key", key.key.stream, "redraw", turn)
    made = {c: take(draft.columns[c], rows) for c in key.key.columns}
    fresh = choose(key, code[rows], made, parent, draft.learned.clusters.get(key.code), rng)
    draft.member[key.key.name][rows] = fresh
    nullable = {c: draft.table.table.column(c).nullable for c in key.key.columns}
    for name, array in fill_columns(key, fresh, parent, nullable, rng).items():
        draft.set(name, rows, array)
