"""Which columns of a parent are told by its children: their number, or the sum, minimum, maximum or mean of a column or
of a product of columns.

Candidates are tried on a few families first, then proposed on one half of them and confirmed on the other. The simplest
one that holds wins: a number of rows before a sum, a sum before a product.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from dbsynth.relation.facts import Empty, Factor, Function
from dbsynth.relation.numbers import Numbers, close, complement, divided, product

PROBE = 60
"""Families on which a candidate is tried first."""
MIN_SURPRISE = 10.0
"""Families that would have broken the fact by chance."""
MIN_VALUES = 3
MIN_TELLING = 8
"""Families of more than one row, in which the function makes a difference."""
MEAN_DECIMALS = 6
"""Of a mean in a column that holds any number of decimals, beyond those of what it is the mean of."""
MAX_FACTORS = 8
"""Columns that are tried in products: their number grows with the square."""


@dataclass(frozen=True)
class Formula:
    """``function`` of the product of ``factors`` over the children of each parent."""

    function: Function
    factors: tuple[Factor, ...] = ()


@dataclass(frozen=True)
class Told:
    """A ``column`` of the parent that ``formula`` tells, in all of ``families`` with ``rows`` rows; ``scale``: the
    decimals to which it is rounded, None for a float. ``exact``: no row of the source had to be rounded."""

    column: str
    formula: Formula
    empty: Empty
    scale: int | None
    exact: bool
    rows: int
    families: int


@dataclass(frozen=True)
class Families:
    """Rows sorted by parent: ``order`` (rows,), where each family begins in it, and its parent's row."""

    order: np.ndarray
    starts: np.ndarray
    parents: np.ndarray

    @classmethod
    def of(cls, at: np.ndarray, keep: np.ndarray | None = None) -> Families:
        """``at`` int64: the parent row of each row, -1 for none; ``keep`` bool (parents,): only these parents."""
        rows = np.flatnonzero(at >= 0 if keep is None else (at >= 0) & np.append(keep, False)[at])
        order = rows[np.argsort(at[rows], kind="stable")]
        parents, starts = np.unique(at[order], return_index=True)
        return cls(order, starts, parents)

    @property
    def sizes(self) -> np.ndarray:
        return np.diff(np.append(self.starts, len(self.order)))


def evaluate(formula: Formula, columns: Mapping[str, Numbers], families: Families, scale: int | None) -> Numbers:
    """One number per family, rounded to ``scale`` decimals. Rows in which a factor is null do not count; a family
    without others has no value."""
    if formula.function == "count":
        return Numbers(families.sizes, 0, np.ones(len(families.parents), bool))
    x = product([complement(columns[f.column]) if f.complement else columns[f.column] for f in formula.factors])
    x = x.at(families.order)
    if len(families.starts) == 0:
        return Numbers(np.zeros(0, np.int64), scale, np.zeros(0, bool))
    n = np.add.reduceat(x.there.astype(np.int64), families.starts)
    if formula.function in ("min", "max"):
        high = formula.function == "max"
        edge = (-np.inf if high else np.inf) if x.scale is None else np.iinfo(np.int64).min if high else 2**63 - 1
        reduce = np.maximum if high else np.minimum
        found = reduce.reduceat(np.where(x.there, x.values, edge), families.starts)
        return divided(Numbers(np.where(n > 0, found, 0), x.scale, n > 0), np.ones_like(n), scale)
    values = np.where(x.there, x.values, 0)
    total = np.add.reduceat(values, families.starts)
    if x.scale is not None and np.abs(values.astype(np.float64)).sum() >= 2.0**62:
        total, x = np.add.reduceat(x.floats * x.there, families.starts), Numbers(x.floats, None, x.there)
    by = np.maximum(n, 1) if formula.function == "avg" else np.ones_like(n)
    return divided(Numbers(total, x.scale, n > 0), by, scale)


def own_scale(formula: Formula, columns: Mapping[str, Numbers]) -> int | None:
    """The decimals that the values of ``formula`` have without rounding; None for floats."""
    scales = [columns[f.column].scale for f in formula.factors]
    known = [s for s in scales if s is not None]
    return None if len(known) < len(scales) else sum(known) + MEAN_DECIMALS * (formula.function == "avg")


def candidates(numeric: Sequence[str], shares: Sequence[str], moments: Sequence[str]) -> Iterator[Formula]:
    """From simple to complicated. ``shares``: the columns whose values lie between 0 and 1, such as discounts."""
    yield Formula("count")
    for c in numeric:
        yield Formula("sum", (Factor(c),))
    for function in ("max", "min"):
        for c in (*numeric, *moments):
            yield Formula(function, (Factor(c),))
    for c in numeric:
        yield Formula("avg", (Factor(c),))
    pairs = list(combinations(numeric[:MAX_FACTORS], 2))
    for pair in pairs:
        yield Formula("sum", tuple(map(Factor, pair)))
    for s in shares:
        for c in numeric:
            if c != s:
                yield Formula("sum", (Factor(c), Factor(s, complement=True)))
        for pair in pairs:
            if s not in pair:
                yield Formula("sum", (*map(Factor, pair), Factor(s, complement=True)))


