"""Ranges: bounds, tests, constructors, and what contains or overlaps what. They travel in the database's text form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from dbsynth.schema.expression import texts
from dbsynth.schema.expression.casts import cast, from_text
from dbsynth.schema.expression.nodes import Node, call, constant, scalar
from dbsynth.schema.expression.registry import FUNCTIONS
from dbsynth.schema.expression.values import (
    BOOL,
    DATE,
    INT,
    NUMERIC,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    NotEvaluable,
    SqlType,
    apply,
    vector,
)

RANGES = {
    name: SqlType("range", element=element, name=name)
    for name, element in {
        "int4range": INT, "int8range": INT, "numrange": NUMERIC, "daterange": DATE, "tsrange": TIMESTAMP,
        "tstzrange": TIMESTAMPTZ,
    }.items()
}  # fmt: skip
STEPPED = ("int", "date")
"""Families with a next value: [1,4] is [1,5)."""


@dataclass(frozen=True)
class Extent:
    """A range whose ends can be compared: None is without end."""

    empty: bool
    low: Any = None
    high: Any = None
    low_in: bool = False
    high_in: bool = False

    def has(self, value: Any) -> bool:
        if self.empty:
            return False
        above = self.low is None or value > self.low or (self.low_in and value == self.low)
        return above and (self.high is None or value < self.high or (self.high_in and value == self.high))

    def covers(self, other: Extent) -> bool:
        if other.empty or self.empty:
            return other.empty
        low = self.low is None or (other.low is not None and (
            other.low > self.low or (other.low == self.low and (self.low_in or not other.low_in))))  # fmt: skip
        high = self.high is None or (other.high is not None and (
            other.high < self.high or (other.high == self.high and (self.high_in or not other.high_in))))  # fmt: skip
        return low and high

    def overlaps(self, other: Extent) -> bool:
        return not (self.empty or other.empty) and not self.before(other) and not other.before(self)

    def before(self, other: Extent) -> bool:
        """Whether it ends before the other begins."""
        if self.high is None or other.low is None:
            return False
        return bool(self.high < other.low or (self.high == other.low and not (self.high_in and other.low_in)))

    def adjacent(self, other: Extent) -> bool:
        if self.empty or other.empty:
            return False
        return any(
            a.high is not None and a.high == b.low and a.high_in != b.low_in for a, b in ((self, other), (other, self))
        )


@lru_cache(maxsize=4096)
def extent(text: str, element: SqlType) -> Extent:
    """ValueError where the text is no range."""
    empty, low, high, low_in, high_in = texts.parse_range(text)
    if empty:
        return Extent(True)
    ends = [None if end is None else _value(end, element) for end in (low, high)]
    if None not in ends and ends[0] > ends[1]:  # type: ignore[operator]
        raise ValueError("range lower bound must be less than or equal to range upper bound")
    if element.family in STEPPED:
        if ends[0] is not None and not low_in:
            ends[0], low_in = ends[0] + 1, True
        if ends[1] is not None and high_in:
            ends[1], high_in = ends[1] + 1, False
    found = Extent(False, ends[0], ends[1], low_in, high_in)
    if found.low is not None and found.low == found.high and not (low_in and high_in):
        return Extent(True)
    return found


def _value(text: str, element: SqlType) -> Any:
    value = scalar(from_text(vector(TEXT, [text]), element, 0))
    if value is None:
        raise ValueError(f"not a bound of a range: {text!r}")
    return value


def range_bound(node: Node, upper: bool) -> Node:
    element = node.type.element
    if element is None:
        raise NotEvaluable(f"bounds of {node.type}")

    def bound(text: str) -> str | None:
        _, low, high, _, _ = texts.parse_range(text)
        return high if upper else low

    as_text_node = call("upper" if upper else "lower", TEXT, (node,), lambda v: apply(TEXT, bound, v))
    return cast(as_text_node, element)


def _range_test(name: str, kernel: Callable[[tuple[Any, ...]], bool]) -> None:
    def build(node: Node) -> Node:
        if node.type.family != "range":
            raise NotEvaluable(f"{name} of {node.type}")
        return call(name, BOOL, (node,), lambda v: apply(BOOL, lambda t: kernel(texts.parse_range(t)), v))

    FUNCTIONS[name] = build


_range_test("isempty", lambda r: bool(r[0]))
_range_test("lower_inf", lambda r: not r[0] and r[1] is None)
_range_test("upper_inf", lambda r: not r[0] and r[2] is None)
_range_test("lower_inc", lambda r: bool(r[3]))
_range_test("upper_inc", lambda r: bool(r[4]))

TESTS: dict[str, Callable[[Extent, Extent], bool]] = {
    "@>": lambda a, b: a.covers(b), "<@": lambda a, b: b.covers(a), "&&": lambda a, b: a.overlaps(b),
    "-|-": lambda a, b: a.adjacent(b),
}  # fmt: skip


def range_sets(name: str, a: Node, b: Node) -> Node:
    """@>, <@, && and -|- of ranges; @> and <@ of a range and an element."""
    if a.type.family != "range" and b.type.family == "range" and name in ("@>", "<@") and a.type.family != "unknown":
        return _element(name, b, a, {"<@": "@>"}.get(name, ""))
    if b.type.family != "range" and b.type.family != "unknown" and name == "@>":
        return _element(name, a, b, "@>")
    type_ = a.type if a.type.family == "range" else b.type
    if type_.element is None:
        raise NotEvaluable(f"{name} of {type_}")
    element, (x, y) = type_.element, (cast(n, type_) if n.type.family == "unknown" else n for n in (a, b))
    if x.type.family != "range" or y.type.family != "range":
        raise NotEvaluable(f"{name} of {a.type} and {b.type}")
    test = TESTS[name]
    return call(name, BOOL, (x, y), lambda p, q: apply(BOOL, lambda s, t: test(extent(s, element), extent(t, element)),
                                                       p, q))  # fmt: skip


def _element(name: str, whole: Node, part: Node, means: str) -> Node:
    element = whole.type.element
    if means != "@>" or element is None:
        raise NotEvaluable(f"{name} of {whole.type} and {part.type}")
    value = cast(part, element)
    args = (whole, value) if name == "@>" else (value, whole)

    def run(p: Any, q: Any) -> Any:
        ranges, values = (p, q) if name == "@>" else (q, p)
        if values.type.family == "numeric":
            numbers = vector(TEXT, [str(scalar(values.take(np.array([i])))) for i in range(len(values))])
            return apply(BOOL, lambda t, v: extent(t, element).has(_value(v, element)), ranges, numbers)
        return apply(BOOL, lambda t, v: extent(t, element).has(v), ranges, values)

    return call(f"{name} element", BOOL, args, run)


def _constructor(name: str, type_: SqlType) -> None:
    def build(low: Node, high: Node, bounds: Node | None = None) -> Node:
        element = type_.element
        assert element is not None
        if bounds is not None and not bounds.constant:
            raise NotEvaluable(f"{name} with bounds that are not constant")
        kind = "[)" if bounds is None else str(cast(bounds, TEXT).scalar(0))
        ends = [cast(n if n.type.family != "unknown" else cast(n, element), element) for n in (low, high)]
        written = [_written(e) for e in ends]

        def made(a: str, b: str) -> str:
            text = f"{kind[0]}{a},{b}{kind[1]}"
            extent(text, element)
            return text

        return call(name, type_, tuple(written), lambda p, q: apply(type_, made, p, q))

    FUNCTIONS[name] = build


def _written(node: Node) -> Node:
    """The end of a range as text; null is no end."""
    from dbsynth.schema.expression.logic import coalesce

    text = call("quoted", TEXT, (cast(node, TEXT),), lambda v: apply(TEXT, lambda t: f'"{t}"' if " " in t else t, v))
    return coalesce(text, constant(TEXT, ""))


for _name, _type in RANGES.items():
    _constructor(_name, _type)
