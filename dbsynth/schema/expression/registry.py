"""Functions by name: a builder takes the argument nodes, gives the node of the call, and may refuse them."""

from __future__ import annotations

from collections.abc import Callable

from dbsynth.schema.expression.nodes import Node

Builder = Callable[..., Node]
FUNCTIONS: dict[str, Builder] = {}


def function(*names: str) -> Callable[[Builder], Builder]:
    def register(builder: Builder) -> Builder:
        FUNCTIONS.update(dict.fromkeys(names, builder))
        return builder

    return register
