"""Rows set against the statistics that a model kept of its source: the figures of ``fidelity``, over levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from dbsynth.pipeline.plan import Plan
from dbsynth.quality import measures
from dbsynth.quality.figures import Figure, Subject
from dbsynth.quality.kept import kept_rows, kept_whole, moved
from dbsynth.quality.levels import LENGTH, PRECISION, Feature, Levels, observed
from dbsynth.quality.measured import Dependence
from dbsynth.quality.score import score_of
from dbsynth.quality.sides import Side
from dbsynth.quality.statistics import (
    FAMILY,
    KeyStatistics,
    Pairs,
    Relation,
    Statistics,
    TableStatistics,
    coarse,
    count,
    counted,
    kinship,
    likeness,
    together,
)
from dbsynth.quality.trends import CERTAIN, NONE, depends

Coded = tuple[Sequence[Levels], Sequence[np.ndarray | None]]
"""Levels of features, and which of them each made row has; None: the made side lacks the column."""
ROWS_A_CELL = 10
"""Of a table of pairs, from which on it tells how columns depend on each other."""
STRONG = 0.15
"""φ² of all a column's pairs together: of less, counts in whole k rows do not tell how much is left."""


def figures_of(statistics: Statistics, made: Side, plan: Plan) -> list[Figure]:
    """Of the tables that both have; of those whose rows are all kept by ``plan``, only whether they are. What was too
    rare in the source to be counted is not compared."""
    figures: list[Figure] = []
    for table in plan.tables:
        if table.kept is not None and made.counts.get(table.name):
            rows = made.rows(table.name)
            kept = kept_rows(table, rows, moved(plan, table.name), rows.num_rows == made.counts[table.name])
            figures += [kept.figure] if kept is not None else []
    for counts in statistics.tables:
        if counts.table in made.counts and not kept_whole(plan, counts.table):
            figures += _table(counts, made, statistics.k)
    for key in statistics.keys:
        if key.child in made.counts and key.key.ref_table in made.counts:
            figures += _key(key, made, statistics.k)
    return figures


def _figure(name: str, subject: Subject, value: float, ceiling: float, rows: tuple[int, int]) -> Figure:
    best = None if np.isnan(ceiling) else float(ceiling)
    return Figure(name, subject, value, best, score_of(name, value, best), rows)


def named(levels: Levels) -> str:
    facet = levels.feature.facet
    return "shape" if not facet else facet if facet == PRECISION else f"text {facet}"


def codes_of(levels: Sequence[Levels], rows: pa.Table) -> list[np.ndarray | None]:
    """The level of each row, by feature; None where the column is not there."""
    return [
        v.encode(observed(v.feature, rows.column(v.feature.column))) if v.feature.column in rows.column_names else None
        for v in levels
    ]


# --- one table --------------------------------------------------------------------------------------------------------


def _table(statistics: TableStatistics, made: Side, k: int) -> Iterator[Figure]:
    if not statistics.counted or not made.counts[statistics.table]:
        return
    rows = made.rows(statistics.table)
    size = (statistics.counted, rows.num_rows)
    codes = codes_of(statistics.group.levels, rows)
    for levels, code in zip(statistics.group.levels, codes, strict=True):
        if code is None or not levels.counts.sum():
            continue
        about = Subject(statistics.table, (levels.feature.column,))
        found = told(levels, counted(levels, code), statistics.counted, k)
        yield _figure(named(levels), about, likeness(levels, levels.counts, found), levels.ceiling, size)
        if levels.feature.facet in ("", LENGTH):
            yield from _nulls(levels, code, about, size, k)
    yield from _pairs(statistics, codes, size, k)


def told(levels: Levels, made: np.ndarray, rows: int, k: int) -> np.ndarray:
    """``made`` without as many rare values as the source may have had untold: fewer than ``k`` in its ``rows``."""
    if levels.feature.kind == "number" or levels.counts[-1]:
        return made
    made = made.astype(np.float64)
    made[-1] = max(0.0, made[-1] - (k - 1) / rows * made.sum())
    return made


def _nulls(levels: Levels, code: np.ndarray, about: Subject, rows: tuple[int, int], k: int) -> Iterator[Figure]:
    real, found = levels.missing / rows[0], float((code < 0).mean())
    if not levels.missing:  # fewer than k are not told
        found = max(0.0, found - (k - 1) / rows[0])
    if levels.missing or found:
        noise = np.sqrt(real * (1 - real) * 4 / rows[0])  # between halves
        yield _figure("nulls", about, measures.alike(real, found), 1.0 - float(noise), rows)


