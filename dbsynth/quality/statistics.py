"""What a model keeps of its source so that rows can be verified, and drift be seen, without it: counts of at least k
rows, by level of a column, of pairs of columns, of a foreign key's columns and of how many children parents have. No
row and no value that fewer than k rows share."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.quality import measures, relations
from dbsynth.quality.levels import LENGTH, Feature, Kind, Levels, features, learned, observed
from dbsynth.quality.numbered import numbered
from dbsynth.quality.sides import Side
from dbsynth.quality.trends import depends
from dbsynth.rng import generator
from dbsynth.schema.model import ForeignKey, TableName

STRONGEST, OTHERS = 16, 8
"""Pairs that are kept of a table, and of a foreign key: those that depend on each other most, and some more."""
LEAST_ROWS = 20
"""Rows of which halves say something."""
NO_VALUES = ("foreign key", "serial", "line number", "database")
CHILDREN, FAMILY = "rows", "big parents"
"""What is looked at of a foreign key: how many children a parent has, and the same with each parent counted once for
each of them."""


@dataclass(frozen=True)
class Group:
    """Levels of several features, as a few arrays. Of feature i: ``edges`` up to ``edge_ends[i]``, ``counts`` up to
    ``count_ends[i]`` from where those of the one before end."""

    columns: tuple[str, ...] = ()
    facets: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    moments: tuple[bool, ...] = ()
    values: tuple[tuple[str, ...], ...] = ()
    edges: np.ndarray = field(default_factory=lambda: np.zeros(0))
    edge_ends: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    counts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    count_ends: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    missing: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    ceilings: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    @classmethod
    def of(cls, levels: Sequence[Levels]) -> Group:
        if not levels:
            return cls()
        return cls(
            tuple(v.feature.column for v in levels),
            tuple(v.feature.facet for v in levels),
            tuple(v.feature.kind for v in levels),
            tuple(v.feature.moment for v in levels),
            tuple(v.values for v in levels),
            np.concatenate([v.edges for v in levels]),
            np.cumsum([len(v.edges) for v in levels], dtype=np.int32),
            np.concatenate([v.counts for v in levels]).astype(np.int64),
            np.cumsum([len(v.counts) for v in levels], dtype=np.int32),
            np.array([v.missing for v in levels], np.int64),
            np.array([v.ceiling for v in levels], np.float32),
        )

    @cached_property
    def levels(self) -> tuple[Levels, ...]:
        if not self.columns:
            return ()
        edges = np.split(self.edges, self.edge_ends[:-1])
        counts = np.split(self.counts, self.count_ends[:-1])
        kinds: Mapping[str, Kind] = {"number": "number", "category": "category"}
        return tuple(
            Levels(Feature(c, f, kinds[k], m), e, v, n, int(missing), float(ceiling))
            for c, f, k, m, e, v, n, missing, ceiling in zip(
                self.columns, self.facets, self.kinds, self.moments, edges, self.values, counts, self.missing,
                self.ceilings, strict=True,
            )
        )  # fmt: skip


@dataclass(frozen=True)
class Pairs:
    """Counts of pairs of coarse levels, in multiples of k (so that no cell tells of fewer rows). ``features`` (pairs,
    2): which of the left and of the right group; ``cells``: the tables of all pairs, row by row, one after the other;
    ``ceilings`` (pairs,)."""

    features: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int16))
    cells: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint16))
    ceilings: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    def tables(self, left: Sequence[Levels], right: Sequence[Levels]) -> list[np.ndarray]:
        out, at = [], 0
        for i, j in self.features.tolist():
            n, m = int(left[i].coarse()[-1]) + 1, int(right[j].coarse()[-1]) + 1
            out.append(self.cells[at : at + n * m].reshape(n, m).astype(np.int64))
            at += n * m
        return out


@dataclass(frozen=True)
class TableStatistics:
    """``rows``: of the source; ``counted``: those that the counts are of."""

    table: TableName
    rows: int
    counted: int
    group: Group = Group()
    pairs: Pairs = Pairs()


@dataclass(frozen=True)
class KeyStatistics:
    """Of a foreign key. ``children``: how many rows a parent has, of ``parents`` parents; ``pairs``: a column of the
    child with one of the parent, of ``joined`` rows; ``kinship``: by left feature, how much more alike two children of
    a parent are than any two rows (NaN: not known), with ``kinship_ceilings``."""

    child: TableName
    key: ForeignKey
    parents: int
    joined: int
    children: Group
    left: Group
    right: Group
    pairs: Pairs
    kinship: np.ndarray
    kinship_ceilings: np.ndarray


@dataclass(frozen=True)
class Statistics:
    """``k``: rows that share whatever is told."""

    k: int
    tables: tuple[TableStatistics, ...]
    keys: tuple[KeyStatistics, ...]

    @cached_property
    def by_name(self) -> dict[TableName, TableStatistics]:
        return {t.table: t for t in self.tables}

    def of(self, child: TableName, key: ForeignKey) -> KeyStatistics | None:
        return next((s for s in self.keys if s.child == child and s.key.stream == key.stream), None)


# --- what is looked at ------------------------------------------------------------------------------------------------


def columns_of(plan: Plan, table: TablePlan) -> list[str]:
    """That hold something other than keys; a key to rows that are kept is a category."""
    lookups = {
        c
        for key in table.table.foreign_keys
        if key.ref_table in plan.by_name and plan[key.ref_table].kept is not None
        for c in key.columns
    }
    known, counting = table.by_column, numbered(plan, table)
    stored = (c.name for c in table.table.stored_columns)
    return [
        c for c in stored if c in lookups or c not in known or (known[c].how not in NO_VALUES and c not in counting)
    ]


def collect(plan: Plan, side: Side) -> Statistics:
    """Of every table that ``side`` has, and every foreign key of one to another; reads a sample of each large table,
    one table at a time."""
    tables, keys = [], []
    for table in (t for t in plan.tables if t.name in side.counts):
        tables.append(_table(plan, table, side))
        for key in table.table.foreign_keys:
            if key.ref_table in side.counts and key.ref_table in plan.by_name:
                found = _key(plan, table, key, side)
                keys += [found] if found is not None else []
    return Statistics(plan.privacy_k, tuple(tables), tuple(keys))


def halves(count: int, name: str) -> np.ndarray:
    """bool (count,): a random half, always the same."""
    return generator(0, "statistics", name).permutation(count) < count // 2


def _table(plan: Plan, table: TablePlan, side: Side) -> TableStatistics:
    rows = side.rows(table.name) if side.counts[table.name] else None
    if rows is None or rows.num_rows < plan.privacy_k:
        return TableStatistics(table.name, side.counts[table.name], 0)
    half = halves(rows.num_rows, str(table.name))
    levels, codes = look(plan, table, rows, half)
    pairs = list(itertools.combinations(_main(levels), 2))
    pairs = [(i, j) for i, j in pairs if levels[i].feature.column != levels[j].feature.column]
    kept = _pairs(pairs, (levels, codes), (levels, codes), half, plan.privacy_k, str(table.name))
    return TableStatistics(table.name, side.counts[table.name], rows.num_rows, Group.of(levels), kept)


def look(plan: Plan, table: TablePlan, rows: pa.Table, half: np.ndarray) -> tuple[list[Levels], list[np.ndarray]]:
    """The levels of the table's features, and those of each row."""
    levels, codes = [], []
    for name in columns_of(plan, table):
        if name not in rows.column_names:
            continue
        for feature in features(name, table.by_column.get(name), rows.column(name).combine_chunks()):
            values = observed(feature, rows.column(name))
            found = learned(feature, values, plan.privacy_k)
            code = found.encode(values)
            levels.append(_with_ceiling(found, code, half))
            codes.append(code)
    return levels, codes


