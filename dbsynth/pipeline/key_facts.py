"""Facts between keys: looked for in the source, and what they mean for the parents of the rows that are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Protocol

import numpy as np
import pyarrow as pa

from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.relation.copies import agreement, equal
from dbsynth.relation.facts import label
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.key_facts import (
    MIN_SURPRISE,
    Acyclic,
    Agreement,
    Apart,
    Exclusive,
    KeyFact,
    Ranked,
    Threaded,
    acyclic,
    exclusive,
    many_paths,
    never_equal,
    stay_together,
    strict_order,
)
from dbsynth.relation.keys import combined, group_ids, row_index
from dbsynth.relation.numbers import numbers

MOST_ROWS = 100_000
"""Parents of keys, and tables that point at themselves, are read whole up to this size."""
CHOSEN = ("context", "category", "cluster", "matched", "determined")


class Reader(Protocol):
    """Samples of the source's tables."""

    def all_of(self, table: TablePlan) -> pa.Table: ...

    def some_of(self, table: TablePlan) -> pa.Table: ...


def find_key_facts(plan: Plan, reader: Reader) -> Iterator[KeyFact]:
    """Those of all tables that have rows and are not kept."""
    for table in plan.tables:
        if table.kept is None and table.rows:
            yield from _of_subtypes(plan, reader, table)
        if table.kept is not None or not table.source_rows or not table.rows:
            continue
        keys = [
            k for k in table.keys if k.fill in CHOSEN and plan[k.key.ref_table].rows and k.key.ref_table != table.name
        ]
        for other, key in combinations(keys, 2):
            yield from _of_pair(plan, reader, table, other, key)
        for key in table.keys:
            if key.fill == "self" and len(key.key.columns) == 1 and table.source_rows <= MOST_ROWS:
                yield from _of_tree(plan, reader.all_of(table), table, key)


def _of_pair(plan: Plan, reader: Reader, table: TablePlan, other: KeyPlan, key: KeyPlan) -> Iterator[KeyFact]:
    own, theirs = plan[other.key.ref_table], plan[key.key.ref_table]
    if max(own.source_rows, theirs.source_rows) > MOST_ROWS:
        return
    same_table = own.name == theirs.name and other.key.ref_columns == key.key.ref_columns
    pairs = [p for p in _comparable(plan, own, theirs) if not _implied(other, key, *p)]
    if not pairs and not same_table:
        return
    whole = table.source_rows <= MOST_ROWS and same_table
    rows = reader.all_of(table) if whole else reader.some_of(table)
    a, b = _members(reader, rows, plan, other), _members(reader, rows, plan, key)
    both = np.flatnonzero((a >= 0) & (b >= 0))
    families = len(np.unique(b[both]))
    if same_table and key.fill != "determined":
        name = f"{label(table.name, plan.schema)}.{','.join(key.key.columns)}"
        its = (name, ",".join(other.key.columns))
        common = (table.name, key.key.name, key.key.columns, len(both), families, other.key.name)
        if whole and many_paths(a, b) and acyclic(a, b):
            yield Acyclic(f"{its[0]} below {its[1]}", *common)
        elif never_equal(a, b):
            yield Apart(f"{its[0]} <> {its[1]}", *common)
    if key.fill != "determined" and len(both):
        known = a >= 0
        together = (
            stay_together(a[both], b[both]),
            stay_together(b[both], a[both]),
            stay_together(a[known], (b[known] >= 0).astype(np.int64)),
        )
        yield from _agreement(plan, reader, table, (other, key), pairs, (a[both], b[both]), together)


def _agreement(
    plan: Plan,
    reader: Reader,
    table: TablePlan,
    keys: tuple[KeyPlan, KeyPlan],
    pairs: Sequence[tuple[str, str]],
    members: tuple[np.ndarray, np.ndarray],
    together: tuple[bool, bool, bool],
) -> Iterator[Agreement]:
    other, key = keys
    own, theirs = (reader.all_of(plan[k.key.ref_table]) for k in keys)
    found = []
    for source, column in pairs:
        if not equal(own, source, members[0], theirs, column, members[1]).all():
            continue
        if (
            len(members[0]) * (1 - agreement(combined(own.column(source)), combined(theirs.column(column))))
            >= MIN_SURPRISE
        ):
            found.append((source, column))
    if found:
        sources, columns = zip(*found, strict=True)
        name = f"{label(table.name, plan.schema)}.{','.join(key.key.columns)}"
        yield Agreement(
            f"{name} agrees with {','.join(other.key.columns)} in {','.join(columns)}",
            table.name,
            key.key.name,
            key.key.columns,
            len(members[0]),
            len(np.unique(members[1])),
            other.key.name,
            key.key.ref_table,
            other.key.ref_table,
            columns,
            sources,
            *together,
        )


