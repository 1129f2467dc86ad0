"""How each foreign key of a table will be filled, and which one gives the context."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dbsynth.schema.graph import Order
from dbsynth.schema.model import ForeignKey, Schema, Table, TableName

Fill = Literal["context", "determined", "category", "cluster", "matched", "self", "cycle", "dropped"]
"""How the columns of a foreign key get their values:

context      rows are made under this parent: it gives the number of rows and conditions all their columns
determined   all its columns are set by another foreign key already
category     the parent table is kept, its rows are categories that the model learns
cluster      the model learns which kind of parent; a member of the kind is drawn by its learned degree
matched      some columns are set already; a parent that agrees with them is drawn by its learned degree
self         rows of the same table, level by level
cycle        closes a cycle; filled when both tables are made
dropped      the parent table is not part of the clone: the columns are ordinary, the key is not created
"""


@dataclass(frozen=True)
class KeyPlan:
    key: ForeignKey
    fill: Fill
    reason: str
    free: tuple[str, ...] = ()
    """Its columns that no foreign key before it sets."""

    @property
    def code(self) -> str:
        """Name of the model's column for this key."""
        return f"→{self.key.name}"

    @property
    def kind_code(self) -> str:
        """Of a key to the row's own table, beside its depth: the column with the kind of row that it points at."""
        return f"→{self.key.name}↑"


def stem(name: str) -> str:
    """Letters of a name in singular-ish form: ``OrderDetails`` -> ``orderdetail``."""
    return re.sub(r"(ies|es|s)$", "", re.sub(r"[^a-z0-9]", "", name.lower()))


def context_score(
    table: Table, key: ForeignKey, rows: Mapping[TableName, int], levels: Mapping[TableName, int], kept: set[TableName]
) -> tuple[float, list[str]]:
    """How much of a row its parent over ``key`` decides: higher is better, with the reasons."""
    score = 0.5 * levels.get(key.ref_table, 0)
    why: list[str] = []
    own, parent = stem(table.name.name), stem(key.ref_table.name)
    if parent and own.startswith(parent) and own != parent:
        score, why = score + 3, [*why, "named after it"]
    identifying = [u for u in table.unique_keys if set(key.columns) <= set(u)]
    if identifying:
        score, why = score + 2, [*why, "part of its key"]
        if any(u[: len(key.columns)] == key.columns for u in identifying):
            score += 1
    score += 0.5 * (len(key.columns) - 1)
    if key.on_delete == "CASCADE":
        score, why = score + 1, [*why, "deleted with it"]
    if key.ref_table not in kept:
        score += 2
    if all(table.column(c).nullable for c in key.columns):
        score -= 2
    if rows.get(key.ref_table, 0) > rows.get(table.name, 0):
        score -= 1
    return score, why or ["the deepest parent"]


def plan_keys(
    table: Table,
    schema: Schema,
    order: Order,
    rows: Mapping[TableName, int],
    kept: set[TableName],
) -> tuple[KeyPlan, ...]:
    """The foreign keys of ``table`` in the order in which they are filled: the context, then keys that cannot be null
    from wide to narrow (a wide one settles the narrow ones inside it), then nullable ones from narrow to wide (a wide
    one may stay null and must agree with what is set), at last self-references and keys that close a cycle."""
    usable = [
        fk
        for fk in table.foreign_keys
        if fk.ref_table in schema.by_name and fk.ref_table != table.name and not order.is_cut(table.name, fk)
    ]
    required = [fk for fk in usable if not any(table.column(c).nullable for c in fk.columns)]
    # of keys inside each other, the widest if none can be null (it settles the others), else the narrowest (a wide one
    # may be null while the narrow one is not); keys that can be null but share no column with another compete too
    alone = [fk for fk in usable if not any(set(fk.columns) & set(o.columns) for o in usable if o is not fk)]
    covering = [fk for fk in required if not any(set(fk.columns) < set(o.columns) for o in required)]
    covering = covering + [fk for fk in alone if fk not in covering] if covering else [
        fk for fk in usable if not any(set(fk.columns) > set(o.columns) for o in usable)
    ]  # fmt: skip
    scored = sorted(
        ((context_score(table, fk, rows, order.levels, kept), fk) for fk in covering),
        key=lambda s: (-s[0][0], s[1].name),
    )
    context = scored[0][1] if scored else None
    rest = [fk for fk in usable if fk is not context]
    rest.sort(
        key=lambda fk: (
            any(table.column(c).nullable for c in fk.columns),
            len(fk.columns) if any(table.column(c).nullable for c in fk.columns) else -len(fk.columns),
            fk.name,
        )
    )
    last = [fk for fk in table.foreign_keys if fk.ref_table in schema.by_name and fk not in usable]
    last.sort(key=lambda fk: (order.is_cut(table.name, fk), fk.name))
    # a key that is filled last agrees with the row's own key where it shares columns with it
    own_key = {c for u in table.unique_keys for c in u if not table.column(c).nullable}
    plans: list[KeyPlan] = []
    fixed: set[str] = set()
    for fk in ([context] if context else []) + rest + last:
        free = tuple(
            c
            for c in fk.columns
            if c not in fixed and not (fk in last and c in own_key and not own_key >= set(fk.columns))
        )
        fill, reason = _fill(table, fk, free, fk is context, order, kept)
        if fk is context:
            reason = "gives the context: " + ", ".join(scored[0][0][1])
        plans.append(KeyPlan(fk, fill, reason, free))
        fixed |= set(fk.columns)
    plans = _settled_first(plans)
    for fk in table.foreign_keys:
        if fk.ref_table not in schema.by_name:
            plans.append(KeyPlan(fk, "dropped", f"{fk.ref_table} is not part of the clone: the key is not created"))
    return tuple(plans)


def _settled_first(plans: list[KeyPlan]) -> list[KeyPlan]:
    """A key that others determine comes right after them: those that are chosen later may depend on its row."""
    determined = [p for p in plans if p.fill == "determined"]
    out: list[KeyPlan] = []
    for plan in (p for p in plans if p.fill != "determined"):
        out.append(plan)
        fixed = {c for p in out for c in p.key.columns}
        out += [p for p in determined if p not in out and set(p.key.columns) <= fixed]
    return out


def _fill(
    table: Table, fk: ForeignKey, free: tuple[str, ...], is_context: bool, order: Order, kept: set[TableName]
) -> tuple[Fill, str]:
    if is_context:
        return "context", ""
    if order.is_cut(table.name, fk):
        return "cycle", order.cut[table.name, fk.name]
    if not free:
        return "determined", "its columns are set by the keys before it"
    if fk.ref_table == table.name:
        return "self", "level by level: depth and kind of the row it points at are learned, one is drawn by its degree"
    if len(free) < len(fk.columns):
        return "matched", "agrees with " + ", ".join(c for c in fk.columns if c not in free) + " set before it"
    if fk.ref_table in kept:
        return "category", f"{fk.ref_table} is kept: its rows are categories"
    return "cluster", "the kind of parent is learned, a member drawn by its degree"
