"""How tree nodes of arrays, JSON, ranges, addresses, bits and composite values are compiled."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from dbsynth.schema.expression import documents, networks, ranges, structured
from dbsynth.schema.expression.casts import cast, literal
from dbsynth.schema.expression.compiler import Compiler, handles, need_no
from dbsynth.schema.expression.nodes import Node, call, constant
from dbsynth.schema.expression.values import BITS, INT, TEXT, NotEvaluable, SqlType, strict, vector


@handles("Array")
def _array(c: Compiler, tree: Any) -> Node:
    items = [cast(c.compile(e), TEXT) for e in tree.expressions]
    if not all(i.constant for i in items):
        raise NotEvaluable("an array of columns")
    return Node(
        "const", SqlType("array", element=TEXT), lambda _: vector(SqlType("array"), [[i.scalar(0) for i in items]])
    )


@handles("ArrayContainsAll", "ArrayContainedBy", "ArrayOverlaps")
def _array_sets(c: Compiler, tree: Any) -> Node:
    name = {"ArrayContainsAll": "@>", "ArrayContainedBy": "<@", "ArrayOverlaps": "&&"}[type(tree).__name__]
    return structured.array_sets(name, c.compile(tree.this), c.compile(tree.expression))


@handles("JSONExtract", "JSONExtractScalar")
def _json_get(c: Compiler, tree: Any) -> Node:
    need_no(tree, "this", "expression", "only_json_types")
    scalar = type(tree).__name__ == "JSONExtractScalar"
    key = tree.expression
    if isinstance(key, exp.JSONPath):
        parts = key.expressions[1:]
        if len(parts) != 1 or not isinstance(parts[0], (exp.JSONPathKey, exp.JSONPathSubscript)):
            raise NotEvaluable(tree.sql())
        inner = parts[0].this
        wanted = constant(INT, inner) if isinstance(inner, int) else literal(str(inner))
    else:
        wanted = c.compile(key)
    return structured.json_get(c.compile(tree.this), wanted, scalar)


@handles("Lambda")
def _arrow(c: Compiler, tree: Any) -> Node:
    """jsonb_typeof(j -> 'a'): among arguments, sqlglot takes the operator for a lambda."""
    if len(tree.expressions) != 1:
        raise NotEvaluable(tree.sql())
    document = (
        exp.column(tree.expressions[0]) if isinstance(tree.expressions[0], exp.Identifier) else tree.expressions[0]
    )
    return structured.json_get(c.compile(document), c.compile(tree.this), False)


@handles("JSONBExtract", "JSONBExtractScalar")
def _json_path(c: Compiler, tree: Any) -> Node:
    scalar = type(tree).__name__ == "JSONBExtractScalar"
    return documents.json_path(c.compile(tree.this), c.compile(tree.expression), scalar)


@handles("JSONBContainsAnyTopKeys", "JSONBContainsAllTopKeys")
def _json_has_keys(c: Compiler, tree: Any) -> Node:
    name = "?|" if type(tree).__name__ == "JSONBContainsAnyTopKeys" else "?&"
    return documents.json_has_keys(name, c.compile(tree.this), c.compile(tree.expression))


@handles("Adjacent")
def _adjacent(c: Compiler, tree: Any) -> Node:
    return ranges.range_sets("-|-", c.compile(tree.this), c.compile(tree.expression))


@handles("BitwiseLeftShift", "BitwiseRightShift")
def _shift(c: Compiler, tree: Any) -> Node:
    """Of addresses: within and around."""
    a, b = c.compile(tree.this), c.compile(tree.expression)
    if "inet" not in (a.type.family, b.type.family):
        raise NotEvaluable(tree.sql())
    return networks.networks("<<" if isinstance(tree, exp.BitwiseLeftShift) else ">>", a, b)


@handles("Bracket")
def _bracket(c: Compiler, tree: Any) -> Node:
    """array[1]; sqlglot counts from 0."""
    index = tree.expressions[0] if len(tree.expressions) == 1 else None
    if not isinstance(index, exp.Literal) or index.is_string:
        raise NotEvaluable(tree.sql())
    return structured.element_at(c.compile(tree.this), int(index.this) + 1)


@handles("BitString")
def _bits(c: Compiler, tree: Any) -> Node:
    return constant(BITS, tree.this)


@handles("JSONBContainsTopKey")
def _json_has(c: Compiler, tree: Any) -> Node:
    return structured.json_has(c.compile(tree.this), c.compile(tree.expression))


@handles("BitwiseAnd", "BitwiseOr", "BitwiseXor")
def _bitwise(c: Compiler, tree: Any) -> Node:
    a, b = c.compile(tree.this), c.compile(tree.expression)
    if "bits" in (a.type.family, b.type.family):
        sign = {"BitwiseAnd": "&", "BitwiseOr": "|", "BitwiseXor": "#"}[type(tree).__name__]
        return networks.bitwise(sign, a, b)
    a, b = cast(a, INT), cast(b, INT)
    ufunc = {"BitwiseAnd": "__and__", "BitwiseOr": "__or__", "BitwiseXor": "__xor__"}[type(tree).__name__]
    return call(ufunc, INT, (a, b), lambda p, q: strict(INT, getattr(p.values, ufunc)(q.values), p, q))


@handles("Dot")
def _dot(c: Compiler, tree: Any) -> Node:
    """(composite).field, or a function qualified by the system catalog's name."""
    if isinstance(tree.expression, exp.Identifier):
        return structured.composite_field(c.compile(tree.this), c.name(tree.expression))
    if isinstance(tree.this, exp.Identifier) and tree.this.name == "pg_catalog":
        return c.compile(tree.expression)
    raise NotEvaluable(f"the function {tree.sql()}")
