"""Arrays of scalars: the text form in which they travel, ``{1,NULL,"a b"}``, and JSON lists."""

from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)|([{},])', re.DOTALL)
PLAIN = re.compile(r"[^\s{},\"\\]+")


def literal_of(values: list[Any]) -> str:
    """``[1, None, "a b"]`` -> ``{1,NULL,"a b"}``; lists in lists nest."""
    return "{" + ",".join(_member(v) for v in values) + "}"


def _member(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return literal_of(value)
    if isinstance(value, bool):
        return "t" if value else "f"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if PLAIN.fullmatch(text) and text.upper() != "NULL":
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def values_of(literal: str, item: TypeEngine[Any]) -> list[Any]:
    """The inverse: members as what JSON writes for them (numbers and booleans by ``item``, else text).

    Raises ValueError for a text that is no array.
    """
    stack: list[list[Any]] = [[]]
    text = literal[literal.index("={") + 1 :] if literal.startswith("[") and "={" in literal else literal
    end = 0
    for match in TOKEN.finditer(text):
        if text[end : match.start()].strip():
            raise ValueError(f"no array: {text[:40]!r}")
        end = match.end()
        quoted, plain, mark = match.groups()
        if mark == "{":
            stack.append([])
        elif mark == "}":
            if len(stack) < 2:
                raise ValueError(f"no array: {text[:40]!r}")
            done = stack.pop()
            stack[-1].append(done)
        elif quoted is not None:
            stack[-1].append(_value(re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL), item))
        elif plain is not None and plain.strip():
            stack[-1].append(None if plain.strip().upper() == "NULL" else _value(plain.strip(), item))
    if len(stack) != 1 or len(stack[0]) != 1 or not isinstance(stack[0][0], list):
        raise ValueError(f"no array: {text[:40]!r}")
    found: list[Any] = stack[0][0]
    return found


def _value(text: str, item: TypeEngine[Any]) -> Any:
    match item:
        case sqltypes.Boolean():
            return text.lower() in ("t", "true")
        case sqltypes.Integer():
            return int(text)
        case sqltypes.Float():
            return float(text)
        case sqltypes.JSON():
            return json.loads(text)
        case _:
            return text
