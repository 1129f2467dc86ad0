"""What the plan says of the rows beyond the catalog, tested on the target: keys and rules of the configuration, facts
across rows, rules within rows. By the database where SQL can say it, else on samples by the code that makes it hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sqltypes

from dbsynth.dialect import Count, column_types
from dbsynth.pipeline.fact_rows import aggregated
from dbsynth.pipeline.plan import TablePlan
from dbsynth.quality.constraints import relation
from dbsynth.quality.figures import ConstraintResult, Finding, Origin, Subject
from dbsynth.quality.sides import Sides
from dbsynth.relation.borrowed import Borrowed
from dbsynth.relation.facts import Aggregate, Copy, Fact, key_of
from dbsynth.relation.families import Columns, same
from dbsynth.relation.key_facts import Acyclic, Agreement, Apart, Exclusive, Ranked, Threaded
from dbsynth.relation.keys import combined, row_index, take
from dbsynth.relation.not_before import NotBefore
from dbsynth.relation.sequences import Sequence
from dbsynth.relation.steps import ABOVE
from dbsynth.rules.order import AtLeast
from dbsynth.rules.rule import Rule
from dbsynth.schema.model import ForeignKey, Key, TableName
from dbsynth.sqlbase.verify import differs, duplicates, of_check, orphans
from dbsynth.translate.expressions import Untranslatable, translate

TOLERANCE = 0.05
"""Of the rows may break what was only found, not declared: a constraint that stands against it goes first."""
FEW = 2
"""Rows, in small tables."""
UNTESTABLE = (pa.ArrowInvalid, pa.ArrowNotImplementedError, AssertionError, OverflowError)
KINDS = (sqltypes.Integer | sqltypes.Numeric, sqltypes.String, sqltypes.Date, sqltypes.DateTime, sqltypes.Boolean)
"""Columns of one kind compare with each other in every database."""


@dataclass(frozen=True)
class Names:
    """How SQL calls tables and columns of the target."""

    sides: Sides

    def place(self, table: TableName) -> str:
        return self.sides.made.database.place(self.sides.made.names[table])

    def column(self, table: TableName, column: str, alias: str = "") -> str:
        quoted = self.sides.made.database.dialect.grammar.quote(self.sides.made.columns[table][column])
        return f"{alias}.{quoted}" if alias else quoted

    def has(self, table: TableName, columns: tuple[str, ...]) -> bool:
        return table in self.sides.made.names and set(columns) <= set(self.sides.made.columns[table])

    def meet(self, child: TableName, key: ForeignKey, a: str, b: str) -> str:
        pairs = zip(key.columns, key.ref_columns, strict=True)
        return " AND ".join(f"{self.column(child, c, a)} = {self.column(key.ref_table, r, b)}" for c, r in pairs)


def check_promises(sides: Sides) -> tuple[tuple[ConstraintResult, ...], tuple[Finding, ...]]:
    """One result a key, a rule or a fact that could be tested; a finding for each that could not."""
    results: list[ConstraintResult] = []
    untested: list[Finding] = []
    names = Names(sides)
    for table in sides.plan.tables:
        if table.name in sides.made.names:
            results += _declared(sides, names, table)
    for fact in sides.plan.facts:
        if isinstance(fact, Borrowed) or (isinstance(fact, Copy) and not fact.exact):
            continue  # shares: figures of fidelity
        try:
            result = _of_fact(sides, names, fact)
        except UNTESTABLE as error:
            result = None
            why = f" ({type(error).__name__})"
        else:
            why = ""
        if result is not None:
            results.append(result)
        elif fact.table in sides.made.names:
            says = f"{fact.table}: {fact.describe()}: not tested{why}"
            untested.append(Finding("note", "violations", Subject(fact.table, fact.columns), says))
    return tuple(results), tuple(untested)


def _declared(sides: Sides, names: Names, table: TablePlan) -> Iterator[ConstraintResult]:
    """Virtual keys, and the rules of the configuration that the target's SQL can say."""
    grammar = sides.made.database.dialect.grammar
    own, place = sides.made.columns[table.name], names.place(table.name)
    counts: list[Count] = []
    relations: dict[str, str] = {}
    keys: list[Key] = [k for k in (table.table.primary_key, *table.table.uniques) if k is not None and k.virtual]
    for key in keys:
        if names.has(table.name, key.columns):
            columns = tuple(own[c] for c in key.columns)
            says = f"{', '.join(key.columns)}: different in every row"
            counts.append(Count("virtual key", key.name, duplicates(grammar, place, columns), key.columns, says=says))
    for fk in table.table.foreign_keys:
        if (fk.virtual or not fk.enforced) and names.has(table.name, fk.columns):
            if not names.has(fk.ref_table, fk.ref_columns):
                continue
            theirs = sides.made.columns[fk.ref_table]
            here = ForeignKey(
                fk.name,
                tuple(own[c] for c in fk.columns),
                sides.made.names[fk.ref_table],
                tuple(theirs[c] for c in fk.ref_columns),
            )
            sql = orphans(grammar, place, names.place(fk.ref_table), here)
            relations[fk.name] = relation(fk, table.name)
            says = f"every row points at one: {relations[fk.name]}"
            counts.append(Count("virtual foreign key", fk.name, sql, fk.columns, says=says))
    for rule in table.table.rules:
        try:
            source = sides.real.database.dialect.grammar
            text = translate(rule.expression, table.table, source, grammar, own)
        except (Untranslatable, KeyError):
            continue
        check = type(rule)(rule.name, text, rule.columns)
        counts.append(of_check(grammar, place, check, "rule"))
    for count in counts:
        [number] = sides.made.database.numbers(count.sql, f"verifying {table.name}")
        subject = Subject(
            table.name, count.columns, relations.get(count.name, ""), "" if count.kind == "rule" else count.name
        )
        yield ConstraintResult(subject, count.kind, count.says, "configuration", False, number, count.sql)


