"""How near the rows of a target are to those of its source: figures, each beside what two halves of the source reach,
a score made of them, and what looks like damage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.quality import detection, measures, relations, sequences, shapes, trends, utility
from dbsynth.quality.chains import chains
from dbsynth.quality.damage import findings_of
from dbsynth.quality.figures import Fidelity, Figure, Finding, Subject
from dbsynth.quality.frames import Frames, Related, half
from dbsynth.quality.kept import kept_rows, moved
from dbsynth.quality.measured import Measured, Result
from dbsynth.quality.oddities import oddities
from dbsynth.quality.score import FORMULA, overall, score_of, tables_of
from dbsynth.quality.sides import Sides
from dbsynth.quality.variables import Frame, as_numbers, flat
from dbsynth.relation.facts import Copy, key_of
from dbsynth.rng import generator
from dbsynth.schema.model import ForeignKey, TableName

LEAST_ROWS = 20
"""Real rows (or parents) of which halves say something."""
FEW_ROWS = 4_000
SPLITS = 3
"""Fewer rows are halved so many times: the mean of the figures is their ceiling."""
DETECTED = 2
"""Foreign keys of a table over which rows of both sides are told apart, that of its context first."""


def fidelity(sides: Sides, seed: int = 0) -> Fidelity:
    """Of all tables and foreign keys. The same rows and seed give the same figures. Raises UsageError where what they
    need is not installed."""
    detection.boosting()
    study = Study(Frames(sides, seed), seed)
    results: list[Result] = []
    for table in sides.schema.tables:
        results += study.of_table(table.name)
        for place, key in enumerate(study.frames.keys(table.name)):
            results += study.of_relation(table.name, key, place)
    figures = tuple(r.figure for r in results)
    tables = tables_of(figures)
    return Fidelity(overall(tables), tables, figures, findings_of(sides, results, tables, study.odd), FORMULA)


def copied(sides: Sides, name: TableName) -> dict[str, tuple[str, ...]]:
    """By column of a table that is its parent's in every row: the columns of the foreign key."""
    facts = [f for f in sides.plan.facts if isinstance(f, Copy) and f.table == name and f.exact]
    return {c: key_of(sides.plan[name].table, f.key).columns for f in facts for c in f.columns}


