"""One query on both sides, compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from dbsynth.quality.figures import QueryFigure
from dbsynth.quality.replay.compare import MOST, distance, q_error
from dbsynth.quality.replay.plans import join_tree, matched
from dbsynth.quality.replay.safety import Query
from dbsynth.queries import Failure, Ran
from dbsynth.schema.model import TableName

HIDDEN = (exp.Literal, exp.National, exp.RawString, exp.HexString, exp.BitString, exp.ByteString, exp.UnicodeString)
TEST = "dbt test"
"""Whose rows are what is wrong: it passes where there are none."""


@dataclass(frozen=True)
class Compared:
    """``figure`` and what it is made of. ``counts``, ``nodes``: what was counted, rows on both sides, q-error.
    ``distances``: by result column, 0 (alike) .. 1. ``joins_alike``: None where a side has no plan or joins nothing."""

    figure: QueryFigure
    shape: str
    """The query without its literals."""
    nodes: tuple[Mapping[str, Any], ...] = ()
    distances: Mapping[str, float] = field(default_factory=dict)
    joins_alike: bool | None = None
    seconds: tuple[float | None, float | None] = (None, None)
    failures: tuple[str, str] = ("", "")

    def describe(self) -> dict[str, Any]:
        told = self.figure
        return {
            "query": told.query,
            "kind": told.kind,
            "alike": told.alike,
            "rows": list(told.rows),
            "q_error": None if told.q_error is None else round(told.q_error, 3),
            "says": told.says,
            "failures": list(self.failures),
            "same_joins": self.joins_alike,
            "counted": [dict(n) for n in self.nodes],
            "columns": {name: round(d, 4) for name, d in self.distances.items()},
            "seconds": [None if s is None else round(s, 3) for s in self.seconds],
            "sql": self.shape,
        }


def compared(
    query: Query,
    real: Ran | Failure,
    made: Ran | Failure,
    ratios: Mapping[str, tuple[int, int]],
    dialect: str,
) -> Compared:
    """``ratios``: by alias the rows of its table on the real and the made side."""
    rows = tuple(side.rows if isinstance(side, Ran) else None for side in (real, made))
    seconds = tuple(side.seconds if isinstance(side, Ran) else None for side in (real, made))
    failures = tuple(side.kind if isinstance(side, Failure) else "" for side in (real, made))
    if isinstance(real, Failure) or isinstance(made, Failure):
        figure = QueryFigure(query.name, query.kind, False, (rows[0], rows[1]), None, _failed(failures))
        return Compared(
            figure, shape(query.sql, dialect), (), {}, None, (seconds[0], seconds[1]), (failures[0], failures[1])
        )
    counted = [*_result(query, real, made, ratios, dialect), *_nodes(real, made, ratios)]
    worst = max(counted, key=lambda c: c["q_error"])
    alike, says = worst["q_error"] <= MOST, ""
    if query.kind == TEST and (real.rows == 0) != (made.rows == 0):
        alike = False
        passes, fails = ("source", "target") if real.rows == 0 else ("target", "source")
        says = f"passes on the {passes}, fails on the {fails} ({max(real.rows, made.rows):,} rows)"
    elif not alike:
        says = f"{worst['what']}: {worst['rows'][0]:,.0f} rows on the source, {worst['rows'][1]:,.0f} on the target"
    pairs = zip(_names(query, real, dialect), real.columns, made.columns, strict=False)
    distances = {name: d for name, a, b in pairs if (d := distance(a, b)) is not None}
    figure = QueryFigure(query.name, query.kind, alike, (real.rows, made.rows), worst["q_error"], says)
    joins = None
    if real.plan is not None and made.plan is not None:
        ours, theirs = join_tree(real.plan), join_tree(made.plan)
        joins = ours == theirs if isinstance(ours, frozenset) or isinstance(theirs, frozenset) else None
    return Compared(figure, shape(query.sql, dialect), tuple(counted), distances, joins, (real.seconds, made.seconds))


def _failed(failures: tuple[str, ...]) -> str:
    ours, theirs = failures
    if ours and theirs:
        return (
            f"fails on both sides: {ours}"
            if ours == theirs
            else f"fails on the source: {ours}; on the target: {theirs}"
        )
    return f"fails on the source: {ours}" if ours else f"fails on the target: {theirs}"


def _names(query: Query, real: Ran, dialect: str) -> list[str]:
    """Of the result's columns: those that the query or a table gives. What a database calls an expression may be its
    text, with literals in it: such a column is told by its number."""
    tree = parse_one(query.sql, dialect=dialect)
    asked = tree.expressions if isinstance(tree, exp.Select) and not tree.is_star else []
    if isinstance(tree, exp.Select) and tree.is_star and len(tree.expressions) == 1:
        names = [c.name for c in real.columns]
    else:
        names = [e.alias_or_name if isinstance(e, exp.Alias | exp.Column) else "" for e in asked]
        names += [""] * (len(real.columns) - len(names))
    return [
        f"column {i}" if not name else f"{name} ({i})" if names.count(name) > 1 else name
        for i, name in enumerate(names, 1)
    ]


def _result(
    query: Query, real: Ran, made: Ran, ratios: Mapping[str, tuple[int, int]], dialect: str
) -> list[dict[str, Any]]:
    """Of the result its rows; of a column that counts rows its sum, and the largest count of a group."""
    ratio = _ratio(ratios, tuple(ratios))
    found = [_counted("the result", real.rows, made.rows, ratio, scales=False)]
    tree = parse_one(query.sql, dialect=dialect)
    if not isinstance(tree, exp.Select) or tree.is_star:
        return found
    if any(len(c.values) < side.rows for side in (real, made) for c in side.columns):
        return found  # of a longer result they are not known
    limited = tree.args.get("limit") is not None
    whole = tree.find(exp.Subquery) is None
    for i, column in enumerate(tree.expressions[: min(len(real.columns), len(made.columns))]):
        inner = column.unalias()
        if isinstance(inner, exp.Count) and real.columns[i].number and made.columns[i].number:
            ours, theirs = real.columns[i].values, made.columns[i].values
            if not limited:
                plain = whole and not isinstance(inner.this, exp.Distinct)
                what = f"the counts of column {i + 1}"
                found.append(_counted(what, float(ours.sum()), float(theirs.sum()), ratio, scales=plain))
            if len(ours) > 1 and len(theirs) > 1:
                what = f"the largest count of column {i + 1}"
                found.append(_counted(what, float(ours.max()), float(theirs.max()), ratio, scales=False))
    return found


def _nodes(real: Ran, made: Ran, ratios: Mapping[str, tuple[int, int]]) -> list[dict[str, Any]]:
    if real.plan is None or made.plan is None:
        return []
    found = []
    for pair in matched(real.plan, made.plan):
        what = f"{pair.kind} of {', '.join(pair.relations)}"
        ratio = _ratio(ratios, pair.relations)
        counted = _counted(what, pair.rows[0], pair.rows[1], ratio, scales=pair.kind in ("scan", "join"))
        found.append(counted | {"estimated": list(pair.estimated)})
    return found


def _counted(what: str, real: float, made: float, ratio: float, *, scales: bool) -> dict[str, Any]:
    return {"what": what, "rows": [real, made], "q_error": round(q_error(real, made, ratio, scales=scales), 4)}


def _ratio(ratios: Mapping[str, tuple[int, int]], aliases: tuple[str, ...]) -> float:
    """Of the largest table among ``aliases``: in a join of a child with its parents, the child's rows count."""
    known = [ratios[a] for a in aliases if a in ratios and ratios[a][0]]
    if not known:
        return 1.0
    real, made = max(known)
    return made / real


def ratios_of(
    tables: Mapping[str, TableName], real: Mapping[TableName, int], made: Mapping[TableName, int]
) -> dict[str, tuple[int, int]]:
    return {alias: (real[name], made[name]) for alias, name in tables.items() if name in real and name in made}


def shape(sql: str, dialect: str) -> str:
    """The query without its literals, which may be values of rows. "" where it cannot be taken apart."""
    try:
        tree = parse_one(sql, dialect=dialect)
        for comment in tree.walk():
            comment.comments = None
        hidden = tree.transform(lambda n: exp.var("?") if isinstance(n, HIDDEN) else n)
        return str(hidden.sql(dialect=dialect))
    except (SqlglotError, RecursionError):
        return ""
