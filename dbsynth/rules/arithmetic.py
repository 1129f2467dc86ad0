"""Columns that are told by arithmetic: total = price * quantity * (1 - discount), end = start + duration."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from dbsynth.relation.facts import Factor
from dbsynth.relation.families import Columns
from dbsynth.relation.numbers import ROOM, Numbers, close, complement, divided, product, written
from dbsynth.rules.rule import Rule, chosen
from dbsynth.rules.view import DAY, amounts


@dataclass(frozen=True)
class Term:
    """The product of ``factors``, ``times`` a decimal number."""

    factors: tuple[Factor, ...]
    times: str = "1"


@dataclass(frozen=True)
class Formula(Rule):
    """``column`` is the sum of ``terms`` and the decimal number ``plus``, divided by the column ``over`` if there is
    one, and by ``unit``, rounded to ``scale`` decimals (None: as it is; ``floor``: down). Moments count in
    microseconds. Null if one of the columns is; ``strict`` False: there, and where it is null itself, the column has a
    value of its own."""

    terms: tuple[Term, ...]
    plus: str
    over: str | None
    unit: int
    scale: int | None
    floor: bool
    strict: bool

    @property
    def reads(self) -> tuple[str, ...]:
        names = [f.column for t in self.terms for f in t.factors] + ([self.over] if self.over else [])
        return tuple(dict.fromkeys(names))

    def describe(self) -> str:
        rounded = f", rounded to {self.scale} decimals" if self.scale else ""
        return f"{self.column} = {self.told}{', rounded down' if self.floor else rounded}"

    def settle(self, columns: Columns) -> dict[str, pa.Array]:
        read = {c: x for c in self.reads if (x := amounts(columns[c])) is not None}
        assert len(read) == len(self.reads)
        found = evaluate(self, read)
        return {self.column: self.fitted(found, columns[self.column])}

    def fitted(self, found: Numbers, old: pa.Array) -> pa.Array:
        """``found`` in the type of ``old``, which stays where it says the same, where it has no value to take, and
        where the formula does not tell."""
        wanted = amounts(old)
        assert wanted is not None
        fresh = in_type(found, old.type)
        stay = close(found, wanted, 1e-9)
        if not self.strict:
            stay |= ~found.there
            stay |= ~wanted.there
        return chosen(fresh, old, np.flatnonzero(stay))


def in_type(found: Numbers, type_: pa.DataType) -> pa.Array:
    if pt.is_date32(type_):
        days = found.values // DAY if found.scale == 0 else np.floor(found.floats / DAY).astype(np.int64)
        return written(Numbers(days, 0, found.there), type_)
    return written(found, type_)


def evaluate(formula: Formula, read: dict[str, Numbers]) -> Numbers:
    """Its value in each row; none where that is out of all bounds."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = _evaluated(formula, read)
    if found.scale is not None:
        return found
    fine = np.isfinite(found.values)
    return Numbers(np.where(fine, found.values, 0.0), None, found.there & fine)


def _evaluated(formula: Formula, read: dict[str, Numbers]) -> Numbers:
    parts = [_term(t, read) for t in formula.terms]
    total = parts[0]
    for part in parts[1:]:
        total = added(total, part)
    if Decimal(formula.plus):
        total = added(total, number(formula.plus, len(total.there)))
    if formula.over is not None:
        by = read[formula.over]
        there = total.there & by.there & (by.values != 0)
        total = Numbers(total.floats / np.where(by.values != 0, by.floats, 1.0), None, there)
    if formula.floor:
        whole = total.values // formula.unit if total.scale == 0 else np.floor(total.floats / formula.unit + 1e-9)
        return Numbers(whole.astype(np.int64), 0, total.there)
    if formula.unit == 1 and (formula.scale is None or (total.scale is not None and total.scale <= formula.scale)):
        return total
    return divided(total, np.full(len(total.there), formula.unit, np.int64), formula.scale)


def _term(term: Term, read: dict[str, Numbers]) -> Numbers:
    found = product([complement(read[f.column]) if f.complement else read[f.column] for f in term.factors])
    if term.times == "1":
        return found
    return product([found, number(term.times, len(found.there))])


def number(text: str, rows: int) -> Numbers:
    """A constant."""
    value = Decimal(text)
    scale = max(0, -int(value.as_tuple().exponent))
    return Numbers(np.full(rows, int(value.scaleb(scale)), np.int64), scale, np.ones(rows, bool))


def added(a: Numbers, b: Numbers) -> Numbers:
    there = a.there & b.there
    if a.scale is None or b.scale is None:
        return Numbers(a.floats + b.floats, None, there)
    scale = max(a.scale, b.scale)
    left, right = 10 ** (scale - a.scale), 10 ** (scale - b.scale)
    most = np.abs(a.values).max(initial=0) * float(left) + np.abs(b.values).max(initial=0) * float(right)
    if most >= ROOM:
        return Numbers(a.floats + b.floats, None, there)
    return Numbers(a.values * left + b.values * right, scale, there)
