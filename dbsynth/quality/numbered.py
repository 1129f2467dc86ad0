"""Columns that number rows, and columns that others of their row tell: what the plan's rules and facts say of them."""

from __future__ import annotations

from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.relation.sequences import Regular
from dbsynth.rules.determined import Determined
from dbsynth.rules.rule import Rule
from dbsynth.schema.model import TableName

DEALT_OUT = ("serial", "line number")


def numbered(plan: Plan, table: TablePlan) -> frozenset[str]:
    """Computed of nothing but numbers that are dealt out (``'INV-' || id``, ``id * 100``): which row has which says as
    little as its key does, and that it is so is tested as a rule."""
    reads = {f.column: set(f.reads) for f in plan.facts if isinstance(f, Rule) and f.table == table.name and f.whole}
    reads = {c: of for c, of in reads.items() if of and c in table.by_column and table.by_column[c].how == "computed"}
    known = {c.name for c in table.columns if c.how in DEALT_OUT}
    found: set[str] = set()
    while more := {c for c, of in reads.items() if c not in found and of <= known | found}:
        found |= more
    return frozenset(found)


def stepping(plan: Plan, table: TableName) -> frozenset[str]:
    """That go on without gaps through the whole table, one row after the other, as a key does."""
    facts = (f for f in plan.facts if isinstance(f, Regular) and f.table == table and not f.family)
    return frozenset(f.column for f in facts)


def without_told(plan: Plan, table: TableName, columns: list[str]) -> list[str]:
    """Those of ``columns`` that no rule takes from others of them: knowing these is knowing the rest."""
    rules = [
        f for f in plan.facts if isinstance(f, Rule) and f.table == table and (f.whole or isinstance(f, Determined))
    ]
    left = list(columns)
    for rule in rules:
        if rule.column in left and rule.reads and set(rule.reads) <= set(left) - {rule.column}:
            left.remove(rule.column)
    return left
