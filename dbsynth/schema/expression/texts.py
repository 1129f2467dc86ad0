"""Text: patterns as Python regular expressions, and the text forms of arrays, composites and ranges."""

from __future__ import annotations

import re
from functools import lru_cache

from dbsynth.schema.expression.values import NotEvaluable

CLASSES = {
    "alpha": r"^\W\d_", "digit": r"\d", "alnum": r"^\W_", "upper": "A-ZÀ-ÖØ-Þ", "lower": "a-zß-öø-ÿ", "space": r"\s",
    "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f", "blank": r" \t", "cntrl": r"\x00-\x1f\x7f", "word": r"\w",
    "print": r"\x20-\x7e\xa0-\U0010ffff", "graph": r"\x21-\x7e\xa1-\U0010ffff",
}  # fmt: skip
LETTERS = "a-zA-ZªµºÀ-ÖØ-öø-ˁͰ-ͽͿ-҂Ҋ-֏א-ת\u0620-\u064a一-鿿ぁ-ヿ가-힣"
"""What [:alpha:] means beside other members of a bracket, where Python cannot intersect classes."""

ESCAPES = {"y": r"\b", "Y": r"\B", "m": r"\b(?=\w)", "M": r"\b(?<=\w)", "Z": r"\Z", "A": r"\A"}


def like_regex(pattern: str, escape: str = "\\") -> str:
    """The regex (for ``re.search``) of a LIKE pattern."""
    return r"\A" + _wildcards(pattern, escape, literal=True) + r"\Z"


def similar_regex(pattern: str, escape: str = "\\") -> str:
    """The regex of a SIMILAR TO pattern: LIKE's wildcards and the operators | * + ? {} () []."""
    return r"\A(?:" + _wildcards(pattern, escape, literal=False) + r")\Z"


def _wildcards(pattern: str, escape: str, literal: bool) -> str:
    out, i = [], 0
    while i < len(pattern):
        char = pattern[i]
        if escape and char == escape:
            i += 1
            if i == len(pattern):
                raise ValueError("pattern must not end with the escape character")
            out.append(re.escape(pattern[i]))
        elif char == "%":
            out.append(r"[\s\S]*")
        elif char == "_":
            out.append(r"[\s\S]")
        elif not literal and char == "[":
            text, i = _bracket(pattern, i)
            out.append(text)
            continue
        elif not literal and char in "|*+?{}()":
            out.append("(?:" if char == "(" else char)
        else:
            out.append(re.escape(char))
        i += 1
    return "".join(out)


def _bracket(pattern: str, start: int) -> tuple[str, int]:
    """A bracket expression in Python's syntax, and where it ends."""
    i, members = start + 1, []
    negated = pattern[i : i + 1] == "^"
    i += negated
    first = True
    while True:
        char = pattern[i : i + 1]
        if not char:
            raise ValueError("brackets [] not balanced")
        if char == "]" and not first:
            break
        first = False
        if char == "[" and pattern[i + 1 : i + 2] in (":", ".", "="):
            end = pattern.find(pattern[i + 1] + "]", i + 2)
            name = pattern[i + 2 : end]
            if pattern[i + 1] != ":" or name not in CLASSES:
                raise NotEvaluable(f"the regular expression part {pattern[i : end + 2]}")
            members.append(f"[:{name}:]")
            i = end + 2
        elif char == "\\":
            members.append(pattern[i : i + 2])
            i += 2
        else:
            members.append(f"\\{char}" if char in "[]&~|^" else char)
            i += 1
    if len(members) == 1 and CLASSES.get(members[0][2:-2], "").startswith("^"):
        inner = CLASSES[members[0][2:-2]]
        return ("[" + inner[1:] + "]" if negated else "[" + inner + "]"), i + 1
    spelled = []
    for member in members:
        if member.startswith("[:"):
            inner = CLASSES[member[2:-2]]
            spelled.append({"alpha": LETTERS, "alnum": LETTERS + r"\d"}.get(member[2:-2], inner))
        else:
            spelled.append(member)
    return "[" + ("^" if negated else "") + "".join(spelled) + "]", i + 1


@lru_cache(maxsize=512)
def posix_regex(pattern: str) -> str:
    """A POSIX/ARE pattern in Python's syntax: $ is the very end, . takes newlines, word escapes and classes differ."""
    if pattern.startswith("***"):
        raise NotEvaluable(f"the regular expression director of {pattern!r}")
    out, i, flags = [], 0, "s"
    if match := re.match(r"\(\?([a-z]+)\)", pattern):
        if set(match[1]) - set("ics"):
            raise NotEvaluable(f"the regular expression option {match[0]}")
        flags += "i" if "i" in match[1] else ""
        i = match.end()
    while i < len(pattern):
        char = pattern[i]
        if char == "[":
            text, i = _bracket(pattern, i)
            out.append(text)
            continue
        if char == "\\":
            if i + 1 == len(pattern):
                raise ValueError("invalid escape \\ sequence")
            following = pattern[i + 1]
            out.append(ESCAPES.get(following, "\\" + following))
            i += 2
            continue
        out.append({"$": r"\Z", "^": r"\A"}.get(char, char))
        i += 1
    regex = f"(?{flags})" + "".join(out)
    compiled(regex)
    return regex


