"""What arguments a function must have so that it gives what is wanted. Each way is the wished values of some arguments;
whoever asks tries one after the other, and verifies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from dbsynth.schema.expression import functions, moments
from dbsynth.schema.expression.casts import convert, possible
from dbsynth.schema.expression.nodes import Context, Node, scalar
from dbsynth.schema.expression.numbers import to_float
from dbsynth.schema.expression.texts import split_row
from dbsynth.schema.expression.values import (
    DATE,
    FLOAT,
    INT,
    TEXT,
    TIME,
    TIMESTAMP,
    NotEvaluable,
    SqlType,
    Vec,
    apply,
    vector,
)

Wishes = dict[int, Vec]
"""By the place of the argument."""
Inverse = Callable[[Node, Sequence[Vec], Vec, int], Iterator[Wishes]]
"""Of the node, the values of its arguments now, what it is to give, and the time now (µs)."""
INVERSES: dict[str, Inverse] = {}


def inverse(*names: str) -> Callable[[Inverse], Inverse]:
    def register(function: Inverse) -> Inverse:
        INVERSES.update(dict.fromkeys(names, function))
        return function

    return register


def fixed(vec: Vec) -> Node:
    return Node("const", vec.type, lambda _: vec)


def computed(name: str, a: Vec, b: Vec) -> Vec | None:
    """``a <name> b``; None where the types do not go together."""
    try:
        return functions.arithmetic(name, fixed(a), fixed(b)).run(Context(None, 0))
    except NotEvaluable:
        return None


def _known(*wishes: tuple[int, Vec | None]) -> Iterator[Wishes]:
    for at, vec in wishes:
        if vec is not None:
            yield {at: vec}


@inverse("+")
def _plus(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    a, b = args
    if {a.type.family, b.type.family} == {"date", "time"}:
        day = 0 if a.type.family == "date" else 1
        yield {day: convert(wanted, DATE, now), 1 - day: convert(wanted, TIME, now)}
        return
    yield from _known((0, computed("-", wanted, b)), (1, computed("-", wanted, a)))


@inverse("-")
def _minus(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    a, b = args
    if a.type.family == b.type.family == "date" and wanted.type.family == "numeric":
        wanted = convert(wanted, INT, now)
    yield from _known((0, computed("+", b, wanted)), (1, computed("-", a, wanted)))


@inverse("*")
def _times(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    a, b = args
    if wanted.type.family == "interval":
        yield {0 if a.type.family == "interval" else 1: wanted}
        return
    yield from _known((0, computed("/", wanted, b)), (1, computed("/", wanted, a)))
    zero = Vec(wanted.type, wanted.values, wanted.valid & (wanted.values == 0), scale=wanted.scale)
    yield {0: zero}
    yield {1: zero}
    yield {0: wanted, 1: vector(INT, [1]).expand(len(wanted))}


@inverse("/")
def _over(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    a, b = args
    yield from _known((0, computed("*", wanted, b)), (1, computed("/", a, wanted)))
    yield {0: wanted, 1: vector(INT, [1]).expand(len(wanted))}


@inverse("%")
def _modulo(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    a, b = args
    rest = computed("%", a, b)
    whole = None if rest is None else computed("-", a, rest)
    yield from _known((0, None if whole is None else computed("+", whole, wanted)), (0, wanted))


@inverse("negative")
def _negative(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    zero = convert(vector(INT, [0]), SqlType(wanted.type.family), now)
    yield from _known((0, computed("-", zero.expand(len(wanted)), wanted)))


@inverse("abs")
def _absolute(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    below = np.asarray(args[0].values < 0) & (np.asarray(wanted.values) >= 0)
    yield {0: Vec(wanted.type, np.where(below, -wanted.values, wanted.values), wanted.valid, scale=wanted.scale)}


@inverse(
    "round", "trunc", "floor", "ceil", "sign", "date_trunc", "upper_text", "lower_text", "initcap", "btrim", "ltrim",
    "rtrim", "padded", "replace", "translate", "regexp_replace", "lpad", "rpad", "__or__", "substring_of", "quoted",
)  # fmt: skip
def _itself(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    """Functions that leave alone what they have given."""
    yield {0: wanted}


@inverse("__and__")
def _and_bits(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    a, mask = args
    yield {0: Vec(INT, (a.values & ~mask.values) | wanted.values, a.valid & mask.valid)}


@inverse("__xor__")
def _xor_bits(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    yield {0: Vec(INT, args[1].values ^ wanted.values, wanted.valid)}


def _floating(name: str, back: Callable[..., np.ndarray]) -> None:
    @inverse(name)
    def way(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
        with np.errstate(all="ignore"):
            made = back(to_float(wanted), *(to_float(a) for a in args[1:]))
        yield {0: Vec(FLOAT, np.nan_to_num(made), wanted.valid & np.isfinite(made))}
        yield {0: Vec(FLOAT, np.ceil(np.nan_to_num(made)), wanted.valid & np.isfinite(made))}


_floating("sqrt", np.square)
_floating("power", lambda y, e: np.power(y, 1 / np.where(e == 0, 1, e)))
_floating("ln", np.exp)
_floating("exp", np.log)


@inverse("cast")
def _uncast(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    source = node.args[0].type
    if source.family == "timestamp" and node.type.family == "time":
        days = args[0].values // moments.DAY * moments.DAY
        yield {0: Vec(source, days + wanted.values, args[0].valid & wanted.valid)}
    elif source.family in ("timestamp", "timestamptz") and node.type.family == "date":
        clock = args[0].values % moments.DAY
        made = convert(wanted, source, now)
        yield {0: Vec(source, np.where(args[0].valid, made.values + clock, made.values), made.valid)}
    elif possible(wanted.type, source):
        yield {0: convert(wanted, source, now)}


@inverse("extract")
def _extract(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    """The same moment with that field set."""
    field = node.name.split(" ")[1].removesuffix("s")
    source = node.args[0].type
    if source.family == "interval":
        place = {"year": (12, 0), "month": (1, 0), "day": (1, 1), "hour": (3_600_000_000, 2),
                "minute": (60_000_000, 2), "second": (1_000_000, 2), "epoch": (1_000_000, 2)}.get(field)  # fmt: skip
        if place is not None:
            made = np.zeros((len(wanted), 3), np.int64)
            made[:, place[1]] = np.rint(to_float(wanted) * place[0]).astype(np.int64)
            yield {0: Vec(source, made, wanted.valid)}
        return
    exact = to_float(wanted)
    values = [int(v) if ok else None for v, ok in zip(np.ceil(exact), wanted.valid, strict=True)]
    numbers = vector(INT, values)
    if field == "second":  # with its fraction, down to the microsecond
        field, numbers = "microsecond", Vec(INT, np.rint(np.nan_to_num(exact) * 1e6).astype(np.int64), wanted.valid)
    if source.family == "time":
        unit = {"hour": 3_600_000_000, "minute": 60_000_000, "microsecond": 1}.get(field, 0)
        if unit:
            over = {"hour": 24, "minute": 60}.get(field, 60_000_000)
            at = args[0].values
            yield {0: Vec(source, at + (numbers.values - at // unit % over) * unit, args[0].valid & numbers.valid)}
        return
    micros = Vec(TIMESTAMP, moments.to_micros(args[0]), args[0].valid)
    moved = apply(TIMESTAMP, lambda at, v: _with_field(int(at), field, int(v)), micros, numbers)
    yield {0: convert(moved, source, now)}


def _with_field(at: int, field: str, value: int) -> int:
    """``at`` (µs), or 2000-01-01 if it is infinite, with another year, month, ... ValueError where there is none."""
    if at in moments.limits("timestamp"):
        at = 10_957 * moments.DAY
    day, clock = divmod(at, moments.DAY)
    date = np.datetime64(day, "D")
    month_start = date.astype("M8[M]")
    month = int(month_start.astype(np.int64))
    of_month = int((date - month_start.astype("M8[D]")).astype(np.int64))
    year, number = divmod(month, 12)

    def at_day(y: int, m: int, d: int) -> int:
        start = int(np.datetime64((y - 1970) * 12 + m, "M").astype("M8[D]").astype(np.int64))
        end = int(np.datetime64((y - 1970) * 12 + m + 1, "M").astype("M8[D]").astype(np.int64))
        return (start + min(d, end - start - 1)) * moments.DAY + clock

    match field:
        case "year" | "isoyear":
            # the middle of January lies in the ISO year of the same number
            return at_day(value, number, of_month) if field == "year" else at_day(value, 5, of_month)
        case "month":
            return at_day(year + 1970, value - 1, of_month)
        case "quarter":
            return at_day(year + 1970, (value - 1) * 3 + number % 3, of_month)
        case "day":
            long = number if value <= 28 else 0
            return at_day(year + 1970, long, value - 1)
        case "doy":
            return at_day(year + 1970, 0, 0) + (value - 1) * moments.DAY
        case "isodow":
            return at + (value - ((day + 3) % 7 + 1)) * moments.DAY
        case "dow":
            return at + (value - (day + 4) % 7) * moments.DAY
        case "week":
            return at_day(year + 1970, 0, 3) + (value - 1) * 7 * moments.DAY
        case "decade":
            return at_day(value * 10 + (year + 1970) % 10, number, of_month)
        case "century":
            return at_day((value - 1) * 100 + 1 + ((year + 1970 - 1) % 100), number, of_month)
        case "millennium":
            return at_day((value - 1) * 1000 + 1 + ((year + 1970 - 1) % 1000), number, of_month)
        case "hour":
            return at + (value - clock // 3_600_000_000) * 3_600_000_000
        case "minute":
            return at + (value - clock // 60_000_000 % 60) * 60_000_000
        case "microsecond":
            return at - clock % 60_000_000 + value
        case "epoch":
            return value * 1_000_000
    raise ValueError(field)


LETTERS = {"Y": ("year", 4), "m": ("month", 2), "d": ("day", 2), "H": ("hour", 2), "M": ("minute", 2),
           "S": ("microsecond", 2)}  # fmt: skip


@inverse("to_char")
def _to_char(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    """The same moment with those fields set that the text tells."""
    form = re.escape(str(node.value))
    pattern = re.compile(re.sub("%(.)", lambda m: rf"(?P<{m[1]}>\d{{{LETTERS[m[1]][1]}}})", form))

    def told(at: int, text: str) -> int:
        match = pattern.fullmatch(text)
        if match is None:
            raise ValueError(text)
        for letter, digits in match.groupdict().items():
            field = LETTERS[letter][0]
            at = _with_field(int(at), field, int(digits) * (1_000_000 if letter == "S" else 1))
        return at

    micros = Vec(TIMESTAMP, moments.to_micros(args[0]), args[0].valid)
    yield {0: convert(apply(TIMESTAMP, told, micros, wanted), node.args[0].type, now)}


@inverse("age")
def _age(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    a, b = args
    yield from _known((0, computed("+", b, wanted)), (1, computed("-", a, wanted)))


@inverse("make_date")
def _make_date(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    parts = [convert(moments.extract(field, wanted), INT, now) for field in ("year", "month", "day")]
    yield dict(enumerate(parts))


@inverse("field")
def _field(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    """A composite with one field set."""
    composite = node.args[0].type
    at = [name for name, _ in composite.fields].index(node.name)
    made = vector(TEXT, [_as_text(scalar(wanted.take(np.array([i])))) if ok else None
                         for i, ok in enumerate(wanted.valid)])  # fmt: skip

    def with_field(text: str, value: str) -> str:
        parts: list[Any] = split_row(text)
        parts[at] = value
        return "(" + ",".join("" if p is None else _quoted(str(p)) for p in parts) + ")"

    yield {0: apply(composite, with_field, args[0], made)}


def _as_text(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _quoted(text: str) -> str:
    if text and not set(text) & set('(),"\\ '):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'
