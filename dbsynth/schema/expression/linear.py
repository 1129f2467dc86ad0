"""Numbers and moments in predicates: bounds of expressions, sums of columns, and whether inequalities can be met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dbsynth.schema.expression.domains import Domain, base, key_of
from dbsynth.schema.expression.moments import DAY
from dbsynth.schema.expression.nodes import Context, Node, scalar

MOST_CONSTRAINTS = 400
NUMERIC = {"int", "numeric", "float", "date", "timestamp", "timestamptz", "time"}
UNIT = {"date": DAY}
"""µs of a step of the type, so that dates and moments can be compared."""


class TooMany(Exception):
    """The limits are reached: nothing is proved."""


@dataclass(frozen=True)
class Linear:
    """``sum(terms) + constant < 0`` (``strict``) or ``<= 0``. ``whole``: all terms are whole numbers."""

    terms: tuple[tuple[str, Fraction], ...]
    constant: Fraction
    strict: bool


Interval = tuple[Fraction | None, Fraction | None]
FIELDS: dict[str, tuple[int, int]] = {
    "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 60), "dow": (0, 6),
    "isodow": (1, 7), "doy": (1, 366), "week": (1, 53), "quarter": (1, 4),
}  # fmt: skip
NOT_NEGATIVE = {
    "char_length", "octet_length_text", "octet_length", "bit_length", "abs", "cardinality", "jsonb_array_length",
    "strpos", "ascii", "num_nulls", "num_nonnulls", "sqrt", "exp",
}  # fmt: skip


def interval(node: Node, single: Mapping[str, Domain], now: int) -> Interval:
    """Bounds of what ``node`` can be, in µs where it is a moment; None: no bound."""
    unit = UNIT.get(node.type.family, 1)
    if node.constant:
        value = node.scalar(now)
        if isinstance(value, (bool, str)) or value is None or isinstance(value, (tuple, list)):
            return None, None
        number = fraction(value)
        return (None, None) if number is None else (number * unit, number * unit)
    column = base(node)
    if column is not None:
        domain = single.get(column.name, Domain()) if len(key_of(column)) == 1 else Domain()
        scale = UNIT.get(column.type.family, 1)
        low, high = (None if isinstance(b, str) else fraction(b) for b in (domain.low, domain.high))
        return (None if low is None else low * scale), (None if high is None else high * scale)
    if node.kind == "cast":
        if node.type.family in ("int", "numeric") and node.args[0].type.family in ("int", "numeric", "float"):
            low, high = interval(node.args[0], single, now)  # rounding moves it by less than one
            return (None if low is None else low - 1), (None if high is None else high + 1)
        return None, None
    name = node.name.split(" ")
    if name[0] == "extract" and name[-1] in FIELDS and node.args[0].type.family != "interval":
        inner = base(node.args[0])
        domain = single.get(inner.name, Domain()) if inner is not None and inner.kind == "column" else Domain()
        if domain.low is None or domain.high is None:
            return None, None  # of infinity it is null
        return Fraction(FIELDS[name[-1]][0]), Fraction(FIELDS[name[-1]][1])
    if node.kind == "call" and name[0] in ("+", "-", "*") and node.type.family in ("int", "numeric", "float"):
        if any(a.type.family not in ("int", "numeric", "float") for a in node.args):
            return None, None
        (a, b), (c, d) = (interval(arg, single, now) for arg in node.args)
        if name[0] == "+":
            return _add(a, c), _add(b, d)
        if name[0] == "-":
            return _add(a, None if d is None else -d), _add(b, None if c is None else -c)
        return _product((a, b), (c, d))
    if node.kind == "call" and name[0] in NOT_NEGATIVE:
        return Fraction(0), None
    if node.kind == "call" and name[0] == "%" and node.args[1].constant:
        most = fraction(node.args[1].scalar(now))
        if most is not None and node.type.family == "int":
            low, _ = interval(node.args[0], single, now)
            return (Fraction(0) if low is not None and low >= 0 else -(abs(most) - 1)), abs(most) - 1
    return None, None


def _add(a: Fraction | None, b: Fraction | None) -> Fraction | None:
    return None if a is None or b is None else a + b


def _product(x: Interval, y: Interval) -> Interval:
    (a, b), (c, d) = x, y
    if a is not None and a >= 0 and c is not None and c >= 0:
        return a * c, None if b is None or d is None else b * d
    if a is None or b is None or c is None or d is None:
        if b is not None and b <= 0 and d is not None and d <= 0:
            return b * d, None
        return None, None
    corners = [p * q for p in (a, b) for q in (c, d)]
    return min(corners), max(corners)


def fraction(value: Any) -> Fraction | None:
    if value is None or isinstance(value, (str, tuple, list)):
        return None
    try:
        return Fraction(value)
    except (ValueError, OverflowError):  # not finite
        return None


def form(node: Node, now: int) -> tuple[dict[str, Fraction], Fraction] | None:
    """``node`` as a sum of columns and a constant, moments in µs; None if it is none."""
    unit = UNIT.get(node.type.family, 1)
    if node.constant:
        value = fraction(_span(node, now))
        return None if value is None else ({}, value * unit)
    column = base(node)
    if column is not None:
        if column.kind != "column" or column.type.family not in NUMERIC or column.type.family == "float":
            return None
        return {column.name: Fraction(UNIT.get(column.type.family, 1))}, Fraction(0)
    if node.kind != "call":
        return None
    if node.name == "negative":
        inner = form(node.args[0], now)
        return None if inner is None else ({k: -v for k, v in inner[0].items()}, -inner[1])
    if node.name not in ("+", "-", "*") or len(node.args) != 2:
        return None
    a, b = node.args
    families = {a.type.family, b.type.family}
    if "float" in families or ("time" in families and "interval" in families):
        return None
    left, right = form(a, now), form(b, now)
    if left is None or right is None:
        return None
    if families == {"date", "int"} or node.type.family == "date":
        right = ({k: v * DAY for k, v in right[0].items()}, right[1] * DAY) if b.type.family == "int" else right
        left = ({k: v * DAY for k, v in left[0].items()}, left[1] * DAY) if a.type.family == "int" else left
    if node.name == "*":
        if left[0] and right[0]:
            return None
        (terms, constant), factor = (left, right[1]) if left[0] else (right, left[1])
        return {k: v * factor for k, v in terms.items()}, constant * factor
    sign = 1 if node.name == "+" else -1
    made = {k: left[0].get(k, Fraction(0)) + sign * right[0].get(k, Fraction(0)) for k in {*left[0], *right[0]}}
    total = left[1] + sign * right[1]
    if a.type.family == b.type.family == "date" and node.type.family == "int":  # a number of days
        made, total = {k: v / DAY for k, v in made.items()}, total / DAY
    return made, total


def _span(node: Node, now: int) -> Any:
    """A constant; an interval in µs, where it holds no months (they differ in length)."""
    value = scalar(node.run(Context(None, now)))
    if node.type.family == "interval" and value is not None:
        months, days, micros = value
        return None if months else days * DAY + micros
    return value


def no_solution(rows: Sequence[Linear]) -> bool:
    """Elimination of one variable after the other (Fourier 1826, Motzkin 1936)."""
    left = {(r.terms, r.constant, r.strict): r for r in rows}
    while left:
        for r in left.values():
            if not r.terms and (r.constant > 0 or (r.strict and r.constant == 0)):
                return True
        names = {k for r in left.values() for k, _ in r.terms}
        if not names:
            return False

        signs = {k: [dict(r.terms).get(k, Fraction(0)) for r in left.values()] for k in sorted(names)}
        name = min(signs, key=lambda k: sum(s > 0 for s in signs[k]) * sum(s < 0 for s in signs[k]))
        upper = [r for r in left.values() if dict(r.terms).get(name, Fraction(0)) > 0]
        lower = [r for r in left.values() if dict(r.terms).get(name, Fraction(0)) < 0]
        kept = {k: r for k, r in left.items() if name not in dict(r.terms)}
        for u in upper:
            for low in lower:
                made = _combined(u, low, name)
                kept[made.terms, made.constant, made.strict] = made
        if len(kept) > MOST_CONSTRAINTS:
            raise TooMany
        left = kept
    return False


def _combined(upper: Linear, lower: Linear, name: str) -> Linear:
    a, b = dict(upper.terms), dict(lower.terms)
    p, q = 1 / a[name], -1 / b[name]
    terms = {k: p * a.get(k, Fraction(0)) + q * b.get(k, Fraction(0)) for k in {*a, *b}}
    return Linear(
        tuple(sorted((k, v) for k, v in terms.items() if v)),
        p * upper.constant + q * lower.constant,
        upper.strict or lower.strict,
    )