def _pairs(
    statistics: TableStatistics, codes: Sequence[np.ndarray | None], rows: tuple[int, int], k: int
) -> Iterator[Figure]:
    levels = statistics.group.levels
    strength: dict[str, Dependence] = {}
    for one, two, real, ceiling, found in _tables(statistics.pairs, (levels, codes), (levels, codes)):
        columns = (one.column, two.column)
        yield _figure("trend", Subject(statistics.table, columns), together(real, rows[0], k, found), ceiling, rows)
        if not one.facet and not two.facet:
            for column in columns:
                strength[column] = strength.get(column, NONE) + _depends(real, found, rows)
    yield from _dependence("dependence", strength, rows, lambda column: Subject(statistics.table, (column,)))


def _tables(
    pairs: Pairs, ours: Coded, theirs: Coded
) -> Iterator[tuple[Feature, Feature, np.ndarray, float, np.ndarray]]:
    """By pair of features that both sides have: the counts of the source, their ceiling, the counts of what was
    made."""
    (left, codes), (right, others) = ours, theirs
    features, ceilings = pairs.features.tolist(), pairs.ceilings.tolist()
    for (i, j), real, ceiling in zip(features, pairs.tables(left, right), ceilings, strict=True):
        one, two = codes[i], others[j]
        if one is not None and two is not None and real.sum():
            found = _joint(left[i], one, right[j], two, real.shape)
            yield left[i].feature, right[j].feature, real, ceiling, found


def _joint(left: Levels, one: np.ndarray, right: Levels, two: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    n, m = shape
    return np.bincount(coarse(left, one) * m + coarse(right, two), minlength=n * m).reshape(n, m)


def _depends(real: np.ndarray, found: np.ndarray, rows: tuple[int, int]) -> Dependence:
    """Of two tables of counts; none where so few rows are counted that rounding makes some."""
    if rows[0] < ROWS_A_CELL * real.size:
        return NONE
    return depends(real / real.sum(), found / max(1, found.sum()), rows)


def _dependence(
    name: str, strength: Mapping[str, Dependence], rows: tuple[int, int], subject: Callable[[str], Subject]
) -> Iterator[Figure]:
    for column, dependence in strength.items():
        if dependence.real > STRONG and dependence.certain(CERTAIN):
            yield _figure(name, subject(column), dependence.kept, 1.0, rows)


# --- a foreign key ----------------------------------------------------------------------------------------------------


def _key(statistics: KeyStatistics, made: Side, k: int) -> Iterator[Figure]:
    key, child = statistics.key, statistics.child
    told = f"{child}({', '.join(key.columns)}) > {key.ref_table}"
    found = Relation.read(child, key, made)
    if found is None:
        return
    size = (statistics.parents, found.parents.num_rows)
    for levels in statistics.children.levels:
        name = FAMILY if levels.feature.facet == FAMILY else "cardinality"
        value = likeness(levels, levels.counts, count(levels, found.number))
        yield _figure(name, Subject(child, key.columns, told), value, levels.ceiling, size)
    there = np.flatnonzero(found.parent >= 0)
    if not len(there):
        return
    at = found.parent[there]
    left = codes_of(statistics.left.levels, found.children.take(pa.array(there)))
    right = codes_of(statistics.right.levels, found.parents.take(pa.array(at)))
    yield from _across(statistics, left, right, told, (statistics.joined, len(there)), k)
    kin = zip(
        statistics.left.levels, left, statistics.kinship.tolist(), statistics.kinship_ceilings.tolist(), strict=True
    )
    for levels, code, real, ceiling in kin:
        if code is not None and not np.isnan(real):
            alike = kinship(levels, code, at)
            value = 1.0 - abs(real - (0.0 if np.isnan(alike) else alike))
            about = Subject(child, (levels.feature.column,), told)
            yield _figure("siblings", about, value, ceiling, (statistics.joined, len(there)))


def _across(
    statistics: KeyStatistics,
    left: Sequence[np.ndarray | None],
    right: Sequence[np.ndarray | None],
    told: str,
    rows: tuple[int, int],
    k: int,
) -> Iterator[Figure]:
    """By column of the child: the mean of its pairs, and what is left of its dependence."""
    sides = (statistics.left.levels, left), (statistics.right.levels, right)
    likenesses: dict[str, list[tuple[float, float]]] = {}
    strength: dict[str, Dependence] = {}
    for one, two, real, ceiling, found in _tables(statistics.pairs, *sides):
        likenesses.setdefault(one.column, []).append((together(real, rows[0], k, found), ceiling))
        if not one.facet and not two.facet:
            strength[one.column] = strength.get(one.column, NONE) + _depends(real, found, rows)
    for column, values in likenesses.items():
        value, best = np.mean(np.array(values), axis=0)
        yield _figure("1-hop trend", Subject(statistics.child, (column,), told), float(value), float(best), rows)
    yield from _dependence("1-hop dependence", strength, rows, lambda c: Subject(statistics.child, (c,), told))
