"""Formulas looked for in a sample: thousands of candidates on a few rows, those that are left on all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations, permutations

import numpy as np

from dbsynth.relation.facts import Factor
from dbsynth.relation.families import Exact
from dbsynth.relation.numbers import Numbers, close
from dbsynth.rules.arithmetic import Formula, Term, evaluate
from dbsynth.rules.rule import CHANCES, LEAST_SHARE
from dbsynth.rules.view import DAY, View

PAIRED, TRIPLED, MOMENTS, SINGLE = 24, 14, 10, 60
"""So many columns are combined in twos and in threes, so many moments with others, so many columns looked at."""
MOST_EACH = 6
"""Formulas of one column: where one would close a circle, another may not."""
MOST = 1e18
"""Columns that hold larger numbers are not reckoned with."""
LEAST_PROBED = 8
MOST_DIGITS = 6
UNITS = {"day": DAY, "hour": DAY // 24, "minute": DAY // 1440, "second": 1_000_000}
MIXED = (10, 24, 60, 100, 1000)
SIMPLE, TWO, THREE, INVERSE, BACK = range(5)
"""How a formula is preferred to others: what multiplies and adds before what divides and takes away."""


@dataclass(frozen=True)
class Shape:
    """A formula without its column; ``rank``: less is preferred."""

    terms: tuple[Term, ...]
    rank: int
    plus: str = "0"
    over: str | None = None
    unit: int = 1
    floor: bool = False


def find_formulas(view: View) -> Iterator[Formula]:
    """For each open column those that hold in all rows, or else the best, the simplest first."""
    probe = _Probe(view)
    for column in view.open:
        wanted = view.numbers(column)
        if wanted is None or view.size(column) < 3:
            continue
        found: list[Formula] = []
        for shape in sorted(probe.shapes(column), key=lambda s: s.rank):
            if (formula := _confirmed(view, column, wanted, shape)) is not None:
                found.append(formula)
                if len(found) == MOST_EACH:
                    break
        best = max((f.share for f in found), default=0.0)
        yield from (f for f in found if f.share == best)


class _Probe:
    """Candidates as rows of matrices, one column for each row of the probe; NaN for null."""

    def __init__(self, view: View) -> None:
        self.view = view
        known = {c: x for c in view.all if (x := view.numbers(c)) is not None and not view.constant(c)}
        known = {c: x for c, x in known.items() if np.abs(x.floats).max(initial=0.0) < MOST}
        at = view.probe
        self.values = {c: np.where(x.there[at], x.floats[at], np.nan) for c, x in known.items()}
        self.plain = [c for c in known if not view.moment(c)][:SINGLE]
        self.moments = [c for c in known if view.moment(c)][:SINGLE]
        self.place = {c: i for i, c in enumerate(view.all)}
        self.pairs = self._pairs()
        self.triples = self._triples()
        self.later, self.between = self._later(), self._between()

    def _pairs(self) -> tuple[list[Shape], np.ndarray]:
        names, v, shapes, rows = self.plain[:PAIRED], self.values, [], []
        with np.errstate(all="ignore"):
            for a, b in combinations(names, 2):
                shapes += [Shape((_one(a), _one(b)), TWO), Shape((_times(a, b),), TWO)]
                rows += [v[a] + v[b], v[a] * v[b]]
            for a, b in permutations(names, 2):
                shapes += [Shape((_one(a), _one(b, "-1")), INVERSE), Shape((_one(a),), INVERSE, over=b)]
                shapes += [Shape((_one(a, "100"),), INVERSE, over=b)]
                rows += [v[a] - v[b], v[a] / v[b], 100 * v[a] / v[b]]
                shapes += [Shape((_one(a, str(c)), _one(b)), TWO) for c in MIXED]
                rows += [c * v[a] + v[b] for c in MIXED]
                if self._share(b):
                    shapes.append(Shape((Term((Factor(a), Factor(b, True))),), TWO))
                    rows.append(v[a] * (1 - v[b]))
        return shapes, np.array(rows)

    def _triples(self) -> tuple[list[Shape], np.ndarray]:
        names, v, shapes, rows = self.plain[:TRIPLED], self.values, [], []
        with np.errstate(all="ignore"):
            for a, b, c in combinations(names, 3):
                shapes += [Shape((_one(a), _one(b), _one(c)), THREE), Shape((_times(a, b, c),), THREE)]
                rows += [v[a] + v[b] + v[c], v[a] * v[b] * v[c]]
            for c in names:
                for a, b in combinations([x for x in names if x != c], 2):
                    shapes.append(Shape((_one(a), _one(b), _one(c, "-1")), BACK))
                    rows.append(v[a] + v[b] - v[c])
                    if self._share(c):
                        shapes.append(Shape((Term((Factor(a), Factor(b), Factor(c, True))),), THREE))
                        rows.append(v[a] * v[b] * (1 - v[c]))
        return shapes, np.array(rows)

    def _share(self, column: str) -> bool:
        x = self.values[column]
        return bool(np.nanmin(x, initial=0) >= 0 and np.nanmax(x, initial=0) <= 1)

    def shapes(self, column: str) -> Iterator[Shape]:
        """Those that agree with ``column`` in nearly all rows of the probe."""
        if column not in (*self.plain, *self.moments):
            return
        wanted, view = self.values[column], self.view
        numbers = view.numbers(column)
        assert numbers is not None
        scale = numbers.scale if numbers.scale is not None else MOST_DIGITS
        slack = 0.501 * 10.0**-scale + 1e-9 * np.abs(wanted)
        yield from self._from_one(column, wanted, slack)
        for shapes, rows in (self.later,) if view.moment(column) else (self.pairs, self.triples, self.between):
            for i in np.flatnonzero(_agree(rows, wanted, slack)) if len(shapes) else ():
                if column not in _reads(shapes[i]):
                    yield shapes[i]

    def _from_one(self, column: str, wanted: np.ndarray, slack: np.ndarray) -> Iterator[Shape]:
        """A copy, a number more, a multiple: of a column before it."""
        others = self.moments if self.view.moment(column) else self.plain
        for a in (o for o in others if self.place[o] < self.place[column]):
            x = self.values[a]
            both = ~np.isnan(x) & ~np.isnan(wanted)
            if both.sum() < LEAST_PROBED:
                continue
            if _agree(x[None], wanted, slack)[0]:
                yield Shape((_one(a),), SIMPLE)
                continue
            gap = float(np.median((wanted - x)[both]))
            if gap and _agree(x[None] + gap, wanted, slack)[0]:
                yield Shape((_one(a),), SIMPLE, plus=_decimal(gap))
            if not self.view.moment(column) and (both & (x != 0)).sum() >= LEAST_PROBED:
                yield from self._multiple(a, x, wanted, slack, both & (x != 0))

    def _multiple(
        self, a: str, x: np.ndarray, wanted: np.ndarray, slack: np.ndarray, both: np.ndarray
    ) -> Iterator[Shape]:
        largest = np.argsort(-np.abs(np.where(both, x, 0)))[: max(1, both.sum() // 4)]
        with np.errstate(all="ignore"):
            ratio = float(np.median(wanted[largest] / x[largest]))
        if not abs(ratio) < MOST:
            return
        for digits in range(1, MOST_DIGITS + 1):
            times = float(f"{ratio:.{digits}g}")
            if times and _agree(x[None] * times, wanted, slack)[0]:
                yield Shape((_one(a, _decimal(times)),), SIMPLE)
                return

    def _later(self) -> tuple[list[Shape], np.ndarray]:
        """A moment, and a duration later."""
        shapes, rows = [], []
        for a in self.moments[:MOMENTS]:
            for b in self.plain[:PAIRED]:
                for unit in UNITS.values():
                    for sign in (1, -1):
                        shapes.append(Shape((_one(a), _one(b, str(sign * unit))), TWO if sign > 0 else BACK))
                        rows.append(self.values[a] + sign * unit * self.values[b])
        return shapes, np.array(rows)

    def _between(self) -> tuple[list[Shape], np.ndarray]:
        """The time between two moments, exactly or in whole units."""
        shapes, rows = [], []
        for a, b in permutations(self.moments[:MOMENTS], 2):
            for unit in UNITS.values():
                between = (self.values[a] - self.values[b]) / unit
                shapes += [Shape((_one(a), _one(b, "-1")), INVERSE, unit=unit, floor=f) for f in (False, True)]
                rows += [between, np.floor(between + 1e-9)]
        return shapes, np.array(rows)


def _agree(rows: np.ndarray, wanted: np.ndarray, slack: np.ndarray) -> np.ndarray:
    """bool (candidates,): equal in nine of ten rows in which both are known, and there are enough of those."""
    both = ~np.isnan(rows) & ~np.isnan(wanted)[None]
    with np.errstate(all="ignore"):
        same = (np.abs(rows - wanted[None]) <= slack[None]) & both
    known = both.sum(axis=1)
    agree: np.ndarray = (known >= LEAST_PROBED) & (same.sum(axis=1) >= 0.9 * known)
    return agree


def _confirmed(view: View, column: str, wanted: Numbers, shape: Shape) -> Formula | None:
    """The formula if it holds in both halves of the rows, and would not if one of its columns were another row's."""
    read = {c: x for c in sorted(_reads(shape)) if (x := view.numbers(c)) is not None}
    scale = _scale(view, column, wanted)
    formula = Formula(
        f"{view.label}.{column} = {_written(shape)}", view.table, column, 0, 0, 1.0, False,
        shape.terms, shape.plus, shape.over, shape.unit, scale, shape.floor, True,
    )  # fmt: skip
    found = evaluate(formula, read)
    both = found.there & wanted.there
    same = close(found, wanted, 1e-9)
    shares = [same[both & half].mean() for half in (view.first_half, ~view.first_half) if (both & half).any()]
    if both.sum() < view.least or min(shares) < LEAST_SHARE:
        return None
    for name in read:
        strange = close(evaluate(formula, read | {name: read[name].at(view.shuffled)}), wanted, 1e-9)
        if (~strange & both).sum() < CHANCES + (~same & both).sum():
            return None
    share = float(same[both].mean())
    strict = bool((found.there == wanted.there).all())
    certain = column in view.nullable or not any(c in view.nullable for c in read)
    return replace(
        formula,
        rows=int(both.sum()),
        families=len(np.unique(wanted.values[both])),
        share=share,
        strict=strict,
        whole=strict and share == 1.0 and certain,
    )


