"""What each class of sqlglot's tree means, where it is more than a plain function (those are in ``compiler.SIMPLE``).

Import ``Compiler`` and ``parse`` from here: importing this module registers the handlers.
"""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from dbsynth.schema.expression import (
    documents,
    functions,
    logic,
    structured_handlers,  # noqa: F401 (registers them)
    textfunctions,
)
from dbsynth.schema.expression.casts import cast, literal
from dbsynth.schema.expression.compiler import Compiler, handles, need_no, parse
from dbsynth.schema.expression.nodes import Node, column, constant
from dbsynth.schema.expression.values import (
    BOOL,
    DATE,
    FLOAT,
    INT,
    INTERVAL,
    NUMERIC,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UNKNOWN,
    NotEvaluable,
    SqlType,
)

__all__ = ["Compiler", "parse"]


@handles("Paren")
def _paren(c: Compiler, tree: Any) -> Node:
    return c.compile(tree.this)


@handles("Column")
def _column(c: Compiler, tree: Any) -> Node:
    name = c.name(tree.this)
    known = c.columns.get(name)
    if known is None:
        raise NotEvaluable(f"the column {name}, which the table does not have")
    return column(name, known) if isinstance(known, SqlType) else known()


@handles("Literal")
def _literal(c: Compiler, tree: Any) -> Node:
    if tree.is_string:
        return literal(tree.this)
    whole = re.fullmatch(r"\d+", tree.this) is not None and int(tree.this) < 2**63
    return constant(INT, int(tree.this)) if whole else constant(NUMERIC, tree.this)


@handles("ByteString")
def _escaped_string(c: Compiler, tree: Any) -> Node:
    return literal(tree.this)


@handles("Boolean")
def _boolean(c: Compiler, tree: Any) -> Node:
    return constant(BOOL, bool(tree.this))


@handles("Null")
def _null(c: Compiler, tree: Any) -> Node:
    return constant(UNKNOWN, None)


@handles("And")
def _and(c: Compiler, tree: Any) -> Node:
    return logic.both(c.compile(tree.this), c.compile(tree.expression))


@handles("Or")
def _or(c: Compiler, tree: Any) -> Node:
    return logic.either(c.compile(tree.this), c.compile(tree.expression))


@handles("Not")
def _not(c: Compiler, tree: Any) -> Node:
    return logic.negate(c.compile(tree.this))


@handles("Is")
def _is(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "expression", "negate")
    what = tree.expression.unnest()
    node = c.compile(tree.this)
    if isinstance(what, exp.Null):
        return logic.is_null(node, not tree.args.get("negate"))
    if isinstance(what, exp.JSON) and not _given(what):
        test = documents.is_json(textfunctions.as_text(node))
        return logic.negate(test) if tree.args.get("negate") else test
    if isinstance(what, exp.Boolean):
        test = logic.is_bool(node, bool(what.this))
        return logic.negate(test) if tree.args.get("negate") else test
    raise NotEvaluable(tree.sql())


def _given(tree: Any) -> list[str]:
    return [k for k, v in tree.args.items() if v not in (None, False, [])]


@handles("Between")
def _between(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "low", "high", "symmetric")
    node, low, high = (c.compile(tree.args[k]) for k in ("this", "low", "high"))

    def inside(a: Node, b: Node) -> Node:
        return logic.both(logic.compare(">=", node, a), logic.compare("<=", node, b))

    return logic.either(inside(low, high), inside(high, low)) if tree.args.get("symmetric") else inside(low, high)


@handles("In")
def _in(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "expressions")
    left, items = tree.this.unnest(), tree.expressions
    if isinstance(left, exp.Tuple):
        rows = [i.unnest() for i in items]
        node = [c.compile(e) for e in left.expressions]
        return logic.either(*(logic.row_compare("=", node, [c.compile(e) for e in r.expressions]) for r in rows))
    return logic.member(c.compile(left), [c.compile(i) for i in items])


