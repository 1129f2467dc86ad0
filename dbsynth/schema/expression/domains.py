"""What a predicate leaves of each column's values: bounds, lists, lengths, patterns.

A CHECK passes where it is not false, so everything here is about non-null values: of AND every part must not be false
(``meet``), of OR one part (``join``).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from dbsynth.schema.expression.logic import MIRRORED, boolean
from dbsynth.schema.expression.moments import DAY, limits
from dbsynth.schema.expression.nodes import Node
from dbsynth.schema.expression.numbers import decimal
from dbsynth.schema.expression.values import SqlType

Key = tuple[str, ...]
"""(column,) or (column, field of the composite)."""

OPEN_STEP = 6
"""Digits after the point of the step that a strict bound leaves in a numeric without a declared scale."""


@dataclass(frozen=True)
class Domain:
    """``empty``: no value but null. ``not_null``: and null neither."""

    low: Any = None
    high: Any = None
    allowed: tuple[Any, ...] | None = None
    min_length: int | None = None
    max_length: int | None = None
    patterns: tuple[str, ...] = ()
    not_null: bool = False
    empty: bool = False


def _pick(function: Any, a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else function(a, b)


def meet(a: Domain, b: Domain) -> Domain:
    allowed = b.allowed if a.allowed is None else a.allowed
    if a.allowed is not None and b.allowed is not None:
        allowed = tuple(v for v in a.allowed if v in b.allowed)
    return Domain(
        _pick(max, a.low, b.low),
        _pick(min, a.high, b.high),
        allowed,
        _pick(max, a.min_length, b.min_length),
        _pick(min, a.max_length, b.max_length),
        tuple(dict.fromkeys(a.patterns + b.patterns)),
        a.not_null or b.not_null,
        a.empty or b.empty,
    )


def join(a: Domain, b: Domain) -> Domain:
    not_null = a.not_null and b.not_null
    if a.empty or b.empty:
        return replace(b if a.empty else a, not_null=not_null)
    both_listed = a.allowed is not None and b.allowed is not None
    return Domain(
        None if a.low is None or b.low is None else min(a.low, b.low),
        None if a.high is None or b.high is None else max(a.high, b.high),
        tuple(dict.fromkeys((a.allowed or ()) + (b.allowed or ()))) if both_listed else None,
        None if a.min_length is None or b.min_length is None else min(a.min_length, b.min_length),
        None if a.max_length is None or b.max_length is None else max(a.max_length, b.max_length),
        tuple(p for p in a.patterns if p in b.patterns),
        not_null,
    )


def base(node: Node) -> Node | None:
    """The column or composite field under casts that keep order and equality."""
    while node.kind == "cast" and node.value:
        node = node.args[0]
    if node.kind == "column" or (node.kind == "field" and node.args[0].kind == "column"):
        return node
    return None


def key_of(node: Node) -> Key:
    return (node.name,) if node.kind == "column" else (node.args[0].name, node.name)


def domains(node: Node, now: int) -> dict[Key, Domain]:
    """By column what ``node`` not being false says about its non-null values."""
    node = boolean(node)
    result: dict[Key, Domain] = {}
    if node.kind == "and":
        for part in node.args:
            for key, domain in domains(part, now).items():
                result[key] = meet(result.get(key, Domain()), domain)
        return result
    if node.kind == "or":
        choices = [domains(p, now) for p in node.args]
        for key in choices[0]:
            if all(key in c for c in choices):
                joined = reduce(join, (c[key] for c in choices))
                if joined != Domain():
                    result[key] = joined
        return result
    return _atom(node, now)


def _atom(node: Node, now: int) -> dict[Key, Domain]:
    if (column := base(node)) is not None:
        return {key_of(column): Domain(allowed=(True,))}
    if node.kind == "not" and (column := base(node.args[0])) is not None:
        return {key_of(column): Domain(allowed=(False,))}
    if node.kind == "null" and (column := base(node.args[0])) is not None:
        return {key_of(column): Domain(empty=True) if node.value else Domain(not_null=True)}
    if node.kind == "in":
        return _member(node, now)
    if node.kind == "pattern" and (column := _text_column(node.args[0])) is not None:
        return {key_of(column): Domain(patterns=(str(node.value),))}
    if node.kind == "compare":
        left, right, name = node.args[0], node.args[1], node.name
        if left.constant and not right.constant:
            left, right, name = right, left, MIRRORED[name]
        if right.constant:
            return _against_constant(left, name, right, now)
        return _same_case(left, name, right)
    return {}


def _text_column(node: Node) -> Node | None:
    return base(node.args[0] if node.name == "padded" else node)


def _against_constant(left: Node, name: str, right: Node, now: int) -> dict[Key, Domain]:
    value = right.scalar(now)
    if value is None:
        return {}
    column = base(left)
    if column is not None:
        if name == "<>":
            return {key_of(column): Domain(min_length=1)} if value == "" else {}
        if name == "=":
            allowed = exact(value, right.type, column.type)
            return {key_of(column): replace(bounds(name, value, right.type, column.type), allowed=allowed)}
        return {key_of(column): bounds(name, value, right.type, column.type)}
    inner = base(left.args[0]) if left.kind == "call" and left.args else None
    if inner is None and left.kind == "call" and left.name == "char_length" and left.args[0].name == "btrim":
        inner = base(left.args[0].args[0])
        least = bounds(name, value, right.type, left.type).low
        return {} if inner is None or least is None else {key_of(inner): Domain(min_length=int(least))}
    if inner is None:
        return {}
    if left.name == "char_length":
        limit = bounds(name, value, right.type, left.type)
        return {key_of(inner): Domain(min_length=limit.low, max_length=limit.high)}
    if left.name == "btrim" and name == "<>" and value == "":
        return {key_of(inner): Domain(min_length=1, patterns=("[^ ]",))}
    if left.name == "abs" and name in ("<", "<=") and left.type.family != "float":
        most = bounds(name, value, right.type, inner.type).high
        return {} if most is None else {key_of(inner): Domain(low=-most, high=most)}
    if left.name in ("upper_text", "lower_text") and name == "=":
        return {key_of(inner): Domain(allowed=_cases([value], left.name))}
    return {}


def _same_case(left: Node, name: str, right: Node) -> dict[Key, Domain]:
    """upper(x) = x."""
    if base(left) is not None:
        left, right = right, left
    column = base(right)
    if column is None or name != "=" or left.name not in ("upper_text", "lower_text"):
        return {}
    inner = base(left.args[0])
    if inner is None or key_of(inner) != key_of(column):
        return {}
    other = "a-z" if left.name == "upper_text" else "A-Z"
    return {key_of(column): Domain(patterns=(rf"\A[^{other}]*\Z",))}


def _member(node: Node, now: int) -> dict[Key, Domain]:
    subject, *items = node.args
    if not all(i.constant for i in items):
        return {}
    values = [(i.scalar(now), i.type) for i in items]
    if any(v is None for v, _ in values):
        return {}  # x IN (1, NULL) is never false
    column = base(subject)
    if column is not None:
        known = [exact(v, t, column.type) for v, t in values]
        if any(k is None for k in known):
            return {}
        listed = [v for k in known if k is not None for v in k]
        domain = Domain(allowed=tuple(dict.fromkeys(listed)))
        if listed and column.type.family in ("int", "numeric", "float", "date", "time", "timestamp", "timestamptz"):
            domain = replace(domain, low=min(listed), high=max(listed))
        return {key_of(column): domain}
    if subject.name in ("upper_text", "lower_text") and (column := base(subject.args[0])) is not None:
        return {key_of(column): Domain(allowed=_cases([v for v, _ in values], subject.name))}
    return {}


def _cases(values: list[str], function: str) -> tuple[str, ...]:
    """What gives one of ``values`` under upper() or lower(): the value itself first, then its usual spellings."""
    kept = [v for v in values if (v.upper() if function == "upper_text" else v.lower()) == v]
    short = [
        "".join(letters)
        for v in kept
        if len(v) <= 3
        for letters in itertools.product(*(dict.fromkeys((c, c.lower(), c.upper())) for c in v))
    ]
    usual = [form for v in kept for form in (v.lower(), v.upper(), v.capitalize(), v.title())]
    return tuple(dict.fromkeys([*kept, *short, *usual]))


def _ratio(value: Any, type_: SqlType, column: SqlType) -> Fraction | None:
    """The number in the column's unit; None if it is not finite."""
    if type_.family in ("timestamp", "timestamptz", "date"):
        if value in limits(type_.family):
            return None
        return Fraction(value, DAY) if column.family == "date" and type_.family != "date" else Fraction(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not math.isfinite(value):
        return None
    # the shortest decimal of a float is what a numeric cast to float is compared with
    return Fraction(repr(value)) if isinstance(value, float) and column.family == "numeric" else Fraction(value)


def bounds(name: str, value: Any, type_: SqlType, column: SqlType) -> Domain:
    """The inclusive bounds that ``column <name> value`` sets, in the column's own steps."""
    ratio = _ratio(value, type_, column)
    if ratio is None:
        return Domain()
    low: Any = None
    high: Any = None
    if column.family == "float":
        number = float(ratio)
        step = np.float32 if column.single else np.float64
        up, down = (float(np.nextafter(step(number), step(end))) for end in (np.inf, -np.inf))
        low = {">": up, ">=": number, "=": number}.get(name)
        high = {"<": down, "<=": number, "=": number}.get(name)
        return Domain(low=low, high=high)
    if column.family not in ("int", "numeric", "date", "time", "timestamp", "timestamptz"):
        return Domain()
    digits = 0
    if column.family == "numeric":
        finest = max(OPEN_STEP, len(str(value).partition(".")[2]))
        digits = column.scale if column.scale is not None else finest
    scaled = ratio * 10**digits
    floor, ceil = math.floor(scaled), math.ceil(scaled)
    low = {">": floor + 1, ">=": ceil, "=": ceil}.get(name)
    high = {"<": ceil - 1, "<=": floor, "=": floor}.get(name)
    if column.family == "numeric":
        low, high = (None if v is None else decimal(v, digits) for v in (low, high))
    return Domain(low=low, high=high)


def exact(value: Any, type_: SqlType, column: SqlType) -> tuple[Any, ...] | None:
    """``value`` as a value of the column, alone in a tuple: empty if the column cannot hold it, None if unknown."""
    if column.family in ("text", "bpchar", "enum", "uuid"):
        if column.family == "enum" and column.labels and value not in column.labels:
            return ()
        return (value,) if column.length is None or len(value) <= column.length else ()
    if column.family == "bool":
        return (value,)
    at = bounds("=", value, type_, column)
    if at.low is None:
        return None
    return (at.low,) if at.low == at.high else ()
