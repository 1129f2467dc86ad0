"""A predicate made true, from the top of its expression down to the columns.

AND: every part, without breaking the others where there is such a way. OR: the branch that needs the fewest changes,
then the others. A comparison: one side takes a value at which it holds, preferably one that the good rows have there;
what a function is to give, its arguments are asked for (``inverse``). The number of passes is fixed, so it ends; who
asks for it verifies the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import pyarrow as pa

from dbsynth.schema.expression.domains import base
from dbsynth.schema.expression.logic import MIRRORED, NEGATED, compare, compared, either
from dbsynth.schema.expression.nodes import Node
from dbsynth.schema.expression.values import Vec
from dbsynth.schema.satisfy import structured, texts
from dbsynth.schema.satisfy.inverse import INVERSES
from dbsynth.schema.satisfy.rows import Rows
from dbsynth.schema.satisfy.targets import shared, some_value, target

PASSES = 5
"""Parts of a predicate that share columns can undo each other: so often they are gone through again."""
DEEPEST = 24

Mask = np.ndarray
Attempt = Callable[[Mask], None]


def satisfy(rows: Rows, node: Node, where: Mask) -> None:
    """Change the free columns of the rows ``where`` so that ``node`` is not false, as far as it can be done."""
    parts = node.args if node.kind == "and" else (node,)
    parts = tuple(sorted(parts, key=lambda p: p.kind != "null"))
    solver = _Solver(rows)
    for _ in range(PASSES if len(parts) > 1 else 3):
        for part in parts:
            todo = where & ~solver.passes(part)
            beside = [p for p in parts if p is not part and p.columns & part.columns]
            solver.guards = [(p, solver.passes(p)) for p in beside]
            solver.make(part, True, todo)
            if beside:
                solver.guards = []
                solver.make(part, True, todo & ~solver.passes(part))
        if not (where & ~solver.passes(node)).any():
            return


def reach(rows: Rows, node: Node, value: Vec) -> None:
    """Change the free columns so that the scalar ``node`` is ``value``, as far as it can be done."""
    _Solver(rows).assign(node, value, np.ones(rows.n, dtype=bool))


@dataclass
class _Solver:
    """``guards``: what else has to hold, and where it does."""

    rows: Rows
    depth: int = 0
    guards: list[tuple[Node, Mask]] = field(default_factory=list)

    def kept(self) -> Mask:
        """True where nothing is broken that was whole."""
        out = np.ones(self.rows.n, dtype=bool)
        for node, whole in self.guards:
            out &= ~whole | self.passes(node)
        return out

    def passes(self, node: Node, wanted: bool = True) -> Mask:
        """True where ``node`` is ``wanted`` or null."""
        vec = self.rows.value(node)
        ok = ~vec.valid | (vec.values == wanted)
        return np.asarray(ok if vec.bad is None else ok & ~vec.bad)

    def is_so(self, node: Node, wanted: bool) -> Mask:
        """True where ``node`` is ``wanted``."""
        vec = self.rows.value(node)
        return np.asarray(self.passes(node, wanted) & vec.valid)

    def first_of(self, attempts: Iterable[Attempt], done: Callable[[], Mask], todo: Mask) -> None:
        """One attempt after another on the rows on which none has succeeded; what failed is taken back."""
        for attempt in attempts:
            if not todo.any():
                return
            before = dict(self.rows.columns)
            attempt(todo)
            failed = todo & ~(done() & self.kept())
            self.rows.restore(before, failed)
            todo = failed

    def touches(self, node: Node) -> bool:
        return bool(node.columns & self.rows.free)

    def make(self, node: Node, wanted: bool, todo: Mask, exactly: bool = False) -> None:
        """``exactly``: null does not do."""
        good = self.is_so if exactly else self.passes
        todo = todo & ~good(node, wanted)
        if not todo.any() or not self.touches(node) or self.depth > DEEPEST:
            return
        self.depth += 1
        try:
            if node.kind in ("and", "or"):
                if (node.kind == "and") == wanted:
                    for part in sorted(node.args, key=lambda p: p.kind != "null"):
                        self.make(part, wanted, todo, exactly)
                else:
                    self._one_of(node.args, wanted, todo, exactly)
            elif node.kind == "not":
                self.make(node.args[0], not wanted, todo, exactly)
            elif node.kind == "case":
                self._case(node, todo, lambda part, mask: self.make(part, wanted, mask, exactly), good, wanted)
            else:
                ways = chain(self._attempts(node, wanted), self._borrowed(node, wanted))
                self.first_of(ways, lambda: good(node, wanted), todo)
        finally:
            self.depth -= 1

    def _one_of(self, parts: tuple[Node, ...], wanted: bool, todo: Mask, exactly: bool) -> None:
        usable = [p for p in parts if self.touches(p)]
        if not usable:
            return
        cost = np.stack([self._cost(p, wanted) for p in usable])
        cost = cost + self.rows.rng.random(cost.shape) * 0.5
        order = np.argsort(cost, axis=0)
        left = todo
        for turn in range(len(usable)):
            for i, part in enumerate(usable):
                mine = left & (order[turn] == i)
                if not mine.any():
                    continue
                before = dict(self.rows.columns)
                for _ in range(2):
                    self.make(part, wanted, mine, exactly)
                done = (self.is_so if exactly else self.passes)(part, wanted) & self.kept()
                self.rows.restore(before, mine & ~done)
                left = left & ~(mine & done)
            if not left.any():
                return

    def _cost(self, node: Node, wanted: bool) -> np.ndarray:
        """Per row about how much has to change, float (rows,)."""
        if node.kind == "not":
            return self._cost(node.args[0], not wanted)
        if node.kind in ("and", "or"):
            costs = np.stack([self._cost(p, wanted) for p in node.args])
            return np.asarray(costs.sum(0) if (node.kind == "and") == wanted else costs.min(0))
        price = 1.5 if node.kind == "null" and bool(node.value) == wanted else 1.0
        price = price if self.touches(node) else 1000.0
        return np.where(self.passes(node, wanted), 0.0, price)

    def _case(
        self,
        node: Node,
        todo: Mask,
        make: Callable[[Node, Mask], None],
        good: Callable[[Node, bool], Mask],
        wanted: bool,
    ) -> None:
        """The branch that is taken gives what is wanted; else another is taken."""
        count = int(node.value)
        conditions, results = node.args[:count], node.args[count:]
        chosen = self.taken(node)

        def here(mask: Mask) -> None:
            for i, result in enumerate(results):
                if (mine := mask & (chosen == i)).any():
                    make(result, mine)

        def there(i: int) -> Attempt:
            def attempt(mask: Mask) -> None:
                for earlier in conditions[:i]:
                    self.make(earlier, False, mask & self.is_so(earlier, True))
                if i < count:
                    self.make(conditions[i], True, mask, exactly=True)
                make(results[i], mask)

            return attempt

        self.first_of([here, *map(there, range(len(results)))], lambda: good(node, wanted), todo)

    def taken(self, node: Node) -> np.ndarray:
        """Per row the number of the branch that a CASE takes."""
        count = int(node.value)
        chosen = np.full(self.rows.n, count)
        for i in reversed(range(count)):
            chosen[self.is_so(node.args[i], True)] = i
        return chosen

    def _attempts(self, node: Node, wanted: bool) -> Iterator[Attempt]:
        rows = self.rows
        match node.kind, node.name:
            case (("column" | "cast" | "field"), _):
                yield lambda where: self.assign(node, _all(node, wanted, rows.n), where)
            case "compare", _:
                yield from self._compare(node, wanted)
            case "null", _:
                yield from self._null(node, wanted)
            case "in", _:
                yield from self._member(node, wanted)
            case "pattern", _:
                yield lambda where: self._pattern(node, wanted, where)
            case "call", "is true" | "is false":
                right = node.name == "is true"
                if wanted:
                    yield lambda where: self.make(node.args[0], right, where, exactly=True)
                else:
                    yield lambda where: self.make(node.args[0], not right, where)
                    yield lambda where: self._empty(node.args[0], where)
            case "call", "is distinct from":
                a, b = node.args
                yield from self._sides("<>" if wanted else "=", a, b)
                yield lambda where: self._empty(a, where)
                yield lambda where: self._fill(a, where)
            case _:
                for attempt in (*texts.attempts(rows, node, wanted), *structured.attempts(rows, node, wanted)):
                    for at, made in attempt.items():
                        yield lambda where, at=at, made=made: self.assign(node.args[at], made, where)  # type: ignore[misc]

    def _borrowed(self, node: Node, wanted: bool) -> Iterator[Attempt]:
        """What the columns are in a row in which it is so: for functions that have no way back."""

        def attempt(where: Mask) -> None:
            names = sorted(node.columns & self.rows.free)
            lenders = self.rows.lenders(node, wanted)
            if len(lenders):
                taken = lenders[self.rows.rng.integers(0, len(lenders), self.rows.n)]
                for name in names:
                    self.rows.set(name, self.rows.whole[name].take(pa.array(taken)), where)

        yield attempt

    def _compare(self, node: Node, wanted: bool) -> Iterator[Attempt]:
        name = node.name if wanted else NEGATED[node.name]
        left, right = node.args
        for count, other, op in ((left, right, name), (right, left, MIRRORED[name])):
            if count.name in ("num_nulls", "num_nonnulls") and other.constant:
                yield lambda where, c=count, o=other, op=op: self._count(  # type: ignore[misc]
                    c, target(self.rows, c, op, self.rows.value(o), True), where
                )
            if count.name in ("greatest", "least") and op != "<>":
                yield lambda where, c=count, o=other, op=op: self._extreme(c, op, o, where)  # type: ignore[misc]
        if left.type.family == "bool" and name in ("=", "<>"):
            # (status = 'open') = (closed IS NULL): one side follows the other
            for a, b in ((left, right), (right, left)):
                if self.touches(a):
                    yield lambda where, a=a, b=b: self._follow(a, b, name == "=", where)  # type: ignore[misc]
            return
        yield from self._sides(name, left, right)

    def _follow(self, a: Node, b: Node, equal: bool, where: Mask) -> None:
        vec = self.rows.value(b)
        for value in (True, False):
            self.make(a, value, where & vec.valid & (vec.values == (value == equal)), exactly=True)

    def _sides(self, name: str, left: Node, right: Node) -> Iterator[Attempt]:
        sides = [(s, o, op) for s, o, op in ((left, right, name), (right, left, MIRRORED[name])) if self.touches(s)]
        sides.sort(key=lambda side: (base(side[0]) is None, not side[1].constant))
        for side, other, op in sides:
            for exact in (False, True):
                yield lambda where, s=side, o=other, op=op, e=exact: self.assign(  # type: ignore[misc]
                    s, target(self.rows, s, op, self.rows.value(o), e), where
                )

    def _extreme(self, node: Node, name: str, other: Node, where: Mask) -> None:
        """All that GREATEST looks at are at most as great as it may be, one is as great as it has to be."""
        above = (node.name == "greatest") == (name[0] == ">")
        for part in node.args:
            if not above:
                self.make(compare(name, part, other), True, where)
        if above or name == "=":
            parts = [compare(name, part, other) for part in node.args]
            self.make(either(*parts), True, where)

    def _count(self, count: Node, value: Vec, where: Mask) -> None:
        """num_nonnulls(a, b, c) = 1: as many of them as are wanted, those that are there already first."""
        wanted = value.expand(self.rows.n).values
        tests = np.stack([self.rows.value(t).values for t in count.args])
        movable = np.array([self.touches(t) for t in count.args])[:, None]
        # what cannot move comes first if it holds, last if not
        order = np.argsort(-(tests + 2.0 * np.where(movable, 0, tests * 2 - 1) + self.rows.rng.random(tests.shape) / 2),
                           axis=0)  # fmt: skip
        rank = np.argsort(order, axis=0)
        for i, test in enumerate(count.args):
            for so in (True, False):
                self.make(test, so, where & ((rank[i] < wanted) == so), exactly=True)

    def _null(self, node: Node, wanted: bool) -> Iterator[Attempt]:
        if bool(node.value) == wanted:
            yield lambda where: self._empty(node.args[0], where)
        else:
            yield lambda where: self._fill(node.args[0], where)

    def _empty(self, node: Node, where: Mask) -> None:
        """Null, by one of its columns after the other."""

        def attempt(name: str) -> Attempt:
            return lambda mask: self.rows.null(name, mask)

        def done() -> Mask:
            return ~self.rows.value(node).valid

        names = sorted(node.columns & self.rows.free)
        self.first_of([*map(attempt, names), lambda m: [self.rows.null(n, m) for n in names]], done, where & ~done())  # type: ignore[list-item,func-returns-value]

    def _fill(self, node: Node, where: Mask) -> None:
        """Not null: every column in it gets a value."""
        for leaf in _leaves(node):
            if leaf.name in self.rows.free:
                self.rows.put(leaf, some_value(self.rows, leaf), where & ~self.rows.value(leaf).valid)
        missing = where & ~self.rows.value(node).valid
        if missing.any() and node.kind != "column":
            self.assign(node, some_value(self.rows, node), missing)

    def _member(self, node: Node, wanted: bool) -> Iterator[Attempt]:
        subject, *items = node.args
        if not wanted:
            yield lambda where: self.assign(subject, self._other_than(subject, items), where)
            return
        order = self.rows.rng.permutation(len(items))

        def at_random(where: Mask) -> None:
            """One of the items each, as often as the good rows have them where they do."""
            listed = [self.rows.value(i) for i in items]
            held = self.rows.donors(subject)
            weights = np.ones(len(items))
            if len(held):
                weights += [float(compared("=", held, v.take(np.zeros(1, int))).values.sum()) for v in listed]
            chosen = self.rows.rng.choice(len(items), self.rows.n, p=weights / weights.sum())
            for i, vec in enumerate(listed):
                if (mine := where & (chosen == i)).any():
                    self.assign(subject, vec, mine)

        yield at_random
        for i in order:
            yield lambda where, item=items[i]: self.assign(subject, self.rows.value(item), where)  # type: ignore[misc]
            if not items[i].constant:
                yield lambda where, item=items[i]: self.assign(item, self.rows.value(subject), where)  # type: ignore[misc]

    def _other_than(self, subject: Node, items: list[Node]) -> Vec:
        made = self.rows.value(items[0])
        for item in items:
            made = target(self.rows, subject, "<>", self.rows.value(item), False)
            bad = np.zeros(len(made), dtype=bool)
            for other in items:
                same = compared("=", made, self.rows.value(other))
                bad |= same.valid & same.values
            if not bad.any():
                break
        return made

    def _pattern(self, node: Node, wanted: bool, where: Mask) -> None:
        inner = node.args[0]
        if (made := texts.matching(self.rows, inner, str(node.value), wanted, where)) is not None:
            self.assign(inner, made, where)

    def assign(self, node: Node, value: Vec, where: Mask) -> None:
        """``node`` is to be ``value`` on the rows ``where``."""
        if not where.any() or not self.touches(node) or self.depth > DEEPEST:
            return
        self.depth += 1
        try:
            if node.kind == "column":
                self.rows.put(node, value, where)
            elif node.name in ("num_nulls", "num_nonnulls"):
                self._count(node, value, where)
            elif node.type.family == "bool" and node.kind not in ("case", "cast", "field"):
                wished = value.expand(self.rows.n)
                for so in (True, False):
                    self.make(node, so, where & wished.valid & (wished.values == so), exactly=True)
            elif node.kind == "case":
                self._case(node, where, lambda part, mask: self.assign(part, value, mask), self._equal(value), True)
            else:
                self._assign_call(node, value, where)
        finally:
            self.depth -= 1

    def _equal(self, value: Vec) -> Callable[[Node, bool], Mask]:
        def test(node: Node, wanted: bool) -> Mask:
            now = self.rows.value(node)
            same = compared("=", now, value.expand(self.rows.n))
            return np.asarray(same.valid & (same.values == wanted))

        return test

    def _assign_call(self, node: Node, value: Vec, where: Mask) -> None:
        inverse = INVERSES.get(node.kind if node.kind in ("cast", "field") else node.name.split(" ")[0])
        if inverse is None:
            return
        args = [self.rows.value(a) for a in node.args]
        ways = list(inverse(node, args, value.expand(self.rows.n), self.rows.implied.now))
        ways += shared(self.rows, node, args, value.expand(self.rows.n))
        ways = [w for w in ways if any(self.touches(node.args[at]) for at in w)]

        def way(wishes: dict[int, Vec]) -> Attempt:
            def attempt(mask: Mask) -> None:
                for at, wish in wishes.items():
                    self.assign(node.args[at], wish, mask)

            return attempt

        comparable = value.type.family == node.type.family
        equal = self._equal(value)
        if comparable and len(ways) > 1:
            self.first_of(map(way, ways), lambda: equal(node, True), where)
            where = where & ~equal(node, True)
        if ways:  # near may be near enough
            way(ways[0])(where)


def _leaves(node: Node) -> Iterator[Node]:
    if node.kind in ("column", "field"):
        yield node
    for part in node.args:
        yield from _leaves(part)


def _all(node: Node, value: bool, n: int) -> Vec:
    return Vec(node.type, np.full(n, value), np.ones(n, dtype=bool))
