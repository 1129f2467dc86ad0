"""What CHECKs imply for the making of rows: bounds, lists of values, order and dependence between columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.schema.expression.casts import cast, possible
from dbsynth.schema.expression.domains import Domain, Key, base, domains, meet
from dbsynth.schema.expression.logic import boolean
from dbsynth.schema.expression.moments import micros_of
from dbsynth.schema.expression.nodes import Context, Node, write_column
from dbsynth.schema.expression.values import plain, sql_type
from dbsynth.schema.model import Table
from dbsynth.schema.predicate import ParsedCheck
from dbsynth.schema.types import arrow_type


@dataclass(frozen=True)
class Ordered:
    """``first <= second`` (``strict``: <), both of one Arrow type."""

    first: str
    second: str
    strict: bool


@dataclass(frozen=True, eq=False)
class Computed:
    """``column`` equals an expression of the columns ``reads``, wherever that is not null. ``check``: its index."""

    column: str
    reads: tuple[str, ...]
    check: int
    arrow: pa.DataType
    node: Node
    now: int

    def compute(self, batch: pa.RecordBatch | pa.Table) -> pa.Array:
        """The column's values in its Arrow type; where the expression is null, what the batch has."""
        vec = self.node.run(Context(batch, self.now)).expand(batch.num_rows)
        made = write_column(vec, self.arrow)
        if made.null_count:
            made = pc.if_else(made.is_valid(), made, plain(batch.column(self.column)).cast(self.arrow))
        return made


@dataclass(frozen=True)
class Implied:
    """All CHECKs of one table together. Bounds are inclusive and in the column's own steps: int for integers, dates and
    times (Arrow's units), Decimal for numerics, float for floats. ``allowed``: the only values, in the CHECK's order.
    ``pattern``: Python regexes, each found by ``re.search``. ``linked``: columns that occur together in CHECKs, so that
    they must be changed together. ``always_null``: columns for which only null is left.
    ``fields``: the same for the fields of composites."""

    low: Mapping[str, Any] = field(default_factory=dict)
    high: Mapping[str, Any] = field(default_factory=dict)
    allowed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    min_length: Mapping[str, int] = field(default_factory=dict)
    max_length: Mapping[str, int] = field(default_factory=dict)
    pattern: Mapping[str, list[str]] = field(default_factory=dict)
    not_null: frozenset[str] = frozenset()
    always_null: frozenset[str] = frozenset()
    fields: Mapping[tuple[str, str], Domain] = field(default_factory=dict)
    ordered: tuple[Ordered, ...] = ()
    computed: tuple[Computed, ...] = ()
    linked: tuple[frozenset[str], ...] = ()
    nullable: frozenset[str] = frozenset()
    now: int = 0

    def computable(self, fixed: Collection[str] = ()) -> tuple[Computed, ...]:
        """One computed column for each equation, none of them fixed, in an order in which each can be computed."""
        chosen: dict[str, Computed] = {}
        served: set[int] = set()
        for candidate in self.computed:
            if candidate.column in fixed or candidate.column in chosen or candidate.check in served:
                continue
            if candidate.column in _ancestors(candidate.reads, chosen):
                continue
            chosen[candidate.column] = candidate
            served.add(candidate.check)
        return tuple(_in_order(chosen))


def _ancestors(columns: Iterable[str], chosen: Mapping[str, Computed]) -> set[str]:
    found: set[str] = set()
    waiting = list(columns)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += chosen[name].reads if name in chosen else ()
    return found


def _in_order(chosen: Mapping[str, Computed]) -> Iterator[Computed]:
    done: set[str] = set()

    def visit(name: str) -> Iterator[Computed]:
        if name in chosen and name not in done:
            done.add(name)
            for read in chosen[name].reads:
                yield from visit(read)
            yield chosen[name]

    for name in chosen:
        yield from visit(name)


def implications(checks: Sequence[ParsedCheck], table: Table, now: datetime) -> Implied:
    """``now`` is what now() and CURRENT_DATE mean in bounds. CHECKs that are not evaluable only link their columns."""
    moment = micros_of(now)
    nodes = [(i, part) for i, c in enumerate(checks) if c.node is not None for part in conjuncts(c.node)]
    found: dict[Key, Domain] = {}
    for _, node in nodes:
        for key, domain in domains(node, moment).items():
            found[key] = meet(found.get(key, Domain()), domain)
    columns = {key[0]: _consistent(d) for key, d in found.items() if len(key) == 1}
    fields = {(key[0], key[1]): d for key, d in found.items() if len(key) == 2}
    nullable = frozenset(
        c.name for c in table.columns if c.nullable and not columns.get(c.name, Domain()).not_null
    )  # fmt: skip
    kept = {n: d for n, d in columns.items() if not d.empty}
    # a numeric without a scale travels as text, of which 1 and 1.00 are two: a list of numbers says nothing there
    listable = {
        c.name for c in table.columns if sql_type(c.type).family != "numeric" or arrow_type(c.type) != pa.string()
    }
    return Implied(
        low={n: d.low for n, d in kept.items() if d.low is not None},
        high={n: d.high for n, d in kept.items() if d.high is not None},
        allowed={n: d.allowed for n, d in kept.items() if d.allowed is not None and n in listable},
        min_length={n: d.min_length for n, d in kept.items() if d.min_length is not None},
        max_length={n: d.max_length for n, d in kept.items() if d.max_length is not None},
        pattern={n: list(d.patterns) for n, d in kept.items() if d.patterns},
        not_null=frozenset(n for n, d in columns.items() if d.not_null),
        always_null=frozenset(n for n, d in columns.items() if d.empty),
        fields=fields,
        ordered=tuple(dict.fromkeys(o for _, n in nodes if (o := _ordered(n, table)) is not None)),
        computed=tuple(c for i, n in nodes for c in _computed(n, i, table, moment)),
        linked=_linked(checks),
        nullable=nullable,
        now=moment,
    )


