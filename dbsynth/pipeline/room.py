"""Whether the wanted rows have room: in the keys of their table, and in the memory of this machine. Known before
anything is trained or written."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import types as sqltypes

from dbsynth.errors import UnsatisfiableConstraint, UsageError
from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.schema.implied import Implied
from dbsynth.schema.model import Column, Table, TableName

ROW_BYTES, COLUMN_BYTES = 32, 12
"""What a row of a table that is made takes at the very least: its place under its parent; a value and a code."""


def key_places(table: Table, implied: Implied) -> int | None:
    """How many rows the unique keys allow that consist of columns with a closed set of values; None: any number."""
    fewest = None
    for key in table.unique_keys:
        places = 1
        for column in map(table.column, key):
            values = _closed(column, implied)
            if values is None or column.nullable:  # nulls differ from each other
                break
            places *= values
        else:
            fewest = places if fewest is None else min(fewest, places)
    return fewest


def _closed(column: Column, implied: Implied) -> int | None:
    if (values := closed_values(column, implied)) is not None:
        return len(values)
    low, high = implied.low.get(column.name), implied.high.get(column.name)
    if isinstance(column.type, sqltypes.Integer) and low is not None and high is not None:
        return max(0, int(high) - int(low) + 1)
    return None


def closed_values(column: Column, implied: Implied) -> tuple[Any, ...] | None:
    """The only values that type and CHECKs of ``column`` allow; None where there is no such list."""
    if column.name in implied.allowed:
        return implied.allowed[column.name]
    if isinstance(column.type, sqltypes.Enum):
        return tuple(column.type.enums)
    return (False, True) if isinstance(column.type, sqltypes.Boolean) else None


def highest_key(column: Column) -> int:
    """The largest whole number that the type of ``column`` holds."""
    type_ = column.type
    limit = 2**63 - 1
    if isinstance(type_, sqltypes.SmallInteger):
        limit = 2**15 - 1
    elif isinstance(type_, sqltypes.Integer) and not isinstance(type_, sqltypes.BigInteger):
        limit = 2**31 - 1
    precision = getattr(type_, "precision", None)
    if isinstance(type_, sqltypes.Numeric) and not isinstance(type_, sqltypes.Float) and precision:
        limit = min(limit, 10 ** (precision - (type_.scale or 0)) - 1)
    return limit


def check_fits(table: TableName, column: Column, rows: int, highest: int) -> None:
    """Raises where the last of ``rows`` numbered rows, ``highest``, is beyond the type of its key."""
    limit = highest_key(column)
    if highest > limit:
        raise UnsatisfiableConstraint(
            f"{table}.{column.name}: {rows:,} rows need keys up to {highest:,}, its type ends at {limit:,}",
            hint=f"ask for fewer rows: --rows {table.name}=N or a smaller --scale",
        )


def check_room(plan: Plan, memory: int | None = None) -> None:
    """Raises where the rows of a table have no room. ``memory``: bytes, those of this machine if not given."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if memory is None else memory
    for table in plan.tables:
        for column in table.columns:
            if column.how == "serial":
                check_fits(table.name, table.table.column(column.name), table.made_rows, table.made_rows)
        needed = bytes_needed(table)
        if needed > memory:
            raise UsageError(
                f"{table.name}: {table.rows:,} rows need at least {_gibibytes(needed)} of memory, this machine has "
                f"{_gibibytes(memory)}",
                hint=f"ask for fewer rows: --rows {table.name.name}=N or a smaller --scale",
            )


def bytes_needed(table: TablePlan) -> int:
    return table.rows * (ROW_BYTES + COLUMN_BYTES * len(table.columns))


def _gibibytes(number: int) -> str:
    return f"{number / 2**30:,.1f} GiB"
