"""Documents taken apart: what stands at each of their paths, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbsynth.values.scalars import Digits

DEEPEST = 12
"""Levels of a document that are looked at."""
MOST_KEYS = 400
"""An object of more different keys is a map: its keys are values."""
KINDS = ("absent", "null", "object", "array", "string", "number", "boolean")
ABSENT, NULL, OBJECT, ARRAY, STRING, NUMBER, BOOLEAN = range(len(KINDS))
_KIND: Mapping[type, int] = {
    type(None): NULL, dict: OBJECT, list: ARRAY, str: STRING, int: NUMBER, float: NUMBER, Digits: NUMBER, bool: BOOLEAN
}  # fmt: skip


def kind_of(value: Any) -> int:
    return _KIND[type(value)]


@dataclass
class Found:
    """What stands at a path: ``values`` in the documents ``rows``, and below it by key."""

    rows: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    below: dict[str, Found] = field(default_factory=dict)


def gathered(documents: Sequence[Any], deepest: int = DEEPEST) -> Found:
    """Every path of ``documents``."""
    root = Found()
    for row, document in enumerate(documents):
        _all(root, document, row, deepest)
    return root


def _all(node: Found, value: Any, row: int, deepest: int) -> None:
    node.rows.append(row)
    node.values.append(value)
    if type(value) is dict and deepest and len(node.below) <= MOST_KEYS:
        below = node.below
        for key, inner in value.items():
            child = below.get(key)
            if child is None:
                child = below[key] = Found()
            _all(child, inner, row, deepest - 1)


@dataclass
class Known:
    """The paths of a fitted document by key, with their numbers."""

    path: int
    below: dict[str, Known] = field(default_factory=dict)


def placed(documents: Sequence[Any], known: Known, count: int) -> list[Found]:
    """What stands at each of the ``count`` known paths."""
    out = [Found() for _ in range(count)]
    for row, document in enumerate(documents):
        _known(out, known, document, row)
    return out


def _known(out: list[Found], known: Known, value: Any, row: int) -> None:
    node = out[known.path]
    node.rows.append(row)
    node.values.append(value)
    if type(value) is dict and known.below:
        for key, inner in value.items():
            child = known.below.get(key)
            if child is not None:
                _known(out, child, inner, row)
