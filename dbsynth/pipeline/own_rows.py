"""Rows that point at rows of their own table: filled when all rows are made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.pipeline.bonds import facts_of
from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.foreign_keys import degrees
from dbsynth.pipeline.plan import degree_column
from dbsynth.pipeline.units import present_codes
from dbsynth.relation import tree
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.key_facts import Allowed, Ranked, Threaded, in_order
from dbsynth.relation.keys import combined, duplicates, group_ids, row_index, take
from dbsynth.relation.numbers import numbers
from dbsynth.relation.sequences import RisingKey
from dbsynth.relation.threads import choose_within
from dbsynth.relation.unique import switch_members
from dbsynth.schema.types import arrow_type


def point_at_own_rows(draft: Draft) -> None:
    keys = [k for k in draft.table.keys if k.fill == "self"] if draft.n else []
    parents = {k.key.name: own_parents(draft, k) for k in keys}
    rows = all_rows(draft)  # once more: rows may have exchanged values with those they point at
    for key in keys:
        parent = _kept_apart(draft, key, rows, parents[key.key.name])
        for column, ref in zip(key.key.columns, key.key.ref_columns, strict=True):
            if column in key.free:
                type_ = arrow_type(draft.table.table.column(column).type)
                draft.columns[column] = take(rows.column(ref), parent)[rows.num_rows - draft.n :].cast(type_)


def own_parents(draft: Draft, key: KeyPlan) -> np.ndarray:
    """The row that each row points at over ``key``, int64 (kept and made rows,), -1 for none."""
    depth, wanted = draft.code(key), np.full(draft.n, -1, np.int64)
    assert depth is not None
    if key.kind_code in draft.spans:
        wanted = draft.codes[:, draft.spans[key.kind_code].start].astype(np.int64) - 1
    rng = draft.rng("key", key.key.stream)
    if key.code in draft.learned.degrees:
        depth = draft.learned.degrees[key.code].imposed(depth, rng)
    nullable = any(draft.table.table.column(c).nullable for c in key.free)
    facts = [f for f in facts_of(draft) if isinstance(f, Ranked) and f.key == key.key.name]
    thread = next((f for f in facts_of(draft) if isinstance(f, Threaded) and f.key == key.key.name), None)
    kept = draft.kept_table()
    if kept is not None and kept.num_rows and draft.standing is None:
        thread = None  # rows that are kept may point beyond their family
    if thread is None:
        _number_by_depth(draft, depth, facts)
    weights, rows, before, made_depth = degrees(draft, draft.table.name, key.key), all_rows(draft), 0, depth
    made_weights = weights
    if kept is not None and kept.num_rows:
        before = kept.num_rows
        own = row_index([kept.column(c) for c in key.key.columns], [kept.column(c) for c in key.key.ref_columns])
        known = present_codes([kept.column(c) for c in key.key.columns]).astype(bool)
        depth = np.concatenate([tree.depth_codes(np.where(known, np.where(own < 0, -2, own), -1)), depth])
        weights = np.concatenate([kept.column(degree_column(draft.table.name, key.key)).to_numpy(), weights])
        wanted = np.concatenate([np.full(before, -1, np.int64), wanted])
    clusters = draft.learned.clusters.get(key.code)
    kinds = clusters.assign(rows) if clusters is not None and clusters.count > 1 else None
    allowed = _meet(rows, facts, before)
    if thread is not None:
        made_depth = tree.settle_depths(made_depth, rng, nullable=nullable)
        made = rows.slice(before)
        parent = _in_threads(draft, made_depth, made_weights.astype(np.float64), made, facts, thread, rng)
        if not before:
            return parent
        return np.concatenate([np.where(known, own, -1), np.where(parent < 0, -1, parent + before)])
    depth = tree.settle_depths(depth, rng, nullable=nullable)
    degree = weights.astype(np.float64)
    parent = tree.choose_parents(depth, degree, rng, wanted=wanted, kinds=kinds, allowed=allowed)
    if before:  # kept rows point where they did
        parent[:before] = np.where(known, own, -1)
    if allowed is not None:
        parent = _settled(draft, key, rows, parent, depth, facts, before)
    return parent


def _in_threads(
    draft: Draft,
    depth: np.ndarray,
    degree: np.ndarray,
    rows: pa.Table,
    facts: Sequence[Ranked],
    thread: Threaded,
    rng: np.random.Generator,
) -> np.ndarray:
    """Parents in the family of each row, of those made before it, or of those before it in the order of ``facts``."""
    place = draft.position
    for fact in facts:
        if draft.table.by_column[fact.column].how != "serial":
            values = np.nan_to_num(_values(rows, fact), nan=-np.inf)
            place = np.lexsort((draft.position, -values if fact.order in ("<", "<=") else values)).argsort()
    _number_in_threads(draft, place, facts)
    depth = np.where(depth == tree.ITSELF, 0, depth)
    return choose_within(depth, draft.parent, place, degree, rng, headed=thread.headed)


def _number_in_threads(draft: Draft, place: np.ndarray, facts: Sequence[Ranked]) -> None:
    """Where surrogate keys stand in an order along the key, deal those of each family out in the order of ``place``, in
    which its rows answer each other."""
    for fact in _numbered(draft, facts):
        turned = -place if fact.order in ("<", "<=") else place
        source = np.empty(draft.n, np.int64)
        source[np.lexsort((turned, draft.parent))] = np.argsort(draft.parent, kind="stable")
        draft.columns[fact.column] = take(draft.columns[fact.column], source)


def _numbered(draft: Draft, facts: Sequence[Ranked]) -> list[Ranked]:
    """Those of ``facts`` that speak of surrogate keys. None where these rise with a moment."""
    if any(isinstance(f, RisingKey) and f.table == draft.table.name for f in draft.plan.facts):
        return []
    return [f for f in facts if draft.table.by_column[f.column].how == "serial"]


def _number_by_depth(draft: Draft, depth: np.ndarray, facts: Sequence[Ranked]) -> None:
    """Where surrogate keys stand in an order along the key, deal them out level by level: so every row has all those of
    the level above it to choose from."""
    for fact in _numbered(draft, facts):
        level = np.where(depth == tree.ITSELF, 0, depth)
        order = np.argsort(-level if fact.order in ("<", "<=") else level, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(draft.n)
        draft.columns[fact.column] = take(draft.columns[fact.column], place)


def all_rows(draft: Draft) -> pa.Table:
    """The kept rows, then the made ones: their stored columns."""
    made = pa.Table.from_batches([draft.batch()])
    kept = draft.kept_table()
    if kept is None or kept.num_rows == 0:
        return made
    kept = kept.select(made.column_names)
    return pa.concat_tables([kept, made.cast(kept.schema)])


def _meet(rows: pa.Table, facts: Sequence[Ranked], before: int) -> Allowed | None:
    """Whether a row and the row it points at stand in the order of all ``facts``; the ``before`` kept rows stay."""
    if not facts:
        return None
    columns = [(f.order, _values(rows, f)) for f in facts]

    def allowed(at: np.ndarray, parents: np.ndarray) -> np.ndarray:
        fits = np.ones(len(at), bool)
        for order, values in columns:
            fits &= in_order(order, values[at], values[parents])
        return fits | (at < before)

    return allowed


def _values(rows: pa.Table, fact: Ranked) -> np.ndarray:
    found = numbers(rows.column(fact.column))
    assert found is not None
    return np.where(found.there, found.values, np.nan)


def _settled(
    draft: Draft,
    key: KeyPlan,
    rows: pa.Table,
    parent: np.ndarray,
    depth: np.ndarray,
    facts: Sequence[Ranked],
    before: int,
) -> np.ndarray:
    """Parents for the rows that found none: any of a level above, with which they exchange values until the order
    holds; what is left is null, or told where it cannot be."""
    astray = np.flatnonzero((parent < 0) & (depth > 0) & (np.arange(len(parent)) >= before))
    if len(astray) == 0:
        return parent
    rng = draft.rng("settled", key.key.stream)
    roots = np.flatnonzero((depth == 0) | (depth == tree.ITSELF))
    parent = parent.copy()
    parent[astray] = roots[rng.integers(0, len(roots), len(astray))]
    movable = np.arange(len(parent)) >= before
    for fact in facts:
        how = draft.table.by_column[fact.column].how
        if how != "serial" and (how != "modelled" or _in_key(draft, fact.column)):
            continue
        where = tree.exchange_values(_values(rows, fact), parent, movable, fact.order)
        if (where == np.arange(len(where))).all():
            continue
        moved = combined(take(rows.column(fact.column), where))
        fresh = moved[before:].cast(draft.columns[fact.column].type)
        old, draft.columns[fact.column] = draft.columns[fact.column], fresh
        if draft.rules.any and draft.rules.broken(draft.batch()).any():
            draft.columns[fact.column] = old
            continue
        rows = rows.set_column(rows.column_names.index(fact.column), rows.schema.field(fact.column), moved)
    allowed = _meet(rows, facts, before)
    assert allowed is not None
    below = np.flatnonzero((parent >= 0) & (parent != np.arange(len(parent))))
    broken = below[~allowed(below, parent[below])]
    if len(broken) == 0:
        return parent
    if any(draft.table.table.column(c).nullable for c in key.free) and not _needed(draft, key, broken - before):
        parent[broken] = -1
        draft.warnings.append(f"foreign key {key.key.name}: null in {len(broken)} rows more: no row goes with them")
    else:
        names = ", ".join(f.id for f in facts)
        draft.warnings.append(f"foreign key {key.key.name}: {len(broken)} rows do not keep {names}")
    return parent


def _kept_apart(draft: Draft, key: KeyPlan, rows: pa.Table, parent: np.ndarray) -> np.ndarray:
    """``parent`` where the unique keys that ``key`` is part of hold: rows that repeat one exchange parents with rows
    of the same parent's depth, else they point nowhere. Raises UnsatisfiableConstraint where they must."""
    before = rows.num_rows - draft.n
    for unique in draft.table.table.unique_keys:
        if not set(unique) & set(key.free):
            continue
        rest = [rows.column(c) for c in unique if c not in key.free]
        group = group_ids(rest)[0] if rest else np.zeros(len(parent), np.int64)
        pairs = np.where((group < 0) | (parent < 0), -1, group * (len(parent) + 1) + parent)
        bad = np.flatnonzero(duplicates(pairs))
        bad = bad[bad >= before]
        if len(bad) == 0:
            continue
        level = tree.levels(parent)
        movable = np.where(np.arange(len(parent)) < before, -1, level)
        parent, left = switch_members(bad, group, parent, [movable], draft.rng("apart", *unique))
        if len(left) and not any(draft.table.table.column(c).nullable for c in key.free):
            raise UnsatisfiableConstraint(
                f"{draft.table.name}: {len(left)} rows find no row to point at that keeps ({', '.join(unique)}) unique",
                hint=f"ask for fewer rows: --rows {draft.table.name.name}=N",
            )
        parent[left] = -1
    return parent


def _needed(draft: Draft, key: KeyPlan, rows: np.ndarray) -> bool:
    """Whether a CHECK does not let the key be null in ``rows``."""
    if not draft.rules.any:
        return False
    batch = draft.batch(rows)
    for name in key.free:
        at, nothing = batch.schema.get_field_index(name), pa.nulls(len(rows), batch.column(name).type)
        batch = batch.set_column(at, batch.schema.field(name), nothing)
    return bool(draft.rules.broken(batch).any())


def _in_key(draft: Draft, column: str) -> bool:
    return draft.in_unique_key(column) or any(column in k.key.columns for k in draft.table.keys)
