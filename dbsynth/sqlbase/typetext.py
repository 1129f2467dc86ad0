"""Taking apart the text of a type: ``STRUCT(a INTEGER, "b c" VARCHAR[])``, ``DECIMAL(10, 2)``."""

from __future__ import annotations

OPEN, CLOSE, QUOTES = "(<[", ")>]", "\"'`"


def arguments(declared: str) -> tuple[str, list[str]]:
    """The name of a type and what stands in its brackets, parted at the commas of the first level."""
    start = min((i for i in (declared.find("("), declared.find("<")) if i >= 0), default=-1)
    if start < 0:
        return declared.strip(), []
    end = max(declared.rfind(")"), declared.rfind(">"))
    return declared[:start].strip(), split(declared[start + 1 : end], ",")


def fields(parts: list[str]) -> list[tuple[str, str]]:
    """``a INTEGER`` as (name, type), quotes taken off the name."""
    found = []
    for part in parts:
        name, _, type_ = part.partition(" ") if part[0] not in QUOTES else _quoted(part)
        found.append((name, type_.strip()))
    return found


def _quoted(part: str) -> tuple[str, str, str]:
    quote, at = part[0], 1
    name = ""
    while at < len(part):
        if part[at] == quote:
            if part[at + 1 : at + 2] != quote:
                break
            at += 1
        name += part[at]
        at += 1
    return name, " ", part[at + 1 :]


def split(text: str, separator: str) -> list[str]:
    """Parts between separators that stand in no brackets and no quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for at, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in QUOTES:
            quote = c
        elif c in OPEN:
            depth += 1
        elif c in CLOSE:
            depth -= 1
        elif c == separator and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    rest = text[start:].strip()
    return [*parts, rest] if rest else parts
