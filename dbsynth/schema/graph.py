"""The order of tables: which foreign keys make cycles, where each cycle is cut, and what comes before what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dbsynth.errors import CannotClone
from dbsynth.schema.model import ForeignKey, Schema, Table, TableName


@dataclass(frozen=True)
class Edge:
    """A foreign key as an arrow from the child to the parent it needs first."""

    child: TableName
    key: ForeignKey

    @property
    def parent(self) -> TableName:
        return self.key.ref_table

    def __str__(self) -> str:
        return f"{self.child}({', '.join(self.key.columns)}) -> {self.parent}"


@dataclass(frozen=True)
class Order:
    """``tables`` parents first; ``levels`` 0 for tables without parents; ``cut`` the edges that are filled after both
    tables are made, with the reason why each of them was chosen."""

    tables: tuple[TableName, ...]
    levels: Mapping[TableName, int]
    cut: Mapping[tuple[TableName, str], str] = field(default_factory=dict)

    def is_cut(self, table: TableName, key: ForeignKey) -> bool:
        return (table, key.name) in self.cut


def edges(schema: Schema) -> list[Edge]:
    """Foreign keys between two different tables of the schema (self-references order rows, not tables)."""
    return [
        Edge(t.name, fk)
        for t in schema.tables
        for fk in t.foreign_keys
        if fk.ref_table != t.name and fk.ref_table in schema.by_name
    ]


def components(nodes: Sequence[TableName], arrows: Iterable[Edge]) -> list[list[TableName]]:
    """Strongly connected components (Tarjan 1972, iterative), parents before children."""
    out: dict[TableName, list[TableName]] = {n: [] for n in nodes}
    for edge in arrows:
        out[edge.child].append(edge.parent)
    index: dict[TableName, int] = {}
    low: dict[TableName, int] = {}
    stack: list[TableName] = []
    on_stack: set[TableName] = set()
    found: list[list[TableName]] = []
    for root in nodes:
        if root in index:
            continue
        work = [(root, iter(out[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            step = next(rest, None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    found.append(sorted(component))
            elif step not in index:
                index[step] = low[step] = len(index)
                stack.append(step)
                on_stack.add(step)
                work.append((step, iter(out[step])))
            elif step in on_stack:
                low[node] = min(low[node], index[step])
    return found


def _loss(table: Table, key: ForeignKey, rows: int) -> tuple[int, int, int, str, str]:
    """How much is lost by filling ``key`` last: smaller is better. Order of reasons: it can be null meanwhile; it can
    be checked at commit; it is no part of the table's own key; few rows have to be filled."""
    free = [c for c in key.columns if table.column(c).nullable]
    in_key = sum(c in k for k in table.unique_keys for c in key.columns)
    ease = 0 if free else 1 if key.deferrable else 2
    return ease, in_key, rows, str(table.name), key.name


def order(schema: Schema, rows: Mapping[TableName, int], *, constraints_after_load: bool) -> Order:
    """Cut every cycle and sort. Raises CannotClone where a cycle has no nullable or deferrable key and the target
    database cannot create foreign keys after the rows are in."""
    nodes = sorted(schema.by_name)
    arrows = edges(schema)
    cut: dict[tuple[TableName, str], str] = {}
    while True:
        knots = [set(c) for c in components(nodes, arrows) if len(c) > 1]
        if not knots:
            break
        for knot in knots:
            inside = [e for e in arrows if e.child in knot and e.parent in knot]
            weakest = min(inside, key=lambda e: _loss(schema[e.child], e.key, rows.get(e.child, 0)))
            ease = _loss(schema[weakest.child], weakest.key, 0)[0]
            if ease == 2 and not constraints_after_load:
                raise CannotClone(
                    "the foreign keys "
                    + "; ".join(map(str, inside))
                    + " form a cycle without a nullable or deferrable key",
                    hint=f"make {weakest} nullable or deferrable, or leave one of the tables out with --exclude",
                )
            reason = ("nullable", "deferrable", "created after the rows are in")[ease]
            cut[weakest.child, weakest.key.name] = f"closes a cycle; cut here because it is {reason}"
            arrows.remove(weakest)
    levels: dict[TableName, int] = {}
    for [name] in components(nodes, arrows):
        levels[name] = 1 + max((levels[e.parent] for e in arrows if e.child == name), default=-1)
    ordered = tuple(sorted(nodes, key=lambda n: (levels[n], n)))
    return Order(ordered, levels, cut)
