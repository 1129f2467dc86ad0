"""Tables in memory in the place of a database: what planning and preparing ask of ``dbsynth.dialect.Database``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.dialect import Count, Dialect, ReadRequest, Sample, Target
from dbsynth.errors import UsageError
from dbsynth.relation.keys import combined, group_ids, row_index
from dbsynth.rng import generator
from dbsynth.schema.model import Schema, TableName

PLACE = "tables in memory"
ROW = "\x1f"


class FramesDatabase:
    """``rows`` by table: the stored columns in the types in which they travel."""

    dialect: Dialect

    def __init__(self, schema: Schema, rows: Mapping[TableName, pa.Table]) -> None:
        self.schema, self.rows = schema, dict(rows)

    def describe(self) -> str:
        return PLACE

    def identity(self) -> str:
        return f"memory:{id(self)}"

    def introspect(self, schemas: Sequence[str] | None = None) -> Schema:
        return self.schema

    def measured(self, schema: Schema) -> Schema:
        return schema

    def bind(self, schema: Schema) -> None:
        return None

    def billed(self, schema: Schema) -> int | None:
        return None

    def check_readable(self, schema: Schema) -> None:
        return None

    @contextmanager
    def snapshot(self) -> Iterator[str]:
        yield ""

    def count(self, tables: Sequence[TableName], snapshot: str | None = None) -> dict[TableName, int]:
        return {name: self.rows[name].num_rows for name in tables}

    def read(self, request: ReadRequest, snapshot: str | None = None) -> Iterator[pa.RecordBatch]:
        rows = self.rows[request.table]
        if request.sample is not None:
            rows = rows.filter(pa.array(_sampled(rows, request.sample)))
        if request.order_by:
            rows = rows.take(_order(rows, request.order_by))
        if request.limit is not None:
            rows = rows.slice(0, request.limit)
        picked = rows.select(list(request.columns)).combine_chunks()
        yield from picked.to_batches() or [pa.RecordBatch.from_pylist([], schema=picked.schema)]

    def degrees(
        self, table: TableName, columns: tuple[str, ...], sample: Sample | None = None, snapshot: str | None = None
    ) -> pa.Table:
        rows = self.rows[table]
        if sample is not None:
            rows = rows.filter(pa.array(_sampled(rows, sample)))
        rows = rows.select(list(columns)).drop_null()
        counted = rows.append_column("n", pa.array(np.ones(rows.num_rows, np.int64)))
        grouped = counted.group_by(list(columns)).aggregate([("n", "sum")]).rename_columns([*columns, "n"])
        return grouped.take(_order(grouped, columns)).combine_chunks()

    def place(self, name: TableName) -> str:
        return str(name)

    def schema_names(self) -> list[tuple[str, bool]]:
        return [(name, False) for name in self.schema.schemas]

    def own_counts(self, schema: Schema) -> Mapping[TableName, tuple[Count, ...]]:
        return {}

    def numbers(self, sql: str, about: str) -> list[int]:
        raise UsageError(f"{about}: tables in memory cannot be asked in SQL", hint="load them into a database")

    def target(self) -> Target:
        raise UsageError("tables in memory are no target", hint="name a database")

    def close(self) -> None:
        return None


@dataclass(frozen=True)
class HeldOrigin:
    """Frames that are held by this process: tasks that read them run in it."""

    number: int

    def open(self) -> FramesDatabase:
        return _held[self.number]


_held: dict[int, FramesDatabase] = {}


@contextmanager
def held(database: FramesDatabase) -> Iterator[HeldOrigin]:
    number = id(database)
    _held[number] = database
    try:
        yield HeldOrigin(number)
    finally:
        del _held[number]


def _order(rows: pa.Table, columns: Sequence[str]) -> np.ndarray:
    """Positions in ascending order, nulls last, equal rows as they stand."""
    arrays = [combined(rows.column(c)) for c in columns]
    arrays = [a.cast(pa.int8()) if pa.types.is_boolean(a.type) else a for a in arrays]
    keys = [pc.rank(a, tiebreaker="dense") for a in arrays]
    return np.lexsort([k.to_numpy(zero_copy_only=False) for k in reversed(keys)])


def _sampled(rows: pa.Table, sample: Sample) -> np.ndarray:
    """bool (rows,): whose hash is below the fraction. Equal values share one fate in every table."""
    if not sample.columns:
        return np.asarray(generator(sample.salt, "rows of a sample").random(rows.num_rows) < sample.fraction)
    texts = [combined(rows.column(c)).cast(pa.string()).fill_null("\x1e") for c in sample.columns]
    joined = pc.binary_join_element_wise(*texts, ROW) if len(texts) > 1 else texts[0]
    coded = joined.dictionary_encode()
    hashes = np.array([_hash(f"{v}{ROW}{sample.salt}") for v in coded.dictionary.to_pylist()] or [0], np.uint64)
    shares = hashes.astype(np.float64) / 2.0**64
    return np.asarray(shares[coded.indices.to_numpy(zero_copy_only=False)] < sample.fraction)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def check_keys(schema: Schema, rows: Mapping[TableName, pa.Table]) -> None:
    """Raises UsageError where the rows break a key that the schema gives them: nobody has enforced it before."""
    for table in schema.tables:
        own = rows[table.name]
        for key in table.unique_keys:
            ids, _ = group_ids([own.column(c) for c in key])
            known = ids[ids >= 0]
            if repeats := len(known) - len(np.unique(known)):
                raise UsageError(
                    f"{table.name.name}: ({', '.join(key)}) is no key: {repeats:,} rows repeat another",
                    hint="take it out of the schema, or remove the rows",
                )
        if table.primary_key is not None:
            for column in table.primary_key.columns:
                if own.column(column).null_count:
                    raise UsageError(
                        f"{table.name.name}.{column}: null in the primary key", hint="remove the rows, or name another"
                    )
        for fk in table.foreign_keys:
            ids, _ = group_ids([own.column(c) for c in fk.columns])
            parent = rows[fk.ref_table]
            at = row_index([own.column(c) for c in fk.columns], [parent.column(c) for c in fk.ref_columns])
            if lost := int(((ids >= 0) & (at < 0)).sum()):
                raise UsageError(
                    f"{table.name.name}: {lost:,} rows refer over ({', '.join(fk.columns)}) to no row of "
                    f"{fk.ref_table.name}",
                    hint="remove the rows, set the column to null in them, or leave the foreign key out",
                )
