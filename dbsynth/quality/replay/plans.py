"""Two plans of one query, node by node.

A node is known by the relations below it, not by its place: a join of the same tables is the same join, whatever order
and method each side chose for it. Rows are those that the nodes really gave (EXPLAIN ANALYZE); a node that another one
stopped early (LIMIT, merge joins), ran again for each row, or never ran tells nothing of its size and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dbsynth.queries import PlanNode

SCANS = re.compile(r".*Scan$")
JOINS = frozenset({"Nested Loop", "Hash Join", "Merge Join"})
AGGREGATES = frozenset({"Aggregate", "Sorted Aggregate", "Group", "WindowAgg", "Unique"})
APPENDS = frozenset({"Append", "Merge Append"})
BLOCKING = frozenset({"Sort", "Incremental Sort", "Hash", "Materialize", "Aggregate"})
"""Nodes that read all of their input before they give the first row."""
PARTITION = re.compile(r"_\d+$")
"""What the planner puts behind the alias of a partitioned table to name its parts."""

Tree = str | frozenset["Tree"]


@dataclass(frozen=True)
class NodePair:
    """``relations``: aliases below the node; ``rows``, ``estimated``: of the real and the made side."""

    kind: str
    relations: tuple[str, ...]
    rows: tuple[float, float]
    estimated: tuple[float, float]


def matched(real: PlanNode, made: PlanNode) -> tuple[NodePair, ...]:
    ours, theirs = _sizes(real), _sizes(made)
    return tuple(
        NodePair(kind, relations, (ours[kind, relations].rows, theirs[kind, relations].rows),
                 (ours[kind, relations].estimated, theirs[kind, relations].estimated))
        for kind, relations in ours if (kind, relations) in theirs
    )  # fmt: skip


def join_tree(node: PlanNode) -> Tree | None:
    """Which tables are joined with which first, whatever stands left or right and how; None without tables."""
    if node.kind in APPENDS:
        return "+".join(relations(node)) or None
    if SCANS.match(node.kind) and node.relation and node.kind != "Subquery Scan":
        return node.relation
    below = [tree for tree in map(join_tree, node.inputs) if tree is not None]
    if len(below) < 2:
        return below[0] if below else None
    return frozenset(below)


def relations(node: PlanNode) -> tuple[str, ...]:
    return tuple(sorted(set(_relations(node, partitioned=False))))


def _relations(node: PlanNode, partitioned: bool) -> Iterator[str]:
    partitioned = partitioned or node.kind in APPENDS
    if node.relation and node.kind != "Subquery Scan":
        yield PARTITION.sub("", node.relation) if partitioned else node.relation
    for below in node.inputs:
        yield from _relations(below, partitioned)


def _sizes(plan: PlanNode) -> dict[tuple[str, tuple[str, ...]], PlanNode]:
    """The topmost node of each kind over each set of relations, of those whose rows tell something."""
    found: dict[tuple[str, tuple[str, ...]], PlanNode] = {}
    for node in _told(plan, cut=False):
        kind = _kind(node)
        names = relations(node)
        if kind and names and (kind, names) not in found:
            found[kind, names] = node
    return found


def _told(node: PlanNode, cut: bool) -> Iterator[PlanNode]:
    if node.loops == 1 and not cut:
        yield node
    if node.kind in APPENDS and not any(below.inputs for below in node.inputs):
        return  # partitions: which of them are read depends on where their borders are
    for below in node.inputs:
        stops = node.kind in ("Limit", "Merge Join") or (node.kind == "Nested Loop" and below is not node.inputs[0])
        yield from _told(below, (cut or stops) and node.kind not in BLOCKING)


def _kind(node: PlanNode) -> str:
    if node.kind in JOINS:
        return "join"
    if node.kind in AGGREGATES:
        return "aggregate"
    return "scan" if node.kind in APPENDS or SCANS.match(node.kind) else ""
