"""Rows that break CHECKs made valid, from values of the batch itself and constants of the CHECKs. It always ends.

    computed columns · pairs in order · bounds · what the CHECKs ask for, worked out backwards (``satisfy``) ·
    joint values of valid rows · null · random combinations

Every step proposes new values for broken rows only, and a row takes the proposal if it then breaks fewer CHECKs; so no
step can make a row worse, and the number of steps is fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.schema.expression.domains import base, bounds, exact
from dbsynth.schema.expression.logic import both
from dbsynth.schema.expression.nodes import Context, Node
from dbsynth.schema.expression.numbers import decimal, from_decimal128
from dbsynth.schema.expression.values import NUMERIC, plain
from dbsynth.schema.implied import Implied, Ordered
from dbsynth.schema.predicate import ParsedCheck
from dbsynth.schema.satisfy.rows import Rows
from dbsynth.schema.satisfy.truth import satisfy
from dbsynth.schema.types import DATE_INFINITY, DATE_MINUS_INFINITY

DONOR_ROUNDS, COMBINATION_ROUNDS = 24, 48
DONORS_EACH, EXHAUSTIVE_ROWS = 256, 512
"""Rows still broken after the random donors try this many valid rows, one after another."""

Columns = dict[str, pa.Array]
Proposals = Iterator[tuple[np.ndarray, Columns]]
"""Rows, and new values of some columns for them."""


def apply_computed(batch: pa.RecordBatch, implied: Implied, fixed: Collection[str] = ()) -> pa.RecordBatch:
    """The batch with every column that a CHECK defines by other columns computed from them (``fixed`` ones stay)."""
    for computed in implied.computable(fixed):
        index = batch.schema.get_field_index(computed.column)
        made = computed.compute(batch)
        batch = batch.set_column(index, computed.column, made)
    return batch


def repair(
    batch: pa.RecordBatch,
    checks: Sequence[ParsedCheck],
    implied: Implied,
    rng: np.random.Generator,
    fixed: Collection[str],
) -> tuple[pa.RecordBatch, np.ndarray]:
    """The repaired batch, and the mask of rows that still break a CHECK. Columns in ``fixed`` are left as they are;
    CHECKs that are not evaluable are left out."""
    return _each_group(batch, checks, implied, rng, fixed, _Group.run)


def construct(
    batch: pa.RecordBatch,
    checks: Sequence[ParsedCheck],
    implied: Implied,
    rng: np.random.Generator,
    fixed: Collection[str],
) -> tuple[pa.RecordBatch, np.ndarray]:
    """As ``repair``, only by what the CHECKs themselves say: columns that they define, and values worked out backwards
    from what has to hold."""
    return _each_group(batch, checks, implied, rng, fixed, _Group.construct)


def _each_group(
    batch: pa.RecordBatch,
    checks: Sequence[ParsedCheck],
    implied: Implied,
    rng: np.random.Generator,
    fixed: Collection[str],
    work_on: Callable[[_Group], None],
) -> tuple[pa.RecordBatch, np.ndarray]:
    columns = {name: plain(batch.column(name)) for name in batch.schema.names}
    still_bad = np.zeros(batch.num_rows, dtype=bool)
    evaluable = [c for c in checks if c.node is not None]
    for group in implied.linked:
        own = [c for c in evaluable if group.intersection(c.columns)]
        if own:
            work = _Group(columns, own, implied, rng, [n for n in batch.schema.names if n in group and n not in fixed])
            work_on(work)
            columns |= work.columns
            still_bad |= work.counts > 0
    for check in evaluable:
        if not check.columns:
            still_bad |= check.evaluate(Context(batch, implied.now)) == 0
    arrays = [columns[f.name].cast(f.type) for f in batch.schema]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema), still_bad


class _Group:
    """The repair of one set of linked columns. ``columns``: the whole batch; ``counts``: CHECKs broken by each row."""

    def __init__(
        self, columns: Columns, checks: list[ParsedCheck], implied: Implied, rng: np.random.Generator, free: list[str]
    ) -> None:
        self.columns = dict(columns)
        self.checks, self.implied, self.rng, self.free = checks, implied, rng, free
        self.reads = sorted(set().union(*(c.columns for c in checks)))
        self.computed = [c for c in implied.computable(set(columns) - set(free)) if c.column in free]
        self.counts = self._count({n: self.columns[n] for n in self.reads})

    def _count(self, columns: Columns) -> np.ndarray:
        """How many CHECKs each row breaks."""
        context = Context(
            pa.RecordBatch.from_arrays([columns[n] for n in self.reads], names=self.reads), self.implied.now
        )
        total = np.zeros(context.rows, dtype=np.int64)
        for check in self.checks:
            total += check.evaluate(context) == 0
        return total

    @property
    def broken(self) -> np.ndarray:
        return np.flatnonzero(self.counts)

    def run(self) -> None:
        self._go(self._compute, self._order, self._clamp, self._solve, self._donate, self._donate_each, self._null,
                 self._combine)  # fmt: skip

    def construct(self) -> None:
        self._go(self._compute, self._solve)

    def _go(self, *steps: Callable[[], Proposals]) -> None:
        if not self.free or not self.counts.any():
            return
        for proposals in steps:
            for rows, proposal in proposals():
                self._take(rows, proposal)
                if not self.counts.any():
                    return

    def _at(self, rows: np.ndarray) -> Columns:
        index = pa.array(rows)
        return {n: self.columns[n].take(index) for n in {*self.reads, *self.free}}

    def _take(self, rows: np.ndarray, proposal: Columns) -> None:
        """Rows that the proposal makes better take it; computed columns follow the values they depend on."""
        if not len(rows):
            return
        candidate = self._at(rows) | proposal
        if self.computed:
            names = sorted(candidate)
            batch = pa.RecordBatch.from_arrays([candidate[n] for n in names], names=names)
            for computed in self.computed:
                batch = batch.set_column(names.index(computed.column), computed.column, computed.compute(batch))
            candidate = {n: batch.column(n) for n in names}
        counts = self._count(candidate)
        better = counts < self.counts[rows]
        if not better.any():
            return
        index = np.arange(len(self.counts))
        index[rows[better]] = len(self.counts) + np.flatnonzero(better)
        for name in self.free:
            joined = pa.concat_arrays([self.columns[name], candidate[name].cast(self.columns[name].type)])
            self.columns[name] = joined.take(pa.array(index))
        self.counts[rows[better]] = counts[better]

    def _compute(self) -> Proposals:
        if self.computed:
            yield self.broken, {}

    def _solve(self) -> Proposals:
        """All CHECKs of a row at once, then one by one, since not each has a way; twice, since they share columns."""
        nodes = [c.node for c in self.checks if c.node is not None]
        for node in [*([both(*nodes)] if len(nodes) > 1 else []), *nodes, *(nodes if len(nodes) > 1 else [])]:
            broken = self.broken
            if not len(broken):
                return
            rows = Rows(self._at(broken), {n: self.columns[n] for n in self.reads}, self.counts == 0, self.free,
                        self.implied, self.rng)  # fmt: skip
            satisfy(rows, node, np.ones(len(broken), dtype=bool))
            yield broken, {n: rows.columns[n] for n in self.free if n in rows.columns}

    def _order(self) -> Proposals:
        """Swaps what is in the wrong order; else one follows the other at a distance seen in the valid rows."""
        pairs = [o for o in self.implied.ordered if {o.first, o.second} <= set(self.reads)]
        yield from self._sorted(pairs)
        for _ in pairs:  # one pass for each, since moving one value may disturb the next pair
            for pair in pairs:
                if pair.first in self.free and pair.second in self.free:
                    rows = self.broken[self._disordered(pair, self.broken)]
                    at = self._at(rows)
                    yield rows, {pair.first: at[pair.second], pair.second: at[pair.first]}
                for moved in (pair.second, pair.first):
                    if moved in self.free:
                        yield from self._at_distance(pair, moved)

    def _sorted(self, pairs: Sequence[Ordered]) -> Proposals:
        """A chain a <= b <= c: its values sorted, where none of them is null."""
        names = list(dict.fromkeys(n for p in pairs for n in (p.first, p.second)))
        if len(names) < 3 or not set(names) <= set(self.free) or len({self.columns[n].type for n in names}) > 1:
            return
        try:
            before = {n: {p.first for p in pairs if p.second == n} for n in names}
            chain = list(TopologicalSorter(before).static_order())
        except CycleError:
            return
        whole = np.all([self.columns[n].is_valid().to_numpy(zero_copy_only=False) for n in chain], axis=0)
        rows = self.broken[whole[self.broken]]
        at = self._at(rows)
        numbers = [u for n in chain if (u := units(at[n])) is not None]
        if len(numbers) < len(chain):
            return
        values = np.sort(np.stack(numbers), axis=0)
        yield rows, {n: from_units(v, at[n].type) for n, v in zip(chain, values, strict=True)}

    def _disordered(self, pair: Ordered, rows: np.ndarray) -> np.ndarray:
        at = self._at(rows)
        wrong = (pc.greater_equal if pair.strict else pc.greater)(at[pair.first], at[pair.second])
        return np.asarray(wrong.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)

    def _at_distance(self, pair: Ordered, moved: str) -> Proposals:
        first, second = units(self.columns[pair.first]), units(self.columns[pair.second])
        if first is None or second is None:
            return
        rows = self.broken[self._disordered(pair, self.broken)]
        rows = rows[finite(first[rows]) & finite(second[rows])]
        valid = self.columns[pair.first].is_valid().to_numpy(zero_copy_only=False)
        valid = valid & self.columns[pair.second].is_valid().to_numpy(zero_copy_only=False)
        known = valid & (self.counts == 0) & finite(first) & finite(second)
        gaps = second[known] - first[known]
        gaps = gaps[gaps > 0] if pair.strict else gaps[gaps >= 0]
        gap = self.rng.choice(gaps, len(rows)) if len(gaps) else np.full(len(rows), int(pair.strict), dtype=first.dtype)
        values = first[rows] + gap if moved == pair.second else second[rows] - gap
        yield rows, {moved: from_units(values, self.columns[moved].type)}

    def _clamp(self) -> Proposals:
        implied = self.implied
        for name in self.free:
            rows, type_ = self.broken, self.columns[name].type
            values = self._at(rows)[name]
            if name in implied.allowed:
                yield rows, {name: self._listed(name, len(rows))}
            if not (pa.types.is_string(type_) or pa.types.is_boolean(type_)):
                low, high = implied.low.get(name), implied.high.get(name)
                zoned = pa.types.is_timestamp(type_)  # of moments with a zone there is no greatest to pyarrow
                plain_type, values = (pa.int64(), values.view(pa.int64())) if zoned else (type_, values)
                if low is not None:
                    values = pc.max_element_wise(values, pa.scalar(low, plain_type), skip_nulls=False)
                if high is not None:
                    values = pc.min_element_wise(values, pa.scalar(high, plain_type), skip_nulls=False)
                yield rows, {name: values.view(type_) if zoned else values}
            elif name in implied.max_length:
                yield rows, {name: pc.utf8_slice_codeunits(values, 0, implied.max_length[name])}

    def _listed(self, name: str, count: int) -> pa.Array:
        """Allowed values, as often as the batch has them; if it has none of them, each alike."""
        allowed = pa.array(self.implied.allowed[name], type=self.columns[name].type)
        present = self.columns[name].filter(pc.is_in(self.columns[name], value_set=allowed))
        source = present if len(present) else allowed
        return source.take(pa.array(self.rng.integers(0, len(source), count)))

    def _donate(self) -> Proposals:
        """The free columns of a valid row, jointly; of one whose fixed columns are null where ours are, if there is."""
        good = np.flatnonzero(self.counts == 0)
        if not len(good):
            return
        fixed = [n for n in self.reads if n not in self.free]
        shape = np.zeros(len(self.counts), dtype=np.int64)
        for bit, name in enumerate(fixed[:62]):
            shape |= self.columns[name].is_null().to_numpy(zero_copy_only=False).astype(np.int64) << bit
        for turn in range(DONOR_ROUNDS):
            rows = self.broken
            donors = self.rng.choice(good, len(rows))
            if fixed and turn < DONOR_ROUNDS - 2:
                for code in np.unique(shape[rows]):
                    alike = good[shape[good] == code]
                    mine = shape[rows] == code
                    if len(alike):
                        donors[mine] = self.rng.choice(alike, int(mine.sum()))
            yield rows, {n: self.columns[n].take(pa.array(donors)) for n in self.free}

    def _donate_each(self) -> Proposals:
        good = np.flatnonzero(self.counts == 0)
        if not len(good) or set(self.reads) <= set(self.free):
            return
        for donor in self.rng.permutation(good)[:DONORS_EACH]:
            rows = self.broken[:EXHAUSTIVE_ROWS]
            same = pa.array(np.full(len(rows), donor))
            yield rows, {n: self.columns[n].take(same) for n in self.free}

    def _null(self) -> Proposals:
        nullable = [n for n in self.free if n in self.implied.nullable]
        pairs = [[a, b] for i, a in enumerate(nullable[:8]) for b in nullable[i + 1 : 8]]
        for names in [*([n] for n in nullable), *pairs, nullable]:
            rows = self.broken
            yield rows, {n: pa.nulls(len(rows), self.columns[n].type) for n in names}

    def _combine(self) -> Proposals:
        """Each free column at random: its own value, one of the batch, or one that the CHECKs speak of."""
        pools = {n: self._pool(n) for n in self.free}
        total = len(self.counts)
        for _ in range(COMBINATION_ROUNDS):
            rows, proposal = self.broken, {}
            for name, pool in pools.items():
                source = self.rng.choice(3, len(rows), p=[0.3, 0.25, 0.45] if len(pool) else [0.6, 0.4, 0.0])
                drawn = np.where(source == 1, self.rng.integers(0, total, len(rows)), rows)
                if len(pool):
                    drawn = np.where(source == 2, total + self.rng.integers(0, len(pool), len(rows)), drawn)
                proposal[name] = pa.concat_arrays([self.columns[name], pool]).take(pa.array(drawn))
            yield rows, proposal

    def _pool(self, name: str) -> pa.Array:
        """Values on which the CHECKs turn: bounds, listed values, constants compared with, and null."""
        type_, implied = self.columns[name].type, self.implied
        values = [implied.low.get(name), implied.high.get(name), *implied.allowed.get(name, ())]
        for check in self.checks:
            values += constants(check.node, name, implied.now) if check.node is not None else []
        if pa.types.is_boolean(type_):
            values += [True, False]
        kept: dict[Any, None] = dict.fromkeys(v for v in values if v is not None)
        if pa.types.is_string(type_):
            kept = dict.fromkeys(v if isinstance(v, str) else format(v, "f") for v in kept)
        items: list[Any] = [*kept, *([None] if name in implied.nullable else [])]
        return pa.array(items, type=type_)


def constants(node: Node, name: str, now: int) -> list[Any]:
    """What ``node`` compares column ``name`` with, and the values next to it."""
    found: list[Any] = []
    if node.kind in ("compare", "in"):
        for side in node.args:
            column = base(side)
            if column is None or column.kind != "column" or column.name != name:
                continue
            for other in node.args:
                if other.constant and (value := other.scalar(now)) is not None:
                    found += exact(value, other.type, column.type) or ()
                    near = (bounds(kind, value, other.type, column.type) for kind in (">", "<", ">=", "<="))
                    found += [v for domain in near for v in (domain.low, domain.high)]
    for part in node.args:
        found += constants(part, name, now)
    return found


def units(array: pa.Array) -> np.ndarray | None:
    """The values as numbers in the type's own unit (0 for null), None for a type without arithmetic."""
    type_ = array.type
    if pa.types.is_decimal128(type_):
        return from_decimal128(array, NUMERIC).values
    if pa.types.is_floating(type_) or pa.types.is_int64(type_):
        return np.asarray(array.fill_null(0).to_numpy(zero_copy_only=False))
    if pa.types.is_date32(type_):
        return np.asarray(array.view(pa.int32()).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False))
    if pa.types.is_timestamp(type_) or pa.types.is_time64(type_):
        return np.asarray(array.view(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False))
    return None


def from_units(values: np.ndarray, type_: pa.DataType) -> pa.Array:
    if pa.types.is_decimal128(type_):
        return pa.array([decimal(int(v), type_.scale) for v in values], type=type_)
    if pa.types.is_date32(type_):
        return pa.array(values.astype(np.int32)).view(type_)
    if pa.types.is_timestamp(type_) or pa.types.is_time64(type_):
        return pa.array(values.astype(np.int64)).view(type_)
    return pa.array(values, type=type_)


def finite(values: np.ndarray) -> np.ndarray:
    """False for the values that stand for infinite dates, and for numbers whose difference could overflow."""
    if values.dtype == np.float64:
        return np.asarray(np.isfinite(values))
    day = np.isin(values, (DATE_INFINITY, DATE_MINUS_INFINITY)) if values.dtype == np.int64 else False
    return np.asarray((values < 2**61) & (values > -(2**61)) & ~np.asarray(day), dtype=bool)
