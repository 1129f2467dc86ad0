"""How near the rows of a target are to those of its source: figures, each beside what two halves of the source reach,
a score made of them, and what looks like damage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.pipeline.plan import TablePlan
from dbsynth.quality import measures, relations, shapes, trends
from dbsynth.quality.damage import findings_of
from dbsynth.quality.figures import Fidelity, Figure, Subject
from dbsynth.quality.measured import Measured, Result
from dbsynth.quality.score import FORMULA, overall, score_of, tables_of
from dbsynth.quality.sides import Family, Sides
from dbsynth.quality.variables import Frame, flat, frame, row_codes
from dbsynth.rng import generator
from dbsynth.schema.model import ForeignKey, TableName

LEAST_ROWS = 20
"""Real rows (or parents) of which halves say something."""
FEW_ROWS = 4_000
SPLITS = 3
"""Fewer rows are halved so many times: the mean of the figures is their ceiling."""
MANY_CHILDREN = 20.0
"""Children a parent, in a sample of them, whose number tells the number of them all."""
NO_VALUES = ("foreign key", "serial", "line number", "database")

Measure = Callable[[Frame], list[Measured]]


def fidelity(sides: Sides, seed: int = 0) -> Fidelity:
    """Of all tables and foreign keys. The same samples and seed give the same figures."""
    study = Study(sides, seed)
    results: list[Result] = []
    for table in sides.schema.tables:
        results += study.of_table(table.name)
        for key in table.foreign_keys:
            if key.ref_table in sides.real.counts:
                results += study.of_relation(table.name, key)
    figures = tuple(r.figure for r in results)
    tables = tables_of(figures)
    return Fidelity(overall(tables), tables, figures, findings_of(sides, results, tables), FORMULA)


@dataclass
class Study:
    sides: Sides
    seed: int
    _frames: dict[TableName, Frame] = field(default_factory=dict)

    def of_table(self, name: TableName) -> list[Result]:
        plan = self.sides.plan[name]
        rows = (self.sides.real.counts[name], self.sides.made.counts[name])
        if plan.kept is not None and plan.kept.count >= rows[0]:
            return [kept(plan, self.sides.made.rows(name), rows[0])]
        whole = self.frame(name)
        if not all(whole.rows):
            return []
        found = self.figures(whole, self.single, str(name), lambda c: Subject(name, c))
        keys = {c for key in self.sides.schema[name].foreign_keys for c in key.columns}
        return found + self.null_keys(name, keys - {v.column for v in whole.variables})

    def null_keys(self, name: TableName, columns: set[str]) -> list[Result]:
        """How often columns of foreign keys are null, which nothing else is compared of."""
        real, made = self.sides.real.rows(name), self.sides.made.rows(name)
        found = []
        for column in sorted(columns & set(real.column_names) & set(made.column_names)):
            empty = [t.column(column).null_count / t.num_rows for t in (real, made)]
            if any(empty):
                n = real.num_rows
                m = Measured("nulls", (column,), measures.alike(*empty), rows=(n, made.num_rows))
                ceiling = 1.0 - float(np.sqrt(empty[0] * (1 - empty[0]) * 4 / n)) if n >= LEAST_ROWS else None
                subject = Subject(name, (column,))
                score = score_of(m.name, m.value, ceiling)
                found.append(Result(Figure(m.name, subject, m.value, ceiling, score, (n, made.num_rows)), m))
        return found

    def single(self, part: Frame) -> list[Measured]:
        found = [*shapes.shapes(part), *shapes.nulls(part), *shapes.precisions(part), *shapes.coverage(part)]
        found += shapes.displaced(part)
        pairs = trends.within(thinned(part, self.seed), self.seed)
        return [*found, *trends.trends(pairs), *trends.kept(pairs, "dependence", both=True)]

    def figures(
        self, whole: Frame, measure: Measure, name: str, subject: Callable[[tuple[str, ...]], Subject]
    ) -> list[Result]:
        count = whole.rows[0]
        ceilings = []
        if count >= LEAST_ROWS:
            for split in range(SPLITS if count < FEW_ROWS else 1):
                half = halves(count, self.seed, name, split)
                ceilings.append(measure(whole.parted(half, ~half)))
        return with_ceilings(measure(whole), ceilings, subject, whole.rows)

    def of_relation(self, name: TableName, key: ForeignKey) -> list[Result]:
        parent_plan = self.sides.plan[key.ref_table]
        if parent_plan.kept is not None and parent_plan.kept.count >= parent_plan.source_rows:
            return []  # a category of the child
        families = self.families(name, key)
        if families is None:
            return []
        links = relations.linked(
            key, (families[0].children, families[1].children), (families[0].parents, families[1].parents)
        )
        if not all(links.parents) or not (links.real >= 0).any():
            return []
        told = relation_name(name, key)
        child = self.frame(name, families[0].children, families[1].children)
        parent = self.frame(key.ref_table, families[0].parents, families[1].parents)
        subject = lambda c: Subject(name, c, relation=told)  # noqa: E731
        ceilings = []
        if links.parents[0] >= LEAST_ROWS:
            for split in range(SPLITS if links.parents[0] < FEW_ROWS else 1):
                half = halves(links.parents[0], self.seed, told, split)
                parts, first, second = links.halved(half)
                if min(first.sum(), second.sum()) < LEAST_ROWS // 2:
                    continue
                ceilings.append(self.related(key, child.parted(first, second), parent.parted(half, ~half), parts))
        return with_ceilings(self.related(key, child, parent, links), ceilings, subject, links.parents)

    def related(self, key: ForeignKey, child: Frame, parent: Frame, links: relations.Links) -> list[Measured]:
        found = relations.cardinality(links, key.columns)
        both = relations.joined(child, parent, links)
        if all(both[0].rows):
            picks = thinning(both[0].rows, self.seed)
            pairs = trends.across(both[0].taken(*picks), both[1].taken(*picks), self.seed, links.witnesses)
            found += [*trends.mean_trends(pairs, "1-hop trend"), *trends.kept(pairs, "1-hop dependence")]
        sums = relations.aggregates(child, links)
        picks = thinning(sums.rows, self.seed)
        pairs = trends.across(sums.taken(*picks), parent.taken(*picks), self.seed, sums.rows)
        found += [*trends.mean_trends(pairs, "aggregate trend"), *trends.kept(pairs, "aggregate dependence")]
        if min(links.witnesses) >= LEAST_ROWS // 2:
            found += [Measured("aggregate", (v.column,), shapes.shape(v)) for v in sums.variables[1:]]
        return found + relations.siblings(child, links)

    def families(self, name: TableName, key: ForeignKey) -> tuple[Family, Family] | None:
        """Of both sides, in the same share of the families; None where one side has no rows. Parents that have many
        children each come with a sample of them."""
        real, made = self.sides.real, self.sides.made
        if not all((real.counts[name], made.counts[name], real.counts[key.ref_table], made.counts[key.ref_table])):
            return None
        share = min(s.share(key, name) for s in (real, made))
        if share < 1.0 and real.counts[name] * share / real.counts[key.ref_table] >= MANY_CHILDREN:
            return tuple(Family(s.rows(name), s.rows(key.ref_table), torn=True) for s in (real, made))  # type: ignore[return-value]
        return real.family(name, key, share), made.family(name, key, share)

    def frame(self, name: TableName, real: pa.Table | None = None, made: pa.Table | None = None) -> Frame:
        """Of a table's rows, or of these; built once where they are all its rows."""
        if real is None or made is None:
            real, made = self.sides.real.rows(name), self.sides.made.rows(name)
        whole = all(t.num_rows == s.counts[name] for t, s in ((real, self.sides.real), (made, self.sides.made)))
        if whole and name in self._frames:
            return self._frames[name]
        found = frame(self.sides.plan[name], columns_of(self.sides, name), real, made)
        if whole:
            self._frames[name] = found
        return found