def _with_ceiling(levels: Levels, code: np.ndarray, half: np.ndarray) -> Levels:
    if len(code) < LEAST_ROWS:
        return levels
    return with_ceiling(levels, counted(levels, code[half]), counted(levels, code[~half]))


def with_ceiling(levels: Levels, first: np.ndarray, second: np.ndarray) -> Levels:
    """``first``, ``second``: counts of two halves of the source."""
    return replace(levels, ceiling=likeness(levels, first, second))


def counted(levels: Levels, code: np.ndarray) -> np.ndarray:
    return np.bincount(code[code >= 0], minlength=levels.size)


def likeness(levels: Levels, real: np.ndarray, made: np.ndarray) -> float:
    """1 − Kolmogorov–Smirnov over the levels of a number, 1 − total variation over those of a category."""
    a, b = real.sum(), made.sum()
    if not a or not b:
        return float(a == b)
    gap = real / a - made / b
    if levels.feature.kind == "number":
        return 1.0 - float(np.abs(np.cumsum(gap)).max())
    return 1.0 - 0.5 * float(np.abs(gap).sum())


def _main(levels: Sequence[Levels]) -> list[int]:
    """One feature for each column: its values, or how long its texts are."""
    return [i for i, v in enumerate(levels) if v.feature.facet in ("", LENGTH) and v.size > 1]


