"""Figures of pairs of columns: whether they go together as in the source."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dbsynth.quality import measures
from dbsynth.quality.measured import Dependence, Measured
from dbsynth.quality.variables import Frame, Variable
from dbsynth.rng import generator

PAIRS = 250
"""Of a table or a relation: more are drawn from, always the same."""
PAIR_ROWS = 20_000
CERTAIN = 5.0
"""Standard deviations by which a real dependence exceeds chance, or it is not looked for."""
LEAST = 0.02
"""φ² of all a column's pairs together below which there is little to keep."""


NONE = Dependence(0.0, 0.0, (0.0, 0.0))


@dataclass(frozen=True)
class Pair:
    left: Variable
    right: Variable
    likeness: float
    dependence: Dependence


def within(frame: Frame, seed: int) -> list[Pair]:
    """Pairs of columns of the same table."""
    pairs = [(a, b) for a, b in itertools.combinations(frame.paired, 2) if a.column != b.column]
    return compared(chosen(pairs, seed, str(frame.table)), frame.rows)


def across(left: Frame, right: Frame, seed: int, witnesses: tuple[int, int]) -> list[Pair]:
    """Pairs of a column of ``left`` with one of ``right``, whose rows belong together. ``witnesses``: how many rows of
    ``right`` there are in truth, a side, for the same one may belong to many of ``left``."""
    pairs = list(itertools.product(left.paired, right.paired))
    return compared(chosen(pairs, seed, f"{left.table} {right.table}"), witnesses)


def chosen(pairs: list[tuple[Variable, Variable]], seed: int, name: str) -> list[tuple[Variable, Variable]]:
    """Of values rather than of how long texts are."""
    if len(pairs) <= PAIRS:
        return pairs
    drawn = generator(seed, "pairs", name).permutation(len(pairs))
    length = np.array([bool(a.facet or b.facet) for a, b in pairs])
    return [pairs[i] for i in np.sort(drawn[np.argsort(length[drawn], kind="stable")][:PAIRS])]


def compared(pairs: Sequence[tuple[Variable, Variable]], witnesses: tuple[int, int]) -> list[Pair]:
    """Numbers by correlation, all others by contingency; dependence for all."""
    places: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for v in itertools.chain.from_iterable(pairs):
        if v.number and id(v) not in places:
            places[id(v)] = (measures.ordered(v.real), measures.ordered(v.made))
    found = []
    for a, b in pairs:
        real, made = (measures.joint(a.levels[i], b.levels[i], (a.size, b.size)) for i in (0, 1))
        likeness = float("nan")
        if a.number and b.number:
            x, y = places[id(a)], places[id(b)]
            likeness = measures.correlations((x[0], y[0]), (x[1], y[1]))
        if np.isnan(likeness):
            likeness = measures.contingency(real, made)
        found.append(Pair(a, b, likeness, depends(real, made, witnesses)))
    return found


def depends(real: np.ndarray, made: np.ndarray, rows: tuple[int, int]) -> Dependence:
    """Of two tables of shares: φ² less what chance adds to it (Bergsma 2013), and its counterpart between the two
    sides, which chance adds nothing to. ``rows``: independent ones that they were counted from."""
    here = np.outer(real.sum(1), real.sum(0))
    known = real - here
    found = made - np.outer(made.sum(1), made.sum(0))
    weight = np.divide(1.0, here, out=np.zeros_like(here), where=here > 0)
    freedom = max(0, int((real.sum(1) > 0).sum()) - 1) * max(0, int((real.sum(0) > 0).sum()) - 1)
    squares = known * known * weight
    n, m = max(2, rows[0]), max(2, rows[1])
    strength = float(squares.sum())
    return Dependence(
        strength - freedom / (n - 1),
        float((known * found * weight).sum()),
        (float(np.sqrt(2.0 * freedom)) / n, float(np.sqrt(strength / m))),
    )


def trends(pairs: Sequence[Pair]) -> list[Measured]:
    return [Measured("trend", (p.left.column, p.right.column), p.likeness) for p in pairs]


def mean_trends(pairs: Sequence[Pair], name: str) -> list[Measured]:
    """By column of the left sides: the mean of its pairs."""
    found: dict[str, list[float]] = {}
    for p in pairs:
        found.setdefault(p.left.column, []).append(p.likeness)
    return [Measured(name, (column,), sum(values) / len(values)) for column, values in found.items()]


def dependences(pairs: Sequence[Pair], both: bool = False) -> dict[str, Dependence]:
    """By column of the left sides (``both``: of the right ones too): of all its pairs of values. How long a text is
    that was made says nothing here."""
    found: dict[str, Dependence] = {}
    for p in pairs:
        if not p.left.facet and not p.right.facet:
            for column in (p.left.column, p.right.column) if both else (p.left.column,):
                found[column] = found.get(column, NONE) + p.dependence
    return found


def kept(pairs: Sequence[Pair], name: str, both: bool = False) -> list[Measured]:
    """Of columns that depend on others beyond doubt."""
    return [
        Measured(name, (column,), d.kept, dependence=d)
        for column, d in dependences(pairs, both).items()
        if d.real > LEAST and d.certain(CERTAIN)
    ]
