"""What is known of one CHECK: whether it can be read, who evaluates it, and what it says about the making of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dbsynth.schema.expression.handlers import parse
from dbsynth.schema.expression.values import sql_type
from dbsynth.schema.implied import Implied, implications
from dbsynth.schema.model import Check, Table
from dbsynth.schema.predicate import parse_check
from dbsynth.schema.proof import contradiction

HERE, DATABASE, UNSUPPORTED = "here", "by the database", "unsupported"
NO_CHECK = (exp.Subquery, exp.Select, exp.AggFunc, exp.Window, exp.Placeholder, exp.Parameter)
"""What no database lets stand in a CHECK."""
LISTED = 8
"""So many values of a list are shown."""


@dataclass(frozen=True)
class CheckReport:
    """``evaluated``: HERE, DATABASE or UNSUPPORTED; ``reason``: why not here. ``implied``: what holds by construction,
    a sentence each; the rest is worked out row by row."""

    text: str
    parsed: bool
    evaluated: str
    reason: str
    columns: tuple[str, ...]
    implied: tuple[str, ...]

    def __str__(self) -> str:
        how = f"evaluated {self.evaluated}" + (f" ({self.reason})" if self.reason else "")
        return f"{self.text}: {how}" + ("; " + ", ".join(self.implied) if self.implied else "")


def validate_check(text: str, table: Table, dialect: str, now: datetime | None = None) -> CheckReport:
    """``text``: the boolean SQL of a CHECK on ``table``, without CHECK(...), in the SQL of ``dialect`` (sqlglot's name
    of it). ``now``: what now() means in bounds."""
    try:
        tree: exp.Expression | None = parse(text, dialect)
        trouble = ""
    except SqlglotError as error:
        tree, trouble = None, str(error).splitlines()[0]
    if tree is None and not _reads(text, dialect):
        return CheckReport(text, False, UNSUPPORTED, trouble, (), ())
    if tree is not None and (found := tree.find(*NO_CHECK)) is not None:
        return CheckReport(text, True, UNSUPPORTED, f"{found.sql(dialect)} cannot stand in a CHECK", (), ())
    check = Check("check", text)
    parsed = parse_check(check, table, dialect)
    if tree is not None and not parsed.evaluable:
        unknown = [c.name for c in tree.find_all(exp.Column) if c.name not in table.by_name and not c.table]
        if unknown and "which the table does not have" in parsed.reason:
            return CheckReport(text, True, UNSUPPORTED, parsed.reason, parsed.columns, ())
    moment = now or datetime.now(UTC)
    implied, against = implications([parsed], table, moment), contradiction([parsed], table, moment)
    evaluated = HERE if parsed.evaluable else DATABASE
    said = (*([against] if against else []), *_sentences(implied, table)) if parsed.evaluable else ()
    return CheckReport(text, tree is not None, evaluated, parsed.reason, parsed.columns, said)


def _reads(text: str, dialect: str) -> bool:
    """Whether it is SQL at all: tokens whose brackets close."""
    try:
        tokens = sqlglot.tokenize(text, read=dialect)
    except SqlglotError:
        return False
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if depth < 0:
            return False
    return bool(tokens) and depth == 0


def _sentences(implied: Implied, table: Table) -> list[str]:
    out: list[str] = []
    for name in (c.name for c in table.columns):
        low, high, allowed = implied.low.get(name), implied.high.get(name), implied.allowed.get(name)
        if name in implied.always_null:
            out.append(f"{name} is null")
        if name in implied.not_null:
            out.append(f"{name} is not null")
        if allowed is not None:
            rest = f", … ({len(allowed)})" if len(allowed) > LISTED else ""
            out.append(f"{name} ∈ {{{', '.join(_shown(v, name, table) for v in allowed[:LISTED])}{rest}}}")
        elif low is not None and low == high:
            out.append(f"{name} = {_shown(low, name, table)}")
        else:
            out += [f"{name} ≥ {_shown(low, name, table)}"] if low is not None else []
            out += [f"{name} ≤ {_shown(high, name, table)}"] if high is not None else []
        least, most = implied.min_length.get(name), implied.max_length.get(name)
        out += [f"length of {name} ≥ {least}"] if least is not None else []
        out += [f"length of {name} ≤ {most}"] if most is not None else []
        out += [f"{name} matches {p}" for p in implied.pattern.get(name, ())]
    out += [f"{column}.{field} is bounded" for column, field in implied.fields]
    out += [f"{o.first} {'<' if o.strict else '≤'} {o.second}" for o in implied.ordered]
    out += [f"{c.column} is computed from {', '.join(c.reads)}" for c in implied.computable()]
    return out


def _shown(value: Any, name: str, table: Table) -> str:
    """A value in the column's own steps, as a person writes it."""
    family = sql_type(table.column(name).type).family
    if family == "date":
        return str(np.datetime64(int(value), "D"))
    if family in ("timestamp", "timestamptz"):
        return str(np.datetime64(int(value), "us")).replace("T", " ").removesuffix(".000000")
    if family == "time":
        return str(np.datetime64(int(value), "us")).split("T")[1].removesuffix(".000000")
    if isinstance(value, Decimal):
        return format(value, "f")
    return repr(value) if isinstance(value, str) else str(value)