# --- pairs ------------------------------------------------------------------------------------------------------------

Coded = tuple[Sequence[Levels], Sequence[np.ndarray]]


def _pairs(wanted: list[tuple[int, int]], left: Coded, right: Coded, half: np.ndarray, k: int, name: str) -> Pairs:
    """``left``, ``right``: levels, and those of each of the same rows."""
    if not wanted or not len(half):
        return Pairs()
    one = {i: coarse(left[0][i], left[1][i]) for i in {i for i, _ in wanted}}
    two = {j: coarse(right[0][j], right[1][j]) for j in {j for _, j in wanted}}
    sizes = {(i, j): (int(left[0][i].coarse()[-1]) + 1, int(right[0][j].coarse()[-1]) + 1) for i, j in wanted}
    rows = len(half)
    strength = []
    for i, j in wanted:
        shares = measures.joint(one[i], two[j], sizes[i, j])
        strength.append(depends(shares, shares, (rows, rows)).real)
    order = np.argsort(-np.array(strength), kind="stable")
    rest = np.sort(generator(0, "statistics", "pairs", name).permutation(order[STRONGEST:])[:OTHERS])
    chosen = [wanted[i] for i in (*order[:STRONGEST], *rest)]
    cells, ceilings = [], []
    for i, j in chosen:
        table = (measures.joint(one[i], two[j], sizes[i, j]) * rows).round().astype(np.int64)
        cells.append(rounded(table, k).ravel())
        first, second = (measures.joint(one[i][h], two[j][h], sizes[i, j]) * h.sum() for h in (half, ~half))
        units = rounded(first.round().astype(np.int64), k)
        enough = rows >= LEAST_ROWS
        ceilings.append(together(units, int(half.sum()), k, second) if enough else float("nan"))
    return Pairs(
        np.array(chosen, np.int16).reshape(-1, 2),
        np.concatenate(cells).astype(np.uint16),
        np.array(ceilings, np.float32),
    )


def coarse(levels: Levels, code: np.ndarray) -> np.ndarray:
    """int64 (rows,) ≥ 0; the code -1 of what is missing has the last level."""
    return np.asarray(levels.coarse()[code])


