"""Values at which a comparison holds: those that good rows have, where they have some, else the nearest there is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from dbsynth.schema.expression import moments, numbers
from dbsynth.schema.expression.domains import base
from dbsynth.schema.expression.nodes import Node, scalar
from dbsynth.schema.expression.values import STRINGS, SqlType, Vec, vector
from dbsynth.schema.satisfy.rows import Rows

FRACTION_DIGITS = 6
"""Digits of the step beyond a bound of a numeric without a declared scale."""


def target(rows: Rows, node: Node, name: str, other: Vec, nearest: bool) -> Vec:
    """Per row a value that ``node`` could have so that ``node <name> other`` holds. ``nearest``: the one next to
    ``other`` instead of one that occurs."""
    other = other.expand(rows.n)
    if name == "=":
        return other
    if not nearest and (found := _drawn(rows, node, name, other)) is not None:
        return found
    return beyond(node.type, name, other)


def _drawn(rows: Rows, node: Node, name: str, other: Vec) -> Vec | None:
    held = _candidates(rows, node)
    if not len(held) or held.type.family != other.type.family:
        return None
    keys, limits = _keys(held, other)
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    low, high = np.zeros(rows.n, np.int64), np.full(rows.n, len(ranked))
    match name:
        case "<":
            high = np.searchsorted(ranked, limits, "left")
        case "<=":
            high = np.searchsorted(ranked, limits, "right")
        case ">":
            low = np.searchsorted(ranked, limits, "right")
        case ">=":
            low = np.searchsorted(ranked, limits, "left")
    at = (low + rows.rng.random(rows.n) * (high - low)).astype(np.int64).clip(max=len(ranked) - 1)
    if name == "<>":  # what is drawn, or if it is the same, the next that is not
        after = np.searchsorted(ranked, limits, "right")
        at = np.where(ranked[at] == limits, np.where(after < len(ranked), after, 0), at)
    possible = (high > low) & (np.asarray(ranked[at] != limits, dtype=bool) | (name in ("<=", ">=")))
    if not possible.any():
        return None
    made = held.take(order[at])
    near = beyond(node.type, name, other)
    return _either(possible, made, near)


def _either(first: np.ndarray, a: Vec, b: Vec) -> Vec:
    if a.type.family == "numeric":
        x, y, scale = numbers.aligned(a, b)
        return Vec(a.type, np.where(first, x, y), np.where(first, a.valid, b.valid), scale=scale)
    if a.type.family == "interval":
        return Vec(a.type, np.where(first[:, None], a.values, b.values), np.where(first, a.valid, b.valid))
    return Vec(a.type, np.where(first, a.values, b.values), np.where(first, a.valid, b.valid))


def _candidates(rows: Rows, node: Node) -> Vec:
    if node.type.family == "enum" and node.type.labels:
        return vector(node.type, node.type.labels)
    if node.type.family == "bool":
        return vector(node.type, [False, True])
    held = rows.donors(node)
    if held.special is not None:
        held = held.take(np.flatnonzero(held.special == 0))
    if held.type.family in ("date", "timestamp", "timestamptz"):
        held = held.take(np.flatnonzero(~np.logical_or(*moments.infinite(held))))
    return held


def _keys(a: Vec, b: Vec) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays that order as the values do."""
    match a.type.family:
        case "numeric":
            x, y, _ = numbers.aligned(a, b)
            return x, y
        case "interval":
            return moments.span(a), moments.span(b)
        case "enum":
            rank = {label: i for i, label in enumerate(a.type.labels or b.type.labels)}
            x, y = (np.array([rank.get(v, -1) for v in vec.values], np.int64) for vec in (a, b))
            return x, y
        case _:
            return a.values, b.values