def _scale(view: View, column: str, wanted: Numbers) -> int | None:
    """The decimals to which the column's values are rounded, None where no end of them is seen."""
    if wanted.scale is not None:
        return wanted.scale
    exact = Exact.of(view.rows[column])
    return exact.scale if exact is not None and exact.scale <= MOST_DIGITS else None


def _reads(shape: Shape) -> set[str]:
    return {f.column for t in shape.terms for f in t.factors} | ({shape.over} if shape.over else set())


def _one(column: str, times: str = "1") -> Term:
    return Term((Factor(column),), times)


def _times(*columns: str) -> Term:
    return Term(tuple(Factor(c) for c in columns))


def _decimal(value: float) -> str:
    return format(Decimal(repr(round(value, MOST_DIGITS))).normalize(), "f")


def _written(shape: Shape) -> str:
    """As people write it."""
    text = ""
    for term in shape.terms:
        sign = "-" if term.times.startswith("-") else "+"
        times = _unit_name(term.times.lstrip("-"))
        inner = " * ".join([f"(1 - {f.column})" if f.complement else f.column for f in term.factors] + times)
        text += f" {sign} {inner}" if text else inner if sign == "+" else f"-{inner}"
    if (plus := Decimal(shape.plus)) != 0:
        text += f" {'-' if plus < 0 else '+'} {_span(abs(plus))}"
    if shape.over:
        text = f"{text} / {shape.over}" if len(shape.terms) == 1 else f"({text}) / {shape.over}"
    if shape.unit != 1:
        text = f"{next(n for n, u in UNITS.items() if u == shape.unit)}s({text})"
    return text


def _unit_name(times: str) -> list[str]:
    named = [n for n, u in UNITS.items() if str(u) == times]
    return [] if times == "1" else [f"1 {named[0]}"] if named else [times]


def _span(plus: Decimal) -> str:
    """A number; of microseconds in the largest unit that measures them."""
    for name, unit in UNITS.items():
        if plus >= unit and plus % unit == 0:
            return f"{plus // unit} {name}{'' if plus == unit else 's'}"
    return format(plus, "f")
