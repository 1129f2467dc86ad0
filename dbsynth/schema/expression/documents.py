"""jsonb: equality, containment, keys and paths."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from dbsynth.schema.expression.casts import cast
from dbsynth.schema.expression.nodes import Node, call
from dbsynth.schema.expression.texts import parse_array
from dbsynth.schema.expression.values import BOOL, JSON, TEXT, NotEvaluable, SqlType, apply


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """One text for equal documents: keys in order, numbers without needless zeros. ValueError for what is none."""
    value = json.loads(text, parse_int=Decimal, parse_float=Decimal, parse_constant=_refuse)
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _refuse(word: str) -> Any:
    raise ValueError(f"not JSON: {word}")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"#{value.normalize():f}" if value else "#0"
    if isinstance(value, str):
        return f"={value}"
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return {f"={k}": _plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def contains(whole: Any, part: Any, top: bool = True) -> bool:
    """``whole @> part``; an array contains a scalar at the top only."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(k in whole and contains(whole[k], v, False) for k, v in part.items())
    if isinstance(whole, list):
        if isinstance(part, list):
            return all(any(contains(w, p, False) for w in whole) for p in part)
        return top and not isinstance(part, dict) and any(_same(w, part) for w in whole)
    return not isinstance(whole, dict) and not isinstance(part, (dict, list)) and _same(whole, part)


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a == b


def _exact(text: str) -> Any:
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


def json_sets(name: str, a: Node, b: Node) -> Node:
    """@> and <@."""
    x, y = cast(a, JSON), cast(b, JSON)
    whole_first = name == "@>"

    def test(p: str, q: str) -> bool:
        whole, part = (p, q) if whole_first else (q, p)
        return contains(_exact(whole), _exact(part))

    return call(name, BOOL, (x, y), lambda p, q: apply(BOOL, test, p, q))


def json_has_keys(name: str, node: Node, keys: Node) -> Node:
    """?| and ?&."""
    need: Callable[..., bool] = any if name == "?|" else all
    if keys.type.family != "array":
        keys = cast(keys, SqlType("array", element=TEXT))

    def has(text: str, wanted: list[str | None]) -> bool:
        value = json.loads(text)
        held = {value} if isinstance(value, str) else {k for k in value if isinstance(k, str)} \
            if isinstance(value, (dict, list)) else set()  # fmt: skip
        return need(k in held for k in wanted if k is not None)

    return call(name, BOOL, (cast(node, JSON), keys), lambda v, k: apply(BOOL, has, v, k))


def json_path(node: Node, path: Node, as_text: bool) -> Node:
    """#> and #>>: the member at a path of keys and positions that is constant."""
    keys = cast(path, TEXT).scalar(0) if path.constant and path.type.family in ("unknown", "text") else None
    if path.constant and path.type.family == "array":
        keys = path.scalar(0)
    if keys is None:
        raise NotEvaluable("a path that is not constant")
    steps = parse_array(keys) if isinstance(keys, str) else list(keys)
    type_ = TEXT if as_text else JSON

    def get(text: str) -> str | None:
        value = json.loads(text, parse_float=str if as_text else None)
        for step in steps:
            if isinstance(value, dict) and step in value:
                value = value[step]
            elif isinstance(value, list) and step is not None and step.lstrip("-").isdigit():
                at = int(step)
                if not -len(value) <= at < len(value):
                    return None
                value = value[at]
            else:
                return None
        if as_text and value is None:
            return None
        return value if as_text and isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return call("#>>" if as_text else "#>", type_, (cast(node, JSON), path), lambda v, _: apply(type_, get, v))


def is_json(node: Node) -> Node:
    def test(text: str) -> bool:
        try:
            json.loads(text, parse_constant=_refuse)
        except ValueError:
            return False
        return True

    return call("is json", BOOL, (node,), lambda v: apply(BOOL, test, v))
