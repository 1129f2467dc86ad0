"""Where the tables of a schema stand on its map: in layers by foreign keys, parents to the left.

The classic four steps of K. Sugiyama, S. Tagawa and M. Toda, Methods for visual understanding of hierarchical system
structures (1981): layers, helper points where a key passes a layer, order by barycentres, coordinates.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dbsynth.schema.graph import edges, order
from dbsynth.schema.model import ForeignKey, Schema, TableName

SWEEPS = 12
PITCH = 44
"""From the top of a box to the top of the next, in pixels."""
BEND = 16
"""Room of a key that passes a layer."""


@dataclass(frozen=True)
class Link:
    """A foreign key as a line: ``points`` from the right side of the parent's box to the left side of the child's; the
    two ends are (layer, y), those between stand for layers that it passes. ``back``: it closes a cycle, and runs from
    the parent, which stands to the right."""

    child: TableName
    key: ForeignKey
    points: tuple[tuple[int, float], ...]
    back: bool = False


@dataclass(frozen=True)
class Layout:
    """``places``: (layer, y of the box's middle) by table; ``loose``: tables without foreign keys to or from others.
    ``height``: of the layers."""

    places: Mapping[TableName, tuple[int, float]]
    links: tuple[Link, ...]
    loose: tuple[TableName, ...]
    layers: int
    height: float


@dataclass
class _Node:
    """A table, or (``name`` None) a point where a key passes."""

    layer: int
    name: TableName | None
    y: float = 0.0

    @property
    def room(self) -> float:
        return PITCH if self.name else BEND


def layout(schema: Schema) -> Layout:
    arrows = edges(schema)
    joined = {e.child for e in arrows} | {e.parent for e in arrows}
    loose = tuple(t.name for t in schema.tables if t.name not in joined)
    layers = _layers(schema)
    nodes = {name: _Node(layers[name], name) for name in sorted(joined)}
    chains: list[tuple[TableName, ForeignKey, list[_Node], bool]] = []
    helpers: list[_Node] = []
    for arrow in arrows:
        start, end = nodes[arrow.parent], nodes[arrow.child]
        back = start.layer >= end.layer
        if back:
            start, end = end, start
        between = [_Node(layer, None) for layer in range(start.layer + 1, end.layer)]
        helpers += between
        chains.append((arrow.child, arrow.key, [start, *between, end], back))
    rows: list[list[_Node]] = [[] for _ in range(max((n.layer for n in nodes.values()), default=-1) + 1)]
    for node in (*nodes.values(), *helpers):
        rows[node.layer].append(node)
    neighbours: dict[int, list[_Node]] = {}
    for _, _, chain, _ in chains:
        for left, right in itertools.pairwise(chain):
            neighbours.setdefault(id(left), []).append(right)
            neighbours.setdefault(id(right), []).append(left)
    _arrange(rows, neighbours)
    height = max((row[-1].y + row[-1].room / 2 for row in rows if row), default=0.0)
    return Layout(
        {n.name: (n.layer, n.y) for n in nodes.values() if n.name},
        tuple(Link(child, key, tuple((n.layer, n.y) for n in chain), back) for child, key, chain, back in chains),
        loose,
        len(rows),
        height,
    )


def _layers(schema: Schema) -> dict[TableName, int]:
    """Parents before children (cycles are cut as the plan cuts them); a table without parents stands next to its first
    child, so that keys stay short."""
    sequence = order(schema, {}, constraints_after_load=True)
    layers = dict(sequence.levels)
    arrows = [e for e in edges(schema) if layers[e.parent] < layers[e.child]]
    childless = {e.parent for e in arrows}
    with_parents = {e.child for e in arrows}
    for name in sequence.tables:
        if name in childless and name not in with_parents:
            layers[name] = min(layers[e.child] for e in arrows if e.parent == name) - 1
    return layers


def _arrange(rows: list[list[_Node]], neighbours: Mapping[int, list[_Node]]) -> None:
    """Give every node its ``y``: first an order with few crossings, then places near the neighbours."""
    for row in rows:
        _stack(row)
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 else rows[::-1]:
            row.sort(key=lambda node: _middle(node, neighbours))
            _stack(row)
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 else rows[::-1]:
            _settle(row, [_middle(node, neighbours) for node in row])
    top = min((row[0].y - row[0].room / 2 for row in rows if row), default=0.0)
    for row in rows:
        for node in row:
            node.y -= top


def _middle(node: _Node, neighbours: Mapping[int, list[_Node]]) -> float:
    near = neighbours.get(id(node), [])
    return sum(n.y for n in near) / len(near) if near else node.y


def _stack(row: list[_Node]) -> None:
    """One below the other, around 0."""
    y = -sum(node.room for node in row) / 2
    for node in row:
        node.y = y + node.room / 2
        y += node.room


def _settle(row: list[_Node], wanted: list[float]) -> None:
    """As near to ``wanted`` as the order and the room of the nodes allow, in least squares: isotonic regression (pool
    adjacent violators) of the places less the room above them."""
    room = np.cumsum([0.0, *((a.room + b.room) / 2 for a, b in itertools.pairwise(row))])
    blocks: list[tuple[float, int]] = []
    for place in np.array(wanted) - room:
        mean, size = float(place), 1
        while blocks and blocks[-1][0] > mean:
            before, n = blocks.pop()
            mean, size = (mean * size + before * n) / (size + n), size + n
        blocks.append((mean, size))
    settled = np.repeat([b[0] for b in blocks], [b[1] for b in blocks]) + room
    for node, y in zip(row, settled, strict=True):
        node.y = float(y)