@lru_cache(maxsize=1024)
def compiled(regex: str) -> re.Pattern[str]:
    try:
        return re.compile(regex)
    except re.error as error:
        raise NotEvaluable(f"the regular expression {regex!r} ({error})") from error


def parse_array(text: str) -> list[str | None]:
    """The elements of '{a,"b c",NULL}' as text. Of nested arrays all elements, in order."""
    text = text.strip()
    if text.startswith("[") and "=" in text:  # explicit bounds: [0:2]={...}
        text = text[text.index("=") + 1 :]
    if not (text.startswith("{") and text.endswith("}")):
        raise ValueError(f"not an array: {text!r}")
    items: list[str | None] = []
    current: list[str] = []
    quoted = in_quotes = False
    i = 0

    def close() -> None:
        word = "".join(current)
        if quoted or word.strip():
            items.append(word if quoted else None if word.strip().upper() == "NULL" else word.strip())

    while i < len(text):
        char = text[i]
        if in_quotes:
            if char == "\\":
                i += 1
                current.append(text[i])
            elif char == '"':
                in_quotes = False
            else:
                current.append(char)
        elif char == '"':
            quoted = in_quotes = True
        elif char in "{},":
            close()
            current, quoted = [], False
        elif char == "\\":
            i += 1
            current.append(text[i])
        else:
            current.append(char)
        i += 1
    return items


def split_row(text: str, brackets: str = "()") -> list[str | None]:
    """The fields of a composite (a,,"b c"): an empty field without quotes is null."""
    text = text.strip()
    if len(text) < 2 or text[0] not in brackets or text[-1] not in brackets:
        raise ValueError(f"not a row: {text!r}")
    fields: list[str | None] = []
    current: list[str] = []
    quoted = in_quotes = False
    body, i = text[1:-1] + ",", 0
    while i < len(body):
        char = body[i]
        if char == "\\":
            i += 1
            current.append(body[i])
        elif char == '"':
            if in_quotes and body[i + 1 : i + 2] == '"':
                current.append('"')
                i += 1
            else:
                in_quotes = not in_quotes
                quoted = True
        elif char == "," and not in_quotes:
            fields.append("".join(current) if current or quoted else None)
            current, quoted = [], False
        else:
            current.append(char)
        i += 1
    return fields


def parse_range(text: str) -> tuple[bool, str | None, str | None, bool, bool]:
    """(empty, lower, upper, lower inclusive, upper inclusive) of '[1,5)'."""
    text = text.strip()
    if text.lower() == "empty":
        return True, None, None, False, False
    lower, upper = split_row(text, "[]()")
    return False, lower, upper, text[0] == "[" and lower is not None, text[-1] == "]" and upper is not None


def simple_case(text: str, upper: bool) -> str:
    """Case mapping one character at a time, as the database does (upper('ß') stays 'ß')."""
    mapped = text.upper() if upper else text.lower()
    if len(mapped) == len(text):
        return mapped
    pairs = ((c, c.upper() if upper else c.lower()) for c in text)
    return "".join(m if len(m) == 1 else c for c, m in pairs)


def initcap(text: str) -> str:
    out, inside = [], False
    for char in text:
        out.append(simple_case(char, upper=not inside))
        inside = char.isalnum()
    return "".join(out)


def substring(text: str, start: int, length: int | None = None) -> str:
    if length is not None and length < 0:
        raise ValueError("negative substring length not allowed")
    end = len(text) if length is None else max(start + length - 1, 0)
    return text[max(start, 1) - 1 : end]


def pad(text: str, length: int, fill: str, left: bool) -> str:
    length = max(length, 0)
    if len(text) >= length or not fill:
        return text[:length]
    missing = (fill * (length // len(fill) + 1))[: length - len(text)]
    return missing + text if left else text + missing


def split_part(text: str, delimiter: str, index: int) -> str:
    if index == 0:
        raise ValueError("field position must not be zero")
    parts = text.split(delimiter) if delimiter else [text]
    position = index - 1 if index > 0 else len(parts) + index
    return parts[position] if 0 <= position < len(parts) else ""


def translate(text: str, letters: str, others: str) -> str:
    """Each of ``letters`` becomes that of ``others`` at its place, or nothing beyond their end."""
    table: dict[str, str] = {}
    for i, letter in enumerate(letters):
        table.setdefault(letter, others[i : i + 1])
    return "".join(table.get(c, c) for c in text)


def overlay(text: str, part: str, start: int, length: int) -> str:
    if start < 1:
        raise ValueError("negative substring length not allowed")
    return text[: start - 1] + part + text[max(start - 1 + length, 0) :]


def expanded(match: re.Match[str], replacement: str) -> str:
    """The replacement of a match: \\1 ... \\9 are groups, \\& all of it, \\\\ a backslash."""

    def one(escape: re.Match[str]) -> str:
        char = escape[1]
        if char == "&":
            return match[0]
        if char.isdigit():
            return (match[int(char)] or "") if 1 <= int(char) <= match.re.groups else ""
        return char if char == "\\" else escape[0]

    return re.sub(r"\\(.)", one, replacement)


def byte_at(text: str, index: int) -> int:
    data = bytes.fromhex(text[2:])
    if not 0 <= index < len(data):
        raise ValueError("index out of valid range")
    return data[int(index)]
