"""Which CHECKs of a table contradict each other, proved from the catalog alone.

A set of CHECKs is refuted if every choice of the branches of its ORs comes to nothing, because

    a column has no value left (bounds, lists, lengths, the begin of patterns; listed values that fail a CHECK of their
    column), an expression cannot reach what it is compared with (interval arithmetic), or
    linear comparisons of several columns add up to the impossible (elimination of Fourier and Motzkin, in exact
    fractions; between whole numbers < is <= less one).

Only comparisons of columns that cannot be null count: of a null, a CHECK passes. What is not refuted within the limits
is taken to be possible. A refuted set is made smaller by one CHECK after the other (deletion filter, Chinneck &
Dravnieks 1991), so that each of those named is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from itertools import combinations

import numpy as np
import pyarrow as pa

from dbsynth.schema.expression.domains import Domain, Key, domains, meet
from dbsynth.schema.expression.linear import NUMERIC, Linear, TooMany, form, fraction, interval, no_solution
from dbsynth.schema.expression.logic import COMPARISONS, boolean, both, either, negate
from dbsynth.schema.expression.moments import micros_of
from dbsynth.schema.expression.nodes import Context, Node
from dbsynth.schema.expression.values import NotEvaluable, sql_type
from dbsynth.schema.model import Table
from dbsynth.schema.predicate import ParsedCheck
from dbsynth.schema.satisfy import regexes
from dbsynth.schema.types import arrow_type

MOST_BRANCHES, MOST_LISTED, MOST_TERMS = 500, 200, 12
WHOLE = {"int", "date", "time", "timestamp", "timestamptz"}


def contradicting(checks: Sequence[ParsedCheck], table: Table, now: int) -> list[tuple[ParsedCheck, ...]]:
    """Sets of CHECKs that no row can meet together, each as small as it can be; the sets share no CHECK."""
    found = []
    for group in _linked([c for c in checks if c.node is not None]):
        left = list(group)
        while left and _refuted(left, table, now):
            least = _minimal(left, table, now)
            found.append(least)
            left = [c for c in left if c not in least]
    return found


def contradiction(checks: Sequence[ParsedCheck], table: Table, now: datetime) -> str | None:
    """Why no row at all can meet the CHECKs, by their names; None where that is not proved."""
    sentences = []
    for needed in contradicting(checks, table, micros_of(now)):
        told = [f"{c.check.name} ({c.check.expression})" for c in needed]
        if len(told) == 1:
            sentences.append(f"{table.name}: no row can meet CHECK {told[0]}")
        else:
            sentences.append(f"{table.name}: CHECKs {', '.join(told[:-1])} and {told[-1]} contradict each other")
    return "; ".join(sentences) or None


def _minimal(checks: list[ParsedCheck], table: Table, now: int) -> tuple[ParsedCheck, ...]:
    needed = list(checks)
    for check in checks:
        fewer = [c for c in needed if c is not check]
        if fewer and _refuted(fewer, table, now):
            needed = fewer
    return tuple(needed)


def _linked(checks: Sequence[ParsedCheck]) -> Iterator[list[ParsedCheck]]:
    """CHECKs that share columns, directly or through others."""
    left = list(checks)
    while left:
        group, columns = [left.pop(0)], set()
        columns |= set(group[0].columns)
        while more := [c for c in left if columns & set(c.columns)]:
            group += more
            left = [c for c in left if c not in more]
            columns |= {name for c in more for name in c.columns}
        yield sorted(group, key=lambda c: next(i for i, d in enumerate(checks) if d is c))


def _refuted(checks: Sequence[ParsedCheck], table: Table, now: int) -> bool:
    search = _Search(table, now)
    try:
        return not search.possible([_plain(boolean(c.node)) for c in checks if c.node is not None], ())
    except TooMany:
        return False


def _plain(node: Node) -> Node:
    """CASE, equal booleans, IS TRUE and counts of nulls in terms of AND, OR and NOT, where null plays no part."""
    if node.kind in ("and", "or"):
        return (both if node.kind == "and" else either)(*(_plain(a) for a in node.args))
    if node.kind == "case" and node.type.family == "bool" and len(node.args) <= MOST_TERMS:
        count = int(node.value)
        branches: list[Node] = []
        earlier: list[Node] = []
        for condition, result in zip(node.args[:count], node.args[count:], strict=False):
            if not _never_null(condition):
                return node
            branches.append(both(*earlier, _plain(condition), _plain(boolean(result))))
            earlier.append(_plain(negate(condition)))
        branches.append(both(*earlier, _plain(boolean(node.args[-1]))))
        return either(*branches)
    if node.kind == "compare" and node.args[0].type.family == "bool" and node.name in ("=", "<>"):
        a, b = node.args
        if node.name == "<>":
            b = negate(b)
        if b.constant and b.kind == "const":
            return node
        return either(both(_plain(a), _plain(b)), both(_plain(negate(a)), _plain(negate(b))))
    if node.kind == "call" and node.name in ("is true", "is false"):
        inner = node.args[0]
        return _plain(inner if node.name == "is true" else negate(inner))
    if node.kind == "compare" and node.name != "<>":
        return _counted(node) or node
    return node


def _never_null(node: Node) -> bool:
    return node.kind == "null" or (node.kind in ("and", "or", "not") and all(_never_null(a) for a in node.args)) or (
        node.kind in ("compare", "in", "column", "pattern")
    )  # fmt: skip


def _counted(node: Node) -> Node | None:
    """num_nonnulls(a, b) = 1 spelled out."""
    left, right = node.args
    if left.name not in ("num_nulls", "num_nonnulls") or not right.constant or len(left.args) > 6:
        return None
    wanted = right.scalar(0)
    fits = COMPARISONS[node.name]
    ways = [
        both(*(test if i in chosen else negate(test) for i, test in enumerate(left.args)))
        for n in range(len(left.args) + 1)
        if fits(np.asarray(n), np.asarray(wanted))
        for chosen in combinations(range(len(left.args)), n)
    ]
    return either(*ways) if ways else None


@dataclass
class _Search:
    table: Table
    now: int
    branches: int = 0
    nullable: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.nullable = frozenset(c.name for c in self.table.columns if c.nullable)

    def possible(self, open_: list[Node], atoms: tuple[Node, ...]) -> bool:
        """Whether some choice of branches is not refuted. ``atoms``: what holds already."""
        self.branches += 1
        if self.branches > MOST_BRANCHES:
            raise TooMany
        waiting: list[Node] = []
        held = list(atoms)
        queue = list(open_)
        while queue:
            node = queue.pop(0)
            if node.kind == "and":
                queue = [*node.args, *queue]
            elif node.kind == "or":
                waiting.append(node)
            else:
                held.append(node)
        if _Leaf(self.table, held, self.now, self.nullable).impossible():
            return False
        if not waiting:
            return True
        waiting.sort(key=lambda n: len(n.args))
        first, *rest = waiting
        return any(self.possible([part, *rest], tuple(held)) for part in first.args)


class _Leaf:
    """A conjunction of atoms."""

    def __init__(self, table: Table, atoms: Sequence[Node], now: int, nullable: frozenset[str]) -> None:
        self.table, self.now = table, now
        null_tests = [a for a in atoms if a.kind == "null" and a.args[0].kind == "column"]
        self.null = {a.args[0].name for a in null_tests if a.value}
        self.there = {a.args[0].name for a in null_tests if not a.value} | ({c.name for c in table.columns} - nullable)
        self.atoms = [a for a in atoms if a.kind != "null" and a.columns <= self.there]

    def impossible(self) -> bool:
        if self.null & self.there:
            return True
        for atom in self.atoms:
            if atom.constant and atom.scalar(self.now) is False:
                return True
        found: dict[Key, Domain] = {}
        for atom in self.atoms:
            for key, domain in domains(atom, self.now).items():
                found[key] = meet(found.get(key, Domain()), domain)
        single = {key[0]: d for key, d in found.items() if len(key) == 1}
        if any(_empty(d) for d in single.values()):
            return True
        if any(self._no_listed(name, d) for name, d in single.items()):
            return True
        if any(_patterns_apart(d) for d in single.values()):
            return True
        if any(self._unreachable(a, single) for a in self.atoms):
            return True
        return self._linear(single)

    def _no_listed(self, name: str, domain: Domain) -> bool:
        """Every listed value fails what is asked of its column alone."""
        values = domain.allowed
        low, high = domain.low, domain.high
        column = self.table.column(name)
        if values is None and isinstance(low, int) and isinstance(high, int) and high - low < MOST_LISTED:
            values = tuple(range(low, high + 1))
        if values is None or len(values) > MOST_LISTED or not values:
            return False
        atoms = [a for a in self.atoms if a.columns == {name}]
        type_ = arrow_type(column.type)
        raw = pa.int32() if pa.types.is_date32(type_) else pa.int64() if pa.types.is_temporal(type_) else type_
        try:
            array = pa.array(list(values), raw)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            return False
        array = array if raw == type_ else array.view(type_)
        context = Context(pa.RecordBatch.from_arrays([array], names=[name]), self.now)
        good = np.ones(len(values), dtype=bool)
        for atom in atoms:
            vec = atom.run(context).expand(len(values))
            holds = ~vec.valid | vec.values.astype(bool)
            good &= holds if vec.bad is None else holds & ~vec.bad
        return not good.any()

    def _unreachable(self, atom: Node, single: Mapping[str, Domain]) -> bool:
        if atom.kind != "compare" or atom.args[0].type.family not in NUMERIC:
            return False
        left, right = (interval(a, single, self.now) for a in atom.args)
        (a, b), (c, d) = left, right
        match atom.name:
            case "<":
                return a is not None and d is not None and a >= d
            case "<=":
                return a is not None and d is not None and a > d
            case ">":
                return b is not None and c is not None and b <= c
            case ">=":
                return b is not None and c is not None and b < c
            case "=":
                return (a is not None and d is not None and a > d) or (b is not None and c is not None and b < c)
            case _:
                return a is not None and a == b == c == d

    def _linear(self, single: Mapping[str, Domain]) -> bool:
        rows: list[Linear] = []
        unequal: list[tuple[dict[str, Fraction], Fraction]] = []
        for atom in self.atoms:
            if atom.kind != "compare" or atom.args[0].type.family not in {*NUMERIC, "interval"}:
                continue
            one, other = (form(a, self.now) for a in atom.args)
            if one is None or other is None:
                continue
            (left, a), (right, b) = one, other
            terms = {k: left.get(k, Fraction(0)) - right.get(k, Fraction(0)) for k in {*left, *right}}
            terms = {k: v for k, v in terms.items() if v}
            constant = a - b
            if atom.name == "<>":
                unequal.append((terms, constant))
                continue
            for sign in (1, -1) if atom.name == "=" else ((1,) if atom.name[0] == "<" else (-1,)):
                strict = atom.name in ("<", ">")
                rows.append(self._row({k: sign * v for k, v in terms.items()}, sign * constant, strict))
        names = {k for row in rows for k, _ in row.terms}
        if not names or len(names) > MOST_TERMS:
            return any(not r.terms and (r.constant > 0 or (r.strict and r.constant == 0)) for r in rows)
        for name in names:
            domain = single.get(name, Domain())
            for bound, sign in ((domain.low, -1), (domain.high, 1)):
                if (value := fraction(bound)) is not None:
                    rows.append(Linear(((name, Fraction(sign)),), -sign * value, False))
        if no_solution(rows):
            return True
        # a <> b, and yet both bounds of their difference are 0
        for terms, constant in unequal:
            below, above = (self._row({k: s * v for k, v in terms.items()}, s * constant, True) for s in (1, -1))
            if terms and set(terms) <= names and no_solution([*rows, below]) and no_solution([*rows, above]):
                return True
        return False

    def _family(self, name: str) -> str:
        return sql_type(self.table.column(name).type).family

    def _row(self, terms: dict[str, Fraction], constant: Fraction, strict: bool) -> Linear:
        """Over whole numbers a strict inequality is one less the step of the sum (days stand in µs)."""
        if strict and terms and all(self._family(k) in WHOLE for k in terms):
            steps = [abs(v) for v in terms.values()]
            if all(s.denominator == 1 for s in steps) and constant.denominator == 1:
                step = np.gcd.reduce([int(s) for s in steps])
                constant = Fraction(-(-int(constant + 1) // int(step)) * int(step)) if step > 1 else constant + 1
                strict = False
        return Linear(tuple(sorted(terms.items())), constant, strict)


def _empty(domain: Domain) -> bool:
    low, high, allowed = domain.low, domain.high, domain.allowed
    if domain.empty or (low is not None and high is not None and low > high):
        return True
    if domain.min_length is not None and domain.max_length is not None and domain.min_length > domain.max_length:
        return True
    if domain.max_length is not None and domain.max_length < 0:
        return True
    if allowed is None:
        return False
    return not [v for v in allowed if (low is None or v >= low) and (high is None or v <= high)]


def _patterns_apart(domain: Domain) -> bool:
    """Patterns that begin differently, or whose texts are too long or too short."""
    starts, least, most = [], domain.min_length or 0, domain.max_length
    for pattern in domain.patterns:
        try:
            starts.append(regexes.prefix(pattern))
            low, high = regexes.width(pattern)
        except NotEvaluable:
            continue
        least = max(least, low)
        if high is not None and regexes.whole(pattern):
            most = high if most is None else min(most, high)
    if most is not None and least > most:
        return True
    return any(not (a.startswith(b) or b.startswith(a)) for a, b in combinations(starts, 2))
