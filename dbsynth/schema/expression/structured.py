"""Functions of arrays, json, ranges and composites, read from their text forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dbsynth.schema.expression import texts
from dbsynth.schema.expression.casts import cast
from dbsynth.schema.expression.nodes import Node, call
from dbsynth.schema.expression.registry import FUNCTIONS, Builder, function
from dbsynth.schema.expression.values import BOOL, INT, JSON, TEXT, NotEvaluable, apply


def _array_function(name: str, kernel: Callable[[list[str | None]], int | None]) -> Builder:
    def build(node: Node, dimension: Node | None = None) -> Node:
        if node.type.family != "array":
            raise NotEvaluable(f"{name} of {node.type}")
        if dimension is not None and (not dimension.constant or dimension.scalar(0) != 1):
            raise NotEvaluable(f"{name} of a dimension beyond the first")
        return call(name, INT, (node,), lambda v: apply(INT, kernel, v))

    return build


FUNCTIONS["cardinality"] = _array_function("cardinality", len)
FUNCTIONS["array_length"] = _array_function("array_length", lambda items: len(items) or None)
FUNCTIONS["array_upper"] = FUNCTIONS["array_length"]


def array_sets(name: str, a: Node, b: Node) -> Node:
    """@>, <@ and && of arrays; null elements match nothing."""
    if {a.type.family, b.type.family} != {"array"}:
        raise NotEvaluable(f"{name} of {a.type} and {b.type}")
    kernels: dict[str, Callable[[list[str], list[str]], bool]] = {
        "@>": lambda x, y: None not in y and set(y) <= set(x),
        "<@": lambda x, y: None not in x and set(x) <= set(y),
        "&&": lambda x, y: bool((set(x) & set(y)) - {None}),
    }
    return call(name, BOOL, (a, b), lambda p, q: apply(BOOL, kernels[name], p, q))


def _json_type(text: str) -> str:
    value = json.loads(text)
    if value is None:
        return "null"
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return names[type(value)]


@function("jsonb_typeof", "json_typeof")
def _typeof(node: Node) -> Node:
    return call("jsonb_typeof", TEXT, (_json(node),), lambda v: apply(TEXT, _json_type, v))


def _json(node: Node) -> Node:
    if node.type.family not in ("json", "unknown"):
        raise NotEvaluable(f"a json function of {node.type}")
    return cast(node, JSON)


@function("jsonb_array_length", "json_array_length")
def _json_length(node: Node) -> Node:
    def length(text: str) -> int:
        value = json.loads(text)
        if not isinstance(value, list):
            raise ValueError("cannot get array length of a non-array")
        return len(value)

    return call("jsonb_array_length", INT, (_json(node),), lambda v: apply(INT, length, v))


def json_get(node: Node, key: Node, as_text_: bool) -> Node:
    """-> and ->>: a member of an object, an element of an array."""
    what = key if key.type.family == "int" else cast(key, TEXT)

    def get(text: str, wanted: Any) -> str | None:
        value = json.loads(text, parse_float=str if as_text_ else None)
        if isinstance(value, dict) and isinstance(wanted, str):
            found = value.get(wanted)
            missing = wanted not in value
        elif isinstance(value, list) and not isinstance(wanted, str):
            missing = not -len(value) <= wanted < len(value)
            found = None if missing else value[int(wanted)]
        else:
            return None
        if missing or (as_text_ and found is None):
            return None
        if as_text_ and isinstance(found, str):
            return found
        return json.dumps(found, ensure_ascii=False)

    type_ = TEXT if as_text_ else JSON
    return call("->>" if as_text_ else "->", type_, (_json(node), what), lambda v, k: apply(type_, get, v, k))


def json_has(node: Node, key: Node) -> Node:
    def has(text: str, wanted: str) -> bool:
        value = json.loads(text)
        return wanted == value if isinstance(value, str) else isinstance(value, (dict, list)) and wanted in value

    return call("?", BOOL, (_json(node), cast(key, TEXT)), lambda v, k: apply(BOOL, has, v, k))


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


def composite_field(node: Node, name: str) -> Node:
    """(column).field. ``value``: the field."""
    for i, (field, type_) in enumerate(node.type.fields):
        if field == name:

            def get(text: str, at: int = i) -> str | None:
                return texts.split_row(text)[at]

            inner = call("field", TEXT, (node,), lambda v: apply(TEXT, get, v))
            typed = cast(inner, type_)
            return Node("field", type_, typed.run, (node,), name)
    raise NotEvaluable(f"the field {name} of {node.type}")