def _of_subtypes(plan: Plan, reader: Reader, table: TablePlan) -> Iterator[Exclusive]:
    """Children that are made under ``table``, one row each at most."""
    found = [
        d
        for d in table.degrees
        if d.fill == "context"
        and d.child != table.name
        and plan[d.child].kept is None
        and any(set(u) <= set(d.key.columns) for u in plan[d.child].table.unique_keys)
    ]
    if len(found) < 2 or max(plan[n].source_rows for n in (table.name, *(d.child for d in found))) > MOST_ROWS:
        return
    rows = reader.all_of(table)
    counts = np.zeros((rows.num_rows, len(found)), np.int64)
    for j, d in enumerate(found):
        child = reader.all_of(plan[d.child])
        at = row_index([child.column(c) for c in d.key.columns], [rows.column(c) for c in d.key.ref_columns])
        counts[at[at >= 0], j] = 1
    group = exclusive(counts)
    if group:
        chosen = [found[j] for j in sorted(group)]
        names = ", ".join(label(d.child, plan.schema) for d in chosen)
        yield Exclusive(
            f"{label(table.name, plan.schema)} in one of {names}",
            table.name,
            chosen[0].key.name,
            chosen[0].key.ref_columns,
            int(counts[:, group].sum()),
            len(group),
            tuple(d.child for d in chosen),
            tuple(d.key.name for d in chosen),
        )


def _members(reader: Reader, rows: pa.Table, plan: Plan, key: KeyPlan) -> np.ndarray:
    parents = reader.all_of(plan[key.key.ref_table])
    return row_index([rows.column(c) for c in key.key.columns], [parents.column(c) for c in key.key.ref_columns])


def _comparable(plan: Plan, own: TablePlan, theirs: TablePlan) -> list[tuple[str, str]]:
    """Pairs of columns that mean the same thing: two keys to one column, a key and what it points at, categories of
    one name."""
    a, b = _meanings(plan, own), _meanings(plan, theirs)
    found = [(c, d) for c in a for d in b if a[c] & b[d] and (own.name != theirs.name or c == d)]
    # a column that is the parent's own key on both sides would say that both keys are equal
    return [(c, d) for c, d in found if own.name != theirs.name or (c,) not in own.table.unique_keys]


def _meanings(plan: Plan, table: TablePlan) -> dict[str, set[tuple[str, str]]]:
    out: dict[str, set[tuple[str, str]]] = {}
    for c in table.columns:
        means = {(str(table.name), c.name)} if any(c.name in u for u in table.table.unique_keys) else set()
        for k in table.keys:
            if k.fill in CHOSEN and c.name in k.key.columns:
                means.add((str(k.key.ref_table), k.key.ref_columns[k.key.columns.index(c.name)]))
        if c.how == "modelled" and c.kind == "category":
            means.add(("", c.name))
        if means:
            out[c.name] = means
    return out


def _implied(other: KeyPlan, key: KeyPlan, source: str, column: str) -> bool:
    """Whether both are the same column of the child."""
    return any(
        c in key.key.columns and key.key.ref_columns[key.key.columns.index(c)] == column
        for c, r in zip(other.key.columns, other.key.ref_columns, strict=True)
        if r == source
    )


def _threads(
    plan: Plan, rows: pa.Table, table: TablePlan, key: KeyPlan, at: np.ndarray, below: np.ndarray
) -> Iterator[Threaded]:
    """Where a key can be null; families are those of the context."""
    context = table.context
    if context is None or not any(table.table.column(c).nullable for c in key.free) or len(below) < len(at[at >= 0]):
        return
    family, _ = group_ids([rows.column(c) for c in context.key.columns])
    if (family[below] < 0).any() or (family[at[below]] != family[below]).any():
        return
    heads = np.bincount(family[(at < 0) & (family >= 0)], minlength=int(family.max(initial=-1)) + 1)
    checked = any(c in check.expression for check in table.table.conditions for c in key.free)
    yield Threaded(
        f"{label(table.name, plan.schema)}.{','.join(key.key.columns)} within {','.join(context.key.columns)}",
        table.name,
        key.key.name,
        context.key.columns,
        len(below),
        len(np.unique(family[below])),
        bool((heads == 1).all()) and not checked,
    )


def _of_tree(plan: Plan, rows: pa.Table, table: TablePlan, key: KeyPlan) -> Iterator[Ranked | Threaded]:
    at = row_index([rows.column(c) for c in key.key.columns], [rows.column(c) for c in key.key.ref_columns])
    below = np.flatnonzero((at >= 0) & (at != np.arange(len(at))))
    yield from _threads(plan, rows, table, key, at, below)
    for column in table.columns:
        if column.how not in ("modelled", "serial") or column.kind not in ("number", "moment"):
            continue
        found = numbers(rows.column(column.name))
        if found is None:
            continue
        own, parents = found.at(below), found.at(at[below])
        known = own.there & parents.there
        order = strict_order(own.values[known], parents.values[known])
        if order is not None:
            name = label(table.name, plan.schema)
            said = f"{name}.{column.name} {order} by {','.join(key.key.columns)}"
            families = len(np.unique(at[below][known]))
            yield Ranked(said, table.name, key.key.name, (column.name,), int(known.sum()), families, order)
