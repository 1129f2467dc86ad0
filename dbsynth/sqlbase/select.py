"""The SELECTs that read rows: which expressions, which rows of a sample, in which order."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from dbsynth.dialect import ReadRequest, Sample
from dbsynth.errors import UsageError
from dbsynth.schema.model import Column, Table
from dbsynth.schema.types import arrow_type
from dbsynth.sqlbase.grammar import SqlGrammar, is_scalar

HEX_DIGITS = 12
"""Of the hash: enough to cut a sample to one row in 10^14."""


def columns_of(table: Table, names: Sequence[str]) -> list[Column]:
    for name in names:
        if name not in table.by_name:
            raise UsageError(
                f"table {table.name} has no column {name!r}",
                hint=f"it has: {', '.join(table.by_name)}",
            )
    return [table.column(name) for name in names]


def arrow_schema(table: Table, names: Sequence[str]) -> pa.Schema:
    return pa.schema([(c.name, arrow_type(c.type)) for c in columns_of(table, names)])


def rows(grammar: SqlGrammar, source: str, table: Table, request: ReadRequest) -> str:
    """The SELECT of a request; ``source``: the table's place, as of the snapshot."""
    picked = columns_of(table, request.columns)
    values = ", ".join(f"{grammar.value(c)} AS {grammar.quote(f'c{i}')}" for i, c in enumerate(picked))
    sql = f"SELECT {values or '1 AS c0'} FROM {source}"
    if request.sample is not None and request.sample.fraction < 1:
        sql += f" WHERE {sampled(grammar, table, request.sample)}"
    if order := _order(grammar, table, request):
        sql += f" ORDER BY {', '.join(order)}"
    if request.limit is not None:
        sql += f" LIMIT {int(request.limit)}"
    return sql


def _order(grammar: SqlGrammar, table: Table, request: ReadRequest) -> list[str]:
    """Sort keys that leave no row's place to chance, for a warehouse gives rows in any order and does not enforce keys:
    after the columns asked for all others; for some rows of a sample, the rows' hashes."""
    if request.limit is not None and request.sample is not None and not request.order_by:
        return [grammar.hashed(row_text(grammar, table, Sample((), 1.0)))]
    columns = columns_of(table, tuple(dict.fromkeys(request.order_by + request.columns)))
    return [grammar.sort_key(c) for c in columns]


def degrees(grammar: SqlGrammar, source: str, table: Table, columns: Sequence[str], sample: Sample | None) -> str:
    """``columns`` and the number of rows of each distinct value of them, where none is null."""
    picked = columns_of(table, columns)
    conditions = [f"{grammar.quote(c)} IS NOT NULL" for c in columns]
    if sample is not None and sample.fraction < 1:
        conditions.append(sampled(grammar, table, sample))
    values = ", ".join(f"{grammar.value(c)} AS {grammar.quote(f'c{i}')}" for i, c in enumerate(picked))
    names = ", ".join(grammar.quote(c) for c in columns)
    order = ", ".join(grammar.sort_key(c) for c in picked)
    return (
        f"SELECT {values}, COUNT(*) AS {grammar.quote('n')} FROM {source} WHERE {' AND '.join(conditions)}"
        f" GROUP BY {names} ORDER BY {order}"
    )


def sampled(grammar: SqlGrammar, table: Table, sample: Sample) -> str:
    """The condition that a row is in the sample: the first digits of a hash of its values are below a bound."""
    below = f"{min(max(round(sample.fraction * 16**HEX_DIGITS), 0), 16**HEX_DIGITS - 1):0{HEX_DIGITS}x}"
    hashed = grammar.hashed(row_text(grammar, table, sample))
    return f"SUBSTR({hashed}, 1, {HEX_DIGITS}) < {grammar.literal(below)}"


def row_text(grammar: SqlGrammar, table: Table, sample: Sample) -> str:
    """What is hashed of a row: the sample's columns. Without columns, all that can be compared: rows that are equal in
    them share one fate."""
    picked = columns_of(table, sample.columns) or [c for c in table.stored_columns if is_scalar(c)]
    if not picked:
        picked = list(table.stored_columns)
    mark = grammar.literal("\x1e")
    parts = [f"COALESCE({grammar.hash_text(c)}, {mark})" for c in picked]
    return f" || {grammar.literal(chr(31))} || ".join([*parts, grammar.literal(str(sample.salt))])
