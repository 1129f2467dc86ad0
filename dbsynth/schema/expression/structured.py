"""Functions of arrays, json and composites, read from their text forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dbsynth.schema.expression import texts
from dbsynth.schema.expression.casts import cast
from dbsynth.schema.expression.documents import json_sets
from dbsynth.schema.expression.networks import networks
from dbsynth.schema.expression.nodes import Node, call, constant
from dbsynth.schema.expression.ranges import range_sets
from dbsynth.schema.expression.registry import FUNCTIONS, Builder, function
from dbsynth.schema.expression.values import BOOL, INT, JSON, TEXT, NotEvaluable, SqlType, Vec, apply, vector


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
    """@>, <@ and && of arrays (null elements match nothing), ranges and documents."""
    if "range" in (a.type.family, b.type.family):
        return range_sets(name, a, b)
    if "json" in (a.type.family, b.type.family) and name != "&&":
        return json_sets(name, a, b)
    if "inet" in (a.type.family, b.type.family) and name == "&&":
        return networks(name, a, b)
    if a.type.family == "array" and b.type.family == "unknown":
        b = cast(b, a.type)
    if {a.type.family, b.type.family} != {"array"}:
        raise NotEvaluable(f"{name} of {a.type} and {b.type}")
    kernels: dict[str, Callable[[list[str], list[str]], bool]] = {
        "@>": lambda x, y: None not in y and set(y) <= set(x),
        "<@": lambda x, y: None not in x and set(x) <= set(y),
        "&&": lambda x, y: bool((set(x) & set(y)) - {None}),
    }
    return call(name, BOOL, (a, b), lambda p, q: apply(BOOL, kernels[name], p, q))


def element_at(node: Node, index: int) -> Node:
    """array[index], counted from 1; null beyond its end."""
    if node.type.family != "array" or node.type.element is None:
        raise NotEvaluable(f"an element of {node.type}")
    get = lambda items: items[index - 1] if 1 <= index <= len(items) else None  # noqa: E731
    found = call("element", TEXT, (node, constant(INT, index)), lambda v, _: apply(TEXT, get, v))
    return cast(found, node.type.element)


def _with_element(name: str, type_: SqlType | None, kernel: Callable[[list[str | None], str | None], Any]) -> None:
    """A function of an array and one element, which may be null."""

    def build(node: Node, element: Node) -> Node:
        if node.type.family != "array":
            raise NotEvaluable(f"{name} of {node.type}")
        result = type_ or node.type
        text = cast(cast(element, node.type.element or TEXT), TEXT)

        def run(arrays: Vec, found: Vec) -> Vec:
            rows = max(len(arrays), len(found))
            lists, elements = arrays.expand(rows), found.expand(rows)
            made = [
                kernel(items, e if known else None) if there else None
                for items, there, e, known in zip(
                    lists.values, lists.valid, elements.values, elements.valid, strict=True
                )
            ]
            return vector(result, made, lists.bad)

        return call(name, result, (node, text), run)

    FUNCTIONS[name] = build


_with_element("array_position", INT, lambda items, e: items.index(e) + 1 if e in items else None)
_with_element("array_remove", None, lambda items, e: [i for i in items if i != e])
_with_element("array_append", None, lambda items, e: [*items, e])


@function("array_ndims")
def _ndims(node: Node) -> Node:
    """Of arrays of one dimension: elements of others cannot be told apart here."""
    if node.type.family != "array":
        raise NotEvaluable(f"array_ndims of {node.type}")
    return call("array_ndims", INT, (node,), lambda v: apply(INT, lambda items: 1 if items else None, v))


@function("array_to_string")
def _joined(node: Node, between: Node) -> Node:
    if node.type.family != "array" or (node.type.element or TEXT).family not in ("text", "int", "uuid", "enum"):
        raise NotEvaluable(f"array_to_string of {node.type}")
    join = lambda items, s: s.join(i for i in items if i is not None)  # noqa: E731
    return call("array_to_string", TEXT, (node, cast(between, TEXT)), lambda v, s: apply(TEXT, join, v, s))


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
        elif not isinstance(value, (dict, list)) and wanted in (0, -1):
            missing, found = False, value  # a scalar is an array of one, inside
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