@handles("NullSafeEQ", "NullSafeNEQ")
def _distinct(c: Compiler, tree: Any) -> Node:
    left, right = tree.this.unnest(), tree.expression.unnest()
    if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
        pairs = zip(left.expressions, right.expressions, strict=True)
        test = logic.either(*(logic.distinct(c.compile(a), c.compile(b)) for a, b in pairs))
    else:
        test = logic.distinct(c.compile(left), c.compile(right))
    return logic.negate(test) if isinstance(tree, exp.NullSafeEQ) else test


@handles("Case")
def _case(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "ifs", "default")
    subject = c.compile(tree.this) if tree.this is not None else None
    branches = []
    for branch in tree.args["ifs"]:
        condition = c.compile(branch.this)
        if subject is not None:
            condition = logic.compare("=", subject, condition)
        branches.append((condition, c.compile(branch.args["true"])))
    default = tree.args.get("default")
    return logic.case(branches, c.compile(default) if default is not None else constant(UNKNOWN, None))


@handles("Coalesce")
def _coalesce(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "expressions")
    return logic.coalesce(*(c.compile(e) for e in (tree.this, *tree.expressions)))


@handles("Greatest", "Least")
def _extreme(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "expressions")
    args = [c.compile(e) for e in (tree.this, *tree.expressions)]
    return logic.extreme(args, isinstance(tree, exp.Greatest))


@handles("Like", "ILike", "SimilarTo", "RegexpLike", "RegexpILike")
def _pattern(c: Compiler, tree: Any, escape: str = "\\") -> Node:
    need_no(tree, "this", "expression", "negate", "flag")
    if isinstance(tree.expression, (exp.Any, exp.All)):
        return _patterns(c, tree, escape)
    kind = {"Like": "like", "ILike": "like", "SimilarTo": "similar"}.get(type(tree).__name__, "regex")
    wanted = c.compile(tree.expression)
    if wanted.kind == "escaped":
        kind, escape = wanted.name, wanted.value
    test = textfunctions.pattern(
        c.compile(tree.this), wanted, kind, isinstance(tree, (exp.ILike, exp.RegexpILike)) or _flagged(c, tree), escape
    )
    return logic.negate(test) if tree.args.get("negate") else test


def _flagged(c: Compiler, tree: Any) -> bool:
    """Whether regexp_like(x, pattern, 'i')."""
    flag = tree.args.get("flag")
    flags = "" if flag is None else _constant_text(c, flag)
    if set(flags) - set("ic"):
        raise NotEvaluable(f"the flags {flags!r}")
    return "i" in flags


def _patterns(c: Compiler, tree: Any, escape: str) -> Node:
    """x LIKE ANY (ARRAY['a%', 'b%'])."""
    operand = tree.expression.this.unnest()
    while isinstance(operand, exp.Cast):
        operand = operand.this.unnest()
    if not isinstance(operand, exp.Array) or not operand.expressions:
        raise NotEvaluable(tree.sql())
    join = logic.either if isinstance(tree.expression, exp.Any) else logic.both
    arguments = {k: v for k, v in tree.args.items() if k not in ("this", "expression")}
    return join(
        *(_pattern(c, type(tree)(this=tree.this, expression=e, **arguments), escape) for e in operand.expressions)
    )


@handles("Escape")
def _escape(c: Compiler, tree: Any) -> Node:
    character = tree.expression.unnest()
    if not isinstance(character, exp.Literal) or len(character.this) > 1:
        raise NotEvaluable(tree.sql())
    inner = tree.this
    if isinstance(inner, exp.Not):
        return logic.negate(_pattern(c, inner.this.unnest(), character.this))
    return _pattern(c, inner, character.this)


@handles("Cast")
def _cast(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "to")
    to, node = c.type(tree.to), c.compile(tree.this)
    if to.family != "unknown":
        return cast(node, to)
    if node.type.family in ("unknown", "enum"):
        return node  # 'x'::schema.mood takes its type from what it is compared with
    raise NotEvaluable(f"a cast to the type {tree.to.sql()}")