def _of_fact(sides: Sides, names: Names, fact: Fact) -> ConstraintResult | None:
    """None: it cannot be tested (a column is missing, is of another type, or families are larger than a sample)."""
    sql = _sql(sides, names, fact)
    if sql is not None:
        [violations] = sides.made.database.numbers(sql, f"verifying {fact.table}")
        looked_at = None
        rows = sides.made.counts[fact.table]
    else:
        broken = _broken(sides, fact)
        if broken is None:
            return None
        violations, rows = int(broken.sum()), len(broken)
        looked_at = None if rows == sides.made.counts[fact.table] else rows
    tolerated = max(FEW, int(TOLERANCE * rows)) + int((1.0 - fact.share) * rows)
    origin: Origin = "rule" if isinstance(fact, Rule) else "fact"
    kind = "rule within rows" if isinstance(fact, Rule) else "fact across rows"
    subject = Subject(fact.table, fact.columns, constraint=fact.id)
    return ConstraintResult(
        subject, kind, fact.describe(), origin, False, violations, sql or "", looked_at, min(tolerated, rows)
    )


def _sql(sides: Sides, names: Names, fact: Fact) -> str | None:
    """The query that counts the rows that break ``fact``; None where SQL does not say it."""
    writer = SQL.get(type(fact))
    return None if writer is None else writer(sides, names, fact)


def _copy(sides: Sides, names: Names, fact: Copy) -> str | None:
    key = key_of(sides.plan[fact.table].table, fact.key)
    if not (names.has(fact.table, fact.columns + key.columns) and names.has(fact.parent, fact.sources)):
        return None
    if not all(
        _alike(sides, (fact.table, c), (fact.parent, s)) for c, s in zip(fact.columns, fact.sources, strict=True)
    ):
        return None
    odd = " OR ".join(
        differs(names.column(fact.table, c, "c"), names.column(fact.parent, s, "p"))
        for c, s in zip(fact.columns, fact.sources, strict=True)
    )
    return _joined(names, fact.table, [(key, "p")], odd)


def _joined(names: Names, table: TableName, keys: list[tuple[ForeignKey, str]], where: str) -> str:
    joins = " ".join(f"JOIN {names.place(k.ref_table)} AS {a} ON {names.meet(table, k, 'c', a)}" for k, a in keys)
    return f"SELECT COUNT(*) FROM {names.place(table)} AS c {joins} WHERE {where}"


def _apart(sides: Sides, names: Names, fact: Apart) -> str | None:
    table = sides.plan[fact.table].table
    one, other = key_of(table, fact.key), key_of(table, fact.other)
    if one.ref_columns != other.ref_columns or not names.has(fact.table, one.columns + other.columns):
        return None
    pairs = zip(one.columns, other.columns, strict=True)
    equal = " AND ".join(f"{names.column(fact.table, a)} = {names.column(fact.table, b)}" for a, b in pairs)
    return f"SELECT COUNT(*) FROM {names.place(fact.table)} WHERE {equal}"


