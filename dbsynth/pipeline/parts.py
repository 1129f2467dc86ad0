"""Large tables are made in parts, so that memory holds one part of their rows: whole families under a range of parents,
or a range of the rows where there are none. What decides on a part is its place, never the number of workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from dbsynth.pipeline.draft import Draft
from dbsynth.pipeline.generate import Families, families_of, make
from dbsynth.pipeline.keys_apart import dealt_columns
from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.pipeline.renumber import only_order_counts, renumber, rising_over_all
from dbsynth.pipeline.spool import Made, Spool
from dbsynth.relation.borrowed import Borrowed
from dbsynth.relation.facts import Aggregate, Copy
from dbsynth.relation.key_facts import Apart, Exclusive, Ranked, Threaded
from dbsynth.relation.not_before import NotBefore
from dbsynth.relation.sequences import RisingKey
from dbsynth.relation.sequences import Sequence as SequenceFact
from dbsynth.rng import derive
from dbsynth.rules.rule import Rule

PART = 500_000
"""Rows of a part. Tables of fewer rows than two parts are made in one, with the rows that they always had."""


def write_rows(draft: Draft, ancestors: Sequence[TablePlan], spool: Spool) -> int:
    """Make the rows of ``draft`` into ``spool``; gives how many are new."""
    name, sizes = draft.table.name, list[int]()

    def counted() -> Iterator[Made]:
        for made in made_in_parts(draft, ancestors):
            sizes.append(made.rows.num_rows)
            yield made

    rows = spool.write_parts(name, counted())
    if len(sizes) > 1 and (fact := rising_over_all(draft.plan, draft.table)) is not None:
        renumber(spool, draft.table, fact, sizes)
    return rows


def made_in_parts(draft: Draft, ancestors: Sequence[TablePlan]) -> Iterator[Made]:
    """The rows of ``draft`` (nothing of which is set yet), one part after another; ``ancestors``: as of ``make``."""
    found = families_of(draft)
    families = list(split(found, PART)) if found.rows >= 2 * PART and apart(draft) else []
    dealt = dealt_columns(draft, [f.rows for f in families]) if families else None
    if dealt is None:
        yield make(draft, ancestors, found)
        return
    before = 0
    for number, own in enumerate(families):
        seed, progress = derive(draft.seed, "part", number), partial(_progress, draft, before)
        places = {c: draft.learned.lattices[c].share(number, len(families)) for c in sorted(dealt)}
        part = replace(draft, seed=seed, before=before, places=places, progress=progress)
        yield make(replace(part, columns={}, member={}, outside={}, timed={}), ancestors, own)  # nothing of the last
        before += own.rows


def _progress(draft: Draft, before: int, rows: int) -> None:
    draft.progress(before + rows)


def split(whole: Families, part: int) -> Iterator[Families]:
    """Families of about ``part`` rows together, then rows without parents; no family is cut."""
    ends = np.cumsum(whole.shares)
    start = 0
    while start < len(ends) and ends[-1] > (ends[start - 1] if start else 0):
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + part, side="left")) + 1
        yield Families(whole.shares[start:stop], 0, whole.first + start)
        start = stop
    for begin in range(0, whole.alone, part):
        yield Families(whole.shares[:0], min(part, whole.alone - begin), whole.first)


def apart(draft: Draft) -> bool:
    """Whether nothing ties rows of different parts but unique keys (see ``dealt_columns``). Rows that point at rows of
    their own table find them in their part."""
    table = draft.table
    tied = table.kept is not None or draft.standing is not None or not draft.enforce or bool(table.table.exclusions)
    tied |= bool(draft.rules.indexes)
    if tied or any(k.fill == "self" and len(k.free) < len(k.key.columns) for k in table.keys):
        return False
    family = table.context.key.columns if table.context is not None else None
    unique = table.table.unique_keys
    facts = facts_of(draft.plan, table)
    if (rising := rising_over_all(draft.plan, table)) is not None and only_order_counts(draft, rising):
        facts.remove(rising)  # its keys are dealt out when all parts are there
    return all(_fact_apart(f, family, unique) for f in facts)


def facts_of(plan: Plan, table: TablePlan) -> list[object]:
    return [f for f in plan.facts if f.table == table.name]


def _fact_apart(fact: object, family: tuple[str, ...] | None, unique: Sequence[tuple[str, ...]]) -> bool:
    match fact:
        case Borrowed():
            return not any(c in key for c in fact.columns for key in unique)  # else each value is lent once
        case RisingKey():
            return family is not None and fact.family == family
        case NotBefore() | Ranked() | Threaded():
            return True
        case SequenceFact():
            return family is not None and fact.family == family
        case _:
            return isinstance(fact, Rule | Copy | Aggregate | Exclusive | Apart)