@handles("Collate")
def _collate(c: Compiler, tree: Any) -> Node:
    if tree.expression.name.upper() not in ("C", "POSIX", "DEFAULT"):
        raise NotEvaluable(f"the collation {tree.expression.name}")
    return c.compile(tree.this)


@handles("Extract")
def _extract(c: Compiler, tree: Any) -> Node:
    field = tree.this.unnest()
    node = c.compile(tree.expression)
    if isinstance(field, exp.Var):
        return functions.extract(field.name, node)
    return cast(functions.extract(_constant_text(c, field), node), FLOAT)  # date_part('year', d)


def _constant_text(c: Compiler, tree: exp.Expression) -> str:
    node = c.compile(tree)
    text = cast(node, TEXT).scalar(0) if node.constant else None
    if not isinstance(text, str):
        raise NotEvaluable(tree.sql())
    return text


@handles("TimestampTrunc", "DateTrunc")
def _trunc(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "unit")
    unit = tree.args["unit"]
    name = unit.name if isinstance(unit, (exp.Var, exp.Literal)) else _constant_text(c, unit)
    return functions.date_trunc(name, c.compile(tree.this))


@handles("Trim")
def _trim(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "expression", "position")
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(tree.args.get("position") or "BOTH").upper(), "btrim")
    extra = tree.args.get("expression")
    return c.function(name, [tree.this] if extra is None else [tree.this, extra])


@handles("Pad")
def _pad(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "expression", "fill_pattern", "is_left")
    args = [tree.this, tree.expression, tree.args.get("fill_pattern")]
    return c.function("lpad" if tree.args.get("is_left") else "rpad", [a for a in args if a is not None])


@handles("Initcap")
def _initcap(c: Compiler, tree: Any) -> Node:
    return c.function("initcap", [tree.this])  # its second argument is sqlglot's list of default delimiters


@handles("CurrentDate", "CurrentTimestamp", "Localtimestamp", "CurrentTime", "Localtime", "CurrentDatetime")
def _now(c: Compiler, tree: Any) -> Node:
    need_no(tree)
    types = {"CurrentDate": DATE, "CurrentTimestamp": TIMESTAMPTZ, "Localtimestamp": TIMESTAMP, "Localtime": TIME}
    if type(tree).__name__ not in types:
        raise NotEvaluable(tree.sql())
    return functions.now_node(types[type(tree).__name__])


@handles("Interval")
def _interval(c: Compiler, tree: Any) -> Node:
    unit = tree.args.get("unit")
    if not isinstance(tree.this, exp.Literal) or (unit is not None and not isinstance(unit, exp.Var)):
        raise NotEvaluable(tree.sql())
    return cast(literal(f"{tree.this.this} {unit.name if unit is not None else ''}"), INTERVAL)


@handles("AtTimeZone")
def _at_time_zone(c: Compiler, tree: Any) -> Node:
    zone = _constant_text(c, tree.args["zone"])
    node = c.compile(tree.this)
    if zone.upper() not in ("UTC", "GMT", "Z") or node.type.family not in ("timestamp", "timestamptz"):
        raise NotEvaluable(f"AT TIME ZONE {zone!r}")
    return cast(node, TIMESTAMP if node.type.family == "timestamptz" else TIMESTAMPTZ)


@handles("RegexpReplace")
def _regexp_replace(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "expression", "replacement", "modifiers")
    args = [tree.this, tree.expression, tree.args["replacement"], tree.args.get("modifiers")]
    return c.function("regexp_replace", [a for a in args if a is not None])


@handles("TimeToStr")
def _to_char(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "format")
    return functions.to_char(c.compile(tree.this), _constant_text(c, tree.args["format"]))


@handles("Anonymous")
def _anonymous(c: Compiler, tree: Any) -> Node:
    name = tree.this.name if isinstance(tree.this, exp.Identifier) else str(tree.this)
    if name.lower() == "timezone" and len(tree.expressions) == 2:
        return _at_time_zone(c, exp.AtTimeZone(this=tree.expressions[1], zone=tree.expressions[0]))
    return c.function(name.lower(), tree.expressions)