def columns_of(sides: Sides, name: TableName) -> list[str]:
    """That hold something other than keys; a key to rows that are kept is a category."""
    plan = sides.plan[name]
    lookups = {
        c
        for k in sides.schema[name].foreign_keys
        if k.ref_table in sides.plan.by_name and sides.plan[k.ref_table].kept is not None
        for c in k.columns
    }
    known = plan.by_column
    return [
        c.name
        for c in sides.schema[name].stored_columns
        if c.name in lookups or c.name not in known or known[c.name].how not in NO_VALUES
    ]


def relation_name(name: TableName, key: ForeignKey) -> str:
    return f"{name}({', '.join(key.columns)}) > {key.ref_table}"


def kept(plan: TablePlan, made: pa.Table, real_rows: int) -> Result:
    """Share of the rows that were to be kept that the target has, by all columns that were."""
    assert plan.kept is not None
    columns = [c for c in made.column_names if c in plan.kept.rows.column_names and c not in plan.kept.remade]
    there, here = row_codes([[filled(t.column(c)) for c in columns] for t in (plan.kept.rows, made)])
    value = float(np.isin(there, here).mean()) if len(there) else 1.0
    figure = Figure("kept rows", Subject(plan.name), value, 1.0, value, (real_rows, made.num_rows))
    return Result(figure, Measured("kept rows", (), value))


def filled(values: pa.ChunkedArray) -> pa.Array:
    """As text, null as one too."""
    return pc.fill_null(pc.cast(flat(values), pa.string()), "\x00")


def halves(count: int, seed: int, name: str, split: int) -> np.ndarray:
    """bool (count,): a random half."""
    return generator(seed, "halves", name, split).permutation(count) < count // 2


def thinning(rows: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    real, made = (np.sort(generator(seed, "thinned", i).permutation(n)[: trends.PAIR_ROWS]) for i, n in enumerate(rows))
    return real, made


def thinned(part: Frame, seed: int) -> Frame:
    return part.taken(*thinning(part.rows, seed)) if max(part.rows) > trends.PAIR_ROWS else part


def with_ceilings(
    found: Sequence[Measured],
    ceilings: Sequence[Sequence[Measured]],
    subject: Callable[[tuple[str, ...]], Subject],
    rows: tuple[int, int],
) -> list[Result]:
    best: dict[tuple[str, tuple[str, ...], str], list[float]] = {}
    for part in ceilings:
        for m in part:
            best.setdefault((m.name, m.columns, m.facet), []).append(m.value)
    results = []
    for m in found:
        values = best.get((m.name, m.columns, m.facet))
        ceiling = float(np.mean(values)) if values else None
        name = f"text {m.facet}" if m.facet else m.name
        score = score_of(name, m.value, ceiling)
        results.append(Result(Figure(name, subject(m.columns), m.value, ceiling, score, rows, m.says), m))
    return results