def rounded(table: np.ndarray, k: int) -> np.ndarray:
    """In whole ``k`` rows: margins that are known too do not tell a cell of fewer."""
    return np.asarray((table + k // 2) // k)


def together(units: np.ndarray, rows: int, k: int, made: np.ndarray) -> float:
    """1 − the total variation distance of two tables of counts. ``units``: of ``rows`` rows, in whole ``k`` of them, so
    that each cell may be off by half of that; those that are empty count as one with all that was too little to be
    told. Equal rows have a distance of 0."""
    told = units > 0
    if not told.any() or not made.sum():
        return float(not told.any())
    slack = k / 2 / rows
    a, b = units[told] * k / rows, made[told] / made.sum()
    off = float(np.maximum(0.0, np.abs(a - b) - slack).sum())
    rest = float(np.abs(a.sum() - b.sum()))  # of what is not told: the other side of the same difference
    return 1.0 - 0.5 * (off + max(0.0, rest - int(told.sum()) * slack))


# --- foreign keys -----------------------------------------------------------------------------------------------------


def number_of_children(number: np.ndarray, k: int) -> list[Levels]:
    """``number``: float64 (parents,). The levels of at least ``k`` parents each, with how many parents there are of
    each, and with how many children they have in all."""
    found = learned(Feature(CHILDREN, "", "number", False), number, k)
    families = replace(found, feature=Feature(CHILDREN, FAMILY, "number", False))
    return [found, replace(families, counts=count(families, number))]


def count(levels: Levels, number: np.ndarray) -> np.ndarray:
    """int64 (size,): parents of each level, or their children."""
    weights = number if levels.feature.facet == FAMILY else None
    return np.bincount(levels.encode(number), weights, levels.size).astype(np.int64)


@dataclass(frozen=True)
class Relation:
    """The children and parents of a foreign key that were read, and for each child the position of its parent (-1)."""

    children: pa.Table
    parents: pa.Table
    parent: np.ndarray

    @classmethod
    def read(cls, child: TableName, key: ForeignKey, side: Side) -> Relation | None:
        if not side.counts[child] or not side.counts[key.ref_table]:
            return None
        family = side.family(child, key)
        if not set(key.columns) <= set(family.children.column_names):
            return None
        if not set(key.ref_columns) <= set(family.parents.column_names):
            return None
        parent = relations.positions(
            [family.children.column(c).combine_chunks() for c in key.columns],
            [family.parents.column(c).combine_chunks() for c in key.ref_columns],
        )
        return cls(family.children, family.parents, parent)

    @property
    def number(self) -> np.ndarray:
        """float64 (parents,): children of each."""
        return np.bincount(self.parent[self.parent >= 0], minlength=self.parents.num_rows).astype(np.float64)


def _key(plan: Plan, table: TablePlan, key: ForeignKey, side: Side) -> KeyStatistics | None:
    """None where it leads to lookup rows (a category of the child), or there are too few parents."""
    parent_plan, k = plan[key.ref_table], plan.privacy_k
    if parent_plan.kept is not None and parent_plan.kept.count >= parent_plan.source_rows:
        return None
    found = Relation.read(table.name, key, side)
    if found is None or found.parents.num_rows < 2 * k or (found.parent >= 0).sum() < 2 * k:
        return None
    name = f"{table.name} {key.stream}"
    half = halves(found.parents.num_rows, name)
    children = number_of_children(found.number, k)
    children = [with_ceiling(v, *(count(v, found.number[h]) for h in (half, ~half))) for v in children]
    there = np.flatnonzero(found.parent >= 0)
    at = found.parent[there]
    left: Coded = look(plan, table, found.children.take(pa.array(there)), half[at])
    above = look(plan, parent_plan, found.parents, half)  # of parents, each once: k children may be of one of them
    right: Coded = (above[0], [code[at] for code in above[1]])
    wanted = list(itertools.product(_main(left[0]), _main(right[0])))
    pairs = _pairs(wanted, left, right, half[at], k, name)
    left, right, pairs = _used(left, right, pairs)
    kin = [kinship(levels, code, at) for levels, code in zip(*left, strict=True)]
    parts = [
        [kinship(levels, code[h], at[h]) for levels, code in zip(*left, strict=True)] for h in (half[at], ~half[at])
    ]
    return KeyStatistics(
        table.name,
        key,
        found.parents.num_rows,
        len(there),
        Group.of(children),
        Group.of(left[0]),
        Group.of(right[0]),
        pairs,
        np.array(kin, np.float32),
        np.array([1.0 - abs(a - b) for a, b in zip(*parts, strict=True)], np.float32),
    )


def _used(left: Coded, right: Coded, pairs: Pairs) -> tuple[Coded, Coded, Pairs]:
    """Only one feature a column, on the right only those of pairs."""
    keep = _main(left[0])
    of_right = sorted(set(pairs.features[:, 1].tolist()))
    at = np.array([[keep.index(i), of_right.index(j)] for i, j in pairs.features.tolist()], np.int16).reshape(-1, 2)
    return (
        ([left[0][i] for i in keep], [left[1][i] for i in keep]),
        ([right[0][j] for j in of_right], [right[1][j] for j in of_right]),
        Pairs(at, pairs.cells, pairs.ceilings),
    )


def kinship(levels: Levels, code: np.ndarray, parent: np.ndarray) -> float:
    return relations.kinship(coarse(levels, code), parent, int(levels.coarse()[-1]) + 1)[0]