def beyond(type_: SqlType, name: str, other: Vec) -> Vec:
    """The value next to ``other`` on the side that ``name`` asks for."""
    step = {"<": -1, ">": 1, "<>": 1}.get(name, 0)
    if step == 0:
        return other
    values, scale = other.values, other.scale
    match other.type.family:
        case "int" | "date":
            values = values + step
        case "time" | "timestamp" | "timestamptz":
            values = values + step * (1_000_000 if other.type.family == "time" else 1)
        case "float":
            values = np.nextafter(values, np.inf * step)
            if type_.single:
                values = np.nextafter(other.values.astype(np.float32), np.float32(np.inf * step)).astype(np.float64)
        case "numeric":
            digits = type_.scale if type_.scale is not None else max(FRACTION_DIGITS, scale)
            digits = max(digits, scale)
            values, scale = numbers.shifted(values, digits - scale), digits
            values = values + step * 10 ** (digits - (type_.scale if type_.scale is not None else digits))
        case "interval":
            values = values + step * np.array([0, 0, 1_000_000])
        case "bool":
            values = np.full(len(values), step > 0) if name != "<>" else ~values
        case "enum":
            labels = type_.labels or other.type.labels
            rank = {label: i for i, label in enumerate(labels)}
            at = np.array([rank.get(v, 0) for v in values]) + step
            at = np.where(at >= len(labels), 0, at) if name == "<>" else at.clip(0, len(labels) - 1)
            values = np.array(labels, dtype=object)[at]
        case "uuid":
            values = np.array([_other_uuid(v) for v in values], dtype=object)
        case "text" | "bpchar":
            values = np.array([v + "a" if step > 0 else v[:-1] for v in values], dtype=object)
            if name == "<>":
                values = np.array(["b" if v == "a" else "a" for v in other.values], dtype=object)
        case "array":
            values = np.empty(len(other), dtype=object)
            values[:] = [[*v, v[0] if v else "1"] for v in other.values]
        case _:
            return other
    return Vec(other.type, values, other.valid, scale=scale)


def _other_uuid(text: str) -> str:
    return text[:-1] + ("0" if text[-1:] != "0" else "1")


def some_value(rows: Rows, node: Node) -> Vec:
    """A value for each row: one that occurs, else one that the CHECKs allow, else the plainest of the type."""
    held = rows.donors(node)
    if len(held):
        return held.take(rows.rng.integers(0, len(held), rows.n))
    implied, name = rows.implied, node.name
    fallback: Any = PLAINEST.get(node.type.family, "")
    if node.type.family == "enum" and node.type.labels:
        fallback = node.type.labels[0]
    if node.type.family in STRINGS and implied.min_length.get(name):
        fallback = "a" * implied.min_length[name]
    known = [v for v in (*implied.allowed.get(name, ()), implied.low.get(name), implied.high.get(name))
             if v is not None]  # fmt: skip
    value = known[0] if known and node.kind == "column" else fallback
    if node.type.family == "numeric":
        made = numbers.from_texts([format(value, "f") if known else str(value)], node.type)
    else:
        made = vector(node.type, [value])
    return made.expand(rows.n)


def shared(rows: Rows, node: Node, args: Sequence[Vec], wanted: Vec) -> list[dict[int, Vec]]:
    """Both sides of a sum or difference of two columns moved, so that each stays within its bounds."""
    columns = [base(a) for a in node.args]
    if node.name not in ("+", "-") or wanted.type.family not in ("int", "numeric") or len(columns) != 2:
        return []
    left, right = columns
    if left is None or right is None or {left.kind, right.kind} != {"column"}:
        return []
    if not {left.type.family, right.type.family} <= {"int", "numeric"}:
        return []
    a, w, scale = numbers.aligned(args[0], wanted)
    scale = max(scale, args[1].scale)
    a, w = (numbers.shifted(v, scale - max(args[0].scale, wanted.scale)) for v in (a, w))
    sign = 1 if node.name == "+" else -1
    other = _within(rows, right, sign * (w - a), scale)
    first = _within(rows, left, w - sign * other, scale)
    known = args[0].valid & wanted.valid
    made = [Vec(wanted.type, v, known, scale=scale) for v in (first, sign * (w - first))]
    return [dict(enumerate(made))]


def _within(rows: Rows, column: Node, values: np.ndarray, scale: int) -> np.ndarray:
    """``values`` (times 10**scale) brought into what CHECKs leave of the column."""
    low, high = rows.implied.low.get(column.name), rows.implied.high.get(column.name)
    if low is not None:
        values = np.maximum(values, int(Decimal(low).scaleb(scale)))
    if high is not None:
        values = np.minimum(values, int(Decimal(high).scaleb(scale)))
    return values


PLAINEST: dict[str, Any] = {
    "bool": True, "int": 0, "float": 0.0, "numeric": 0, "date": 18_262, "time": 43_200_000_000,
    "timestamp": 18_262 * moments.DAY, "timestamptz": 18_262 * moments.DAY, "text": "a", "bpchar": "a",
    "interval": (0, 1, 0), "json": "{}", "array": [], "range": "empty", "bytea": "\\x00",
    "uuid": "00000000-0000-4000-8000-000000000000",
}  # fmt: skip


def as_python(vec: Vec, row: int) -> Any:
    return scalar(vec.take(np.array([row])))
