"""Casts between types, explicit and implicit, as the database does them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

import numpy as np

from dbsynth.schema.expression import moments, numbers
from dbsynth.schema.expression.nodes import Context, Node, constant
from dbsynth.schema.expression.texts import parse_array
from dbsynth.schema.expression.values import (
    BOOL,
    NUMERIC,
    TEXT,
    UNKNOWN,
    NotEvaluable,
    SqlType,
    Vec,
    apply,
    strict,
    vector,
)

TRUE = {"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"}
FALSE = {"f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"}
LOSSLESS = {
    ("int", "numeric"), ("int", "float"), ("numeric", "float"), ("date", "timestamp"), ("date", "timestamptz"),
    ("text", "bpchar"), ("bpchar", "text"), ("enum", "text"), ("uuid", "text"), ("timestamp", "timestamptz"),
    ("text", "text"), ("bpchar", "bpchar"), ("text", "enum"),
}  # fmt: skip
"""Pairs of families whose cast keeps the order (or for texts the equality) of values, if no length is cut."""


def parse_bool(text: str) -> bool:
    word = text.strip().lower()
    if word in TRUE or word in FALSE:
        return word in TRUE
    raise ValueError(f"not a boolean: {text!r}")


def parse_int(text: str) -> int:
    if not re.fullmatch(r"\s*[+-]?\d+\s*", text):
        raise ValueError(f"not an integer: {text!r}")
    value = int(text)
    if abs(value) >= 2**63:
        raise ValueError("out of range")
    return value


def parse_float(text: str) -> float:
    if "_" in text:
        raise ValueError(f"not a number: {text!r}")
    return float(text)


def parse_bits(text: str) -> str:
    if set(text) - {"0", "1"}:
        raise ValueError(f"not a bit string: {text!r}")
    return text


def _clip(text: str, length: int | None) -> str:
    return text if length is None else text[:length]


def from_text(vec: Vec, type_: SqlType, now: int) -> Vec:
    """Reads a value from its text form; a text that is none is an error of the row."""
    family = type_.family
    parsers: dict[str, Callable[[str], object]] = {
        "bool": parse_bool,
        "int": parse_int,
        "float": parse_float,
        "time": moments.parse_time,
        "interval": moments.parse_interval,
        "array": parse_array,
        "uuid": lambda t: t.strip().strip("{}").lower(),
        "text": lambda t: _clip(t, type_.length),
        "bpchar": lambda t: _clip(t, type_.length).rstrip(" "),
        "enum": str,
        "json": str,
        "bytea": str,
        "composite": str,
        "inet": lambda t: str(ipaddress.ip_interface(t.strip())),
        "bits": parse_bits,
        "range": str,
        "unknown": str,
    }
    if family == "numeric":
        read = numbers.from_texts([v if ok else None for v, ok in zip(vec.values, vec.valid, strict=True)])
        bad = read.bad if vec.bad is None else vec.bad if read.bad is None else vec.bad | read.bad
        return numbers.limited(Vec(NUMERIC, read.values, read.valid, bad, read.scale, read.special), type_)
    if family in ("date", "timestamp", "timestamptz"):
        return apply(type_, lambda t: moments.parse_moment(t, family, now), vec)
    if family not in parsers:
        raise NotEvaluable(f"a cast to {type_}")
    return apply(type_, parsers[family], vec)


def _moment_text(value: int, family: str) -> str:
    low, high = moments.limits(family)
    if value in (low, high):
        return "infinity" if value == high else "-infinity"
    if family == "date":
        return str(np.datetime64(value, "D"))
    day, clock = divmod(value, moments.DAY)
    text = f"{np.datetime64(day, 'D')} {_time_text(clock)}"
    return text + "+00" if family == "timestamptz" else text


def _time_text(clock: int) -> str:
    seconds, micros = divmod(clock, 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{micros:06}".rstrip("0") if micros else text


def _to_text(vec: Vec, type_: SqlType) -> Vec:
    family = vec.type.family
    if family == "int":
        return apply(type_, lambda v: _clip(str(v), type_.length), vec)
    if family == "bool":
        return apply(type_, lambda v: _clip("true" if v else "false", type_.length), vec)
    if family == "time":
        return apply(type_, lambda v: _time_text(int(v)), vec)
    if family in ("date", "timestamp", "timestamptz"):
        return apply(type_, lambda v: _moment_text(int(v), family), vec)
    if family == "numeric" and vec.special is None and vec.type.scale is not None:
        return vector(type_, [format(numbers.scalar(vec.take(np.array([i]))), "f") if ok else None
                              for i, ok in enumerate(vec.valid)], vec.bad)  # fmt: skip
    raise NotEvaluable(f"a cast of {vec.type} to {type_}")


def _numbers(vec: Vec, type_: SqlType) -> Vec:
    """Between int, numeric, float and bool."""
    source, target = vec.type.family, type_.family
    if target == "float":
        values = numbers.to_float(vec)
        return strict(type_, values.astype(np.float32).astype(np.float64) if type_.single else values, vec)
    if target == "numeric":
        return numbers.limited(numbers.from_float(vec) if source == "float" else vec, type_)
    if target == "int":
        if source == "float":
            bad = ~np.isfinite(vec.values) | (np.abs(vec.values) >= 2.0**63)
            return strict(type_, np.rint(np.where(bad, 0, vec.values)).astype(np.int64), vec, bad=bad)
        if source == "bool":
            return strict(type_, vec.values.astype(np.int64), vec)
        bad = None if vec.special is None else vec.special != 0
        return strict(type_, numbers.rounded(vec, 0).values, vec, bad=bad)
    return strict(BOOL, vec.values != 0, vec)


def _moments(vec: Vec, type_: SqlType) -> Vec:
    target = type_.family
    if vec.type.family == target:
        return Vec(type_, vec.values, vec.valid, vec.bad)
    if target == "date":
        return strict(type_, moments.to_days(vec), vec)
    if target == "time":
        return strict(type_, vec.values % moments.DAY, vec)
    return strict(type_, moments.to_micros(vec), vec)


NUMBERS, MOMENTS = {"int", "numeric", "float"}, {"date", "timestamp", "timestamptz"}


def convert(vec: Vec, type_: SqlType, now: int) -> Vec:
    """``vec`` cast to ``type_``."""
    source, target = vec.type.family, type_.family
    if source == target and source in ("text", "bpchar"):
        if type_.length is None:
            return vec
        return apply(type_, lambda t: _clip(t, type_.length), vec)
    if (source in NUMBERS and target in NUMBERS) or (source, target) in (("bool", "int"), ("int", "bool")):
        return _numbers(vec, type_)
    if (source in MOMENTS and target in MOMENTS) or (source in MOMENTS - {"date"} and target == "time"):
        return _moments(vec, type_)
    if source == "array" and target == "array":
        return Vec(type_, vec.values, vec.valid, vec.bad)
    if source == target:
        return Vec(type_, vec.values, vec.valid, vec.bad)
    if source in ("text", "bpchar", "unknown") or (source == "enum" and target in ("text", "bpchar")):
        return from_text(vec, type_, now)
    if source in ("uuid", "json") and target == "text":
        return Vec(type_, vec.values, vec.valid, vec.bad)
    if source == "interval" and target == "time":
        return strict(type_, vec.values[:, 2] % moments.DAY, vec)
    return _to_text(vec, type_)


WRITABLE = {"int", "bool", "time", "date", "timestamp", "timestamptz"}


def possible(source: SqlType, target: SqlType) -> bool:
    """Whether ``convert`` knows the way; decided before anything runs."""
    a, b = source.family, target.family
    if a in ("text", "bpchar", "unknown"):
        return b not in ("opaque",)
    same = a == b and a not in ("opaque",)
    numeric = (a in NUMBERS and b in NUMBERS) or {a, b} == {"bool", "int"}
    moment = (a in MOMENTS and b in MOMENTS) or (a in MOMENTS - {"date"} | {"interval"} and b == "time")
    written = a in WRITABLE or a == "enum" or (a == "numeric" and source.scale is not None)
    textual = written and b in ("text", "bpchar")
    return same or numeric or moment or textual or (a in ("uuid", "json") and b == "text")


def cast(node: Node, type_: SqlType) -> Node:
    """A node of the given type. ``value`` of a cast node: whether it keeps order and equality of values."""
    source = node.type
    if source == type_ or (source.family == type_.family == "text" and type_.length is None):
        return node
    if source.family == type_.family == "numeric" and type_.precision is None:
        return node
    if not possible(source, type_):
        raise NotEvaluable(f"a cast of {source} to {type_}")
    cut = type_.length is not None and (source.length is None or type_.length < source.length)
    keeps = (source.family, type_.family) in LOSSLESS and not cut and type_.precision is None
    # '8 years'::interval, 'now'::date: a literal is read when it is needed, since now() may be another

    def run(ctx: Context) -> Vec:
        return convert(node.run(ctx), type_, ctx.now)

    return Node("cast", type_, run, (node,), value=keeps)


RANK = {"int": 0, "numeric": 1, "float": 2}
MOMENT_RANK = {"date": 0, "timestamp": 1, "timestamptz": 2}


def common(a: SqlType, b: SqlType) -> SqlType:
    """The type in which two values are compared."""
    if a.family == b.family:
        if a.family in ("text", "numeric", "float"):
            return SqlType(a.family)
        return a
    if "unknown" in (a.family, b.family):
        other = b if a.family == "unknown" else a
        return SqlType(other.family) if other.family in ("text", "bpchar", "numeric", "float") else other
    if a.family in RANK and b.family in RANK:
        return SqlType(max(a.family, b.family, key=RANK.__getitem__))
    if a.family in MOMENT_RANK and b.family in MOMENT_RANK:
        return SqlType(max(a.family, b.family, key=MOMENT_RANK.__getitem__))
    if {a.family, b.family} == {"text", "bpchar"}:
        other = a if a.family == "text" else b
        return SqlType("bpchar") if other.name == "character varying" else TEXT  # only text proper is preferred
    raise NotEvaluable(f"a comparison of {a} with {b}")


def unify(*nodes: Node) -> tuple[Node, ...]:
    """The nodes, cast to their common type."""
    type_ = nodes[0].type
    for node in nodes[1:]:
        type_ = common(type_, node.type)
    if type_.family == "unknown":
        type_ = TEXT
    return tuple(cast(n, type_) for n in nodes)


def literal(text: str) -> Node:
    return constant(UNKNOWN, text)
