"""Unique keys of tables that are made in parts: what keeps the rows of different parts apart in them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import types as sqltypes

from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.fact_rows import copies_of
from dbsynth.pipeline.room import closed_values, highest_key
from dbsynth.values.base import ValueGenerator

ENOUGH = 1_000
"""Places in the range of a number that a part has at least: were they fewer, its rows would show that they are."""


def dealt_columns(draft: Draft, sizes: Sequence[int]) -> set[str] | None:
    """The learned numbers whose places are dealt out to the parts (of ``sizes`` rows), so that all unique keys hold
    over them; None where one would not."""
    found: set[str] = set()
    for key in _tied(draft):
        numbers = [c for c in key if c in draft.learned.lattices]
        if not numbers or not _dealt(draft, numbers[-1], key, sizes):
            return None
        found.add(numbers[-1])
    return found


def _tied(draft: Draft) -> list[tuple[str, ...]]:
    """The unique keys that rows of different parts could have in common: none of values that are counted, or made and
    remembered, none that families or the rows pointed at keep apart."""
    rules, columns = draft.rules, draft.table.by_column
    moved = {c for check in rules.local for c in check.columns} | rules.remote_columns
    moved |= {c for f in copies_of(draft.plan, draft.table) for c in f.columns}
    makers = {c: m for m in draft.learned.generators for c in m.columns}
    counted = {n for n, c in columns.items() if c.how == "serial"}
    counted |= {n for n, c in columns.items() if c.how == "made" and n not in moved and _remembers(makers[n], n)}
    own = [set(k.free) for k in draft.table.keys if k.fill == "self"]  # no two parts point at the same row
    family = draft.table.context.key.columns if draft.table.context is not None else ()
    if family and not any(draft.table.table.column(c).nullable for c in family):
        own.append(set(family))
    unique = draft.table.table.unique_keys
    return [key for key in unique if not set(key) & counted and not any(c <= set(key) for c in own)]


def _remembers(maker: ValueGenerator, column: str) -> bool:
    """Whether it never makes a value twice."""
    own = getattr(maker, "makers", {}).get(column, maker)
    return bool(getattr(own, "unique", False))


def _dealt(draft: Draft, column: str, key: Sequence[str], sizes: Sequence[int]) -> bool:
    """Whether nothing but the model and its keys decides ``column``, and a part finds room in its share of the places:
    in the range of the source's values, or beyond it where all rows together would go there too."""
    if any(column in f.columns for f in draft.plan.facts if f.table == draft.table.name):
        return False
    if column in draft.learned.codec.gaps.values():  # a place off, and others would come before it
        return False
    declared, lattice = draft.table.table.column(column), draft.learned.lattices[column]
    if closed_values(declared, draft.rules.implied) is not None or column in draft.rules.remote_columns:
        return False
    limits = [draft.rules.most(column)]
    if isinstance(declared.type, sqltypes.Integer):
        limits.append(highest_key(declared))
    elif isinstance(declared.type, sqltypes.Numeric):
        limits.append(10**declared.type.precision - 1 if declared.type.precision else None)
    most = min((x for x in limits if x is not None), default=None)
    places, needed = lattice.places(lattice.high), len(sizes) * (max(sizes) + 1)
    counts = isinstance(declared.type, sqltypes.Integer | sqltypes.Numeric)
    grows = counts and tuple(key) == (column,) and places < sum(sizes)
    fits = places >= max(needed, len(sizes) * ENOUGH) or grows
    return fits and (most is None or needed <= lattice.places(most))
