"""Functions and arithmetic of numbers, dates, times and intervals."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dbsynth.schema.expression import moments, numbers
from dbsynth.schema.expression.casts import cast, convert, unify
from dbsynth.schema.expression.logic import case, compare, is_null
from dbsynth.schema.expression.nodes import Context, Node, call, constant
from dbsynth.schema.expression.registry import FUNCTIONS, function
from dbsynth.schema.expression.values import (
    BOOL,
    DATE,
    FLOAT,
    INT,
    INTERVAL,
    NUMERIC,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    NotEvaluable,
    SqlType,
    Vec,
    apply,
    strict,
    vector,
)


def number(node: Node) -> Node:
    if node.type.family == "unknown":
        return cast(node, FLOAT)
    if node.type.family not in ("int", "numeric", "float"):
        raise NotEvaluable(f"a function of numbers of {node.type}")
    return node


def _rounding(name: str) -> None:
    def build(node: Node, digits: Node | None = None) -> Node:
        node = number(node)
        if node.type.family == "int" and digits is None:
            node = cast(node, FLOAT)
        if digits is not None:
            node = cast(node, NUMERIC) if node.type.family == "int" else node
            if node.type.family != "numeric" or not digits.constant:
                raise NotEvaluable(f"{name} of {node.type} to digits")
        places = 0 if digits is None else int(digits.scalar(0) or 0)
        if node.type.family == "float":
            kernel = {"round": np.rint, "trunc": np.trunc, "floor": np.floor, "ceil": np.ceil}[name]
            return call(name, FLOAT, (node,), lambda v: strict(FLOAT, kernel(v.values), v))
        exact: Callable[[Vec], Vec] = {
            "round": lambda v: numbers.rounded(v, places),
            "trunc": lambda v: numbers.truncated(v, places),
            "floor": numbers.floored,
            "ceil": lambda v: numbers.floored(v, up=True),
        }[name]
        return call(name, NUMERIC, (node,), exact)

    FUNCTIONS[name] = build


for _name in ("round", "trunc", "floor", "ceil"):
    _rounding(_name)
FUNCTIONS["ceiling"] = FUNCTIONS["ceil"]


def _signed(name: str, ufunc: Callable[[np.ndarray], np.ndarray]) -> None:
    def build(node: Node) -> Node:
        node = number(node)
        type_ = SqlType(node.type.family)

        def kernel(v: Vec) -> Vec:
            special = v.special
            if special is not None and name == "abs":
                special = np.abs(special)
            elif special is not None:
                special = np.where(special == 2, 2, -special)
            return strict(type_, ufunc(v.values), v, scale=v.scale, special=special)

        return call(name, type_, (node,), kernel)

    FUNCTIONS[name] = build


_signed("abs", np.abs)
_signed("negative", np.negative)


@function("sign")
def _sign(node: Node) -> Node:
    node = number(node)
    type_ = NUMERIC if node.type.family == "numeric" else FLOAT
    node = cast(node, type_)

    def kernel(v: Vec) -> Vec:
        values = np.sign(numbers.to_float(v))
        if type_ is FLOAT:
            return strict(FLOAT, values, v)
        return strict(NUMERIC, np.nan_to_num(values).astype(np.int64), v)

    return call("sign", type_, (node,), kernel)


def _floating(name: str, ufunc: Callable[..., np.ndarray], allowed: Callable[..., np.ndarray]) -> None:
    """Functions that are computed in floats; of numerics they are exact in the database, so comparisons may differ
    in the last digits and such arguments are refused."""

    def build(*args: Node) -> Node:
        typed = tuple(number(a) for a in args)
        if any(a.type.family == "numeric" and not a.constant for a in typed):
            raise NotEvaluable(f"{name} of numeric")
        typed = tuple(cast(a, FLOAT) for a in typed)

        def kernel(*vecs: Vec) -> Vec:
            with np.errstate(all="ignore"):
                values = ufunc(*(v.values for v in vecs))
            return strict(FLOAT, values, *vecs, bad=~allowed(*(v.values for v in vecs)))

        return call(name, FLOAT, typed, kernel)

    FUNCTIONS[name] = build


_floating("sqrt", np.sqrt, lambda x: ~(x < 0))
_floating("power", np.power, lambda x, y: ~((x == 0) & (y < 0)) & ~((x < 0) & (y != np.trunc(y))))
_floating("ln", np.log, lambda x: ~(x <= 0))
_floating("log10", np.log10, lambda x: ~(x <= 0))
_floating("cbrt", np.cbrt, lambda x: np.ones_like(x, dtype=bool))
_floating("exp", np.exp, lambda x: np.ones_like(x, dtype=bool))


@function("gcd")
def _gcd(a: Node, b: Node) -> Node:
    if {a.type.family, b.type.family} != {"int"}:
        raise NotEvaluable(f"gcd of {a.type} and {b.type}")
    return call("gcd", INT, (a, b), lambda p, q: strict(INT, np.gcd(p.values, q.values), p, q))


@function("div")
def _div(a: Node, b: Node) -> Node:
    """The whole part of a quotient of numerics."""
    x, y = cast(number(a), NUMERIC), cast(number(b), NUMERIC)
    return arithmetic("/", arithmetic("-", x, arithmetic("%", x, y)), y)


@function("mod")
def _mod(a: Node, b: Node) -> Node:
    return arithmetic("%", a, b)


@function("num_nonnulls")
def _num_nonnulls(*args: Node) -> Node:
    return _count_nulls(args, False)


@function("num_nulls")
def _num_nulls(*args: Node) -> Node:
    return _count_nulls(args, True)


def _count_nulls(args: tuple[Node, ...], nulls: bool) -> Node:
    tests = tuple(is_null(a, nulls) for a in args)

    def run(ctx: Context) -> Vec:
        counts = sum(t.run(ctx).values.astype(np.int64) for t in tests)
        return Vec(INT, np.asarray(counts), np.ones(len(np.asarray(counts)), dtype=bool))

    return Node("call", INT, run, tests, "num_nulls" if nulls else "num_nonnulls")


@function("nullif")
def _nullif(a: Node, b: Node) -> Node:
    return case([(compare("=", a, b), constant(a.type, None))], a)


def arithmetic(name: str, a: Node, b: Node) -> Node:
    """+ - * / % over numbers, dates, times and intervals."""
    kinds = (a.type.family, b.type.family)
    known = {"int", "numeric", "float"}
    if "unknown" in kinds and (set(kinds) - {"unknown"}) <= known:
        a, b = unify(a, b)
    if set(kinds) <= known | {"unknown"}:
        x, y = unify(a, b)
        type_ = SqlType(x.type.family)
        return call(name, type_, (x, y), lambda p, q: numbers.arithmetic(name, p, q))
    stamps = ("date", "timestamp", "timestamptz")
    if name in "+-":
        sign = 1 if name == "+" else -1
        if kinds[0] in stamps and kinds[1] == "interval":
            type_ = TIMESTAMPTZ if kinds[0] == "timestamptz" else TIMESTAMP
            return call(name, type_, (a, b), lambda p, q: moments.plus_interval(p, q, sign))
        if kinds == ("date", "int"):
            return call(name, DATE, (a, b), lambda p, q: moments.add_days(p, q, sign))
        if kinds == ("time", "interval"):
            return call(name, a.type, (a, b), lambda p, q: moments.time_plus(p, q, sign))
        if kinds == ("interval", "interval"):
            return call(name, INTERVAL, (a, b), lambda p, q: strict(INTERVAL, p.values + sign * q.values, p, q))
    if name == "+" and ((kinds[1] in stamps and kinds[0] in ("interval", "int")) or kinds == ("interval", "time")):
        return arithmetic("+", b, a)
    if name == "-" and kinds == ("date", "date"):
        return call("-", INT, (a, b), moments.days_between)
    if name == "-" and kinds[0] in stamps and kinds[1] in stamps:
        x, y = unify(a, b)
        return call("-", INTERVAL, (x, y), moments.difference)
    if name == "-" and kinds == ("time", "time"):
        return call("-", INTERVAL, unify(a, b), moments.time_difference)
    if name == "+" and set(kinds) == {"date", "time"}:
        day, clock = (a, b) if kinds[0] == "date" else (b, a)
        return call("+", TIMESTAMP, (day, clock), lambda p, q: strict(TIMESTAMP, moments.to_micros(p) + q.values, p, q))
    if name == "*" and "interval" in kinds and set(kinds) <= known | {"interval"} and len(set(kinds)) == 2:
        i, n = (a, b) if kinds[0] == "interval" else (b, a)
        return call("*", INTERVAL, (i, cast(n, FLOAT)), moments.times)
    raise NotEvaluable(f"{a.type} {name} {b.type}")


def extract(field: str, node: Node) -> Node:
    if node.type.family not in ("date", "time", "timestamp", "timestamptz", "interval"):
        raise NotEvaluable(f"EXTRACT({field} FROM {node.type})")
    moments.extract(field, vector(node.type, [None]))  # refuses an unknown field now rather than on the first batch
    return call(f"extract {field.lower()}", NUMERIC, (node,), lambda v: moments.extract(field, v))


def date_trunc(unit: str, node: Node) -> Node:
    if node.type.family not in ("date", "timestamp", "timestamptz"):
        raise NotEvaluable(f"date_trunc of {node.type}")
    type_ = moments.truncate(unit, vector(node.type, [None])).type
    return call(f"date_trunc {unit}", type_, (node,), lambda v: moments.truncate(unit, v))


FORMATS = set("YmdHMS")
"""What to_char is computed of, in the letters of strftime: YYYY, MM, DD, HH24, MI, SS."""


def to_char(node: Node, form: str) -> Node:
    """``form`` as the database has it, or as of strftime. Of infinite moments it is null."""
    for name, letter in {"YYYY": "Y", "MM": "m", "DD": "d", "HH24": "H", "MI": "M", "SS": "S"}.items():
        form = form.replace(name, f"%{letter}")
    if node.type.family not in ("date", "timestamp", "timestamptz"):
        raise NotEvaluable(f"to_char of {node.type}")
    if any(part[:1] not in FORMATS for part in form.split("%")[1:]) or re.search(r"[A-Za-z\"]", re.sub("%.", "", form)):
        raise NotEvaluable(f"to_char with {form!r}")

    def kernel(vec: Vec) -> Vec:
        micros = moments.to_micros(vec)
        low, high = moments.limits("timestamp")
        finite = (micros != low) & (micros != high)
        when = np.where(finite, micros, 0).astype("M8[us]").tolist()
        written = [
            w.strftime(form) if ok and known else None for w, ok, known in zip(when, finite, vec.valid, strict=True)
        ]
        return vector(TEXT, written, vec.bad)

    return replace(call("to_char", TEXT, (node,), kernel), value=form)


@function("age")
def _age(a: Node, b: Node | None = None) -> Node:
    if b is None:
        midnight = Node("const", TIMESTAMP, lambda ctx: vector(TIMESTAMP, [ctx.now // moments.DAY * moments.DAY]))
        a, b = midnight, a
    x, y = unify(a, b)
    if x.type.family not in ("date", "timestamp", "timestamptz"):
        raise NotEvaluable(f"age of {x.type}")
    return call("age", INTERVAL, (x, y), moments.age)


@function("make_date")
def _make_date(y: Node, m: Node, d: Node) -> Node:
    args = tuple(cast(n, INT) for n in (y, m, d))
    return call("make_date", DATE, args, lambda *v: apply(DATE, lambda *p: moments._days(*(int(x) for x in p)), *v))


@function("isfinite")
def _isfinite(node: Node) -> Node:
    if node.type.family not in ("date", "timestamp", "timestamptz"):
        raise NotEvaluable(f"isfinite of {node.type}")
    return call("isfinite", BOOL, (node,), lambda v: strict(BOOL, ~np.logical_or(*moments.infinite(v)), v))


def now_node(type_: SqlType) -> Node:
    """now() and its relatives."""

    def run(ctx: Context) -> Vec:
        return convert(vector(TIMESTAMPTZ, [ctx.now]), type_, ctx.now)

    return Node("const", type_, run, name="now")


for _name in ("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp"):
    FUNCTIONS[_name] = lambda: now_node(TIMESTAMPTZ)
