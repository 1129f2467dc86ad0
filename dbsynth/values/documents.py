"""Documents whose inner types are declared (STRUCT, arrays of STRUCT, MAP): every leaf is of its type."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.schema.types import Structured
from dbsynth.values.structured import SAMPLE, Draws, Json, Numbers, Strings

LeafDrawer = Callable[[TypeEngine[Any], Sequence[str]], Draws | None]
"""A drawer for the texts of a type that does not take any text."""


class Documents:
    """Objects with all their declared fields, null at the rates of the source; lists with its lengths."""

    def __init__(
        self, type_: Structured, texts: Sequence[str], k: int, rng: np.random.Generator, leaf: LeafDrawer
    ) -> None:
        self.root = _node(type_, [json.loads(t) for t in list(texts)[:SAMPLE]], k, rng, leaf)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return [json.dumps(v, ensure_ascii=False) for v in self.root.draw(count, rng)]


class Null:
    """Values of ``inner``, null at the rate of ``values``."""

    def __init__(self, values: Sequence[Any], inner: Object | List | Leaf | Free) -> None:
        self.rate = sum(v is None for v in values) / max(1, len(values))
        self.inner = inner

    def draw(self, count: int, rng: np.random.Generator) -> list[Any]:
        out: list[Any] = [None] * count
        rows = np.flatnonzero(rng.random(count) >= self.rate)
        for row, value in zip(rows, self.inner.draw(len(rows), rng), strict=True):
            out[row] = value
        return out


def _node(type_: TypeEngine[Any], values: Sequence[Any], k: int, rng: np.random.Generator, leaf: LeafDrawer) -> Null:
    known = [v for v in values if v is not None]
    if isinstance(type_, Structured) and type_.family == "document":
        if type_.fields:
            return Null(values, Object(type_, known, k, rng, leaf))
        if type_.element is not None:
            return Null(values, List(type_.element, known, k, rng, leaf))
        return Null(values, Free(known, k, rng))
    if isinstance(type_, sqltypes.ARRAY):
        return Null(values, List(type_.item_type, known, k, rng, leaf))
    if isinstance(type_, sqltypes.JSON):
        return Null(values, Free(known, k, rng))
    return Null(values, Leaf(type_, known, k, rng, leaf))


class Object:
    def __init__(
        self, type_: Structured, values: list[dict[str, Any]], k: int, rng: np.random.Generator, leaf: LeafDrawer
    ) -> None:
        self.fields = {n: _node(t, [v.get(n) for v in values], k, rng, leaf) for n, t in type_.fields}

    def draw(self, count: int, rng: np.random.Generator) -> list[Any]:
        columns = {name: node.draw(count, rng) for name, node in self.fields.items()}
        return [{name: column[i] for name, column in columns.items()} for i in range(count)]


class List:
    def __init__(
        self, item: TypeEngine[Any], values: list[list[Any]], k: int, rng: np.random.Generator, leaf: LeafDrawer
    ) -> None:
        members = [m for v in values for m in v][:SAMPLE]
        self.lengths = Numbers([str(len(v)) for v in values], k)
        self.items = _node(item, members, k, rng, leaf) if members else None

    def draw(self, count: int, rng: np.random.Generator) -> list[Any]:
        if self.items is None:
            return [[] for _ in range(count)]
        sizes = [max(0, int(n)) for n in self.lengths.draw(count, rng)]
        flat = iter(self.items.draw(sum(sizes), rng))
        return [[next(flat) for _ in range(n)] for n in sizes]


class Free:
    """Objects of any keys."""

    def __init__(self, values: list[Any], k: int, rng: np.random.Generator) -> None:
        self.json = Json([json.dumps(v) for v in values], k, rng)

    def draw(self, count: int, rng: np.random.Generator) -> list[Any]:
        return [json.loads(t) for t in self.json.draw(count, rng)]


class Leaf:
    def __init__(
        self, type_: TypeEngine[Any], values: list[Any], k: int, rng: np.random.Generator, leaf: LeafDrawer
    ) -> None:
        self.type = type_
        texts = [_text(v) for v in values]
        self.drawer: Draws = leaf(type_, texts) or Strings(texts, k, rng)

    def draw(self, count: int, rng: np.random.Generator) -> list[Any]:
        return [self._value(t) for t in self.drawer.draw(count, rng)]

    def _value(self, text: str) -> Any:
        match self.type:
            case sqltypes.Boolean():
                return text in ("t", "true")
            case sqltypes.Integer():
                return int(float(text))
            case sqltypes.Numeric():
                return float(text)
            case _:
                return text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, float):
        return format(value, "f").rstrip("0").rstrip(".")
    return value.removesuffix("Z") if isinstance(value, str) else str(value)
