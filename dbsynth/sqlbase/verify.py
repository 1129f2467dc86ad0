"""Every constraint as a query that counts what breaks it: warehouses declare keys and do not enforce them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dbsynth.dialect import Verified
from dbsynth.errors import GateFailed
from dbsynth.grammar import Grammar
from dbsynth.schema.model import ForeignKey, Schema, Table, TableName

Place = Callable[[TableName], str]


@dataclass(frozen=True)
class Count:
    """``sql``: a SELECT of one number, the rows (of keys: the values) that break the constraint."""

    kind: str
    name: str
    sql: str

    def verified(self, table: Table, violations: int) -> Verified:
        return Verified(str(table.name), self.kind, self.name, violations)


def counts_of(grammar: Grammar, schema: Schema, table: Table, place: Place, source: str = "") -> Iterator[Count]:
    """``source``: how the table is read if not at its place (an older state)."""
    own = source or place(table.name)
    quote = grammar.quote
    for column in table.stored_columns:
        if not column.nullable:
            sql = f"SELECT COUNT(*) FROM {own} WHERE {quote(column.name)} IS NULL"
            yield Count("not null", column.name, sql)
    keys = [("primary key", table.primary_key)] if table.primary_key else []
    for kind, key in [*keys, *(("unique", u) for u in table.uniques)]:
        assert key is not None
        yield Count(kind, key.name, duplicates(grammar, own, key.columns))
    for fk in table.foreign_keys:
        if fk.ref_table in schema.by_name:
            yield Count("foreign key", fk.name, orphans(grammar, own, place(fk.ref_table), fk))
    for check in table.checks:
        if check.enforced:
            sql = f"SELECT COUNT(*) FROM {own} WHERE {grammar.false_where(f'({check.expression})')}"
            yield Count("check", check.name, sql)


def undeclared(grammar: Grammar, schema: Schema, place: Place, number: Callable[[str], int]) -> tuple[Verified, ...]:
    """The keys that are kept but not declared, each tested by ``number`` of its query. GateFailed where one does not
    hold."""
    found = []
    for table in schema:
        hidden = {fk.name for fk in table.foreign_keys if not fk.enforced}
        hidden |= {k.name for k in (table.primary_key, *table.uniques) if k is not None and k.virtual}
        for count in counts_of(grammar, schema, table, place):
            if count.name in hidden and count.kind in ("primary key", "unique", "foreign key"):
                found.append(count.verified(table, number(count.sql)))
    must_hold(found)
    return tuple(found)


def must_hold(verified: Sequence[Verified]) -> None:
    if broken := [v for v in verified if v.violations]:
        told = "; ".join(f"{v.kind} {v.name} of {v.table}: {v.violations:,}" for v in broken[:10])
        raise GateFailed(f"the rows that were made break constraints: {told}", hint="please report it")


def duplicates(grammar: Grammar, source: str, columns: tuple[str, ...]) -> str:
    """Counts the values of ``columns`` (none of them null) that more than one row has."""
    names = ", ".join(map(grammar.quote, columns))
    known = " AND ".join(f"{grammar.quote(c)} IS NOT NULL" for c in columns)
    return (
        f"SELECT COUNT(*) FROM (SELECT COUNT(*) AS n FROM {source} WHERE {known} GROUP BY {names}"
        f" HAVING COUNT(*) > 1) AS repeated"
    )


def orphans(grammar: Grammar, source: str, parents: str, fk: ForeignKey) -> str:
    """Counts the rows whose foreign key (no column of it null) points at no row."""
    pairs = [(grammar.quote(a), grammar.quote(b)) for a, b in zip(fk.columns, fk.ref_columns, strict=True)]
    match = " AND ".join(f"child.{a} = parent.{b}" for a, b in pairs)
    known = " AND ".join(f"child.{a} IS NOT NULL" for a, _ in pairs)
    return (
        f"SELECT COUNT(*) FROM {source} AS child LEFT JOIN {parents} AS parent ON {match}"
        f" WHERE {known} AND parent.{pairs[0][1]} IS NULL"
    )


def together(tests: list[Count], grammar: Grammar) -> str:
    """One statement of all ``tests``, its columns ``t0``, ``t1``, ..."""
    return "SELECT " + ", ".join(f"({t.sql}) AS {grammar.quote(f't{i}')}" for i, t in enumerate(tests))
