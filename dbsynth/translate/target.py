"""A target of one database for rows of another: names and values change on their way in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sqltypes

from dbsynth.dialect import Appender, Appends, Attached, Building, Database, RunInfo, Target, Verified, load_dialect
from dbsynth.errors import InternalError, UsageError
from dbsynth.grammar import Grammar
from dbsynth.schema.arrays import values_of
from dbsynth.schema.model import Column, Schema, Table, TableName
from dbsynth.schema.types import arrow_type
from dbsynth.sqlbase.arrow import mapped, retyped
from dbsynth.translate.expressions import Untranslatable, translate
from dbsynth.translate.schema import TranslatedTable, Translation, translated

Inner = TypeVar("Inner", bound=Attached)
IN_MEMORY = "postgresql"
"""The dialect in whose SQL the CHECKs of tables in memory are written."""


def source_grammar(dialect: str | None) -> Grammar:
    """How the source of rows writes names, types and CHECKs. None: tables in memory."""
    return load_dialect(IN_MEMORY if dialect is None else dialect).grammar


def open_target(database: Database, source_dialect: str | None) -> Target:
    """The target of ``database`` for rows of a source of ``source_dialect``; None: tables in memory, whose types are
    those of no database and always translated."""
    if database.dialect.name == source_dialect:
        return database.target()
    return TranslatingTarget(database.target(), source_grammar(source_dialect), database.dialect.grammar)


def open_appender(database: Database, source_dialect: str | None) -> Appender:
    """As ``open_target``, for rows beside those that are there. UsageError for a database that cannot."""
    if not isinstance(database, Appends):
        raise UsageError(
            f"rows cannot be appended in {database.dialect.name} yet, only in PostgreSQL and DuckDB",
            hint="make the target anew, with more rows: dbsynth generate … --scale",
        )
    if database.dialect.name == source_dialect:
        return database.appender()
    return TranslatingAppender(database.appender(), source_grammar(source_dialect), database.dialect.grammar)


class _Translating(Generic[Inner]):
    def __init__(self, inner: Inner, source: Grammar, grammar: Grammar) -> None:
        self.inner, self.source, self.grammar = inner, source, grammar
        self._translation: Translation | None = None

    def attach(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> None:
        self._translation = translated(schema, self.source, self.grammar)
        self.inner.attach(self._translation.schema, mapping, run)

    def rejected(self, table: TableName, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        """An expression without a counterpart rejects nothing (the plan has said that its CHECK is left out)."""
        found = self._table(table)
        out = np.zeros((batch.num_rows, len(expressions)), dtype=bool)
        known = {i: text for i, e in enumerate(expressions) if (text := self._text(found, e)) is not None}
        if known:
            rows = _translated_batch(found, batch, whole=False)
            out[:, list(known)] = self.inner.rejected(found.target.name, list(known.values()), rows)
        return out

    def _text(self, table: TranslatedTable, expression: str) -> str | None:
        try:
            return translate(expression, table.source, self.source, self.grammar, table.columns)
        except Untranslatable:
            return None

    def close(self) -> None:
        self.inner.close()

    def _table(self, name: TableName) -> TranslatedTable:
        if self._translation is None:
            raise InternalError("neither prepare nor attach was called on this target")
        return self._translation[name]


class TranslatingTarget(_Translating[Target]):
    """Implements ``dbsynth.dialect.Target`` over the target of another database."""

    def prepare(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo, *, replace: bool) -> None:
        self._translation = translated(schema, self.source, self.grammar)
        self.inner.prepare(self._translation.schema, mapping, run, replace=replace)

    def load(self, table: TableName, batches: Iterable[pa.RecordBatch]) -> int:
        found = self._table(table)
        return self.inner.load(found.target.name, (_translated_batch(found, b, whole=True) for b in batches))

    def finish(self, progress: Callable[[str], None]) -> tuple[Verified, ...]:
        return self.inner.finish(progress)

    def building(self) -> Building:
        return self.inner.building()

    def publish(self) -> None:
        self.inner.publish()

    def discard(self) -> None:
        self.inner.discard()


class TranslatingAppender(_Translating[Appender]):
    """Implements ``dbsynth.dialect.Appender`` over that of another database."""

    def hold(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> dict[str, str | None]:
        self._translation = translated(schema, self.source, self.grammar)
        return self.inner.hold(self._translation.schema, mapping, run)

    def append(
        self,
        order: Sequence[TableName],
        batches: Callable[[TableName], Iterable[pa.RecordBatch]],
        marks: Mapping[str, str],
        progress: Callable[[TableName, int], None],
    ) -> tuple[Verified, ...]:
        own = {self._table(name).target.name: name for name in order}
        return self.inner.append(
            list(own),
            lambda name: (_translated_batch(self._table(own[name]), b, whole=True) for b in batches(own[name])),
            marks,
            lambda name, rows: progress(own[name], rows),
        )


@dataclass(frozen=True)
class Live:
    """Where a table stands in a target: its name there, and the name there of each of its columns."""

    table: Table
    name: TableName
    columns: Mapping[str, str]


def live_tables(
    schema: Schema, mapping: Mapping[str, str], source_dialect: str | None, database: Database
) -> dict[TableName, Live]:
    """``table``: as it was created. Computed columns of another database are ordinary ones, and not told of."""
    if database.dialect.name == source_dialect:
        return {
            t.name: Live(t, TableName(mapping[t.name.schema], t.name.name), {c.name: c.name for c in t.stored_columns})
            for t in schema
        }
    found = translated(schema, source_grammar(source_dialect), database.dialect.grammar)
    return {
        name: Live(
            t.target,
            TableName(mapping[name.schema], t.target.name.name),
            {c.name: t.columns[c.name] for c in t.source.stored_columns},
        )
        for name, t in found.tables.items()
    }


def _translated_batch(table: TranslatedTable, batch: pa.RecordBatch, *, whole: bool) -> pa.RecordBatch:
    """``whole``: with the columns that the source computes."""
    arrays, fields = [], []
    for column in table.source.columns:
        goal = table.target.column(table.columns[column.name])
        if column.name in table.computed:
            if not whole:
                continue
            values = table.computed[column.name].column(batch, datetime.now(UTC), arrow_type(column.type))
        elif column.name in batch.schema.names:
            values = batch.column(column.name)
        else:
            continue
        arrays.append(_translated_array(values, column, goal, f"{table.source.name}.{column.name}"))
        fields.append(pa.field(goal.name, arrow_type(goal.type)))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _translated_array(values: pa.Array, column: Column, goal: Column, where: str) -> pa.Array:
    if isinstance(column.type, sqltypes.ARRAY) and isinstance(goal.type, sqltypes.JSON):
        item = column.type.item_type
        return mapped(values, lambda text: json.dumps(values_of(text, item), ensure_ascii=False))
    return retyped(values, arrow_type(goal.type), where)


def translated_notes(schema: Schema, dialect: str | None, target: Database) -> dict[TableName, tuple[str, ...]]:
    """What translating from ``dialect`` (None: tables in memory) changes or loses, for the plan. Raises
    UnsupportedSource as ``translated`` does."""
    if target.dialect.name == dialect:
        return {}
    found = translated(schema, source_grammar(dialect), target.dialect.grammar)
    return {name: table.notes for name, table in found.tables.items()}
