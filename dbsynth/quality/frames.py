"""The frames that figures are computed from: of tables, and of the families of a foreign key, on both sides."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from dbsynth.quality import relations
from dbsynth.quality.detection import LEAST_KIN, Kin
from dbsynth.quality.numbered import numbered, stepping
from dbsynth.quality.sides import Family, Sides
from dbsynth.quality.variables import Frame, flat, frame, row_codes
from dbsynth.schema.model import ForeignKey, TableName

MANY_CHILDREN = 20.0
"""Children a parent, in a sample of them, whose number tells the number of them all."""
NO_VALUES = ("foreign key", "serial", "line number", "database")


@dataclass(frozen=True)
class Related:
    """Children and parents of a foreign key. ``tables``: rows of the parents, real and made."""

    child: Frame
    parent: Frame
    links: relations.Links
    children: tuple[pa.Table, pa.Table]
    parents: tuple[pa.Table, pa.Table]

    @property
    def columns(self) -> set[str]:
        """Of the children, that both sides have."""
        return set(self.children[0].column_names) & set(self.children[1].column_names)


@dataclass
class Frames:
    """Frames of whole tables are built once."""

    sides: Sides
    seed: int
    _whole: dict[TableName, Frame] = field(default_factory=dict)

    def of(self, name: TableName) -> Frame:
        return self.built(name, *self.rows(name))

    def rows(self, name: TableName) -> tuple[pa.Table, pa.Table]:
        return self.sides.real.rows(name), self.sides.made.rows(name)

    def built(self, name: TableName, real: pa.Table, made: pa.Table) -> Frame:
        whole = real.num_rows == self.sides.real.counts[name] and made.num_rows == self.sides.made.counts[name]
        if whole and name in self._whole:
            return self._whole[name]
        found = frame(self.sides.plan[name], self.columns(name), real, made, stepping(self.sides.plan, name))
        if whole:
            self._whole[name] = found
        return found

    def columns(self, name: TableName) -> list[str]:
        """That hold something other than keys; a key to rows that are kept is a category."""
        known = self.sides.plan[name].by_column
        counting = numbered(self.sides.plan, self.sides.plan[name])
        lookups = {
            c
            for k in self.sides.schema[name].foreign_keys
            if k.ref_table in self.sides.plan.by_name and self.sides.plan[k.ref_table].kept is not None
            for c in k.columns
        }
        stored = (c.name for c in self.sides.schema[name].stored_columns)
        return [
            c for c in stored if c in lookups or c not in known or (known[c].how not in NO_VALUES and c not in counting)
        ]

    def kept(self, name: TableName) -> bool:
        """Whether all rows of a table were taken over."""
        kept = self.sides.plan[name].kept
        return kept is not None and kept.count >= self.sides.real.counts[name]

    def keys(self, name: TableName) -> list[ForeignKey]:
        """Its foreign keys to rows that were made, that of its context first."""
        context = self.sides.plan[name].context
        found = [
            k
            for k in self.sides.schema[name].foreign_keys
            if k.ref_table in self.sides.real.counts and not self.kept(k.ref_table)
        ]
        return sorted(found, key=lambda k: context is None or k.columns != context.key.columns)

    def kin(self, name: TableName, tables: tuple[pa.Table, pa.Table]) -> Kin | None:
        """Of rows of a table the parents that are fewest; None where no key has ``LEAST_KIN``."""
        found: list[tuple[int, int, Kin]] = []
        for key in self.keys(name):
            if all(c in t.column_names for c in key.columns for t in tables):
                real, made = row_codes([[flat(t.column(c)) for c in key.columns] for t in tables])
                parents = [len(np.unique(x[x >= 0])) for x in (real, made)]
                if min(parents) >= LEAST_KIN:
                    found.append((max(parents), len(found), (real, made)))
        return min(found)[2] if found else None

    def related(self, name: TableName, key: ForeignKey) -> Related | None:
        """None where a side has no rows, or no child a parent."""
        families = self.families(name, key)
        if families is None:
            return None
        children = (families[0].children, families[1].children)
        parents = (families[0].parents, families[1].parents)
        links = relations.linked(key, children, parents)
        if not all(links.parents) or not (links.real >= 0).any():
            return None
        return Related(self.built(name, *children), self.built(key.ref_table, *parents), links, children, parents)

    def families(self, name: TableName, key: ForeignKey) -> tuple[Family, Family] | None:
        """Of both sides, in the same share of the families. Parents that have many children each come with a sample of
        them. None where a side has no rows, or lacks a column of the key."""
        real, made = self.sides.real, self.sides.made
        if not self.sides.lead(name, key):
            return None
        if not all((real.counts[name], made.counts[name], real.counts[key.ref_table], made.counts[key.ref_table])):
            return None
        share = min(s.share(key, name) for s in (real, made))
        if share < 1.0 and real.counts[name] * share / real.counts[key.ref_table] >= MANY_CHILDREN:
            sample, other = (Family(s.rows(name), s.rows(key.ref_table), torn=True) for s in (real, made))
            return sample, other
        return real.family(name, key, share), made.family(name, key, share)


def half(count: int, rng: np.random.Generator) -> np.ndarray:
    """bool (count,): a random half."""
    return rng.permutation(count) < count // 2
