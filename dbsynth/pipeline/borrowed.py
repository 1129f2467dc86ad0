"""Values shared without a key: found when a clone is planned, given to the rows when they are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.dialect import Sample
from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.relation.borrowed import (
    LEAST_COPIED,
    LEAST_SHARE,
    LEAST_SHARE_OF_NAMES,
    Borrowed,
    Overlap,
    copied,
    lent,
    overlap,
    values_of,
)
from dbsynth.relation.copies import comparable, fitting
from dbsynth.relation.facts import MIN_FAMILIES, MIN_ROWS, label
from dbsynth.relation.keys import combined, take
from dbsynth.schema.model import TableName

if TYPE_CHECKING:
    from dbsynth.pipeline.draft import Draft

LINKS = ("email", "phone", "user_name", "card", "iban", "national_id", "full_name", "company")
"""Roles whose values tell one person or company, the surest first."""
ROWS = 50_000
"""Rows of each table that are looked at: those of the same values in both."""
MANY = 2_000_000
"""Rows of a table above which it is not looked for."""


class Reader(Protocol):
    def read(self, table: TablePlan, sample: Sample | None, order: tuple[str, ...] = ()) -> pa.Table: ...


def find_borrowed(plan: Plan, reader: Reader) -> Iterator[Borrowed]:
    """One fact a table at most: of its surest column, the lender of most of its rows. A lender never waits for the
    table's rows."""
    waits = _waits(plan)
    read: dict[tuple[TableName, str], pa.Table] = {}
    for child in sorted(plan.tables, key=lambda t: -t.source_rows):
        best: Borrowed | None = None
        for role in LINKS:
            for parent in plan.tables:
                if parent.name == child.name or child.name in waits[parent.name] or _linked(plan, child, parent):
                    continue
                for own in _open(child, role):
                    for theirs in _open(parent, role):
                        found = _borrowed(plan, reader, read, child, own, parent, theirs)
                        if found is not None and (best is None or found.share > best.share):
                            best = found
            if best is not None:
                break
        if best is not None:
            for name in plan.by_name:
                if name == child.name or child.name in waits[name]:
                    waits[name] |= {best.parent} | waits[best.parent]
            yield best


def _borrowed(
    plan: Plan,
    reader: Reader,
    read: dict[tuple[TableName, str], pa.Table],
    child: TablePlan,
    own: str,
    parent: TablePlan,
    theirs: str,
) -> Borrowed | None:
    if not comparable(child.table.column(own), parent.table.column(theirs)):
        return None
    share = min(1.0, ROWS / max(child.source_rows, parent.source_rows))
    if share == 1.0:
        rows, others = (_whole(reader, read, t, share, "") for t in (child, parent))
    else:
        rows, others = (_whole(reader, read, t, share, c) for t, c in ((child, own), (parent, theirs)))
    found = overlap(values_of(rows, (own,)), values_of(others, (theirs,)), plan.privacy_k)
    role = child.by_column[own].role
    least = LEAST_SHARE_OF_NAMES if role in ("full_name", "company") else LEAST_SHARE
    if found is None or found.share < least or found.rows < MIN_ROWS or found.distinct < MIN_FAMILIES:
        return None
    if not _lends(found, values_of(rows, (own,)), values_of(others, (theirs,))):
        return None
    more = list(_also(child, parent, rows, others, own, theirs, found.at))
    return Borrowed(
        table=child.name,
        columns=(own, *(m[0] for m in more)),
        parent=parent.name,
        sources=((theirs,), *(m[1] for m in more)),
        joints=("", *(m[2] for m in more)),
        copied=(1.0, *(m[3] for m in more)),
        repeats=found.repeats,
        own=label(child.name, plan.schema),
        via=label(parent.name, plan.schema),
        rows=found.rows,
        families=found.distinct,
        share=found.share,
    )


def _lends(found: Overlap, own: pa.Array, theirs: pa.Array) -> bool:
    """Whether the second lends to the first: its values are more its own, or it has as many of them and more beside."""
    distinct, others = (len(pc.unique(a.drop_null())) / max(1, len(a.drop_null())) for a in (own, theirs))
    back = found.distinct / max(1, len(pc.unique(theirs.drop_null())))
    return others > distinct + 0.02 or (others > distinct - 0.02 and found.share >= back)


def _also(
    child: TablePlan, parent: TablePlan, rows: pa.Table, others: pa.Table, own: str, theirs: str, at: np.ndarray
) -> Iterator[tuple[str, tuple[str, ...], str, float]]:
    """Other made columns that are the same in both rows, a full name as the two names that it is made of."""
    used = {theirs}
    made = [c for c in parent.columns if c.how == "made" and c.name in others.column_names]
    for column in child.columns:
        if column.how != "made" or column.name == own or column.name not in rows.column_names:
            continue
        sources: list[tuple[tuple[str, ...], str]] = [
            ((c.name,), "") for c in made if c.role == column.role and c.name not in used
        ]
        if column.role == "full_name":
            first, last = ([c.name for c in made if c.role == r] for r in ("first_name", "last_name"))
            sources += [
                (pair, j) for f in first for n in last for pair, j in (((f, n), " "), ((n, f), ", "), ((n, f), " "))
            ]
        kind = child.table.column(column.name)
        shares = [
            (copied(values_of(rows, (column.name,)), values_of(others, source, joint), at), source, joint)
            for source, joint in sources
            if all(comparable(kind, parent.table.column(c)) for c in source)
        ]
        if shares and max(shares)[0] >= LEAST_COPIED and not _in_key(child, column.name):
            share, source, joint = max(shares)
            used |= set(source) if len(source) == 1 else set()
            yield column.name, source, joint, share


