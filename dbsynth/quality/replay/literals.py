"""What may stand in a generated query: values that k rows share, and quantiles that no single row shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import types as sqltypes

from dbsynth.dialect import Database, ReadRequest, Sample
from dbsynth.schema.model import Column, ForeignKey, Schema, Table, TableName
from dbsynth.schema.roles import infer_roles

SAMPLE_ROWS = 20_000
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
MOST_CATEGORIES = 200
YEARS = (-62_135_596_800, 253_402_300_799)
"""Seconds since 1970 of the first and last moment that every database can write: years 1 to 9999."""
LONGEST = 200
"""Characters of a literal."""


@dataclass(frozen=True)
class ColumnValues:
    """Of one column, as SQL of the canonical dialect (PostgreSQL's). ``categories``: by falling frequency.
    ``quantiles``: by share of the rows below; ``moment``: they are dates or timestamps. ``key``: of a primary or
    foreign key. Personal columns have no values."""

    categories: tuple[str, ...] = ()
    quantiles: Mapping[float, str] = field(default_factory=dict)
    moment: bool = False
    key: bool = False
    personal: bool = False


@dataclass(frozen=True)
class TableValues:
    rows: int
    columns: Mapping[str, ColumnValues]
    children: Mapping[str, int] = field(default_factory=dict)
    """By name of a foreign key: children that nine of ten parents with children do not exceed."""


def look(database: Database, schema: Schema, counts: Mapping[TableName, int], snapshot: str, k: int) -> dict[
    TableName, TableValues
]:  # fmt: skip
    """``database`` is bound to ``schema``. One sample a table, held one at a time."""
    found = {}
    for table in schema.tables:
        rows = counts[table.name]
        sample = None if rows <= SAMPLE_ROWS else Sample(_spread(table), SAMPLE_ROWS / rows)
        names = tuple(c.name for c in table.stored_columns)
        batches = list(database.read(ReadRequest(table.name, names, sample), snapshot))
        values = pa.Table.from_batches(batches)
        share = values.num_rows / rows if rows else 1.0
        children = {key.name: _children(database, table, key, share, snapshot) for key in table.foreign_keys}
        found[table.name] = TableValues(rows, _columns(table, values, k, rows), children)
    return found


def _spread(table: Table) -> tuple[str, ...]:
    return table.primary_key.columns if table.primary_key else ()


def _children(database: Database, table: Table, key: ForeignKey, share: float, snapshot: str) -> int:
    sample = None if share >= 1 else Sample(key.columns, min(1.0, share))
    degrees = database.degrees(table.name, key.columns, sample, snapshot)["n"].to_numpy()
    return int(np.quantile(degrees, 0.9, method="lower")) if len(degrees) else 0


def _columns(table: Table, values: pa.Table, k: int, rows: int) -> dict[str, ColumnValues]:
    roles = infer_roles(table, values, k, rows)
    keys = {c for key in table.foreign_keys for c in key.columns} | set(_spread(table))
    found = {}
    for column in table.stored_columns:
        array = values.column(column.name).combine_chunks()
        if roles[column.name].personal:
            found[column.name] = ColumnValues(personal=True)
        else:
            found[column.name] = replace(_column(column, array, k), key=column.name in keys)
    return found


def _column(column: Column, array: pa.Array, k: int) -> ColumnValues:
    known = array.drop_null()
    if len(known) < 2 * k:
        return ColumnValues()
    match column.type:
        case sqltypes.Boolean() | sqltypes.String() | sqltypes.Enum():
            return ColumnValues(_categories(known, k, column))
        case sqltypes.Date() | sqltypes.DateTime():
            return ColumnValues((), _quantiles(known, k, column), moment=True)
        case sqltypes.Integer() | sqltypes.Numeric():
            few = pc.count_distinct(known).as_py() <= 12
            return ColumnValues(_categories(known, k, column) if few else (), _quantiles(known, k, column))
    return ColumnValues()


def _categories(known: pa.Array, k: int, column: Column) -> tuple[str, ...]:
    """Values that k rows of the sample share, if most rows have one of them: else the column is no category."""
    counted = pc.value_counts(known)
    counts = counted.field("counts").to_numpy(zero_copy_only=False)
    values = counted.field("values").to_pylist()
    shared = [(int(-n), str(v), v) for v, n in zip(values, counts, strict=True) if n >= k]
    if sum(-n for n, _, _ in shared) < 0.5 * len(known) or len(shared) > MOST_CATEGORIES:
        return ()
    ordered = [v for _, text, v in sorted(shared, key=lambda s: s[:2]) if len(text) <= LONGEST]
    return tuple(text for v in ordered if (text := _literal(v, column)))


def _quantiles(known: pa.Array, k: int, column: Column) -> dict[float, str]:
    """The mean of the k values around each, in whole numbers, seconds or days where the type has those."""
    if isinstance(column.type, sqltypes.Date):
        days = known.cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.float64)
        numbers = days[(days > YEARS[0] / 86_400) & (days < YEARS[1] / 86_400)]
    elif isinstance(column.type, sqltypes.DateTime):
        if not pa.types.is_timestamp(known.type):
            return {}
        micros = known.cast(pa.timestamp("us", tz=known.type.tz), safe=False).cast(pa.int64())
        seconds = micros.to_numpy(zero_copy_only=False) / 1e6
        numbers = seconds[(seconds > YEARS[0]) & (seconds < YEARS[1])]
    else:
        numbers = known.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    numbers = np.sort(numbers[np.isfinite(numbers)])
    if len(numbers) < 2 * k or numbers[0] == numbers[-1]:
        return {}
    found = {}
    for q in QUANTILES:
        at = int(np.clip(round(q * len(numbers)) - k // 2, 0, len(numbers) - k))
        found[q] = _number(float(numbers[at : at + k].mean()), column)
    return found


def _number(value: float, column: Column) -> str:
    match column.type:
        case sqltypes.Date():
            return f"DATE '{np.datetime64(0, 'D') + np.timedelta64(round(value), 'D')}'"
        case sqltypes.DateTime():
            told = str(np.datetime64(0, "s") + np.timedelta64(round(value), "s")).replace("T", " ")
            zone = "+00" if column.type.timezone else ""
            return f"CAST('{told}{zone}' AS {'TIMESTAMPTZ' if zone else 'TIMESTAMP'})"
        case sqltypes.Integer():
            return str(round(value))
    scale = getattr(column.type, "scale", None)
    return f"{value:.{scale}f}" if isinstance(scale, int) and scale >= 0 else f"{value:.6g}"


def _literal(value: object, column: Column) -> str:
    """Empty for a text that databases read differently."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(column.type, sqltypes.Integer | sqltypes.Numeric):
        return str(value) if np.isfinite(float(str(value))) else ""
    text = str(value)
    if "\\" in text or "\0" in text:
        return ""
    return "'" + text.replace("'", "''") + "'"
