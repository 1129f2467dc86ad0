"""A target of one database for rows of another: names and values change on their way in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sqltypes

from dbsynth.dialect import Building, Database, RunInfo, Target, Verified, load_dialect
from dbsynth.errors import InternalError
from dbsynth.grammar import Grammar
from dbsynth.schema.arrays import values_of
from dbsynth.schema.model import Column, Schema, TableName
from dbsynth.schema.types import arrow_type
from dbsynth.sqlbase.arrow import mapped, retyped
from dbsynth.translate.expressions import Untranslatable, translate
from dbsynth.translate.schema import TranslatedTable, Translation, translated

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


class TranslatingTarget:
    """Implements ``dbsynth.dialect.Target`` over the target of another database."""

    def __init__(self, inner: Target, source: Grammar, grammar: Grammar) -> None:
        self.inner, self.source, self.grammar = inner, source, grammar
        self._translation: Translation | None = None

    def prepare(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo, *, replace: bool) -> None:
        self._translation = translated(schema, self.source, self.grammar)
        self.inner.prepare(self._translation.schema, mapping, run, replace=replace)

    def attach(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> None:
        self._translation = translated(schema, self.source, self.grammar)
        self.inner.attach(self._translation.schema, mapping, run)

    def load(self, table: TableName, batches: Iterable[pa.RecordBatch]) -> int:
        found = self._table(table)
        return self.inner.load(found.target.name, (_translated_batch(found, b, whole=True) for b in batches))

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

    def finish(self, progress: Callable[[str], None]) -> tuple[Verified, ...]:
        return self.inner.finish(progress)

    def building(self) -> Building:
        return self.inner.building()

    def publish(self) -> None:
        self.inner.publish()

    def discard(self) -> None:
        self.inner.discard()

    def close(self) -> None:
        self.inner.close()

    def _table(self, name: TableName) -> TranslatedTable:
        if self._translation is None:
            raise InternalError("neither prepare nor attach was called on this target")
        return self._translation[name]


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