def _whole(
    reader: Reader, read: dict[tuple[TableName, str], pa.Table], table: TablePlan, share: float, column: str
) -> pa.Table:
    key = (table.name, f"{column} {share}")
    if key not in read:
        read[key] = reader.read(table, Sample((column,), share) if share < 1.0 else None)
    return read[key]


def _open(table: TablePlan, role: str) -> list[str]:
    """Made columns of ``role`` that no foreign key holds."""
    if table.kept is not None or not MIN_ROWS <= table.source_rows <= MANY or not table.rows:
        return []
    held = {c for k in table.table.foreign_keys for c in k.columns}
    held |= {c for key in table.table.unique_keys if len(key) > 1 for c in key}
    return [c.name for c in table.columns if c.how == "made" and c.role == role and c.name not in held]


def _in_key(table: TablePlan, column: str) -> bool:
    return any(column in key for key in table.table.unique_keys)


def _linked(plan: Plan, child: TablePlan, parent: TablePlan) -> bool:
    """What a foreign key ties is a copy, or none."""
    return any(k.key.ref_table == parent.name for k in child.keys if k.fill != "dropped")


def _waits(plan: Plan) -> dict[TableName, set[TableName]]:
    """The tables whose rows must be there before those of each table."""
    direct = {t.name: {k.key.ref_table for k in t.keys if k.fill != "dropped"} - {t.name} for t in plan.tables}
    waits: dict[TableName, set[TableName]] = {}
    for name in direct:
        todo, seen = list(direct[name]), set[TableName]()
        while todo:
            other = todo.pop()
            if other not in seen:
                seen.add(other)
                todo += direct[other]
        waits[name] = seen
    return waits


def lenders(plan: Plan, table: TablePlan) -> list[TableName]:
    """The tables that must be made before ``table`` because it borrows of them."""
    return [f.parent for f in plan.facts if isinstance(f, Borrowed) and f.table == table.name]


def borrow(draft: Draft, rows: np.ndarray, *stream: str | int) -> None:
    """Give ``rows`` (new ones) the values of rows of another table, as many as in the source. In a unique column each
    value once, and what happens to be one already is one that is borrowed."""
    for fact in draft.plan.facts:
        if not isinstance(fact, Borrowed) or fact.table != draft.table.name:
            continue
        parent = draft.parents[fact.parent].rows
        link = fact.columns[0]
        lending = values_of(parent, fact.sources[0])
        free = fitting(lending, draft.table.table.column(link)) & lending.is_valid().to_numpy(zero_copy_only=False)
        current = combined(draft.columns[link])
        once = _in_key(draft.table, link)
        if once:
            others = np.setdiff1d(np.arange(draft.n), rows)
            free &= ~pc.is_in(lending, take(current, others)).to_numpy(zero_copy_only=False)
            if draft.standing is not None:
                there = combined(draft.standing.column(link)).cast(lending.type)
                free &= ~pc.is_in(lending, there).to_numpy(zero_copy_only=False)
        members = np.flatnonzero(free)
        rng = draft.rng("borrowed", fact.id, *stream)
        own = take(current, rows)
        there = own.is_valid().to_numpy(zero_copy_only=False)
        chosen = there & (rng.random(len(rows)) < fact.share)
        if once:
            chosen |= there & pc.fill_null(pc.is_in(own, lending), False).to_numpy(zero_copy_only=False)
        to = np.flatnonzero(chosen)
        if not len(members) or not len(to):
            continue
        which = lent(len(to), len(members), fact, rng, once=once)
        to, which = to[which >= 0], members[which[which >= 0]]
        for column, source, joint, share in zip(fact.columns, fact.sources, fact.joints, fact.copied, strict=True):
            same = np.ones(len(to), bool) if column == link else rng.random(len(to)) < share
            at = np.full(len(rows), -1, np.int64)
            at[to[same]] = which[same]
            _set(draft, column, rows, take(values_of(parent, source, joint), at), at >= 0)


def _set(draft: Draft, column: str, rows: np.ndarray, values: pa.Array, wanted: np.ndarray) -> None:
    before = take(combined(draft.columns[column]), rows)
    good = wanted & fitting(values, draft.table.table.column(column))
    index = np.arange(len(rows)) + np.where(good, len(rows), 0)
    draft.set(column, rows, take(pa.concat_arrays([before, values.cast(before.type)]), index))