@dataclass
class Study:
    frames: Frames
    seed: int
    odd: list[Finding] = field(default_factory=list)
    """What was found of values that no figure is of."""
    _alone: dict[TableName, float | None] = field(default_factory=dict)

    def of_table(self, name: TableName) -> list[Result]:
        sides = self.frames.sides
        found = self.kept_rows(name)
        if self.frames.kept(name):
            return found
        whole = self.frames.of(name)
        if not all(whole.rows):
            return found
        self.odd += oddities(whole, sides.plan[name], *self.frames.rows(name), copied(sides, name))
        count = whole.rows[0]
        ceilings = []
        for split in range(splits(count)):
            first = self.half(count, str(name), split)
            ceilings.append(self.single(whole.parted(first, ~first)))
        measured = self.single(whole)
        found += with_ceilings(measured, ceilings, partial(Subject, name), whole.rows)
        found += self.null_keys(name, {v.column for v in whole.variables})
        found += self.told_apart("C2ST", Subject(name), whole, self.alone(name), 0.5)
        column = utility.target(measured)
        served = utility.utility(whole, column, self.seed) if column else None
        return found + ([result(served[0], served[1], Subject(name, (str(column),)), whole.rows)] if served else [])

    def kept_rows(self, name: TableName) -> list[Result]:
        sides = self.frames.sides
        if sides.plan[name].kept is None or not sides.made.counts[name]:
            return []
        rows = sides.made.rows(name)
        found = kept_rows(sides.plan[name], rows, moved(sides.plan, name), rows.num_rows == sides.made.counts[name])
        return [found] if found is not None else []

    def single(self, part: Frame) -> list[Measured]:
        pairs = trends.within(self.thinned(part), self.seed)
        return [
            *shapes.shapes(part),
            *shapes.nulls(part),
            *shapes.precisions(part),
            *shapes.common_values(part),
            *shapes.coverage(part),
            *shapes.displaced(part),
            *shapes.ranges(part, {c for k in self.frames.sides.schema[part.table].foreign_keys for c in k.columns}),
            *trends.trends(pairs),
            *trends.kept(pairs, "dependence", both=True),
        ]

    def null_keys(self, name: TableName, compared: set[str]) -> list[Result]:
        """How often columns of foreign keys are null, of those that nothing else is compared of."""
        real, made = self.frames.rows(name)
        keys = {c for key in self.frames.sides.schema[name].foreign_keys for c in key.columns} - compared
        found = []
        for column in sorted(keys & set(real.column_names) & set(made.column_names)):
            here, there = (t.column(column).null_count / t.num_rows for t in (real, made))
            if here or there:
                rows = (real.num_rows, made.num_rows)
                m = Measured("nulls", (column,), measures.alike(here, there), rows=rows)
                ceiling = 1.0 - float(np.sqrt(here * (1.0 - here) * 4.0 / rows[0])) if splits(rows[0]) else None
                found.append(result(m, ceiling, Subject(name, (column,)), rows))
        return found

    def of_relation(self, name: TableName, key: ForeignKey, place: int) -> list[Result]:
        """``place`` of the key among the table's."""
        family = self.frames.related(name, key)
        if family is None:
            return []
        told = f"{name}({', '.join(key.columns)}) > {key.ref_table}"
        above = chains(self.frames, family, key)
        parents = family.links.parents
        orders = self.orders(name, family)
        ceilings = []
        for split in range(splits(parents[0])):
            first = self.half(parents[0], told, split)
            links, *masks = family.links.halved(first)
            if min(m.sum() for m in masks) >= LEAST_ROWS // 2:
                child = family.child.parted(masks[0], masks[1])
                parent = family.parent.parted(first, ~first)
                ceilings.append(self.related(key, child, parent, links, orders.parted(masks[0], masks[1])))
        measured = self.related(key, family.child, family.parent, family.links, orders)
        subject = Subject(name, relation=told)
        results = with_ceilings(measured, ceilings, partial(Subject, name, relation=told), parents)
        results += self.children(name, key, subject)
        for chain in above:
            found = self.hops(chain.child, chain.ancestor, chain.links, chain.name)
            parts = []
            for split in range(splits(chain.links.parents[0])):
                first = self.half(chain.links.parents[0], f"{told} {chain.table}", split)
                links, *masks = chain.links.halved(first)
                if min(m.sum() for m in masks) >= LEAST_ROWS // 2:
                    ancestor = chain.ancestor.parted(first, ~first)
                    parts.append(self.hops(chain.child.parted(masks[0], masks[1]), ancestor, links, chain.name))
            way = f"{told} > {chain.table}"
            results += with_ceilings(found, parts, partial(Subject, name, relation=way), chain.links.parents)
        if place < DETECTED and min(family.links.children) >= detection.LEAST_ROWS:
            known = max(self.alone(name) or 0.5, self.alone(key.ref_table) or 0.5)
            joint = beside(*relations.joined(family.child, family.parent, family.links))
            sums = beside(family.parent, relations.aggregates(family.child, family.links))
            cousins = self.frames.kin(key.ref_table, family.parents)
            for title, frame, kin in (
                ("C2ST join", joint, family.links.kin(cousins)), ("C2ST aggregates", sums, cousins)
            ):  # fmt: skip
                results += self.told_apart(title, subject, frame, detection.auc(frame, self.seed, kin), known)
        return results

    def children(self, name: TableName, key: ForeignKey, subject: Subject) -> list[Result]:
        """Rows for each row of the parents: the smaller of both sides' numbers as a share of the larger. Kept parents
        do not grow and shrink with a clone."""
        if self.frames.sides.plan[key.ref_table].kept is not None:
            return []
        sides = (self.frames.sides.real, self.frames.sides.made)
        here, there = sorted(s.counts[name] / s.counts[key.ref_table] for s in sides)
        ceiling = 1.0 if sides[0].counts[name] >= LEAST_ROWS else None
        rows = (sides[0].counts[key.ref_table], sides[1].counts[key.ref_table])
        about = replace(subject, columns=key.columns)
        return [result(Measured("children", key.columns, here / there), ceiling, about, rows)]

    def related(
        self, key: ForeignKey, child: Frame, parent: Frame, links: relations.Links, orders: sequences.Orders
    ) -> list[Measured]:
        found = [*relations.cardinality(links, key.columns), *self.hops(child, parent, links, "1-hop")]
        sums = relations.aggregates(child, links)
        thin = self.picks(sums.rows)
        pairs = trends.across(sums.taken(*thin), parent.taken(*thin), self.seed, sums.rows)
        found += [*trends.mean_trends(pairs, "aggregate trend"), *trends.kept(pairs, "aggregate dependence")]
        if min(links.witnesses) >= LEAST_ROWS // 2:
            found += [Measured("aggregate", (v.column,), shapes.shape(v)) for v in sums.variables[1:]]
        found += relations.siblings(child, links)
        return [*found, *sequences.figures(child, links, orders)]

    def hops(self, child: Frame, ancestor: Frame, links: relations.Links, name: str) -> list[Measured]:
        low, high = relations.joined(child, ancestor, links)
        if not all(low.rows):
            return []
        thin = self.picks(low.rows)
        pairs = trends.across(low.taken(*thin), high.taken(*thin), self.seed, links.witnesses)
        return [*trends.mean_trends(pairs, f"{name} trend"), *trends.kept(pairs, f"{name} dependence")]

    def orders(self, name: TableName, family: Related) -> sequences.Orders:
        """What siblings are ordered by: what the plan says, else the primary key; and by numbers given in turn."""
        table, plan = self.frames.sides.schema[name], self.frames.sides.plan[name]
        key = table.primary_key.columns if table.primary_key else ()
        given = tuple(c for c in key if plan.by_column[c].how in ("serial", "line number"))
        told = plan.sibling_order or key
        return sequences.Orders(*(self.sorting(family, [c for c in cs if c in family.columns]) for cs in (told, given)))

    @staticmethod
    def sorting(family: Related, columns: list[str]) -> sequences.Order:
        real, made = ([in_order(t.column(c)) for c in columns] for t in family.children)
        return real, made

    def told_apart(self, name: str, subject: Subject, frame: Frame, found: float | None, known: float) -> list[Result]:
        """``known``: the best AUC of the tables that a join consists of; only what the join adds counts."""
        if found is None:
            return []
        n, m = (min(x, detection.MOST_ROWS) for x in frame.rows)
        chance = 0.5 + float(np.sqrt((n + m + 1) / (12.0 * n * m)))  # of ranks: Mann & Whitney 1947
        figure = Figure(name, subject, found, chance, score_of(name, found, max(chance, known)), frame.rows)
        return [Result(figure, Measured(name, (), found))]

    def alone(self, name: TableName) -> float | None:
        """AUC of a table's rows by themselves."""
        if name not in self._alone:
            self._alone[name] = None
            if not self.frames.kept(name):
                kin = self.frames.kin(name, self.frames.rows(name))
                self._alone[name] = detection.auc(self.frames.of(name), self.seed, kin)
        return self._alone[name]

    def half(self, count: int, name: str, split: int) -> np.ndarray:
        return half(count, generator(self.seed, "halves", name, split))

    def picks(self, rows: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Positions of at most ``trends.PAIR_ROWS`` rows a side."""
        real, made = (
            np.sort(generator(self.seed, "thinned", i).permutation(n)[: trends.PAIR_ROWS]) for i, n in enumerate(rows)
        )
        return real, made

    def thinned(self, part: Frame) -> Frame:
        return part.taken(*self.picks(part.rows)) if max(part.rows) > trends.PAIR_ROWS else part


def splits(rows: int) -> int:
    """How many times so many real rows are halved."""
    return 0 if rows < LEAST_ROWS else SPLITS if rows < FEW_ROWS else 1


def beside(left: Frame, right: Frame) -> Frame:
    return Frame(left.table, left.variables + right.variables, left.rows)


def in_order(values: pa.ChunkedArray) -> np.ndarray:
    """float64 by which to sort: of texts, their alphabetic rank."""
    column = flat(values)
    if pa.types.is_string(column.type) or pa.types.is_boolean(column.type):
        return np.asarray(pc.rank(column, "ascending", tiebreaker="dense").to_numpy(), np.float64)
    return as_numbers(column)


def result(m: Measured, ceiling: float | None, subject: Subject, rows: tuple[int, int]) -> Result:
    name = f"text {m.facet}" if m.facet else m.name
    return Result(Figure(name, subject, m.value, ceiling, score_of(name, m.value, ceiling), rows, m.says), m)


def with_ceilings(
    found: Sequence[Measured],
    ceilings: Sequence[Sequence[Measured]],
    subject: Callable[[tuple[str, ...]], Subject],
    rows: tuple[int, int],
) -> list[Result]:
    """``ceilings``: the same figures between halves, of every split. Of a column that is never null in any half, these
    are alike."""
    best: dict[tuple[str, tuple[str, ...], str], list[float]] = {}
    for m in (m for part in ceilings for m in part):
        best.setdefault((m.name, m.columns, m.facet), []).append(m.value)
    results = []
    for m in found:
        values = best.get((m.name, m.columns, m.facet), [1.0] if ceilings and m.name == "nulls" else None)
        results.append(result(m, float(np.mean(values)) if values else None, subject(m.columns), rows))
    return results
