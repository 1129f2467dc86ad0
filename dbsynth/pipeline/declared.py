"""Facts that the user declares: ``[facts] declare`` of dbsynth.toml, parsed as SQL.

    "orders.total = sum(order_items.quantity * order_items.unit_price * (1 - order_items.discount))"
    "customers.order_count = count(orders.*)"
    "order_items.unit_price = products.unit_price"

Tables may be written with their schema. Where several foreign keys join the two tables, the name of the key stands for
the table on the right.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence

import sqlglot
from sqlalchemy import types as sqltypes
from sqlglot import exp

from dbsynth.errors import ConfigError
from dbsynth.pipeline.plan import Plan
from dbsynth.relation.copies import always_fits, comparable
from dbsynth.relation.facts import Aggregate, Copy, Empty, Fact, Factor, Function, label, path
from dbsynth.schema.model import ForeignKey, Schema, Table
from dbsynth.schema.types import arrow_type

FUNCTIONS: dict[type[exp.Expression], Function] = {
    exp.Sum: "sum", exp.Count: "count", exp.Min: "min", exp.Max: "max", exp.Avg: "avg",
}  # fmt: skip
SHAPES = 'write "table.column = parent.column" or "parent.column = sum(child.column * child.column)"'


def check_declared(schema: Schema, texts: Iterable[str]) -> None:
    """Raises ConfigError for what cannot be read, or names a table, column or key that ``schema`` does not have."""
    for text in texts:
        _read(schema, text)


def declared_facts(plan: Plan, texts: Iterable[str]) -> list[Fact]:
    """The facts among tables of the plan; kept tables stay as they are."""
    facts = []
    for text in texts:
        if {t for t, _ in _tables(plan.schema, text)} == {True}:
            fact = _read(plan.schema, text)
            if plan[fact.table].kept is None:
                facts.append(fact)
    return facts


def _parsed(text: str) -> exp.EQ:
    try:
        tree = sqlglot.parse_one(text)
    except sqlglot.errors.SqlglotError as cause:
        raise ConfigError(f"dbsynth.toml: [facts] declare: {text!r} cannot be read", hint=SHAPES) from cause
    if not isinstance(tree, exp.EQ) or not isinstance(tree.this, exp.Column) or not tree.this.table:
        raise _wrong(text, "it is no equation of a column")
    return tree


def _wrong(text: str, why: str) -> ConfigError:
    return ConfigError(f"dbsynth.toml: [facts] declare: {text!r}: {why}", hint=SHAPES)


def _tables(schema: Schema, text: str) -> Iterator[tuple[bool, str]]:
    """The tables (or keys) that a declaration names, and whether ``schema`` has them."""
    keys = {k.name for t in schema for k in t.foreign_keys if k.ref_table in schema.by_name}
    for column in _parsed(text).find_all(exp.Column):
        written = f"{column.db}.{column.table}" if column.db else column.table
        yield bool(_find(schema, written)) or written in keys, written


def _find(schema: Schema, written: str) -> list[Table]:
    return [t for t in schema if written in (t.name.name, str(t.name))]


def _read(schema: Schema, text: str) -> Fact:
    tree = _parsed(text)
    for known, written in _tables(schema, text):
        if not known:
            names = [str(t.name) for t in schema] + [t.name.name for t in schema]
            near = difflib.get_close_matches(written, names, 1)
            raise ConfigError(
                f"dbsynth.toml: [facts] declare: {text!r}: there is no table {written}",
                hint=f"did you mean {near[0]!r}?" if near else "see dbsynth inspect",
            )
    table = _table(schema, tree.this, text)
    column = _column(table, tree.this, text)
    right = tree.expression
    if isinstance(right, exp.Column):
        return _copy(schema, table, column, right, text)
    if type(right) in FUNCTIONS:
        return _aggregate(schema, table, column, right, text)
    raise _wrong(text, "the right side is neither a column nor a sum, count, min, max or avg")


def _table(schema: Schema, column: exp.Column, text: str) -> Table:
    written = f"{column.db}.{column.table}" if column.db else column.table
    found = _find(schema, written)
    if len(found) != 1:
        raise _wrong(text, f"{written} is {'a table of several schemas' if found else 'no table'}")
    return found[0]


def _column(table: Table, column: exp.Column, text: str) -> str:
    if column.name not in table.by_name:
        near = difflib.get_close_matches(column.name, table.by_name, 1)
        raise ConfigError(
            f"dbsynth.toml: [facts] declare: {text!r}: {table.name} has no column {column.name}",
            hint=f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(table.by_name)}",
        )
    declared = table.column(column.name)
    if declared.generated is not None:
        raise _wrong(text, f"{table.name}.{column.name} is computed by the database")
    return str(column.name)


def _check_open(table: Table, column: str, text: str) -> None:
    held = {c for key in table.unique_keys for c in key} | {c for k in table.foreign_keys for c in k.columns}
    if column in held:
        raise _wrong(text, f"{table.name}.{column} is part of a key")


def _joining(
    schema: Schema, text: str, column: exp.Column, fixed: Table, *, fixed_is_child: bool
) -> tuple[Table, ForeignKey]:
    """The table on the right, and the key between it and ``fixed``."""
    written = f"{column.db}.{column.table}" if column.db else column.table
    keys = [
        (t, k)
        for t in schema
        for k in t.foreign_keys
        if k.ref_table in schema.by_name and fixed.name == (t.name if fixed_is_child else k.ref_table)
    ]
    ends = [(schema[k.ref_table] if fixed_is_child else t, k, t) for t, k in keys]
    found = [(e, k) for e, k, _ in ends if k.name == written]
    if not found:
        found = [(e, k) for e, k, _ in ends if written in (e.name.name, str(e.name))]
    if len(found) > 1:
        names = ", ".join(k.name for _, k in found)
        raise ConfigError(
            f"dbsynth.toml: [facts] declare: {text!r}: several foreign keys join {fixed.name} and {written}",
            hint=f"write the name of one of them for the table on the right: {names}",
        )
    if not found:
        raise ConfigError(
            f"dbsynth.toml: [facts] declare: {text!r}: no foreign key joins {fixed.name} and {written}",
            hint="declare it with [[foreign_keys]]",
        )
    return found[0]


def _copy(schema: Schema, table: Table, column: str, right: exp.Column, text: str) -> Copy:
    parent, key = _joining(schema, text, right, table, fixed_is_child=True)
    source = _column(parent, right, text)
    _check_open(table, column, text)
    if parent.name == table.name:
        raise _wrong(text, "rows of one table cannot copy each other")
    own, theirs = table.column(column), parent.column(source)
    if not comparable(own, theirs):
        raise _wrong(text, f"{own.declared} and {theirs.declared} are different types")
    sure = always_fits(own, theirs) and not any(table.column(c).nullable for c in key.columns)
    return Copy(
        table.name, key.name, parent.name, (column,), (source,), label(table.name, schema),
        path(table, key, parent.name, schema), rows=0, families=0, share=1.0, whole=sure,
    )  # fmt: skip


def _aggregate(schema: Schema, table: Table, column: str, right: exp.Expression, text: str) -> Aggregate:
    function = FUNCTIONS[type(right)]
    columns = list(right.find_all(exp.Column))
    if not columns or len({(c.db, c.table) for c in columns}) != 1 or not columns[0].table:
        raise _wrong(text, "the right side has to name columns of one table, each with the table")
    child, key = _joining(schema, text, columns[0], table, fixed_is_child=False)
    _check_open(table, column, text)
    factors: tuple[Factor, ...] = ()
    if function == "count":
        if not isinstance(right.this, exp.Column) or not isinstance(right.this.this, exp.Star):
            raise _wrong(text, "rows are counted as count(table.*)")
    else:
        factors = tuple(_factor(child, node, text) for node in _factors(right.this, text))
        for name in (column, *(f.column for f in factors)):
            owner = table if name == column else child
            if not isinstance(owner.column(name).type, sqltypes.Integer | sqltypes.Numeric) and (
                function not in ("min", "max")
                or arrow_type(owner.column(name).type) != arrow_type(table.column(column).type)
            ):
                raise _wrong(text, f"{owner.name}.{name} holds no numbers")
    empty: Empty = "zero" if function in ("count", "sum") else "null" if table.column(column).nullable else "free"
    return Aggregate(
        table.name, column, child.name, key.name, function, factors, empty, scale_of(table, column),
        label(table.name, schema), path(child, key, child.name, schema), rows=0, families=0,
    )  # fmt: skip


def _factors(node: exp.Expression, text: str) -> Sequence[exp.Expression]:
    node = node.unnest()
    if isinstance(node, exp.Mul):
        return [*_factors(node.this, text), *_factors(node.expression, text)]
    return [node]


def _factor(child: Table, node: exp.Expression, text: str) -> Factor:
    if isinstance(node, exp.Sub) and node.this.unnest().sql() == "1" and isinstance(node.expression, exp.Column):
        return Factor(_column(child, node.expression, text), complement=True)
    if isinstance(node, exp.Column):
        return Factor(_column(child, node, text))
    raise _wrong(text, f"{node.sql()} is neither a column nor 1 - column")


def scale_of(table: Table, column: str) -> int | None:
    """The decimals that a column holds; None: a float, or a number of any decimals."""
    type_ = table.column(column).type
    if isinstance(type_, sqltypes.Float) or (isinstance(type_, sqltypes.Numeric) and type_.precision is None):
        return None
    return int(type_.scale or 0) if isinstance(type_, sqltypes.Numeric) else 0
