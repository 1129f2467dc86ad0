"""Move the objects that an SQL text names to other schemas, token by token: strings and comments stay as they are.

The texts come from the catalog, printed with an empty ``search_path``: every user object has its schema in front. What
is moved is decided object by object, not schema by schema: in ``public.citext`` or ``public.is_valid(x)`` the schema of
a cloned table stands in front of something that is not cloned, and has to stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from dbsynth_postgresql.names import ident, literal

Name = tuple[str, str]
"""(schema, object)."""

LETTER = r"A-Za-z_\u0080-\U0010ffff"
TOKEN = re.compile(
    rf"""
      (?P<space>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<dollar>\$(?:[{LETTER}][{LETTER}0-9]*)?\$)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<opaque>(?:[uU]&|[bBxXnN])'(?:[^']|'')*'|[uU]&"(?:[^"]|"")*")
    | (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<word>[{LETTER}][{LETTER}0-9$]*)
    | (?P<number>[0-9][0-9A-Za-z_]*(?:\.[0-9][0-9A-Za-z_]*)?)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
NOTHING = frozenset({"space", "comment"})
BEFORE_A_RELATION = frozenset({"references", "on", "only", "into", "table"})
"""A name with an opening parenthesis behind it is a function, unless one of these words is before it."""
BY_NAME = frozenset({"regclass", "regtype"})
"""Casts of a string that name a relation or type: ``'public.film_seq'::regclass``."""


class Token(NamedTuple):
    kind: str
    text: str


@dataclass(frozen=True, order=True)
class Reference:
    """A schema-qualified name in a text."""

    schema: str
    name: str
    kind: Literal["object", "function", "operator"] = "object"

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def tokens(sql: str) -> Iterator[Token]:
    """The tokens of ``sql``; their texts joined are ``sql`` again. What is never closed runs to the end."""
    at = 0
    while at < len(sql):
        match = TOKEN.match(sql, at)
        assert match is not None  # the last alternative takes any character
        assert match.lastgroup is not None
        kind, end = match.lastgroup, match.end()
        if kind == "comment":
            end = _end_of_comment(sql, at)
        elif kind == "dollar":
            close = sql.find(match.group(), end)
            kind, end = "opaque", len(sql) if close < 0 else close + len(match.group())
        elif kind == "other" and match.group() in "'\"":
            kind, end = "opaque", len(sql)
        yield Token(kind, sql[at:end])
        at = end


def _end_of_comment(sql: str, start: int) -> int:
    depth = 0
    for mark in re.finditer(r"/\*|\*/", sql[start:]):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return start + mark.end()
    return len(sql)


def _name(token: Token) -> str | None:
    """The identifier a token stands for: unquoted ones are folded to lower case (ASCII only, as the server does)."""
    if token.kind == "quoted":
        return token.text[1:-1].replace('""', '"')
    if token.kind == "word":
        return "".join(c.lower() if c.isascii() else c for c in token.text)
    return None


def _string(token: Token) -> str | None:
    """The value of a plain string literal. Of the escapes only a doubled backslash is undone: the catalog writes no
    other, and a name with one could not be told apart."""
    if token.kind == "string":
        return token.text[1:-1].replace("''", "'")
    if token.kind == "escaped" and not re.search(r"(?<!\\)(?:\\\\)*\\[^\\]", token.text):
        return token.text[2:-1].replace("''", "'").replace("\\\\", "\\")
    return None


def split_name(text: str) -> Name | None:
    """``schema.object`` as a regclass literal holds it; None for anything else."""
    parts = list(tokens(text))
    if len(parts) == 3 and parts[1].text == ".":
        schema, name = _name(parts[0]), _name(parts[2])
        if schema is not None and name is not None:
            return schema, name
    return None


class _Text:
    """The tokens of a text, and the look around that needs to skip blanks."""

    def __init__(self, sql: str) -> None:
        self.tokens = list(tokens(sql))

    def near(self, at: int, step: int) -> int:
        """The place of the next (step 1) or previous (step -1) token that means something; may lie outside."""
        at += step
        while 0 <= at < len(self.tokens) and self.tokens[at].kind in NOTHING:
            at += step
        return at

    def word(self, at: int) -> str:
        return self.tokens[at].text.lower() if 0 <= at < len(self.tokens) else ""

    def words_after(self, at: int, count: int) -> list[str]:
        found = []
        for _ in range(count):
            at = self.near(at, 1)
            found.append(self.word(at))
        return found

    def named_by_string(self, at: int) -> Literal["now", "late"] | None:
        """Whether the string at ``at`` names a relation or type: ``'a.b'::regclass``, bound when the statement is
        parsed, or ``('a.b'::text)::regclass``, looked up anew at each evaluation."""
        after = self.words_after(at, 6)
        if after[:2] == [":", ":"]:
            if after[2] in BY_NAME:
                return "now"
            if after[2] == "text" and after[3:6] == [")", ":", ":"]:
                end = at
                for _ in range(7):
                    end = self.near(end, 1)
                return "late" if self.word(end) in BY_NAME else None
        return None

    def references(self) -> Iterator[tuple[int, Reference, Literal["name", "now", "late"]]]:
        """(place of the schema, or of the string; what it names; how)."""
        for at, token in enumerate(self.tokens):
            value = _string(token)
            if value is not None:
                how = self.named_by_string(at)
                split = split_name(value) if how else None
                if how and split:
                    yield at, Reference(*split), how
                continue
            schema = _name(token)
            if schema is None or self.word(at + 1) != "." or self.word(at - 1) == ".":
                continue
            name = _name(self.tokens[at + 2]) if at + 2 < len(self.tokens) else None
            before = self.word(self.near(at, -1))
            if name is not None:
                called = self.word(self.near(at + 2, 1)) == "(" and before not in BEFORE_A_RELATION
                yield at, Reference(schema, name, "function" if called else "object"), "name"
            elif before == "(" and self.word(self.near(self.near(at, -1), -1)) == "operator":
                end = at + 2
                while self.word(end) not in ("", ")"):
                    end += 1
                sign = "".join(t.text for t in self.tokens[at + 2 : end] if t.kind not in NOTHING)
                yield at, Reference(schema, sign, "operator"), "name"


def references(sql: str) -> set[Reference]:
    """Every schema-qualified name in ``sql``."""
    return {reference for _, reference, _ in _Text(sql).references()}


@dataclass(frozen=True)
class Requalifier:
    """``moved``: the new schema of each object that moves. ``final``: how those schemas will be called in the end, for
    names inside strings that are looked up again each time they are used. ``constructors``: moved types that are also
    functions (ranges)."""

    moved: Mapping[Name, str]
    final: Mapping[str, str] = field(default_factory=dict)
    constructors: frozenset[Name] = frozenset()

    def _moves(self, reference: Reference) -> bool:
        name = (reference.schema, reference.name)
        return name in (self.moved if reference.kind == "object" else self.constructors)

    def __call__(self, sql: str) -> str:
        text = _Text(sql)
        out = [token.text for token in text.tokens]
        for at, reference, how in text.references():
            if not self._moves(reference):
                continue
            schema = self.moved[reference.schema, reference.name]
            if how == "late":
                schema = self.final.get(schema, schema)
            if schema != reference.schema:
                out[at] = ident(schema) if how == "name" else literal(f"{ident(schema)}.{ident(reference.name)}")
        return "".join(out)

    def outside(self, sql: str) -> set[Reference]:
        """The references of ``sql`` that stay where they are."""
        return {
            r for r in references(sql) if not self._moves(r) and r.schema not in ("pg_catalog", "information_schema")
        }
