"""Which tables of a model have to be learned anew, now that its source has changed, and the plan that has the others as
they are.

A table is learned anew where its own schema or rows have changed (``quality.drift``), where it is planned otherwise
(roles of columns, how keys are filled, what is found to hold in every row, rows that are kept), and where it depends on
another one that is: every table whose keys point at one that is learned anew, for it sees the rows above it in codes
that are then others, or chooses among them by what it learned of them. The other way round a parent is kept, unless it
has more or fewer children than it had (then it drifted itself), or a child that is learned anew would see it in other
codes than those in which its rows are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from dbsynth.codec.base import State
from dbsynth.pipeline import work
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.plan import Kept, Plan, TablePlan
from dbsynth.quality.statistics import Statistics
from dbsynth.relation.facts import Fact
from dbsynth.relation.keys import combined
from dbsynth.schema.model import TableName

SameCodes = Callable[[TableName], bool]
"""Whether a table of the new plan would be seen in the codes of what was learned of it."""


def stale_tables(old: Plan, new: Plan, drifted: Mapping[TableName, str], same_codes: SameCodes) -> dict[TableName, str]:
    """Those of ``new`` that have to be learned anew, with the reason."""
    stale = {t.name: _why(old, new, t, drifted) for t in new.tables}
    found = {name: why for name, why in stale.items() if why}
    while more := dict(_following(new, found, same_codes)):
        found |= more
    return {t.name: found[t.name] for t in new.tables if t.name in found}


def _why(old: Plan, new: Plan, table: TablePlan, drifted: Mapping[TableName, str]) -> str:
    name = table.name
    if name not in old.by_name:
        return "it is new"
    if name in drifted:
        return drifted[name]
    if (old[name].source_rows == 0) != (table.source_rows == 0):
        return "it has rows now" if table.source_rows else "it has no rows any more"
    before, after = planned(old, name), planned(new, name)
    changed = [what for what in before if before[what] != after[what]]
    return f"it is planned otherwise: {', '.join(changed)}" if changed else ""


def _following(plan: Plan, stale: Mapping[TableName, str], same_codes: SameCodes) -> Iterator[tuple[TableName, str]]:
    for table in plan.tables:
        above = [k.key.ref_table for k in table.keys if k.key.ref_table in plan.by_name and k.fill != "dropped"]
        lineage = [a.name for a in work.lineage(plan, table)]
        if table.name not in stale:
            first = next((n for n in (*above, *lineage, *work.parents_of(plan, table)) if n in stale), None)
            if first is not None and first != table.name:
                yield table.name, f"it depends on {first}, which is learned anew"
            continue
        for name in lineage:
            if name not in stale and not same_codes(name):
                yield name, f"its rows have changed, and {table.name}, which is learned anew, sees them"


def planned(plan: Plan, name: TableName) -> dict[str, Any]:
    """What of a plan decides on what is learned of a table, without numbers of rows."""
    table = plan[name]
    return {
        "columns": [(c.name, c.how, c.kind, c.role, c.personal) for c in table.columns],
        "keys": [(k.key.stream, k.fill, k.free) for k in table.keys],
        "children": [(d.column, d.fill) for d in table.degrees],
        "order": table.sibling_order,
        "strategy": (table.strategy, sorted(table.training.items(), key=lambda i: i[0])),
        "rules": [r.expression for r in table.table.rules],
        "unique keys": table.table.unique_keys,
        "facts": sorted(f.id for f in plan.facts if name in tables_of(f)),
        "kept rows": _kept(table.kept),
    }


def _kept(kept: Kept | None) -> list[Any]:
    """Without how often each is pointed at."""
    if kept is None:
        return []
    columns = [c for c in kept.rows.column_names if not c.startswith("#") and c not in kept.remade]
    rows = zip(*(combined(kept.rows.column(c)).cast("string").to_pylist() for c in columns), strict=True)
    return [kept.count, kept.remade, sorted(rows, key=repr)]


def tables_of(value: Any) -> set[TableName]:
    """The tables that a fact names anywhere."""
    if isinstance(value, TableName):
        return {value}
    if isinstance(value, tuple | list | frozenset):
        return set().union(*map(tables_of, value))
    if isinstance(value, Mapping):
        return set().union(*map(tables_of, (*value.keys(), *value.values())))
    if is_dataclass(value) and not isinstance(value, type):
        return set().union(*(tables_of(getattr(value, f.name)) for f in fields(value)))
    return set()


def merged_plan(old: Plan, new: Plan, stale: Mapping[TableName, str]) -> Plan:
    """``new``, with the tables that are kept as they were learned: but for what their catalog says."""
    tables = tuple(t if t.name in stale else replace(old[t.name], table=t.table, level=t.level) for t in new.tables)
    before = {f.id: f for f in old.facts}

    def fact(found: Fact) -> Fact:
        return found if tables_of(found) & stale.keys() else before.get(found.id, found)

    return replace(new, tables=tables, facts=tuple(fact(f) for f in new.facts))


def merged_statistics(old: Statistics, new: Statistics, stale: Mapping[TableName, str]) -> Statistics:
    """Of the tables that are kept what they were learned with: little by little is drift too."""
    tables = tuple(t if t.table in stale else old.by_name[t.table] for t in new.tables)
    keys = []
    for key in new.keys:
        before = old.of(key.child, key.key)
        fresh = before is None or key.child in stale or key.key.ref_table in stale
        keys.append(key if fresh or before is None else before)
    return Statistics(new.k, tables, tuple(keys))


@dataclass(frozen=True)
class Base:
    """A model that is updated: ``drifted``: tables that are no longer as they were, and why."""

    plan: Plan
    learned: Mapping[TableName, Learned]
    warnings: Mapping[str, tuple[str, ...]]
    statistics: Statistics
    drifted: Mapping[TableName, str]


def equal_states(one: State, other: State) -> bool:
    """Of two codecs."""
    return _equal(one.config, other.config) and _equal(one.arrays, other.arrays)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[k], other[k]) for k in one)
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        a, b = np.asarray(one), np.asarray(other)
        same = a.dtype == b.dtype and a.shape == b.shape
        return same and bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)