def _agreement(sides: Sides, names: Names, fact: Agreement) -> str | None:
    table = sides.plan[fact.table].table
    one, other = key_of(table, fact.key), key_of(table, fact.other)
    there = names.has(fact.table, one.columns + other.columns)
    if not (there and names.has(fact.parent, fact.theirs) and names.has(fact.other_parent, fact.sources)):
        return None
    pairs = zip(fact.theirs, fact.sources, strict=True)
    odd = " OR ".join(
        differs(names.column(fact.parent, t, "p"), names.column(fact.other_parent, s, "q")) for t, s in pairs
    )
    return _joined(names, fact.table, [(one, "p"), (other, "q")], odd)


def _ranked(sides: Sides, names: Names, fact: Ranked) -> str | None:
    key = key_of(sides.plan[fact.table].table, fact.key)
    if not names.has(fact.table, (*key.columns, *fact.columns)):
        return None
    own, theirs = names.column(fact.table, fact.column, "c"), names.column(fact.table, fact.column, "p")
    return _joined(names, fact.table, [(key, "p")], f"NOT ({own} {fact.order} {theirs})")


def _threaded(sides: Sides, names: Names, fact: Threaded) -> str | None:
    key = key_of(sides.plan[fact.table].table, fact.key)
    if not names.has(fact.table, (*key.columns, *fact.columns)):
        return None
    odd = " OR ".join(differs(names.column(fact.table, c, "c"), names.column(fact.table, c, "p")) for c in fact.columns)
    return _joined(names, fact.table, [(key, "p")], odd)


def _exclusive(sides: Sides, names: Names, fact: Exclusive) -> str | None:
    keys = [key_of(sides.plan[c].table, k) for c, k in zip(fact.children, fact.keys, strict=True)]
    if not all(names.has(c, k.columns) for c, k in zip(fact.children, keys, strict=True)):
        return None
    both = []
    for (a, one), (b, other) in combinations(zip(fact.children, keys, strict=True), 2):
        pairs = zip(one.columns, other.columns, strict=True)
        meet = " AND ".join(f"{names.column(a, x, 'a')} = {names.column(b, y, 'b')}" for x, y in pairs)
        both.append(f"(SELECT COUNT(*) FROM {names.place(a)} AS a JOIN {names.place(b)} AS b ON {meet})")
    return f"SELECT {' + '.join(both)} AS n"


def _at_least(sides: Sides, names: Names, fact: AtLeast) -> str | None:
    if not names.has(fact.table, (fact.column, *fact.low)):
        return None
    if not all(_alike(sides, (fact.table, fact.column), (fact.table, c)) for c in fact.low):
        return None
    own = names.column(fact.table, fact.column)
    lower = " OR ".join(f"{own} < {names.column(fact.table, c)}" for c in fact.low)
    return f"SELECT COUNT(*) FROM {names.place(fact.table)} WHERE {lower}"


SQL: dict[type, Callable[[Sides, Names, Fact], str | None]] = {
    Copy: _copy,  # type: ignore[dict-item]
    Apart: _apart,  # type: ignore[dict-item]
    Agreement: _agreement,  # type: ignore[dict-item]
    Ranked: _ranked,  # type: ignore[dict-item]
    Threaded: _threaded,  # type: ignore[dict-item]
    Exclusive: _exclusive,  # type: ignore[dict-item]
    AtLeast: _at_least,  # type: ignore[dict-item]
}


def _alike(sides: Sides, a: tuple[TableName, str], b: tuple[TableName, str]) -> bool:
    """Whether two columns are of one kind, and of no type that has values of its own."""
    kinds = [
        [isinstance(sides.schema[t].column(c).type, k) for k in KINDS] for t, c in (a, b) if t in sides.schema.by_name
    ]
    enums = any(isinstance(sides.schema[t].column(c).type, sqltypes.Enum) for t, c in (a, b))
    return len(kinds) == 2 and kinds[0] == kinds[1] and any(kinds[0]) and not enums


