"""Boolean nodes: three-valued AND, OR, NOT, comparisons, IN, IS, CASE.

Errors of the database (``Vec.bad``) are guarded as there: what AND, OR or CASE need not look at cannot fail.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import reduce

import numpy as np

from dbsynth.schema.expression import moments, numbers
from dbsynth.schema.expression.casts import cast, common, convert, unify
from dbsynth.schema.expression.documents import canonical
from dbsynth.schema.expression.nodes import Context, Node
from dbsynth.schema.expression.ranges import extent
from dbsynth.schema.expression.values import (
    BOOL,
    TEXT,
    NotEvaluable,
    SqlType,
    Vec,
    strict,
    vector,
)

COMPARISONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
NEGATED = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
ORDERED = {"int", "numeric", "float", "text", "bpchar", "date", "time", "timestamp", "timestamptz", "interval", "bool"}
COMPARABLE = ORDERED | {"enum", "uuid", "array", "json", "range", "inet", "bits", "bytea"}
KEYED: dict[str, Callable[[str, SqlType], object]] = {
    "json": lambda text, _: canonical(text),
    "range": lambda text, type_: extent(text, type_.element or TEXT),
}
"""What equality of a family is about, where it is not about the text."""


def _objects(items: Iterable[object]) -> np.ndarray:
    listed = list(items)
    out = np.empty(len(listed), dtype=object)
    out[:] = listed
    return out


def compared(name: str, a: Vec, b: Vec) -> Vec:
    """A comparison of two vectors of one type."""
    family, operation = a.type.family, COMPARISONS[name]
    x, y = a.values, b.values
    if family in ("numeric", "float"):
        x, y = numbers.compare_keys(a, b)
    elif family == "interval":
        x, y = moments.span(a), moments.span(b)
    elif family == "enum" and name not in ("=", "<>"):
        labels = a.type.labels or b.type.labels
        rank = {label: i for i, label in enumerate(labels)}
        x, y = (np.array([rank.get(v, -1) for v in values], dtype=np.int64) for values in (x, y))
    elif family in ("array", *KEYED):
        rows = max(len(a), len(b))
        x, y = (v.expand(rows).values for v in (a, b))
        if family in KEYED:
            key = KEYED[family]
            whole = a.type if a.type.element is not None else b.type
            known = a.valid & b.valid
            x, y = (_objects(key(t, whole) if ok else None for t, ok in zip(v, known, strict=True)) for v in (x, y))
        equal = np.fromiter((p == q for p, q in zip(x, y, strict=True)), dtype=bool, count=rows)
        return strict(BOOL, equal if name == "=" else ~equal, a, b)
    return strict(BOOL, np.asarray(operation(x, y), dtype=bool), a, b)


def compare(name: str, left: Node, right: Node) -> Node:
    a, b = unify(left, right)
    if a.type.family not in COMPARABLE or (name not in ("=", "<>") and a.type.family not in ORDERED | {"enum", "uuid"}):
        raise NotEvaluable(f"the comparison {name} of {left.type} with {right.type}")
    return Node("compare", BOOL, lambda ctx: compared(name, a.run(ctx), b.run(ctx)), (a, b), name)


def row_compare(name: str, left: Sequence[Node], right: Sequence[Node]) -> Node:
    """(a, b) < (c, d) spelled out."""
    if len(left) != len(right):
        raise NotEvaluable("a comparison of rows of different length")
    if name in ("=", "<>"):
        parts = [compare(name, x, y) for x, y in zip(left, right, strict=True)]
        return both(*parts) if name == "=" else either(*parts)
    if len(left) == 1:
        return compare(name, left[0], right[0])
    first = compare(name[0], left[0], right[0])
    rest = row_compare(name, left[1:], right[1:])
    return either(first, both(compare("=", left[0], right[0]), rest))


def _errors(vec: Vec) -> np.ndarray:
    return vec.bad if vec.bad is not None else np.zeros(len(vec), dtype=bool)


def _connect(a: Vec, b: Vec, decides: bool) -> Vec:
    """AND (``decides`` False) and OR (True): a part of that value settles the result."""
    settled_a, settled_b = a.valid & (a.values == decides), b.valid & (b.values == decides)
    settled = settled_a | settled_b
    valid = settled | (a.valid & b.valid)
    values = np.where(settled, decides, not decides)
    if a.bad is None and b.bad is None:
        return Vec(BOOL, values, valid)
    failed_a, failed_b = _errors(a), _errors(b)
    return Vec(BOOL, values, valid, failed_a | (failed_b & ~(settled_a & ~failed_a)))


def both(*nodes: Node) -> Node:
    parts = _flat("and", nodes)
    return Node("and", BOOL, lambda ctx: reduce(lambda a, b: _connect(a, b, False), (p.run(ctx) for p in parts)), parts)


def either(*nodes: Node) -> Node:
    parts = _flat("or", nodes)
    return Node("or", BOOL, lambda ctx: reduce(lambda a, b: _connect(a, b, True), (p.run(ctx) for p in parts)), parts)


def _flat(kind: str, nodes: Sequence[Node]) -> tuple[Node, ...]:
    parts: list[Node] = []
    for node in nodes:
        node = boolean(node)
        parts += node.args if node.kind == kind else [node]
    return tuple(parts)


def boolean(node: Node) -> Node:
    if node.type.family == "unknown":
        return cast(node, BOOL)
    if node.type.family != "bool":
        raise NotEvaluable(f"{node.type} where a boolean is needed")
    return node


def negate(node: Node) -> Node:
    """NOT, moved inward: De Morgan, opposite comparisons, IS [NOT] NULL. Valid in three-valued logic too."""
    node = boolean(node)
    if node.kind == "not":
        return node.args[0]
    if node.kind in ("and", "or"):
        return (either if node.kind == "and" else both)(*(negate(a) for a in node.args))
    if node.kind == "compare":
        return compare(NEGATED[node.name], *node.args)
    if node.kind == "null":
        return is_null(node.args[0], not node.value)

    def run(ctx: Context) -> Vec:
        vec = node.run(ctx)
        return strict(BOOL, ~vec.values, vec)

    return Node("not", BOOL, run, (node,))


def is_null(node: Node, wanted: bool = True) -> Node:
    """IS NULL, or IS NOT NULL where ``wanted`` is False (``value`` of the node)."""
    if node.type.family == "composite":
        raise NotEvaluable(f"IS NULL of the composite {node.type}")  # true if all fields are null; rows differ

    def run(ctx: Context) -> Vec:
        vec = node.run(ctx)
        return Vec(BOOL, vec.valid != wanted, np.ones(len(vec), dtype=bool), vec.bad)

    return Node("null", BOOL, run, (node,), value=wanted)


def is_bool(node: Node, wanted: bool) -> Node:
    """IS TRUE, IS FALSE."""
    node = boolean(node)

    def run(ctx: Context) -> Vec:
        vec = node.run(ctx)
        return Vec(BOOL, vec.valid & (vec.values == wanted), np.ones(len(vec), dtype=bool), vec.bad)

    return Node("call", BOOL, run, (node,), "is true" if wanted else "is false")


def distinct(left: Node, right: Node) -> Node:
    """IS DISTINCT FROM: null equals null."""
    a, b = unify(left, right)
    unequal = compare("<>", a, b)

    def run(ctx: Context) -> Vec:
        x, y, differ = a.run(ctx), b.run(ctx), unequal.run(ctx)
        values = np.where(differ.valid, differ.values, x.valid != y.valid)
        return Vec(BOOL, values, np.ones(len(differ), dtype=bool), differ.bad)

    return Node("call", BOOL, run, (a, b), "is distinct from")


def member(node: Node, items: Sequence[Node]) -> Node:
    """IN (...), = ANY (ARRAY[...]): the first argument of the node, then the items."""
    if not items:
        return Node("const", BOOL, lambda _: vector(BOOL, [False]))
    first, *others = unify(node, *items)
    parts = [compare("=", first, item) for item in others]
    texts = first.type.family in ("text", "bpchar", "enum", "uuid") and all(i.constant for i in others)

    def run(ctx: Context) -> Vec:
        if not texts:
            return reduce(lambda a, b: _connect(a, b, True), (p.run(ctx) for p in parts))
        vec = first.run(ctx)
        constants = [i.run(ctx) for i in others]
        known = frozenset(c.values[0] for c in constants if c.valid[0])
        found = np.fromiter((v in known for v in vec.values), dtype=bool, count=len(vec))
        has_null = len(known) < len(constants) and not all(c.valid[0] for c in constants)
        return strict(BOOL, found, vec, null=~found if has_null else None)

    return Node("in", BOOL, run, (first, *others))


def quantified(name: str, node: Node, array: Node, every: bool) -> Node:
    """x <op> ANY/ALL (array value)."""
    element = array.type.element or TEXT
    type_ = common(node.type, element)
    if type_.family in ("unknown", "array") or type_.family not in COMPARABLE:
        raise NotEvaluable(f"{'ALL' if every else 'ANY'} of an array of {element}")
    left = cast(node, type_)

    def run(ctx: Context) -> Vec:
        x, arrays = left.run(ctx), array.run(ctx)
        rows = max(len(x), len(arrays))
        x, arrays = x.expand(rows), arrays.expand(rows)
        lengths = np.fromiter((len(v) for v in arrays.values), dtype=np.int64, count=rows)
        owner = np.repeat(np.arange(rows), lengths)
        flat = vector(TEXT, [item for items in arrays.values for item in items])
        hits = compared(name, x.take(owner), elements(flat, element, type_, ctx.now))
        decided = hits.valid & (hits.values != every)
        any_decided = np.bincount(owner[decided], minlength=rows) > 0
        any_null = np.bincount(owner[~hits.valid], minlength=rows) > 0
        values = np.where(any_decided, not every, every)
        result = strict(BOOL, values, arrays, null=any_null & ~any_decided)
        return Vec(BOOL, values, result.valid & (x.valid | (lengths == 0)), result.bad)

    return Node("call", BOOL, run, (left, array), f"{name} {'all' if every else 'any'}")


def elements(flat: Vec, element: SqlType, type_: SqlType, now: int) -> Vec:
    return convert(convert(flat, element, now) if element.family != "unknown" else flat, type_, now)


def case(branches: Sequence[tuple[Node, Node]], default: Node) -> Node:
    """CASE WHEN: the value of the first branch whose condition is true."""
    conditions = [boolean(c) for c, _ in branches]
    results = unify(*(r for _, r in branches), default)
    family = results[0].type.family

    def run(ctx: Context) -> Vec:
        vecs = [r.run(ctx).expand(ctx.rows) for r in results]
        if family == "numeric":
            scale = max(v.scale for v in vecs)
            vecs = [numbers.rounded(v, scale) for v in vecs]
        chosen = np.full(ctx.rows, len(vecs) - 1)
        failed = np.zeros(ctx.rows, dtype=bool)
        open_ = np.ones(ctx.rows, dtype=bool)
        for i, condition in enumerate(conditions):
            test = condition.run(ctx).expand(ctx.rows)
            failed |= open_ & _errors(test)
            hit = open_ & test.valid & test.values
            chosen[hit] = i
            open_ &= ~hit
        return pick(vecs, chosen, failed)

    args = (*conditions, *results)
    return Node("case", results[0].type, run, args, value=len(conditions))


def pick(vecs: Sequence[Vec], chosen: np.ndarray, failed: np.ndarray) -> Vec:
    """Row by row the vector that ``chosen`` names."""

    def select(arrays: Sequence[np.ndarray]) -> np.ndarray:
        result = arrays[-1].copy()
        for i, array in enumerate(arrays):
            if array.dtype == object and result.dtype != object:
                result = result.astype(object)
            result[chosen == i] = array[chosen == i]
        return result

    zeros = np.zeros(len(chosen), dtype=np.int8)
    special = None
    if any(v.special is not None for v in vecs):
        special = select([v.special if v.special is not None else zeros for v in vecs])
    bad = failed | select([_errors(v) for v in vecs])
    return Vec(
        vecs[0].type, select([v.values for v in vecs]), select([v.valid for v in vecs]),
        bad if bad.any() else None, vecs[0].scale, special,
    )  # fmt: skip


def coalesce(*nodes: Node) -> Node:
    first, *rest = unify(*nodes)
    if not rest:
        return first
    return case([(is_null(n, False), n) for n in (first, *rest[:-1])], rest[-1])


def extreme(nodes: Sequence[Node], greatest: bool) -> Node:
    """GREATEST, LEAST: nulls are left out."""
    parts = unify(*nodes)
    result, *rest = parts
    for node in rest:
        wins = compare(">=" if greatest else "<=", result, node)
        result = case([(is_null(node), result), (is_null(result), node), (wins, result)], node)
    return Node("call", result.type, result.run, parts, "greatest" if greatest else "least")
