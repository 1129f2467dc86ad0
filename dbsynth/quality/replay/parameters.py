"""Values for the $1, $2, … of a query that pg_stat_statements remembers: typical ones of the column that each is
compared with."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from dbsynth.quality.replay.literals import ColumnValues, TableValues
from dbsynth.quality.replay.names import Names, normalised, tables_of
from dbsynth.schema.model import TableName

PARAMETER = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\$(\d+)(?![\w$])""")
MARK = "$"
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
SHARES = (0.25, 0.5, 0.75)
LIMIT, OFFSET = "10", "0"
UNIT = re.compile(r'''\b(date_trunc|date_part)\(\s*"\$\d+"''', re.IGNORECASE)
LEFT = re.compile(r'"\$\d+"')


def marked(sql: str) -> str:
    """$1 as the identifier "$1": a parser may take $1,$ for the mark that opens a string."""
    sql = PARAMETER.sub(lambda m: f'"{MARK}{m[1]}"' if m[1] else m[0], sql)
    return UNIT.sub(r"\1('month'", sql)


def filled(
    sql: str, names: Names, values: Mapping[TableName, TableValues], rng: np.random.Generator
) -> tuple[str | None, str]:
    """(the query with values, "") or (None, why not)."""
    sql = marked(sql)
    dialect = names.source.sqlglot
    try:
        tree = parse_one(sql, dialect=dialect)
    except (SqlglotError, RecursionError):
        return None, "not understood"
    spans: list[tuple[int, int, str]] = []
    for column in tree.find_all(exp.Column):
        mark = column.this
        if not (isinstance(mark, exp.Identifier) and re.fullmatch(r"\$\d+", mark.name) and mark.args.get("quoted")):
            continue
        value, why = _value(column, tree, names, values, rng)
        if value is None:
            return None, f"no value for {mark.name}: {why}"
        spans.append((mark.meta["start"], mark.meta["end"] + 1, value))
    for start, end, value in sorted(spans, reverse=True):
        sql = sql[:start] + value + sql[end:]
    # One that the parser took for something else than a column.
    return (None, "it has parameters where no column is compared") if LEFT.search(sql) else (sql, "")


def _value(
    mark: exp.Column,
    tree: exp.Expr,
    names: Names,
    values: Mapping[TableName, TableValues],
    rng: np.random.Generator,
) -> tuple[str | None, str]:
    above: exp.Expr | None = mark.parent
    inner: exp.Expr = mark
    while isinstance(above, exp.Cast | exp.Paren | exp.Array | exp.Tuple):
        above, inner = above.parent, above
    match above:
        case exp.Limit() | exp.Fetch():
            return LIMIT, ""
        case exp.Offset():
            return OFFSET, ""
        case exp.Between() if isinstance(above.this, exp.Column):
            share = 0.25 if above.args.get("low") is inner else 0.75
            return _typical(above.this, share, tree, names, values, rng)
        case exp.In() if isinstance(above.this, exp.Column):
            return _typical(above.this, None, tree, names, values, rng)
        case exp.Any() if isinstance(above.parent, exp.EQ) and isinstance(above.parent.this, exp.Column):
            value, why = _typical(above.parent.this, None, tree, names, values, rng)
            return (f"ARRAY[{value}]" if value is not None and inner is mark else value), why
        case exp.Coalesce() if isinstance(above.this, exp.Column):
            return _typical(above.this, None, tree, names, values, rng)
        case exp.Binary() if isinstance(above, COMPARISONS):
            other = above.expression if above.this is inner else above.this
            if isinstance(other, exp.Column):
                return _typical(other, None, tree, names, values, rng)
            if isinstance(other, exp.Count):
                return "1", ""
    return None, "it is compared with no column"


def _typical(
    column: exp.Column,
    share: float | None,
    tree: exp.Expr,
    names: Names,
    values: Mapping[TableName, TableValues],
    rng: np.random.Generator,
) -> tuple[str | None, str]:
    known = _column(column, tree, names, values)
    if known is None:
        return None, f"{column.name} is a column of none of the tables"
    if known.personal:
        return None, f"{column.name} is personal, and its values are not read"
    if known.categories and share is None:
        # The more frequent, the more often.
        n = len(known.categories)
        weights = 1 / np.arange(1, n + 1)
        return known.categories[int(rng.choice(n, p=weights / weights.sum()))], ""
    if known.quantiles:
        return known.quantiles[share if share is not None else float(rng.choice(SHARES))], ""
    return None, f"no values of {column.name} are shared by enough rows"


def _column(
    column: exp.Column, tree: exp.Expr, names: Names, values: Mapping[TableName, TableValues]
) -> ColumnValues | None:
    wanted = normalised(column.this, names.source)
    qualifier = normalised(column.args["table"], names.source) if column.args.get("table") is not None else None
    found: list[ColumnValues] = []
    for node in tables_of(tree, names.source):
        name = names.resolve(node)
        if name is None or name not in values or wanted not in values[name].columns:
            continue
        alias = node.args.get("alias")
        called = alias.this if alias is not None and alias.this is not None else node.this
        if qualifier is None or normalised(called, names.source) == qualifier:
            found.append(values[name].columns[wanted])
    return found[0] if found else None
