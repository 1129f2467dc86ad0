"""Trees of other databases' SQL in the form in which sqlglot gives PostgreSQL's, which is what the handlers know."""

from __future__ import annotations

import sqlglot
from sqlglot import exp

PARTS = {
    exp.DayOfWeekIso: "ISODOW",
    exp.Year: "YEAR",
    exp.Month: "MONTH",
    exp.Day: "DAY",
    exp.Quarter: "QUARTER",
}


def in_one_dialect(tree: exp.Expression) -> exp.Expression:
    """Raises sqlglot's ParseError for what means something else than in PostgreSQL: the database judges it then."""
    return tree.transform(_rewritten)


def _rewritten(node: exp.Expression) -> exp.Expression:
    match node:
        case exp.Div():
            raise sqlglot.ParseError("/ of whole numbers gives fractions in this database")
        case exp.Length() if node.args.get("binary"):
            node.set("binary", None)
        case exp.RegexpLike() if node.args.get("full_match"):
            if not isinstance(node.expression, exp.Literal):
                raise sqlglot.ParseError("a regular expression that is no constant")
            node.set("full_match", None)
            node.set("expression", exp.Literal.string(f"^(?:{node.expression.name})$"))
        case exp.Anonymous() if node.name.lower() == "date_part" and len(node.expressions) == 2:
            part, of = node.expressions
            return exp.Extract(this=exp.var(part.name.upper()), expression=of)
        case exp.Dot() if isinstance(node.expression, exp.Func):
            return node.expression  # main.lower(x): a function with its schema
        case _ if type(node) in PARTS:
            return exp.Extract(this=exp.var(PARTS[type(node)]), expression=node.this)
    return node
