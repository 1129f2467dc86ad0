"""From a child over its parent to the parents of that: two and three foreign keys away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbsynth.quality.frames import Frames, Related
from dbsynth.quality.relations import Links, linked
from dbsynth.quality.variables import Frame
from dbsynth.schema.model import ForeignKey, TableName

FARTHEST = 3
MOST = 4
"""Ancestors of a foreign key, the nearest first."""


@dataclass(frozen=True)
class Chain:
    """``links`` of the children to rows of ``table``, ``hops`` foreign keys away."""

    hops: int
    table: TableName
    child: Frame
    ancestor: Frame
    links: Links

    @property
    def name(self) -> str:
        return f"{self.hops}-hop"


def chains(frames: Frames, family: Related, key: ForeignKey) -> list[Chain]:
    found: list[Chain] = []
    seen = {family.child.table, key.ref_table}
    last = [(key.ref_table, family.links, family.parents)]
    for hops in range(2, FARTHEST + 1):
        steps = [(name, *step) for name, links, tables in last for step in above(frames, name, links, tables, seen)]
        last = []
        for _, table, links, tables in steps:
            seen.add(table)
            found.append(Chain(hops, table, family.child, frames.built(table, *tables), links))
            last.append((table, links, tables))
    return found[:MOST]


def above(
    frames: Frames, name: TableName, links: Links, tables: tuple[pa.Table, pa.Table], seen: set[TableName]
) -> Iterator[tuple[TableName, Links, tuple[pa.Table, pa.Table]]]:
    """The parents of ``tables``, rows of ``name`` that ``links`` leads to, where nobody has been yet."""
    for key in frames.keys(name):
        if key.ref_table in seen or not all(t.num_rows for t in tables) or not frames.sides.lead(name, key):
            continue
        higher = frames.rows(key.ref_table)
        if not all(t.num_rows for t in higher):
            continue
        step = linked(key, tables, higher)
        joint = Links(via(links.real, step.real), via(links.made, step.made), step.parents)
        if (joint.real >= 0).any() and (joint.made >= 0).any():
            yield key.ref_table, joint, higher


def via(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``second`` of what ``first`` leads to; -1 where it leads nowhere."""
    return np.where(first >= 0, second[first], -1) if len(second) else np.full(len(first), -1)
