"""Structured values as documents and back: arrays, composites, hstore and ranges in the text form in which they travel
are read into what JSON can say, learned as documents, and written again."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import numpy as np
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.schema.arrays import PLAIN, values_of
from dbsynth.schema.types import Structured
from dbsynth.values.numbers import NUMBER
from dbsynth.values.scalars import NO_DOCUMENT, Digits, loads


class Notation(Protocol):
    def parse(self, text: str) -> Any:
        """The document; NO_DOCUMENT for a text that is none."""

    def write(self, value: Any) -> str: ...


@dataclass(frozen=True)
class JsonText:
    def parse(self, text: str) -> Any:
        return loads(text)

    def write(self, value: Any) -> str:
        return dumps(value)


@dataclass(frozen=True)
class ArrayText:
    """``{1,NULL,"a b"}``; lists in lists are dimensions."""

    item: TypeEngine[Any]

    def parse(self, text: str) -> Any:
        try:
            return self._parsed(values_of(text, sqltypes.Text()))
        except ValueError:
            return NO_DOCUMENT

    def _parsed(self, values: list[Any]) -> list[Any]:
        return [
            None if v is None else self._parsed(v) if isinstance(v, list) else scalar_of(v, self.item) for v in values
        ]

    def write(self, value: Any) -> str:
        return "{" + ",".join(self._member(v) for v in value or ()) + "}"

    def _member(self, value: Any) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, list) and not isinstance(self.item, sqltypes.JSON):
            return self.write(value)
        text = text_of(value, self.item)
        if PLAIN.fullmatch(text) and text.upper() != "NULL":
            return text
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


FIELD = re.compile(r'"((?:[^"\\]|\\.|"")*)"|([^,]*)')
ESCAPED = re.compile(r'\\(.)|""', re.DOTALL)
BARE = re.compile(r"[^\s(),\"\\]+")


@dataclass(frozen=True)
class CompositeText:
    """``(1,"a b",)``: ``fields`` by name, null where nothing is written."""

    fields: tuple[tuple[str, TypeEngine[Any]], ...]

    def parse(self, text: str) -> Any:
        found, at, inner = [], 0, text[1:-1]
        while at <= len(inner):
            match = FIELD.match(inner, at)
            if match is None:
                return NO_DOCUMENT
            quoted, bare = match.groups()
            known = ESCAPED.sub(lambda m: m.group(1) or '"', quoted) if quoted is not None else bare or None
            found.append(known)
            at = match.end() + 1
        if len(found) != len(self.fields):
            return NO_DOCUMENT
        pairs = zip(self.fields, found, strict=True)
        return {name: None if v is None else scalar_of(v, type_) for (name, type_), v in pairs}

    def write(self, value: Any) -> str:
        return "(" + ",".join(self._field((value or {}).get(name), type_) for name, type_ in self.fields) + ")"

    def _field(self, value: Any, type_: TypeEngine[Any]) -> str:
        if value is None:
            return ""
        text = text_of(value, type_)
        return text if BARE.fullmatch(text) else '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"=>(?:NULL|"((?:[^"\\]|\\.)*)")', re.DOTALL)


@dataclass(frozen=True)
class HstoreText:
    def parse(self, text: str) -> Any:
        return {_unescaped(key): None if value is None else _unescaped(value) for key, value in _pairs(text)}

    def write(self, value: Any) -> str:
        pairs = (f"{_escaped(k)}=>{'NULL' if v is None else _escaped(str(v))}" for k, v in (value or {}).items())
        return ", ".join(pairs)


def _pairs(text: str) -> list[tuple[str, str | None]]:
    return [(m.group(1), m.group(2)) for m in PAIR.finditer(text)]


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _escaped(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


RANGE = re.compile(r'([\[(])(?:"([^"]*)"|([^",]*)),(?:"([^"]*)"|([^",]*))([\])])')
DAY = re.compile(r"\d{4}-\d\d-\d\d")
STAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d(?::\d\d)?)?")


@dataclass(frozen=True)
class RangeText:
    """``[low,high)`` as its lower end and its width, which is never negative; true stands for an empty range. Widths of
    moments are whole days or microseconds. Infinite ends are as open ones."""

    def parse(self, text: str) -> Any:
        if text == "empty":
            return True
        match = RANGE.fullmatch(text)
        if match is None:
            return NO_DOCUMENT
        left, quoted_low, low, quoted_high, high, right = match.groups()
        ends = [None if e in ("", "infinity", "-infinity") else e for e in (quoted_low or low, quoted_high or high)]
        if any(e is not None and _tick(e) is None for e in ends):
            return NO_DOCUMENT
        out: dict[str, Any] = {"from": left == "[", "to": right == "]"}
        if ends[0] is not None:
            out["lower"] = _end(ends[0])
        if ends[1] is not None:
            out |= {"upper": _end(ends[1])} if ends[0] is None else {"width": _difference(ends[0], ends[1])}
        return out

    def write(self, value: Any) -> str:
        if not isinstance(value, dict):
            return "empty"
        low, high = value.get("lower"), value.get("upper")
        if low is not None and "width" in value:
            high = _moved(str(low), value["width"])
        left, right = ("[" if value.get("from") else "("), ("]" if value.get("to") else ")")
        return f"{left}{_quoted(low)},{_quoted(high)}{right}"


def _tick(text: str) -> Decimal | int | None:
    """A number, days or microseconds; None for what is none of them."""
    if NUMBER.fullmatch(text):
        return Decimal(text)
    try:
        if DAY.fullmatch(text):
            return int(np.datetime64(text, "D").astype(np.int64))
        if (match := STAMP.fullmatch(text)) is not None:
            return int(np.datetime64(match.group(1).replace(" ", "T"), "us").astype(np.int64))
    except ValueError:
        return None
    return None


def _end(text: str) -> Any:
    return _number(text) if NUMBER.fullmatch(text) else text


def _difference(low: str, high: str) -> Any:
    a, b = _tick(low), _tick(high)
    assert a is not None
    assert b is not None
    return _number(str(max(0, b - a)))


def _moved(low: str, width: Any) -> str:
    if NUMBER.fullmatch(low):
        return format(Decimal(low) + Decimal(str(width)), "f")
    by = round(float(width))
    if DAY.fullmatch(low):
        return str(np.datetime64(low, "D") + np.timedelta64(by, "D"))
    match = STAMP.fullmatch(low)
    assert match is not None
    moment = np.datetime64(match.group(1).replace(" ", "T"), "us") + np.timedelta64(by, "us")
    text = str(moment).replace("T", " ")
    return (text[: -len(".000000")] if text.endswith(".000000") else text) + (match.group(2) or "")


def _quoted(value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    return f'"{text}"' if " " in text else text


def _number(text: str) -> Any:
    return int(text) if re.fullmatch(r"-?\d+", text) else Digits(text)


def scalar_of(text: str, type_: TypeEngine[Any]) -> Any:
    """What JSON says for a member of a structured value."""
    match type_:
        case sqltypes.Boolean():
            return text.lower() in ("t", "true")
        case sqltypes.Integer() | sqltypes.Numeric():
            return _number(text) if NUMBER.fullmatch(text) else text
        case sqltypes.JSON():
            return loads(text)
    inner = notation_of(type_)
    known = inner.parse(text) if inner is not None else text
    return text if known is NO_DOCUMENT else known


def text_of(value: Any, type_: TypeEngine[Any]) -> str:
    if isinstance(value, bool) and not isinstance(type_, sqltypes.JSON | Structured):
        return "t" if value else "f"
    if isinstance(type_, sqltypes.JSON):
        return dumps(value)
    inner = notation_of(type_)
    if inner is not None and not isinstance(value, str):
        return inner.write(value)
    return str(value)


def notation_of(type_: TypeEngine[Any]) -> Notation | None:
    """None for a type whose values are no documents."""
    match type_:
        case sqltypes.JSON() | Structured(family="document"):
            return JsonText()
        case sqltypes.ARRAY():
            return ArrayText(type_.item_type)
        case Structured(family="composite") if type_.fields:
            return CompositeText(type_.fields)
        case Structured(family="hstore"):
            return HstoreText()
        case Structured(family="range"):
            return RangeText()
        case _:
            return None


def dumps(value: Any, *, compact: bool = False) -> str:
    """JSON, ``Digits`` as they are written."""
    colon, comma = (":", ",") if compact else (": ", ", ")
    if isinstance(value, Digits):
        return str(value)
    if isinstance(value, dict):
        pairs = (json.dumps(k, ensure_ascii=False) + colon + dumps(v, compact=compact) for k, v in value.items())
        return "{" + comma.join(pairs) + "}"
    if isinstance(value, list):
        return "[" + comma.join(dumps(v, compact=compact) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def readable(notation: Notation, texts: Sequence[str], least: float = 0.9) -> bool:
    """Whether nearly all ``texts`` are in the notation."""
    shown = texts[:: max(1, len(texts) // 500)]
    good = sum(notation.parse(t) is not NO_DOCUMENT for t in shown)
    return bool(shown) and good >= least * len(shown)