def _broken(sides: Sides, fact: Fact) -> np.ndarray | None:
    """bool, by row of a sample: which break ``fact``."""
    if isinstance(fact, Aggregate):
        return _broken_aggregate(sides, fact)
    if isinstance(fact, Acyclic):
        return _cycles(sides, fact)
    if isinstance(fact, Rule):
        columns = _columns(sides, fact.table, (*fact.reads, *fact.columns))
        return None if columns is None else fact.broken(columns)
    if isinstance(fact, NotBefore):
        columns = _beside_parents(sides, fact)
        return None if columns is None else fact.broken(columns, {})
    if isinstance(fact, Sequence):
        wanted = tuple(dict.fromkeys((*fact.reads, *fact.columns)))
        if not Names(sides).has(fact.table, (*wanted, *fact.family, *fact.order)):
            return None
        columns = _typed(sides, fact.table, sides.made.siblings(fact.table, fact.family, fact.order), wanted)
        return None if columns is None else fact.broken(columns, {})
    return None


def _columns(sides: Sides, table: TableName, wanted: tuple[str, ...]) -> Columns | None:
    if not Names(sides).has(table, wanted):
        return None
    return _typed(sides, table, sides.made.rows(table), wanted)


def _typed(sides: Sides, table: TableName, rows: pa.Table, wanted: tuple[str, ...]) -> dict[str, pa.Array] | None:
    """None where one has come in another type than the source's."""
    types = column_types(sides.schema[table])
    columns = {c: combined(rows.column(c)) for c in dict.fromkeys(wanted)}
    return columns if all(a.type == types.field(c).type for c, a in columns.items()) else None


def _beside_parents(sides: Sides, fact: NotBefore) -> Columns | None:
    context, above = sides.plan[fact.table].context, fact.above.removeprefix(ABOVE)
    wanted = tuple(dict.fromkeys(c for c in (*fact.reads, *fact.order, *fact.columns) if c != fact.above))
    names = Names(sides)
    if context is None or not names.has(fact.table, wanted) or not names.has(context.key.ref_table, (above,)):
        return None
    family = sides.made.family(fact.table, context.key)
    columns = _typed(sides, fact.table, family.children, (*wanted, *context.key.columns))
    parents = _typed(sides, context.key.ref_table, family.parents, (above, *context.key.ref_columns))
    if columns is None or parents is None:
        return None
    key = context.key
    at = row_index([columns[c] for c in key.columns], [parents[c] for c in key.ref_columns])
    return {**columns, fact.above: take(parents[above], at)}


def _broken_aggregate(sides: Sides, fact: Aggregate) -> np.ndarray | None:
    key = key_of(sides.plan[fact.child].table, fact.key)
    factors, names = tuple(f.column for f in fact.factors), Names(sides)
    if not (names.has(fact.child, (*key.columns, *factors)) and names.has(fact.table, (*key.ref_columns, fact.column))):
        return None
    family = sides.made.family(fact.child, key)
    if family.torn:
        return None
    parents = _typed(sides, fact.table, family.parents, (*key.ref_columns, fact.column))
    children = _typed(sides, fact.child, family.children, (*key.columns, *factors))
    if parents is None or children is None:
        return None
    told = aggregated(fact, sides.plan[fact.table], pa.table(parents), pa.table(children), sides.plan)
    return ~same(told[fact.column], parents[fact.column].cast(told[fact.column].type))


def _cycles(sides: Sides, fact: Acyclic) -> np.ndarray | None:
    """The rows whose edge lies on a cycle or leads out of none (Kahn 1962)."""
    table = sides.plan[fact.table].table
    below, above = key_of(table, fact.key), key_of(table, fact.other)
    parent = below.ref_table
    names = Names(sides)
    whole = sides.made.counts.get(fact.table, 0) <= sides.made.limit >= sides.made.counts.get(parent, 0)
    if (
        not whole
        or not names.has(fact.table, below.columns + above.columns)
        or not names.has(parent, below.ref_columns)
    ):
        return None
    rows, parents = sides.made.rows(fact.table), sides.made.rows(parent)
    ends = [
        row_index([rows.column(c) for c in k.columns], [parents.column(c) for c in k.ref_columns])
        for k in (above, below)
    ]
    left = np.flatnonzero((ends[0] >= 0) & (ends[1] >= 0))
    while len(left):
        stays = np.isin(ends[0][left], ends[1][left])
        if stays.all():
            break
        left = left[stays]
    broken = np.zeros(rows.num_rows, bool)
    broken[left] = True
    return broken
