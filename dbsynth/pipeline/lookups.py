"""Lookup tables: code says ``WHERE status = 'shipped'``, so their rows keep their keys and labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import types as sqltypes

from dbsynth.codec.units import fraction_digits
from dbsynth.dialect import Database, ReadRequest
from dbsynth.pipeline.known import LEAST_COLUMNS
from dbsynth.pipeline.plan import Kept, degree_column
from dbsynth.pipeline.units import unwhole, whole
from dbsynth.privacy.smoothing import smoothed
from dbsynth.relation.keys import combined, row_index, take
from dbsynth.schema.model import ForeignKey, Schema, Table, TableName
from dbsynth.schema.roles import ColumnRole

MOST_ROWS = 256
"""A lookup table has at most this many rows ..."""
MOST_COLUMNS = 5
"""... and at most this many columns beside its keys."""
SMALL_ROWS, MOST_MEASURES = 20, 1
"""Beyond so many rows, at most this many of them may be measures: a table of labels, not of facts."""
ROWS_A_LOOKUP = 5
"""A table is looked up by some table with at least this many rows for each of its own."""
LABELS = frozenset(
    ("label", "code", "natural_key", "country", "state", "city", "category", "country_code", "currency", "language")
) | {"locale", "time_zone", "colour", "salutation", "sex", "slug", "version", "sku", "flag", "initials", "domain"}
STRUCTURED = ("structured", "json", "xml")
LABEL_BLANKS = 2.5
"""A second label with more words than that is a text about the row, not its name."""


def kept_tables(
    database: Database,
    schema: Schema,
    candidates: Sequence[Table],
    forced: Collection[TableName],
    rows: Mapping[TableName, int],
    roles: Mapping[TableName, Mapping[str, ColumnRole]],
    k: int,
    snapshot: str | None,
) -> dict[TableName, Kept]:
    """Lookup tables among ``candidates``, with the rows that at least ``k`` rows refer to: for their children,
    categories seen k times. ``forced``: tables that are kept whole, whatever they hold."""
    kept: dict[TableName, Kept] = {}
    for table in schema.tables:
        pointing = [(t.name, fk) for t in schema.tables for fk in t.foreign_keys if fk.ref_table == table.name]
        wanted = table in candidates and rows[table.name] and _is_lookup(table, rows, roles[table.name], pointing)
        if table.name not in forced and not wanted:
            continue
        request = ReadRequest(
            table.name,
            tuple(c.name for c in table.stored_columns),
            order_by=table.primary_key.columns if table.primary_key else (),
        )
        found = pa.Table.from_batches(list(database.read(request, snapshot)))
        total = [0] * found.num_rows
        for child, fk in pointing:
            degree = _degrees_of(database, found, child, fk, snapshot)
            found = found.append_column(degree_column(child, fk), pa.array(degree, pa.int64()))
            if child != table.name:
                total = [a + b for a, b in zip(total, degree, strict=True)]
        for fk in (fk for child, fk in pointing if child == table.name):
            total = _with_descendants(found, fk, total)
        if table.name in forced:
            kept[table.name] = Kept(found, "kept whole: --keep")
            continue
        mask = pa.array([n >= k for n in total])
        if any(mask.to_pylist()):
            chosen, remade = found.filter(mask), _remade(table, roles[table.name], found, k)
            but = f"; made anew: {', '.join(remade)}" if remade else ""
            reason = f"lookup table: {chosen.num_rows} of {found.num_rows} rows, >= {k} rows point at each{but}"
            kept[table.name] = Kept(blurred(table, chosen, remade, k), reason, remade)
    return kept


def _with_descendants(rows: pa.Table, fk: ForeignKey, total: list[int]) -> list[int]:
    """What refers to a row of a tree refers to those above it too: a department is known by the products of its
    categories."""
    above = row_index([rows.column(c) for c in fk.columns], [rows.column(c) for c in fk.ref_columns])
    out = np.array(total)
    for start in range(len(total)):
        seen, at = {start}, int(above[start])
        while at >= 0 and at not in seen:
            out[at] += total[start]
            seen.add(at)
            at = int(above[at])
    return [int(n) for n in out]


def _is_lookup(
    table: Table,
    rows: Mapping[TableName, int],
    roles: Mapping[str, ColumnRole],
    pointing: list[tuple[TableName, ForeignKey]],
) -> bool:
    held = _in_keys(table)
    attributes = [c for c in table.stored_columns if c.name not in held]
    children = [(child, fk) for child, fk in pointing if child != table.name]
    measures = [c for c in attributes if roles[c.name].kind in ("number", "moment") and c.default is None]
    return (
        bool(children)
        and rows[table.name] <= MOST_ROWS
        and len(attributes) <= MOST_COLUMNS
        and (rows[table.name] <= SMALL_ROWS or len(measures) <= MOST_MEASURES)
        and not any(r.personal for r in roles.values())
        and max(rows[child] for child, _ in children) >= ROWS_A_LOOKUP * rows[table.name]
    )


def _in_keys(table: Table) -> set[str]:
    return {c for key in table.unique_keys for c in key} | {c for fk in table.foreign_keys for c in fk.columns}


def blurred(table: Table, rows: pa.Table, remade: Sequence[str], k: int) -> pa.Table:
    """``rows`` of ``table`` without the values of the columns that are ``remade``: texts are empty, numbers and moments
    the means of k rows. What is left says where there is a value, and about how large it is."""
    for name in remade:
        column = combined(rows.column(name))
        there = np.asarray(column.is_valid())
        if pa.types.is_string(column.type) and isinstance(table.column(name).type, sqltypes.Numeric):
            places = int(fraction_digits(column.drop_null()).max(initial=0))
            numbers = column.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
            blank = pa.array([f"{v:.{places}f}" for v in _smooth(numbers, there, k)], pa.string(), mask=~there)
        elif pa.types.is_string(column.type):
            blank = pa.array(np.full(len(column), ""), pa.string(), mask=~there)
        elif pa.types.is_boolean(column.type):
            blank = pa.array(np.zeros(len(column), bool), mask=~there)
        elif pa.types.is_floating(column.type):
            blank = pa.array(_smooth(column.fill_null(0.0).to_numpy(zero_copy_only=False), there, k), mask=~there)
        else:
            numbers = np.zeros(len(column))
            numbers[there] = whole(column)
            blank = take(
                unwhole(np.round(_smooth(numbers, there, k)), column.type), np.where(there, np.arange(len(there)), -1)
            )
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(at), combined(blank).cast(column.type))
    return rows


def _smooth(values: np.ndarray, there: np.ndarray, k: int) -> np.ndarray:
    """float64 ``values``, each the mean of k neighbours in their order, where ``there``."""
    out = np.zeros(len(values))
    known = values[there].astype(np.float64)
    finite = np.where(np.isfinite(known), known, 0.0)
    means = smoothed(finite, k)
    rank = np.argsort(np.argsort(finite, kind="stable"), kind="stable")
    out[there] = means[(rank - k // 2).clip(0, len(means) - 1)] if len(known) else known
    return out


def _remade(table: Table, roles: Mapping[str, ColumnRole], rows: pa.Table, k: int) -> tuple[str, ...]:
    """The columns that are no key, no category and no label: texts about the row, unique tokens, and where a row has
    more than a value to it, measures and moments."""
    held = _in_keys(table)
    own = [c for c in table.stored_columns if c.name not in held]
    remade, labelled = [], False
    for column in own:
        role = roles[column.name]
        if role.kind == "category" and role.role not in STRUCTURED:
            continue
        if role.kind in ("number", "moment") and len(own) < LEAST_COLUMNS:
            continue
        if pc.count_distinct(rows.column(column.name)).as_py() == 1 and rows.num_rows >= k:
            continue
        if role.role in LABELS and pa.types.is_string(rows.schema.field(column.name).type):
            blanks = pc.mean(pc.count_substring(rows.column(column.name).drop_null(), " ")).as_py() or 0.0
            if not labelled or blanks <= LABEL_BLANKS:
                labelled = True
                continue
        remade.append(column.name)
    return tuple(remade)


def _degrees_of(
    database: Database, parents: pa.Table, child: TableName, fk: ForeignKey, snapshot: str | None
) -> list[int]:
    counts = database.degrees(child, fk.columns, None, snapshot)
    at = row_index([parents.column(c) for c in fk.ref_columns], [counts.column(c) for c in fk.columns])
    n = counts.column("n").to_pylist()
    return [n[i] if i >= 0 else 0 for i in at]