def find_aggregates(
    children: Mapping[str, Numbers],
    moments: frozenset[str],
    targets: Mapping[str, Numbers],
    precision: Mapping[str, float],
    at: np.ndarray,
    parents: int,
) -> list[Told]:
    """``children``: the child's columns as numbers, those of ``moments`` are dates and times; ``targets``: the parent's
    columns, of which dates and times are in ``moments`` too; ``precision``: relative, of those that are floats; ``at``
    int64 (rows of the child,): the parent of each row."""
    whole = Families.of(at)
    if len(whole.parents) == 0 or not targets:
        return []
    big = np.argsort(-np.minimum(whole.sizes, 5), kind="stable")[:PROBE]
    probe = Families.of(at, _mask(whole.parents[np.sort(big)], parents))
    halves = [Families.of(at, _mask(whole.parents[i::2], parents)) for i in (0, 1)]
    numeric = [c for c in children if c not in moments]
    shares = [c for c in numeric if _is_share(children[c])]
    dates = [c for c in children if c in moments]
    found: dict[str, Told] = {}
    open_ = {c: t for c, t in targets.items() if _varies(t.at(whole.parents))}
    for formula in candidates(numeric, shares, dates):
        about_time = bool(formula.factors) and formula.factors[0].column in moments
        fitting = [c for c in open_ if (c in moments) == about_time and c not in found]
        by_scale: dict[int | None, Numbers] = {}
        for column in fitting:
            target = open_[column]
            if target.scale not in by_scale:
                by_scale[target.scale] = evaluate(formula, children, probe, target.scale)
            if not _hold(by_scale[target.scale], target.at(probe.parents), precision[column]):
                continue
            if told := _confirmed(formula, column, children, target, precision[column], at, whole, halves, parents):
                found[column] = told
    return list(found.values())


def _confirmed(
    formula: Formula,
    column: str,
    children: Mapping[str, Numbers],
    target: Numbers,
    precision: float,
    at: np.ndarray,
    whole: Families,
    halves: Sequence[Families],
    parents: int,
) -> Told | None:
    for half in halves:
        if not _hold(evaluate(formula, children, half, target.scale), target.at(half.parents), precision):
            return None
    if not _telling(formula, children, whole):
        return None
    own = target.at(whole.parents)
    _, counts = np.unique(np.where(own.there, own.floats, np.inf), return_counts=True)
    chance = float(((counts / counts.sum()) ** 2).sum())
    if len(whole.parents) * (1 - chance) < MIN_SURPRISE:
        return None
    empty = _empty(formula, target, np.setdiff1d(np.arange(parents), whole.parents))
    if empty is None:
        return None
    exact = _unrounded(formula, children, whole, target)
    return Told(column, formula, empty, target.scale, exact, len(whole.order), len(whole.parents))


def _unrounded(formula: Formula, children: Mapping[str, Numbers], families: Families, target: Numbers) -> bool:
    own = own_scale(formula, children)
    if own is None or target.scale is None:
        return False
    most = max(own, target.scale)
    one = np.ones(len(families.parents), np.int64)
    return bool(
        close(evaluate(formula, children, families, most), divided(target.at(families.parents), one, most), 0.0).all()
    )


def _hold(found: Numbers, wanted: Numbers, precision: float) -> bool:
    same = close(found, wanted, precision)
    # a family without a value (all null) may hold anything the parent likes to call nothing
    return bool(len(same)) and bool((same | (~found.there & (wanted.values == 0))).all())


def _telling(formula: Formula, children: Mapping[str, Numbers], families: Families) -> bool:
    """Whether the function could be told from others: of one row, sum, minimum and mean are the same."""
    if formula.function == "count":
        return True
    if formula.function == "sum":
        return int((families.sizes > 1).sum()) >= MIN_TELLING
    low, high = (evaluate(Formula(f, formula.factors), children, families, None) for f in ("min", "max"))
    return int((low.floats < high.floats).sum()) >= MIN_TELLING


def _empty(formula: Formula, target: Numbers, without: np.ndarray) -> Empty | None:
    """What parents without children hold; None where that speaks against the fact."""
    left = target.at(without)
    zero = bool((~left.there | (left.values == 0)).all())
    if len(without) == 0:
        return "zero" if formula.function == "count" else "free"
    if not left.there.any():
        return "null"
    return "zero" if zero else None if formula.function == "count" else "free"


def _mask(rows: np.ndarray, size: int) -> np.ndarray:
    out = np.zeros(size, bool)
    out[rows] = True
    return out


def _is_share(x: Numbers) -> bool:
    values = x.floats[x.there]
    return len(values) > 0 and bool(((values >= 0) & (values <= 1)).all()) and bool((values % 1 != 0).any())


def _varies(x: Numbers) -> bool:
    return len(np.unique(x.values[x.there])) >= MIN_VALUES
