"""Exclusion constraints: which rows may not overlap, read from their definition.

    EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (room > 0)
    EXCLUDE USING gist (desk WITH =, tstzrange(starts, ends, '[]'::text) WITH &&)

Understood are equal columns or expressions (``groups``) with one range that may not overlap (``span``): a column of a
range type, or a range that is made of two columns. Equality alone is a unique index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import types as sqltypes
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dbsynth.schema.expression.handlers import parse
from dbsynth.schema.model import Check, Exclusion, Table
from dbsynth.schema.predicate import Expression, ParsedCheck, parse_check, parse_expression
from dbsynth.schema.types import Structured

RANGES = ("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange")
ELEMENT = re.compile(r"(?s)(.*)\s+WITH\s+(?:OPERATOR\()?(?:\w+\.)?([^\s()\w]+)\)?\s*\Z")


@dataclass(frozen=True, eq=False)
class Span:
    """``column``: of a range type; or ``start`` and ``end``, with what kind of bounds they are. ``endless``: whether a
    missing end (start) is one without limit; else such rows have no range at all."""

    column: str = ""
    start: str = ""
    end: str = ""
    bounds: str = "[)"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,) if self.column else (self.start, self.end)


@dataclass(frozen=True, eq=False)
class Apart:
    """Rows equal in ``groups`` for which ``predicate`` is true (None: all) do not overlap in ``span`` (None: there is
    at most one such row)."""

    exclusion: Exclusion
    groups: tuple[Expression, ...]
    span: Span | None
    predicate: ParsedCheck | None

    @property
    def condition(self) -> str | None:
        return self.predicate.check.expression if self.predicate is not None else None

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(g.text for g in self.groups)


def understood(exclusion: Exclusion, table: Table, dialect: str) -> Apart | str:
    """The constraint, or why rows that keep it cannot be made."""
    try:
        parts, condition = elements(exclusion.definition)
    except ValueError as error:
        return str(error)
    groups: list[Expression] = []
    spans: list[Span] = []
    for text, operator in parts:
        if operator == "=":
            groups.append(parse_expression(without_class(text, table, dialect), table, dialect))
        elif operator == "&&":
            found = _span(text, table, dialect)
            if isinstance(found, str):
                return found
            spans.append(found)
        else:
            return f"the operator {operator}"
    predicate = parse_check(Check(exclusion.name, condition), table, dialect) if condition else None
    reasons = [p.reason for p in (*groups, predicate) if p is not None and p.reason]
    if reasons:
        return reasons[0]
    if len(spans) > 1:
        return "more than one range"
    held = {c for k in (*table.foreign_keys,) for c in k.columns}
    if spans and (fixed := [c for c in spans[0].columns if c in held or table.column(c).generated is not None]):
        return f"the range is made of {fixed[0]}, which is {'a foreign key' if fixed[0] in held else 'generated'}"
    return Apart(exclusion, tuple(groups), spans[0] if spans else None, predicate)


def elements(definition: str) -> tuple[list[tuple[str, str]], str]:
    """(expression, operator) of each element, and the WHERE condition."""
    start = definition.find("(")
    if not definition.upper().startswith("EXCLUDE") or start < 0:
        raise ValueError("its definition is not understood")
    end = _closing(definition, start)
    found = []
    for part in _commas(definition[start + 1 : end]):
        match = ELEMENT.match(part)
        if match is None:
            raise ValueError(f"the element {part.strip()}")
        found.append((match[1].strip(), match[2]))
    where = re.search(r"(?s)\bWHERE\s*(\(.*)", definition[end + 1 :])
    condition = where[1][1 : _closing(where[1], 0)] if where else ""
    return found, condition


def _scan(text: str) -> Iterator[tuple[int, str, int]]:
    """Position, character and depth of brackets, what stands in quotes left out."""
    depth, quote = 0, ""
    for i, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
            continue
        if char in "'\"":
            quote = char
            continue
        depth += char == "("
        yield i, char, depth
        depth -= char == ")"


def _closing(text: str, start: int) -> int:
    for i, char, depth in _scan(text[start:]):
        if char == ")" and depth == 1:
            return start + i
    raise ValueError("its definition is not understood")


def _commas(text: str) -> list[str]:
    cuts = [i for i, char, depth in _scan(text) if char == "," and depth == 0]
    return [text[a:b] for a, b in zip([0, *(c + 1 for c in cuts)], [*cuts, len(text)], strict=True)]


def without_class(text: str, table: Table, dialect: str) -> str:
    """``room gist_text_ops`` is the column with an operator class."""
    for cut in (text, text.rsplit(" ", 1)[0]):
        expression = parse_expression(cut, table, dialect)
        if not expression.reason:
            return cut
    return text


def _span(text: str, table: Table, dialect: str) -> Span | str:
    for cut in dict.fromkeys((text, text.rsplit(" ", 1)[0])):
        try:
            tree = parse(cut, dialect).unnest()
        except SqlglotError:
            continue
        found = _span_of(tree, table)
        if found is not None:
            return found
    return f"an overlap of {text}"


def _span_of(tree: exp.Expression, table: Table) -> Span | None:
    if isinstance(tree, exp.Column) and tree.name in table.by_name:
        type_ = table.column(tree.name).type
        if isinstance(type_, Structured) and type_.family == "range" and _countable(type_.element):
            return Span(column=tree.name)
        return None
    if not isinstance(tree, exp.Anonymous) or str(tree.this).lower() not in RANGES:
        return None
    arguments = [a.unnest() for a in tree.expressions]
    names = [_column(a, table) for a in arguments[:2]]
    bounds = "[)"
    if len(arguments) == 3:
        literal = arguments[2].this if isinstance(arguments[2], exp.Cast) else arguments[2]
        if not isinstance(literal, exp.Literal) or literal.name not in ("[)", "[]", "()", "(]"):
            return None
        bounds = literal.name
    if len(names) != 2 or None in names or names[0] == names[1]:
        return None
    start, end = str(names[0]), str(names[1])
    if not all(_countable(table.column(c).type) for c in (start, end)):
        return None
    return Span(start=start, end=end, bounds=bounds)


def _column(tree: exp.Expression, table: Table) -> str | None:
    """The column, also under a cast; COALESCE(ends, 'infinity') says what a missing end means anyway."""
    while isinstance(tree, (exp.Cast, exp.Paren)):
        tree = tree.this
    if isinstance(tree, exp.Coalesce) and len(tree.expressions) == 1:
        default = tree.expressions[0]
        while isinstance(default, (exp.Cast, exp.Paren)):
            default = default.this
        if not (isinstance(default, exp.Literal) and default.name.lower() in ("infinity", "-infinity")):
            return None
        tree = tree.this
    return tree.name if isinstance(tree, exp.Column) and tree.name in table.by_name else None


def _countable(type_: object) -> bool:
    match type_:
        case sqltypes.Integer() | sqltypes.Date() | sqltypes.DateTime():
            return True
        case sqltypes.Numeric(asdecimal=True) if not isinstance(type_, sqltypes.Float):
            return True
    return False
