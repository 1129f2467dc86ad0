"""Every constraint as a query that counts what breaks it: warehouses declare keys and do not enforce them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import types as sqltypes

from dbsynth.dialect import Count, Verified
from dbsynth.errors import GateFailed
from dbsynth.grammar import Grammar
from dbsynth.schema.model import Check, ForeignKey, Index, Key, Schema, Table, TableName

Place = Callable[[TableName], str]


def counts_of(grammar: Grammar, schema: Schema, table: Table, place: Place, source: str = "") -> Iterator[Count]:
    """``source``: how the table is read if not at its place (an older state)."""
    own = source or place(table.name)
    for column in table.stored_columns:
        if not column.nullable:
            where = f"{grammar.quote(column.name)} IS NULL"
            yield of_rows("not null", column.name, own, where, (column.name,))
    keys = [("primary key", table.primary_key)] if table.primary_key else []
    for kind, key in [*keys, *(("unique", u) for u in table.uniques)]:
        assert key is not None
        yield _key(grammar, own, kind, key)
    for fk in table.foreign_keys:
        if fk.ref_table in schema.by_name:
            yield Count("foreign key", fk.name, orphans(grammar, own, place(fk.ref_table), fk), fk.columns)
    for check in table.checks:
        if check.enforced:
            yield of_check(grammar, own, check)


def further_counts_of(grammar: Grammar, table: Table, place: Place) -> Iterator[Count]:
    """What ``counts_of`` leaves to the engine: unique indexes, generated columns, lengths, both halves of MATCH FULL,
    CHECKs that are declared and not enforced."""
    own, quote = place(table.name), grammar.quote
    for index in table.indexes:
        if index.unique and (counted := _unique_index(grammar, own, index)):
            yield counted
    for check in table.checks:
        if not check.enforced:
            yield of_check(grammar, own, check)
    for fk in table.foreign_keys:
        if fk.match == "FULL" and len(fk.columns) > 1:
            nulls = " + ".join(f"CASE WHEN {quote(c)} IS NULL THEN 1 ELSE 0 END" for c in fk.columns)
            where = f"({nulls}) NOT IN (0, {len(fk.columns)})"
            yield of_rows("match full", fk.name, own, where, fk.columns)
    for column in table.columns:
        name = quote(column.name)
        if column.generated is not None and _comparable(column.type):
            where = differs(name, f"({column.generated})")
            says = f"{column.name} is {column.generated}"
            yield of_rows("generated", column.name, own, where, (column.name,), says=says)
        length = column.type.length if isinstance(column.type, sqltypes.String) else None
        if length is not None and not isinstance(column.type, sqltypes.Enum):
            says = f"{column.name} has at most {length} characters"
            yield of_rows("length", column.name, own, f"LENGTH({name}) > {length}", (column.name,), says=says)


def of_rows(kind: str, name: str, own: str, where: str, columns: tuple[str, ...], says: str = "") -> Count:
    return Count(kind, name, f"SELECT COUNT(*) FROM {own} WHERE {where}", columns, where, says)


def of_check(grammar: Grammar, own: str, check: Check, kind: str = "check") -> Count:
    where = grammar.false_where(f"({check.expression})")
    return of_rows(kind, check.name, own, where, check.columns, says=check.expression)


def _key(grammar: Grammar, own: str, kind: str, key: Key) -> Count:
    sql = duplicates(grammar, own, key.columns, nulls_too=key.nulls_not_distinct)
    return Count(kind, key.name, sql, key.columns)


def _unique_index(grammar: Grammar, own: str, index: Index) -> Count | None:
    """None: the catalog does not say over what."""
    parts = index.parts or tuple(grammar.quote(c) for c in index.columns if c is not None)
    if not parts or (not index.parts and None in index.columns):
        return None
    columns = tuple(c for c in index.columns if c is not None)
    known = [] if index.nulls_not_distinct else [f"({p}) IS NOT NULL" for p in parts]
    told = [*known, *([f"({index.predicate})"] if index.predicate else [])]
    where = f" WHERE {' AND '.join(told)}" if told else ""
    sql = (
        f"SELECT COUNT(*) FROM (SELECT COUNT(*) AS n FROM {own}{where} GROUP BY {', '.join(parts)}"
        f" HAVING COUNT(*) > 1) AS repeated"
    )
    return Count("unique index", index.name, sql, columns, says=", ".join(parts))


def _comparable(type_: object) -> bool:
    return isinstance(
        type_,
        sqltypes.Integer | sqltypes.Numeric | sqltypes.String | sqltypes.Date | sqltypes.DateTime | sqltypes.Boolean,
    )


def differs(a: str, b: str) -> str:
    """True where two values are not the same; null is the same as null. In every database's SQL."""
    return f"CASE WHEN {a} IS NULL THEN {b} IS NOT NULL WHEN {b} IS NULL THEN TRUE ELSE {a} <> {b} END"


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


def duplicates(grammar: Grammar, source: str, columns: tuple[str, ...], *, nulls_too: bool = False) -> str:
    """Counts the values of ``columns`` that more than one row has: none of them null, unless ``nulls_too``."""
    names = ", ".join(map(grammar.quote, columns))
    known = " AND ".join(f"{grammar.quote(c)} IS NOT NULL" for c in columns)
    where = "" if nulls_too else f" WHERE {known}"
    return (
        f"SELECT COUNT(*) FROM (SELECT COUNT(*) AS n FROM {source}{where} GROUP BY {names}"
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


def in_one_pass(tests: Sequence[Count], grammar: Grammar, own: str) -> str:
    """As ``together``, for tests that have a ``where``, of one table, which is read once."""
    counted = (f"COUNT(CASE WHEN {t.where} THEN 1 END) AS {grammar.quote(f't{i}')}" for i, t in enumerate(tests))
    return f"SELECT {', '.join(counted)} FROM {own}"
