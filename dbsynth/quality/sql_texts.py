"""SQL texts of two catalogs, compared: their blanks and the names of their schemas may differ, nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<string>[eE]?'(?:[^'\\]|\\.|'')*')
    | (?P<quoted>"(?:[^"]|"")*"|`[^`]*`)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<other>\d[\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
INSIDE = re.compile(r"(?P<schema>\"(?:[^\"]|\"\")*\"|[^\W\d][\w$]*)\.(?P<name>.+)", re.DOTALL)
"""What a string holds that names a relation: ``'public.film_seq'::regclass``."""


class Token(NamedTuple):
    kind: str
    text: str

    @property
    def name(self) -> str | None:
        """The identifier that it stands for."""
        match self.kind:
            case "quoted":
                mark = self.text[0]
                return self.text[1:-1].replace(mark * 2, mark)
            case "word":
                return self.text
        return None


def tokens(sql: str) -> list[Token]:
    """Their texts joined are ``sql`` again."""
    return [Token(str(m.lastgroup), m.group()) for m in TOKEN.finditer(sql)]


def canonical(sql: str | None, schemas: Mapping[str, str]) -> str:
    """``sql`` with single blanks; ``schemas``: the name under which each schema is compared."""
    if sql is None:
        return ""
    out = _renamed(tokens(sql), lambda schema, name: schemas.get(schema, schema), _quoted)
    texts = [t.text if t.kind != "quoted" or not _plain(t.text) else t.text[1:-1] for t in out if t.text.strip()]
    return " ".join(_cast_each(texts))


def _cast_each(texts: list[str]) -> list[str]:
    """``(ARRAY[a, b])::text[]`` as ``ARRAY[(a)::text, (b)::text]``: PostgreSQL prints the former as the latter when it
    was declared as it was printed."""
    out: list[str] = []
    at = 0
    while at < len(texts):
        found = _cast_array(texts, at)
        if found is None:
            out.append(texts[at])
            at += 1
            continue
        items, type_, at = found
        out += ["ARRAY", "["]
        for i, item in enumerate(items):
            out += [*([","] if i else []), "(", *item, ")", ":", ":", *type_]
        out.append("]")
    return out


def _cast_array(texts: list[str], at: int) -> tuple[list[list[str]], list[str], int] | None:
    """The items of the array that begins at the bracket ``at``, the type of each, and where it ends."""
    if texts[at : at + 3] != ["(", "ARRAY", "["]:
        return None
    items: list[list[str]] = [[]]
    depth, end = 0, at + 3
    while end < len(texts) and (depth or texts[end] != "]"):
        depth += (texts[end] in ("(", "[")) - (texts[end] in (")", "]"))
        if texts[end] == "," and not depth:
            items.append([])
        else:
            items[-1].append(texts[end])
        end += 1
    if texts[end : end + 4] != ["]", ")", ":", ":"]:
        return None
    type_ = []
    end += 4
    while end < len(texts) and re.fullmatch(r"[\w.\"]+", texts[end]):
        type_.append(texts[end])
        end += 1
    return (items, type_, end + 2) if type_ and texts[end : end + 2] == ["[", "]"] else None


def _quoted(name: str) -> str:
    """As catalogs print a name."""
    quoted = '"' + name.replace('"', '""') + '"'
    return name if _plain(quoted) else quoted


def _plain(quoted: str) -> bool:
    return re.fullmatch(r"[a-z_][a-z0-9_]*", quoted[1:-1]) is not None


def moved(
    sql: str, mapping: Mapping[str, str], objects: Collection[tuple[str, str]], quote: Callable[[str], str]
) -> str:
    """``sql`` with the schemas of ``objects`` (schema, name) renamed by ``mapping``."""

    def renamed(schema: str, name: str) -> str:
        return mapping.get(schema, schema) if (schema, name) in objects else schema

    return "".join(t.text for t in _renamed(tokens(sql), renamed, quote))


def _renamed(found: list[Token], schema_of: Callable[[str, str], str], quote: Callable[[str], str]) -> Iterator[Token]:
    for at, token in enumerate(found):
        if token.kind == "string":
            yield Token("string", _inside(token.text, schema_of, quote))
            continue
        qualifies = (
            token.name is not None
            and at + 2 < len(found)
            and found[at + 1].text == "."
            and found[at + 2].name is not None
            and (at == 0 or found[at - 1].text != ".")
        )
        if not qualifies:
            yield token
            continue
        own, other = token.name or "", found[at + 2].name or ""
        new = schema_of(own, other)
        yield token if new == own else Token("renamed", quote(new))


def _inside(string: str, schema_of: Callable[[str, str], str], quote: Callable[[str], str]) -> str:
    inner = INSIDE.fullmatch(string[1:-1]) if string[0] == "'" else None
    if inner is None:
        return string
    first, rest = tokens(inner["schema"])[0], tokens(inner["name"])
    name = rest[0].name if len(rest) == 1 else None
    if first.name is None or name is None or (new := schema_of(first.name, name)) == first.name:
        return string
    return f"'{quote(new)}.{inner['name']}'"
