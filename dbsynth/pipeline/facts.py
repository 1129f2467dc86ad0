"""Facts across rows in the plan: looked for in samples that keep families whole, joined with what the user declares, in
an order in which each can be made to hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from sqlalchemy import types as sqltypes

from dbsynth.dialect import Database, ReadRequest, Sample
from dbsynth.pipeline.borrowed import find_borrowed
from dbsynth.pipeline.declared import declared_facts
from dbsynth.pipeline.key_facts import find_key_facts
from dbsynth.pipeline.plan import ColumnPlan, Plan, TablePlan
from dbsynth.pipeline.row_rules import tested, with_computed, with_shapes
from dbsynth.pipeline.sequences import sequence_facts
from dbsynth.pipeline.unique_indexes import unique_indexes
from dbsynth.relation.aggregates import find_aggregates
from dbsynth.relation.borrowed import Borrowed
from dbsynth.relation.copies import always_fits, comparable, find_copies, plain
from dbsynth.relation.facts import (
    Aggregate,
    Copy,
    Fact,
    FactWishes,
    believed,
    label,
    named,
    path,
)
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.key_facts import KeyFact
from dbsynth.relation.keys import row_index
from dbsynth.relation.numbers import numbers
from dbsynth.relation.sequences import Sequence as FamilyFact
from dbsynth.rules.rule import Rule
from dbsynth.schema.checks import implications, parse_checks
from dbsynth.schema.model import Column, TableName

ROWS = 20_000
"""Rows of each side of a key that are looked at."""
MANY = 2_000_000
"""Rows of a table above which only its context key is looked at: every sample of families hashes all of its rows."""
FEWEST = 60
"""A sample of families has to hold about so many parents; else only copies are looked for."""


def with_facts(database: Database, plan: Plan, wishes: FactWishes, snapshot: str | None) -> Plan:
    """``plan`` with the facts that the source shows and the user does not refuse, and with those that he declares.
    Raises ConfigError for a declaration that cannot be read."""
    declared = declared_facts(plan, wishes.declare)
    free = database.billed(plan.schema) is None
    reader = _Reader(database, plan, snapshot)
    seen: list[Fact] = [*_search(reader)] if free else []
    found = [f for fact in seen for f in _unrefused(fact, wishes.refuse)]
    sure = [f for f in found if believed(f) or named(f, wishes.confirm)]
    taken, dropped = ordered(_one_each([*declared, *sure]))
    plan = planned(replace(plan, facts=tuple(taken)))
    rules: list[Rule] = []
    barred = _barred(taken)
    if free:
        plan, rules = with_computed(plan, reader.seen_whole, wishes, barred)
    # what is copied or computed needs none of them
    among: list[KeyFact | FamilyFact | Borrowed] = []
    if free:
        among = [*find_key_facts(plan, reader), *sequence_facts(database, plan, snapshot), *find_borrowed(plan, reader)]
    seen += among
    among = [f for f in among if not named(f, wishes.refuse)]
    sure += [f for f in among if f.believed or named(f, wishes.confirm)]
    taken = list(plan.facts)
    decided = {(f.table, c) for f in taken for c in f.columns}
    taken += [f for f in among if f in sure and not any((f.table, c) in decided for c in f.columns)]
    plan = replace(plan, facts=tuple(taken))
    warnings = list(plan.warnings)
    if free:
        plan, shapes = with_shapes(plan, reader.seen_whole, wishes, rules, barred)
        seen += [*rules, *shapes]
        warnings += tested(plan, reader.some_of)
    else:
        warnings.append("facts across rows are not looked for where reading is billed: declare them in [facts]")
    for wish, patterns in (("refuse", wishes.refuse), ("confirm", wishes.confirm)):
        for pattern in patterns:
            if not any(named(part, [pattern]) for f in [*declared, *seen] for part in _parts(f)):
                warnings.append(f"dbsynth.toml: [facts] {wish}: no fact is called {pattern}")
    warnings += [f"{f.id}: not kept: it and other facts decide each other" for f in dropped if f.share == 1.0]
    doubtful = tuple(f for f in [*found, *among] if f not in sure)
    return replace(plan, doubtful=doubtful, warnings=tuple(warnings))


def _barred(facts: Sequence[Fact]) -> Callable[[Rule, Sequence[Rule]], bool]:
    """Whether a rule, with the rules before it, makes tables wait for each other: what children are told by is not told
    by what waits for them."""

    def barred(rule: Rule, before: Sequence[Rule]) -> bool:
        late = late_columns([*facts, *before])
        return any((rule.table, c) in late for c in rule.reads) and _circular([*facts, *before, rule])

    return barred


def _agreed(plan: Plan) -> Plan:
    """``plan`` with both sides of a copy of one kind. Categories of which the parent shows too few rows, and the child
    enough, are learned on both sides; but what is personal to the parent is made for the child too."""
    columns = {t.name: dict(t.by_column) for t in plan.tables}
    for fact in (f for f in plan.facts if isinstance(f, Copy)):
        for own, source in zip(fact.columns, fact.sources, strict=True):
            child, parent = columns[fact.table][own], columns[fact.parent][source]
            if parent.how != "made" or child.how != "modelled" or child.kind != "category":
                continue
            if parent.personal:
                columns[fact.table][own] = replace(
                    child, how="made", kind="presence", role=parent.role, personal=True, evidence=fact.describe()
                )
            else:
                told = f"values that enough rows of {label(fact.table, plan.schema)} copy"
                columns[fact.parent][source] = replace(parent, how="modelled", kind="category", evidence=told)
    return replace(
        plan, tables=tuple(replace(t, columns=tuple(columns[t.name].values())) for t in plan.tables)
    )  # fmt: skip


def planned(plan: Plan) -> Plan:
    """``plan`` with the columns of whole copies taken from the parent instead of learned."""
    plan = _agreed(plan)
    whole: dict[TableName, dict[str, Copy]] = {}
    for fact in plan.facts:
        if isinstance(fact, Copy) and fact.whole:
            whole.setdefault(fact.table, {}).update(dict.fromkeys(fact.columns, fact))
    tables = tuple(
        replace(t, columns=tuple(_copied(c, whole[t.name]) for c in t.columns)) if t.name in whole else t
        for t in plan.tables
    )
    return replace(plan, tables=tables)


def _copied(column: ColumnPlan, facts: Mapping[str, Copy]) -> ColumnPlan:
    if column.name not in facts:
        return column
    return replace(column, how="copied", kind=None, evidence=facts[column.name].describe())


def _parts(fact: Fact) -> tuple[Fact, ...]:
    """What a pattern can mean: the fact, and of a group of columns each one."""
    return (fact, *fact.parts) if isinstance(fact, Copy) else (fact,)


def _unrefused(fact: Fact, refuse: Sequence[str]) -> Iterator[Fact]:
    if named(fact, refuse):
        return
    if isinstance(fact, Copy):
        left = [i for i, part in enumerate(fact.parts) if not named(part, refuse)]
        if left:
            yield fact.only(left)
    else:
        yield fact


def _one_each(facts: Sequence[Fact]) -> list[Fact]:
    """Each column is decided by one fact at most: declared ones first, then as in ``_rank``."""
    taken: list[Fact] = []
    decided: set[tuple[TableName, str]] = set()
    for fact in sorted(facts, key=_rank):
        own = {(fact.table, c) for c in fact.columns}
        if isinstance(fact, Copy) and own & decided:
            left = [i for i, c in enumerate(fact.columns) if (fact.table, c) not in decided]
            if fact.exact or not left:
                continue
            fact = fact.only(left)
            own = {(fact.table, c) for c in fact.columns}
        elif own & decided:
            continue
        taken.append(fact)
        decided |= own
    return taken


def _rank(fact: Fact) -> tuple[bool, int, bool, float, bool]:
    kind = 2 if isinstance(fact, Copy) and not fact.exact else 1 if isinstance(fact, Aggregate) else 0
    named_alike = isinstance(fact, Copy) and fact.columns == fact.sources
    return fact.rows > 0, kind, not (isinstance(fact, Copy) and fact.whole), -fact.share, not named_alike


def ordered(facts: Sequence[Fact]) -> tuple[list[Fact], list[Fact]]:
    """The facts that can hold together, and those dropped because they decide each other: columns that are computed
    when all rows are made wait for those of other tables, table by table."""
    taken: list[Fact] = []
    dropped: list[Fact] = []
    for fact in facts:
        (dropped if _circular([*taken, fact]) else taken).append(fact)
    return taken, dropped


def _circular(facts: Sequence[Fact]) -> bool:
    needs = {t: late_needs(facts, t) for t in {f.table for f in facts}}
    late = late_columns(facts)
    for fact in facts:
        factors = fact.factors if isinstance(fact, Aggregate) and fact.child == fact.table else ()
        if any((fact.table, f.column) in late for f in factors):
            return True
    done: set[TableName] = set()
    while left := [t for t in needs if t not in done]:
        ready = [t for t in left if not (needs[t] & set(left)) - {t}]
        if not ready:
            return True
        done |= set(ready)
    return False


def late_columns(facts: Iterable[Fact]) -> set[tuple[TableName, str]]:
    """The columns that are only known when the children are made: aggregates, copies of such columns, and what rules
    tell by them."""
    facts = list(facts)
    late = {(f.table, f.column) for f in facts if isinstance(f, Aggregate)}
    copies = [f for f in facts if isinstance(f, Copy)]
    rules = [f for f in facts if isinstance(f, Rule)]
    while True:
        more = {
            (f.table, c)
            for f in copies
            for c, s in zip(f.columns, f.sources, strict=True)
            if (f.parent, s) in late and (f.table, c) not in late
        }
        more |= {
            (f.table, c)
            for f in rules
            for c in f.columns
            if any((f.table, r) in late for r in f.reads) and (f.table, c) not in late
        }
        if not more:
            return late
        late |= more


def late_facts(facts: Sequence[Fact], table: TableName) -> list[Aggregate | Copy]:
    """The facts that decide late columns of ``table``."""
    late = late_columns(facts)
    own = [f for f in facts if isinstance(f, Aggregate | Copy) and f.table == table]
    return [f for f in own if any((table, c) in late for c in f.columns)]


def late_needs(facts: Sequence[Fact], table: TableName) -> set[TableName]:
    """The tables whose final rows the late columns of ``table`` are computed from."""
    return {f.child if isinstance(f, Aggregate) else f.parent for f in late_facts(facts, table)}


@dataclass
class _Reader:
    """Samples of tables, each read once."""

    database: Database
    plan: Plan
    snapshot: str | None
    whole: dict[TableName, pa.Table] = field(default_factory=dict)
    parts: dict[TableName, pa.Table] = field(default_factory=dict)

    def read(self, table: TablePlan, sample: Sample | None, order: tuple[str, ...] = ()) -> pa.Table:
        columns = tuple(c.name for c in table.table.stored_columns if plain(c))
        request = ReadRequest(table.name, columns, sample, order_by=order, limit=2 * ROWS if sample else None)
        return pa.Table.from_batches(list(self.database.read(request, self.snapshot))).combine_chunks()

    def seen_whole(self, table: TablePlan) -> pa.Table:
        """As ``some_of``, with the columns that cannot be compared: of these ``""`` where they are not null."""
        odd = [c.name for c in table.table.stored_columns if not plain(c)]
        if not odd:
            return self.some_of(table)
        sample = Sample((), ROWS / table.source_rows) if table.source_rows > ROWS else None
        names = tuple(c.name for c in table.table.stored_columns)
        order = table.table.primary_key.columns if table.table.primary_key and sample is None else ()
        request = ReadRequest(table.name, names, sample, order_by=order, limit=2 * ROWS if sample else None)
        rows = pa.Table.from_batches(list(self.database.read(request, self.snapshot))).combine_chunks()
        for name in odd:
            there = pc.if_else(rows.column(name).is_valid(), "", pa.scalar(None, pa.string()))
            rows = rows.set_column(rows.column_names.index(name), name, there)
        return rows

    def all_of(self, table: TablePlan) -> pa.Table:
        if table.name not in self.whole:
            order = table.table.primary_key.columns if table.table.primary_key else ()
            self.whole[table.name] = self.read(table, None, order)
        return self.whole[table.name]

    def some_of(self, table: TablePlan) -> pa.Table:
        """Rows for themselves, families torn apart."""
        if table.source_rows <= ROWS:
            return self.all_of(table)
        if table.name not in self.parts:
            self.parts[table.name] = self.read(table, Sample((), ROWS / table.source_rows))
        return self.parts[table.name]

    def families(self, child: TablePlan, k: KeyPlan) -> tuple[pa.Table, pa.Table, bool]:
        """Rows of the child and of the parent of ``k``; True: with all children of each of these parents."""
        parent = self.plan[k.key.ref_table]
        most = max(child.source_rows, parent.source_rows)
        if most <= ROWS:
            return self.all_of(child), self.all_of(parent), True
        share = ROWS / most
        if share * parent.source_rows >= FEWEST:
            rows = self.read(child, Sample(k.key.columns, share), k.key.columns)
            others = self.read(parent, Sample(k.key.ref_columns, share), k.key.ref_columns)
            return rows, others, rows.num_rows < 2 * ROWS and others.num_rows < 2 * ROWS
        return self.some_of(child), self.all_of(parent), False


def _search(reader: _Reader) -> Iterator[Fact]:
    for table in reader.plan.tables:
        for k in table.keys:
            if table.source_rows > MANY and k.fill != "context":
                continue
            parent = reader.plan[k.key.ref_table] if k.fill != "dropped" else None
            if parent is None or min(table.source_rows, parent.source_rows, table.rows, parent.rows) == 0:
                continue
            pairs = _pairs(reader.plan, table, parent) if _may_copy(table, k) else []
            targets = _targets(reader.plan, parent)
            if not pairs and not targets:
                continue
            child_rows, parent_rows, together = reader.families(table, k)
            at = row_index(
                [child_rows.column(c) for c in k.key.columns], [parent_rows.column(c) for c in k.key.ref_columns]
            )
            yield from _copies(reader.plan, table, parent, k, child_rows, parent_rows, at, pairs)
            if targets and together:
                yield from _aggregates(reader.plan, table, parent, k, child_rows, parent_rows, at, targets)


def _may_copy(table: TablePlan, k: KeyPlan) -> bool:
    """Rows of a kept table are taken as they are; keys that are filled last point nowhere when the others are made."""
    return table.kept is None and k.fill not in ("self", "cycle")


def _open_columns(plan: Plan, table: TablePlan) -> list[ColumnPlan]:
    """The columns of which a fact may decide: not in a key, not computed by a CHECK."""
    held = {c for key in table.table.unique_keys for c in key} | {c for k in table.keys for c in k.key.columns}
    held |= {c for i in unique_indexes(table.table, plan.sqlglot_dialect) for c in i.columns}
    implied = implications(parse_checks(table.table, plan.sqlglot_dialect), table.table, plan.now)
    held |= {c.column for c in implied.computable()}
    return [
        c
        for c in table.columns
        if c.how in ("modelled", "made") and c.name not in held and plain(table.table.column(c.name))
    ]


def _pairs(plan: Plan, table: TablePlan, parent: TablePlan) -> list[tuple[str, str]]:
    sources = [c for c in parent.table.stored_columns if plain(c)]
    return [
        (own.name, theirs.name)
        for own in _open_columns(plan, table)
        for theirs in sources
        if comparable(table.table.column(own.name), theirs)
    ]


def _copies(
    plan: Plan,
    table: TablePlan,
    parent: TablePlan,
    k: KeyPlan,
    child_rows: pa.Table,
    parent_rows: pa.Table,
    at: np.ndarray,
    pairs: Sequence[tuple[str, str]],
) -> Iterator[Copy]:
    nullable = any(table.table.column(c).nullable for c in k.key.columns)
    for match in find_copies(child_rows, parent_rows, at, pairs):
        fits = all(
            always_fits(table.table.column(c), parent.table.column(s))
            for c, s in zip(match.columns, match.sources, strict=True)
        )
        empty = not nullable or (match.null_too and all(table.table.column(c).nullable for c in match.columns))
        yield Copy(
            table=table.name,
            key=k.key.name,
            parent=parent.name,
            columns=match.columns,
            sources=match.sources,
            own=label(table.name, plan.schema),
            via=path(table.table, k.key, parent.name, plan.schema),
            rows=match.rows,
            families=match.families,
            share=match.share,
            whole=match.share == 1.0 and fits and empty,
        )


def _targets(plan: Plan, parent: TablePlan) -> list[str]:
    if parent.kept is not None:
        return []
    return [c.name for c in _open_columns(plan, parent) if counts(parent.table.column(c.name))]


def counts(column: Column) -> bool:
    """Numbers, dates and timestamps."""
    return isinstance(column.type, sqltypes.Integer | sqltypes.Numeric | sqltypes.Date | sqltypes.DateTime)


def _aggregates(
    plan: Plan,
    table: TablePlan,
    parent: TablePlan,
    k: KeyPlan,
    child_rows: pa.Table,
    parent_rows: pa.Table,
    at: np.ndarray,
    targets: Sequence[str],
) -> Iterator[Aggregate]:
    own = [
        c.name for c in table.columns if c.how in ("modelled", "made", "copied") and counts(table.table.column(c.name))
    ]
    children = {c: x for c in own if (x := numbers(child_rows.column(c))) is not None}
    wanted = {c: x for c in targets if (x := numbers(parent_rows.column(c))) is not None}
    columns = [table.table.column(c) for c in children] + [parent.table.column(c) for c in wanted]
    moments = frozenset(c.name for c in columns if isinstance(c.type, sqltypes.Date | sqltypes.DateTime))
    precision = {c: 2e-6 if isinstance(parent.table.column(c).type, sqltypes.REAL) else 1e-9 for c in wanted}
    for told in find_aggregates(children, moments, wanted, precision, at, parent_rows.num_rows):
        # a number of any decimals is rounded only where the source's are
        any_decimals = pt.is_string(parent_rows.schema.field(told.column).type)
        yield Aggregate(
            table=parent.name,
            column=told.column,
            child=table.name,
            key=k.key.name,
            function=told.formula.function,
            factors=told.formula.factors,
            empty=told.empty,
            scale=None if any_decimals and told.exact else told.scale,
            own=label(parent.name, plan.schema),
            via=path(table.table, k.key, table.name, plan.schema),
            rows=told.rows,
            families=told.families,
        )