def _consistent(domain: Domain) -> Domain:
    """The list cut to the bounds; ``empty`` where nothing is left."""
    allowed = domain.allowed
    if allowed is not None:
        low, high = domain.low, domain.high
        allowed = tuple(v for v in allowed if (low is None or v >= low) and (high is None or v <= high))
    crossed = domain.low is not None and domain.high is not None and domain.low > domain.high
    lengths = domain.min_length is not None and domain.max_length is not None and domain.min_length > domain.max_length
    empty = domain.empty or crossed or lengths or allowed == ()
    return Domain(
        domain.low, domain.high, allowed, domain.min_length, domain.max_length, domain.patterns, domain.not_null, empty
    )


NOT_STRICT = {"greatest", "least", "concat", "num_nulls", "num_nonnulls", "is true", "is false", "is distinct from"}


def strict_columns(node: Node) -> frozenset[str]:
    """Columns of which a null makes ``node`` null."""
    match node.kind:
        case "column":
            return frozenset({node.name})
        case "compare" | "pattern" | "cast" | "field" | "not" | "call" if node.name not in NOT_STRICT:
            return frozenset().union(*(strict_columns(a) for a in node.args))
        case "in":
            return strict_columns(node.args[0])
        case "and" | "or":
            return frozenset.intersection(*(strict_columns(a) for a in node.args))
        case _:
            return frozenset()


def conjuncts(node: Node) -> Iterator[Node]:
    """The parts none of which may be false. ``b >= a OR b IS NULL`` is ``b >= a``, for null passes anyway."""
    node = boolean(node)
    if node.kind == "and":
        for part in node.args:
            yield from conjuncts(part)
        return
    if node.kind == "or":
        kept = list(node.args)
        for part in node.args:
            if part.kind != "null" or not part.value or part.args[0].kind != "column":
                continue
            others = [p for p in kept if p is not part]
            if any(part.args[0].name in strict_columns(o) for o in others):
                kept = others
        if len(kept) == 1:
            yield from conjuncts(kept[0])
            return
    yield node


def _ordered(node: Node, table: Table) -> Ordered | None:
    if node.kind != "compare" or node.name not in ("<", "<=", ">", ">="):
        return None
    left, right = base(node.args[0]), base(node.args[1])
    if left is None or right is None or left.kind != "column" or right.kind != "column" or left.name == right.name:
        return None
    a, b = (table.column(n.name) for n in (left, right))
    if arrow_type(a.type) != arrow_type(b.type) or left.type.family != right.type.family:
        return None
    if pa.types.is_string(arrow_type(a.type)) and left.type.family != "text":
        return None  # values whose text form does not order as they do: numeric without a scale, enum, interval
    first, second = (left.name, right.name) if node.name[0] == "<" else (right.name, left.name)
    return Ordered(first, second, len(node.name) == 1)


def _computed(node: Node, check: int, table: Table, now: int) -> Iterator[Computed]:
    if node.kind != "compare" or node.name != "=":
        return
    for target, other in (node.args, node.args[::-1]):
        column = base(target)
        if column is None or column.kind != "column" or other.constant or column.name in other.columns:
            continue
        declared = table.column(column.name)
        type_, source = sql_type(declared.type), base(other) or other
        if declared.generated is not None or not possible(source.type, type_):
            continue
        if type_.family not in WRITTEN:
            continue
        reads = tuple(c.name for c in table.columns if c.name in other.columns)
        yield Computed(column.name, reads, check, arrow_type(declared.type), cast(source, type_), now)


WRITTEN = {"bool", "int", "numeric", "float", "date", "time", "timestamp", "timestamptz"}
WRITTEN |= {"text", "bpchar", "enum", "uuid"}
"""Families that ``write_column`` brings back to Arrow."""


def _linked(checks: Sequence[ParsedCheck]) -> tuple[frozenset[str], ...]:
    groups: list[set[str]] = []
    for check in checks:
        joined = set(check.columns)
        if not joined:
            continue
        for group in [g for g in groups if g & joined]:
            joined |= group
            groups.remove(group)
        groups.append(joined)
    return tuple(frozenset(g) for g in groups)
