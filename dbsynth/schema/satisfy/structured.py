"""Arrays, documents and ranges: what they must be so that a function of them gives what is wanted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dbsynth.schema.expression import moments, texts
from dbsynth.schema.expression.networks import interface
from dbsynth.schema.expression.nodes import Node
from dbsynth.schema.expression.numbers import to_float
from dbsynth.schema.expression.values import BITS, INET, INT, TEXT, Vec, apply, vector
from dbsynth.schema.satisfy.inverse import Wishes, inverse
from dbsynth.schema.satisfy.rows import Rows
from dbsynth.schema.satisfy.targets import as_python, beyond


def attempts(rows: Rows, node: Node, wanted: bool) -> Iterator[Wishes]:
    """Ways to a boolean function of arrays, documents, ranges and dates."""
    args = [rows.value(a) for a in node.args]
    name = node.name
    if name in ("@>", "<@", "&&") and len(args) == 2 and node.args[0].type.family == "array":
        yield from _sets(node, name, wanted, *args)
    elif name in ("@>", "<@") and node.args[0].type.family == "json":
        whole, part = (0, 1) if name == "@>" else (1, 0)
        type_ = node.args[whole].type
        if wanted:
            yield {
                whole: apply(type_, lambda a, b: _dump(_merged(json.loads(a), json.loads(b))), args[whole], args[part])
            }
            yield {whole: args[part]}
        else:
            yield {whole: apply(type_, lambda a: "{}" if a != "{}" else "[]", args[whole])}
    elif name in ("?", "?|", "?&"):
        yield from _keys(node, wanted, *args)
    elif name.startswith("net "):
        inside = lambda t: str(interface(str(interface(t).network.network_address + 1)))  # noqa: E731
        if wanted and name in ("net <<", "net <<=", "net &&"):
            yield {0: apply(INET, inside, args[1])}
        elif wanted:
            yield {1: apply(INET, inside, args[0])}
    elif name in ("@> element", "<@ element"):
        whole, part = (0, 1) if name[0] == "@" else (1, 0)
        yield from _around(rows, node, wanted, whole, args[part])
    elif name == "&&" and node.args[0].type.family == "range":
        if wanted:
            yield {0: args[1]}
    elif name in ("@>", "<@") and node.args[0].type.family == "range":
        whole, part = (0, 1) if name == "@>" else (1, 0)
        if wanted:
            yield {part: args[whole]}
            yield {whole: args[part]}
    elif name == "is json" and wanted:
        yield {0: apply(TEXT, json.dumps, args[0])}
    elif name.endswith((" any", " all")):
        yield from _quantified(node, wanted, *args)
    elif name in ("isempty", "lower_inf", "upper_inf", "lower_inc", "upper_inc"):
        yield from _ranges(rows, node, wanted)
    elif name == "isfinite":
        plain = vector(node.args[0].type, [10_957 if node.args[0].type.family == "date" else 10_957 * moments.DAY])
        high = moments.limits(node.args[0].type.family)[1]
        if wanted:
            held = rows.donors(node.args[0])
            held = held.take(np.flatnonzero(~np.logical_or(*moments.infinite(held))))
            yield {0: held.take(rows.rng.integers(0, len(held), rows.n)) if len(held) else plain.expand(rows.n)}
        else:
            yield {0: vector(node.args[0].type, [high]).expand(rows.n)}


def _around(rows: Rows, node: Node, wanted: bool, whole: int, part: Vec) -> Iterator[Wishes]:
    """range @> element."""
    type_ = node.args[whole].type
    held = part.expand(rows.n)
    texts_ = [_text(as_python(held, i)) if ok else None for i, ok in enumerate(held.valid)]
    if wanted:
        yield {whole: apply(type_, lambda t: f"[{_bound(t)},{_bound(t)}]", vector(TEXT, texts_))}
    else:
        yield {whole: vector(type_, ["empty"]).expand(rows.n)}


def _sets(node: Node, name: str, wanted: bool, a: Vec, b: Vec) -> Iterator[Wishes]:
    type_, other = node.args[0].type, node.args[1].type
    match name, wanted:
        case "@>", True:
            yield {0: apply(type_, lambda x, y: [*x, *(e for e in y if e not in x)], a, b)}
            yield {1: apply(other, lambda x, y: [e for e in y if e in x], a, b)}
        case "<@", True:
            yield {0: apply(type_, lambda x, y: [e for e in x if e in y and e is not None] or y[:1], a, b)}
            yield {1: apply(other, lambda x, y: [*y, *(e for e in x if e not in y)], a, b)}
        case "&&", True:
            yield {0: apply(type_, lambda x, y: [*x, y[0]], a, b)}
            yield {1: apply(other, lambda x, y: [*y, x[0]], a, b)}
        case "@>", False:
            yield {0: apply(type_, lambda x, y: [e for e in x if e not in y[:1]], a, b)}
        case "&&", False:
            yield {0: apply(type_, lambda x, y: [e for e in x if e not in y], a, b)}
        case _:
            yield {0: apply(type_, lambda x, y: [*x, "1" if "1" not in y else "2"], a, b)}


def _quantified(node: Node, wanted: bool, x: Vec, array: Vec) -> Iterator[Wishes]:
    """x <op> ANY (array), x <op> ALL (array)."""
    op, _, every = node.name.partition(" ")
    type_, element = node.args[1].type, node.args[0].type
    whole = (every == "all") == wanted  # to hold for all elements, or to fail for all
    name = op if wanted else {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}[op]
    written = vector(TEXT, [None if not ok else _text(as_python(x, i)) for i, ok in enumerate(x.valid)])
    if not whole and name == "=":
        picked = apply(TEXT, lambda items: next((i for i in items if i is not None), None), array)
        yield {0: picked if element.family == "text" else _typed(picked, node.args[0])}
        yield {1: apply(type_, lambda items, v: [*items, v], array, written)}
        return
    if whole and name == "<>":
        yield {1: apply(type_, lambda items, v: [i for i in items if i is not None and i != v], array, written)}
        return
    if whole:
        yield {1: apply(type_, lambda items: [], array)}
    mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "<>": "<>", "=": "="}[name]
    near = beyond(element, mirrored, x)
    near_text = vector(TEXT, [None if not ok else _text(as_python(near, i)) for i, ok in enumerate(near.valid)])
    yield {1: apply(type_, lambda v: [v], near_text)}


def _typed(vec: Vec, node: Node) -> Vec:
    from dbsynth.schema.expression.casts import from_text

    return from_text(vec, node.type, 0)


def _text(value: Any) -> str:
    return str(value)


def _keys(node: Node, wanted: bool, document: Vec, keys: Vec) -> Iterator[Wishes]:
    def changed(text: str, wished: Any) -> str:
        value = json.loads(text)
        names = [wished] if isinstance(wished, str) else [k for k in wished if k is not None]
        value = value if isinstance(value, (dict, list)) else {}
        if not wanted:
            gone = names if node.name != "?&" else names[:1]
            return _dump({k: v for k, v in value.items() if k not in gone} if isinstance(value, dict)
                         else [v for v in value if v not in gone])  # fmt: skip
        names = names[:1] if node.name == "?|" else names
        if isinstance(value, list):
            return _dump([*value, *(n for n in names if n not in value)])
        return _dump({**dict.fromkeys(names, 1), **value})

    yield {0: apply(node.args[0].type, changed, document, keys)}


def _merged(whole: Any, part: Any) -> Any:
    if isinstance(whole, dict) and isinstance(part, dict):
        return {**whole, **{k: _merged(whole.get(k), v) for k, v in part.items()}}
    if isinstance(whole, list) and isinstance(part, list):
        return [*whole, *(p for p in part if p not in whole)]
    return part


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@inverse("element")
def _element(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    def changed(items: list[str | None], at: int, value: str) -> list[str | None]:
        longer = [*items, *[value] * (int(at) - len(items))]
        longer[int(at) - 1] = value
        return longer

    yield {0: apply(node.args[0].type, changed, args[0], args[1], wanted)}


@inverse("array_to_string")
def _joined(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    yield {0: apply(node.args[0].type, lambda w, s: w.split(s) if s else [w], wanted, args[1])}


@inverse("array_position")
def _position(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    def changed(at: int, items: list[str | None], value: str) -> list[str | None]:
        rest = [i for i in items if i != value]
        return [*rest[: int(at) - 1], value, *rest[int(at) - 1 :]]

    yield {0: apply(node.args[0].type, changed, wanted, args[0], args[1])}


@inverse("family")
def _family(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    yield {0: apply(INET, lambda v: "10.0.0.1" if v == 4 else "fd00::1", wanted)}


@inverse("masklen")
def _masklen(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    yield {0: apply(INET, lambda n, t: str(interface(f"{interface(t).ip}/{int(n)}")), wanted, args[0])}


@inverse("host")
def _host(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    yield {0: apply(INET, lambda w: str(interface(w)), wanted)}


@inverse("bit_count")
def _bit_count(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    yield {0: apply(BITS, lambda n, t: ("1" * int(n)).ljust(len(t), "0"), wanted, args[0])}


@inverse("get_bit")
def _get_bit(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    set_bit = lambda n, t, at: t[: int(at)] + str(int(n)) + t[int(at) + 1 :]  # noqa: E731
    yield {0: apply(BITS, set_bit, wanted, args[0], args[1])}


@inverse("bits")
def _bits(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    """x & mask = wanted."""

    def changed(w: str, t: str, mask: str) -> str:
        return "".join(b if m == "1" else a for a, b, m in zip(t, w, mask, strict=True))

    yield {0: apply(BITS, changed, wanted, args[0], args[1])}


SAMPLES = {"object": "{}", "array": "[]", "string": '"a"', "number": "1", "boolean": "true", "null": "null"}


@inverse("jsonb_typeof")
def _typeof(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    yield {0: apply(node.args[0].type, lambda w: SAMPLES[w], wanted)}


@inverse("jsonb_array_length")
def _json_length(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    def sized(count: int, text: str) -> str:
        value = json.loads(text)
        items = value if isinstance(value, list) and value else [1]
        return _dump([items[i % len(items)] for i in range(int(count))])

    yield {0: apply(node.args[0].type, sized, wanted, args[0])}


@inverse("->", "->>")
def _member(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    """A document with that member, in the kind of value that it has there (or that the text looks like)."""
    as_text = node.name == "->>"

    def changed(value: str, text: str, key: Any) -> str:
        document = json.loads(text)
        member = json.loads(value) if not as_text else _like(value, document, key)
        if isinstance(key, str):
            return _dump({**(document if isinstance(document, dict) else {}), key: member})
        items = document if isinstance(document, list) else []
        at = int(key) if key >= 0 else max(0, len(items) + int(key))
        items += [None] * (at + 1 - len(items))
        items[at] = member
        return _dump(items)

    yield {0: apply(node.args[0].type, changed, wanted, args[0], args[1])}


def _like(value: str, document: Any, key: Any) -> Any:
    old = document.get(key) if isinstance(document, dict) else None
    if isinstance(old, str):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return found if _dump(found) == value and not isinstance(found, str) else value


@inverse("cardinality", "array_length", "array_upper")
def _array_length(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    filler = {"int": "1", "numeric": "1", "float": "1", "bool": "t"}.get(
        (node.args[0].type.element or TEXT).family, "a"
    )

    def sized(count: int, items: list[str | None]) -> list[str | None]:
        own = items or [filler]
        return [own[i % len(own)] for i in range(max(0, int(count)))]

    number = vector(INT, [int(v) if ok else None for v, ok in zip(to_float(wanted), wanted.valid, strict=True)])
    yield {0: apply(node.args[0].type, sized, number, args[0])}


@inverse("lower", "upper")
def _range_bound(node: Node, args: Sequence[Vec], wanted: Vec, now: int) -> Iterator[Wishes]:
    """A range with that bound; the other moves out of its way, and is left open where that cannot be told."""
    upper = node.name == "upper"

    def changed(value: str, text: str) -> str:
        empty, low, high, lower_in, upper_in = texts.parse_range(text)
        low, high = (low, value) if upper else (value, high)
        if empty or not _in_order(low, high):
            low, high = (low if upper and not empty and _in_order(low, high) else None, high) if upper else (low, None)
        left = "[" if lower_in or (not upper and low is not None) else "("
        return f"{left}{_bound(low)},{_bound(high)}{']' if upper_in and high is not None and not upper else ')'}"

    yield {0: apply(node.args[0].type, changed, wanted, args[0])}


def _bound(text: str | None) -> str:
    return "" if text is None else f'"{text}"' if set(text) & set(" ,[]()") else text


def _in_order(low: str | None, high: str | None) -> bool:
    if low is None or high is None:
        return True
    try:
        return float(low) < float(high)
    except ValueError:
        return low < high


def _ranges(rows: Rows, node: Node, wanted: bool) -> Iterator[Wishes]:
    type_ = node.args[0].type
    now = rows.value(node.args[0])
    held = rows.donors(node.args[0])
    sound = held.take(np.flatnonzero([not texts.parse_range(t)[0] for t in held.values]))

    def changed(text: str) -> str:
        empty, low, high, lower_in, upper_in = texts.parse_range(text)
        if empty:
            return text
        match node.name:
            case "lower_inf":
                low, lower_in = (None, False) if wanted else (high, True)
                high = None if not wanted else high
            case "upper_inf":
                high, upper_in = (None, False) if wanted else (low, True)
            case "lower_inc":
                lower_in = wanted
            case "upper_inc":
                upper_in = wanted
        return f"{'[' if lower_in else '('}{_bound(low)},{_bound(high)}{']' if upper_in else ')'}"

    if node.name == "isempty":
        if wanted:
            yield {0: vector(type_, ["empty"]).expand(rows.n)}
        elif len(sound):
            yield {0: sound.take(rows.rng.integers(0, len(sound), rows.n))}
        else:
            yield {0: vector(type_, ["(,)"]).expand(rows.n)}
        return
    yield {0: apply(type_, changed, now)}
    if wanted and len(sound):
        yield {0: apply(type_, changed, sound.take(rows.rng.integers(0, len(sound), rows.n)))}
    elif not wanted:
        yield {0: vector(type_, ["empty"]).expand(rows.n)}
