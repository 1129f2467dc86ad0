"""Every constraint that a catalog declares, counted by the database itself: no row leaves it, no source is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dbsynth.dialect import Count, Database, Support
from dbsynth.quality.figures import ConstraintResult, Origin, Subject
from dbsynth.schema.model import Check, ForeignKey, Schema, Table, TableName
from dbsynth.sqlbase.verify import counts_of, further_counts_of, in_one_pass, together

A_STATEMENT = 20
"""Counts in one statement: a warehouse plans each as a query of its own."""
A_PASS = 100
"""Conditions on single rows in one pass over a table."""
KINDS = {"unique index": "unique", "match full": "foreign key"}
"""By what ``Capabilities.constraints`` calls them."""
BY_TYPE = ("generated", "length")
ORIGINS: dict[str, Origin] = {"sequence": "sequence", "index": "index", "unique index": "index"}


def check_constraints(
    database: Database, schema: Schema, called: Mapping[TableName, TableName] | None = None
) -> tuple[ConstraintResult, ...]:
    """``schema``: the catalog of the tables to test, as ``database`` gave it; ``called``: how results call its tables.
    A few statements a table. Raises the errors of ``Database.numbers``."""
    own = database.own_counts(schema)
    found: list[ConstraintResult] = []
    for table in schema:
        grammar = database.dialect.grammar
        counts = [*counts_of(grammar, schema, table, database.place)]
        counts += [*further_counts_of(grammar, table, database.place), *own.get(table.name, ())]
        virtual = {k.name for k in (table.primary_key, *table.uniques, *table.foreign_keys) if k and k.virtual}
        numbers = counted(database, table, counts)
        found += [_result(database, table, c, n, virtual, called or {}) for c, n in zip(counts, numbers, strict=True)]
    return tuple(found)


def counted(database: Database, table: Table, counts: Sequence[Count]) -> list[int]:
    """The number of each of ``counts``, all conditions on single rows in one pass."""
    numbers: dict[int, int] = {}
    for at, sql in _statements(database, table, counts):
        row = database.numbers(sql, f"verifying {table.name}")
        numbers |= dict(zip(at, row, strict=True))
    return [numbers[i] for i in range(len(counts))]


def _statements(database: Database, table: Table, counts: Sequence[Count]) -> Iterator[tuple[list[int], str]]:
    """Positions of counts, and the statement that gives their numbers."""
    grammar = database.dialect.grammar
    within = [i for i, c in enumerate(counts) if c.where]
    others = [i for i, c in enumerate(counts) if not c.where]
    for start in range(0, len(within), A_PASS):
        some = within[start : start + A_PASS]
        yield some, in_one_pass([counts[i] for i in some], grammar, database.place(table.name))
    for start in range(0, len(others), A_STATEMENT):
        some = others[start : start + A_STATEMENT]
        yield some, together([counts[i] for i in some], grammar)


def _result(
    database: Database,
    table: Table,
    count: Count,
    number: int,
    virtual: set[str],
    called: Mapping[TableName, TableName],
) -> ConstraintResult:
    named = "" if count.kind in ("not null", "length", "generated", "sequence") else count.name
    keys = [k for k in table.foreign_keys if k.name == count.name and count.kind in ("foreign key", "match full")]
    told = relation(keys[0], table.name, called) if keys else ""
    subject = Subject(called.get(table.name, table.name), count.columns, told, named)
    origin = "configuration" if count.name in virtual else ORIGINS.get(count.kind, "catalog")
    enforced = origin != "configuration" and _enforced(database, table, count)
    return ConstraintResult(subject, count.kind, count.says or _says(count, told), origin, enforced, number, count.sql)


def relation(key: ForeignKey, table: TableName, called: Mapping[TableName, TableName] | None = None) -> str:
    """``orders(customer_id) > customer``, as findings call a foreign key of ``table``."""
    names = called or {}
    parent = names.get(key.ref_table, key.ref_table)
    return f"{names.get(table, table)}({', '.join(key.columns)}) > {parent}"


def _enforced(database: Database, table: Table, count: Count) -> bool:
    """Whether the engine refuses rows that break it."""
    if count.kind in BY_TYPE:
        return True
    declared: list[Check | ForeignKey] = [*table.checks, *table.foreign_keys]
    if any(c.name == count.name and not (c.enforced and c.validated) for c in declared):
        return False
    support = database.dialect.capabilities.constraints.get(KINDS.get(count.kind, count.kind))
    return support is Support.ENFORCED


def _says(count: Count, told: str) -> str:
    columns = ", ".join(count.columns)
    match count.kind:
        case "not null":
            return f"{columns} is never null"
        case "primary key" | "unique":
            return f"{columns} {'is' if len(count.columns) == 1 else 'are'} different in every row"
        case "foreign key":
            return f"every row points at one: {told}"
        case "match full":
            return f"{columns} are all null or none"
    return count.name
