"""Facts among siblings are made to hold in the rows of a draft, beside its CHECKs and unique keys, which go first."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sqltypes

from dbsynth.codec.gaps import moments_of, order_of, ticks
from dbsynth.pipeline.check_rows import keep_checks, repeats
from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.fact_rows import copy_again
from dbsynth.pipeline.room import highest_key
from dbsynth.pipeline.row_rules import follow, unruled
from dbsynth.pipeline.unique_keys import keep_unique
from dbsynth.relation.enforce import repeated
from dbsynth.relation.families import Exact, same
from dbsynth.relation.find_sequences import consistent
from dbsynth.relation.keys import group_ids, take
from dbsynth.relation.not_before import NotBefore
from dbsynth.relation.sequences import Bounds, Regular, RisingKey, Sequence
from dbsynth.relation.steps import ABOVE
from dbsynth.schema.types import arrow_type

ROUNDS = 3
"""Settling one fact can touch what another reads, and constraints can touch what is settled."""


def settle(draft: Draft) -> None:
    """After rows are drawn, before constraints are kept: what depends on a moment that moves is drawn again."""
    facts = facts_of(draft)
    if not facts or not draft.n:
        return
    moments = [f.column for f in facts if isinstance(f, Regular) and f.column in draft.spans]
    before = {c: draft.columns[c] for c in moments}
    _apply(draft, facts)
    moved = np.zeros(draft.n, bool)
    for column, old in before.items():
        moved |= ~same(draft.columns[column], old)
    if moved.any():
        _draw_again(draft, np.flatnonzero(moved), moments)
        _apply(draft, facts)


def settle_at_last(draft: Draft) -> None:
    """Again, when other hands have been at the rows. Families in which constraints and facts cannot both hold keep the
    values that they had; a warning tells."""
    facts = facts_of(draft)
    if not facts or not draft.n:
        return
    for left in reversed(range(ROUNDS)):
        before = dict(draft.columns)
        if not _apply(draft, facts):
            break
        bad = _bad(draft)
        if not bad.any():
            break
        if left and draft.enforce:
            keep_unique(draft)
            copy_again(draft)
            keep_checks(draft)
        else:
            _give_back(draft, facts, before, bad)
            _apply(draft, [f for f in facts if isinstance(f, RisingKey)])
    bounds, above = _bounds(draft), _above(draft, facts)
    for fact in facts:
        if broken := int(fact.broken(draft.columns | above, bounds).sum()):
            draft.warnings.append(f"{fact.id}: {broken} of {draft.n} rows break it: a constraint stands against it")


def rule_at_last(draft: Draft) -> None:
    """Rules within each row again, when all else is there. Rows in which constraints and rules cannot both hold keep
    the values that they had; a warning tells."""
    unruled(draft, lambda: _bad(draft))


def facts_of(draft: Draft) -> list[Sequence]:
    """Those of the table, in the order in which they are settled."""
    return consistent([f for f in draft.plan.facts if isinstance(f, Sequence) and f.table == draft.table.name])


def regular_moments(draft: Draft, column: str, heads: np.ndarray, moments: np.ndarray) -> np.ndarray | None:
    """The moments of all rows, int64 (rows,), where those of siblings follow each other regularly, so that rows can be
    drawn in their light; None where they do not. ``heads``: the first row of each family, at ``moments``."""
    context = draft.table.context
    facts = [f for f in facts_of(draft) if isinstance(f, Regular) and f.column == column]
    if context is None or not facts or facts[0].family != context.key.columns:
        return None
    start = np.zeros(int(draft.parent.max(initial=-1)) + 2, np.int64)
    start[draft.parent[heads]] = moments
    family = pa.array(draft.parent, mask=draft.parent < 0)
    kind = arrow_type(draft.table.table.column(column).type)
    rows = dict.fromkeys(facts[0].family, family) | {column: moments_of(start[draft.parent] + draft.position, kind)}
    return ticks(facts[0].settle(rows, {})[column])


def _apply(draft: Draft, facts: Collection[Sequence]) -> bool:
    """Whether anything had to change."""
    bounds, above = _bounds(draft), _above(draft, facts)
    decided = {c for f in facts for c in f.columns}
    fixed = decided | {c for k in draft.table.keys if k.fill != "dropped" for c in k.key.columns}
    fixed |= {c for key in draft.table.table.unique_keys for c in key}
    touched = False
    for _ in range(ROUNDS):
        changed = False
        for fact in facts:
            for name, settled in fact.settle(draft.columns | above, bounds).items():
                old = draft.columns[name]
                if not settled.equals(old):
                    changed = True
                    draft.columns[name] = settled
                    _move_followers(draft, name, old, decided)
        for name, array in draft.rules.computed(draft.batch(), fixed).items():
            draft.columns[name] = array
        touched |= changed
        if not changed:
            break
    if touched:
        follow(draft)
    return touched


def _above(draft: Draft, facts: Collection[Sequence]) -> dict[str, pa.Array]:
    """The moments of the context parent that facts speak of."""
    names = {f.above for f in facts if isinstance(f, NotBefore)}
    if not names or draft.table.context is None:
        return {}
    rows = draft.parents[draft.table.context.key.ref_table].rows
    return {name: take(rows.column(name.removeprefix(ABOVE)), draft.parent) for name in sorted(names)}


def _move_followers(draft: Draft, column: str, old: pa.Array, decided: Collection[str]) -> None:
    """What is learned as the time since ``column`` goes with it."""
    gaps = draft.learned.codec.gaps
    moved = {column}
    for follower in order_of(gaps):
        if gaps[follower] not in moved or follower in decided or follower not in draft.columns:
            continue
        a, b, x = Exact.of(old), Exact.of(draft.columns[column]), Exact.of(draft.columns[follower])
        if a is None or b is None or x is None or draft.columns[follower].type != old.type:
            continue
        by = np.where(a.present & b.present, b.values - a.values, 0)
        draft.columns[follower] = x.array(x.values + by, x.present, old.type)
        moved.add(follower)


def _draw_again(draft: Draft, rows: np.ndarray, settled: Collection[str]) -> None:
    """The other columns of ``rows``, given their keys and what is ``settled``."""
    given = draft.given(rows)
    for column in settled:
        span, codes = draft.code_of(column, rows, take(draft.columns[column], rows))
        given[:, span] = codes
    held = set(settled) | {c for key in draft.table.table.unique_keys for c in key}
    before = {c: take(draft.columns[c], rows) for c in held}
    draft.codes[rows] = draft.sample(rows, given, "settled")
    draft.decode(rows, "settled")
    for name, array in before.items():
        old = draft.columns[name]
        draft.set(name, rows, array)
        _move_followers(draft, name, old, held)


def _bad(draft: Draft) -> np.ndarray:
    """True for rows that break a constraint."""
    bad: np.ndarray = draft.rules.broken(draft.batch()) | repeats(draft)
    for unique in draft.table.table.unique_keys:
        if not any(k.fill in ("self", "cycle") and set(k.free) & set(unique) for k in draft.table.keys):
            bad |= repeated(unique, draft.columns, draft.kept_table())
    return bad


def _give_back(draft: Draft, facts: Collection[Sequence], before: dict[str, pa.Array], bad: np.ndarray) -> None:
    """Families with ``bad`` rows get the values that they had, then, should that not do, all rows."""
    keys = {f.column for f in facts if isinstance(f, RisingKey)}  # dealt out anew, no constraint minds
    hit = bad.copy()
    for fact in facts:
        if set(fact.columns) <= keys:
            continue
        groups = group_ids([draft.columns[c] for c in fact.family])[0] if fact.family else np.zeros(draft.n, np.int64)
        hit |= np.isin(groups, np.unique(groups[bad])) & (groups >= 0)
    for rows in (np.flatnonzero(hit), np.arange(draft.n)):
        for name, old in before.items():
            if name not in keys:
                draft.set(name, rows, take(old, rows))
        if not _bad(draft).any():
            return


def _bounds(draft: Draft) -> Bounds:
    """Of CHECKs and of the columns' types, in their smallest unit."""
    out: dict[str, tuple[int | None, int | None]] = {}
    for column in draft.table.table.stored_columns:
        low, high = draft.rules.least(column.name), draft.rules.most(column.name)
        if isinstance(column.type, sqltypes.Integer):
            limit: int | None = highest_key(column)
        else:
            precision = getattr(column.type, "precision", None)
            exact = isinstance(column.type, sqltypes.Numeric) and not isinstance(column.type, sqltypes.Float)
            limit = 10**precision - 1 if exact and precision is not None and precision <= 18 else None
        if limit is not None:
            low, high = -limit if low is None else max(-limit, low), limit if high is None else min(limit, high)
        out[column.name] = (low, high)
    return out
