"""The write side of a database that is reached by SQL alone: rows go into schemas beside the target."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from dbsynth.dialect import Building, RunInfo, Verified
from dbsynth.errors import CannotClone, InternalError, TargetRefused, UnsupportedSource
from dbsynth.schema.model import Schema, Table, TableName
from dbsynth.sqlbase import building, verify
from dbsynth.sqlbase.arrow import clamped, staged_batch, staged_columns
from dbsynth.sqlbase.database import Row, SqlDatabase
from dbsynth.sqlbase.ddl import Ddl

LOG = logging.getLogger(__name__)
TESTS_A_STATEMENT = 20
ROW = "dbsynth_row"


class SqlTarget(ABC):
    """Implements ``dbsynth.dialect.Target``. A dialect adds how schemas are made, marked and swapped, and how rows get
    in. ``schema`` is what is built, ``mapping`` its schemas' names in the target, ``places`` where they are built."""

    ddl_class: type[Ddl] = Ddl

    def __init__(self, database: SqlDatabase) -> None:
        self.database = database
        self.grammar = database.grammar
        self._schema: Schema | None = None
        self._run: RunInfo | None = None
        self.mapping: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self.replace = False
        self.ddl = self.ddl_class(self.grammar, database.dialect.capabilities.constraints, self.built)

    # --- what a dialect adds ----------------------------------------------------------------------------------------

    @abstractmethod
    def marks(self) -> dict[str, str | None]:
        """Every schema of the database with the mark that ``create_schema`` gave it."""

    @abstractmethod
    def holds_anything(self, schema: str) -> bool: ...

    @abstractmethod
    def create_schema(self, name: str, mark: str) -> None: ...

    @abstractmethod
    def drop_schema(self, name: str) -> None: ...

    @abstractmethod
    def create_tables(self) -> None:
        """Create the building tables at ``built``."""

    @abstractmethod
    def insert(self, table: Table, place: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Bulk-insert batches of ``arrow.staged_batch``, all or none."""

    @abstractmethod
    def swap(self, existing: Sequence[str]) -> None:
        """Put the building schemas in the place of the targets; ``existing``: the targets that are there."""

    def query(self, sql: str, about: str = "") -> list[Row]:
        """A statement where the building schemas are."""
        return self.database.query(sql, about)

    def after_rows(self, progress: Callable[[str], None]) -> None:
        """Keys, comments: what is made when the rows are in."""
        return

    # --- from nothing to empty tables -------------------------------------------------------------------------------

    @property
    def schema(self) -> Schema:
        if self._schema is None:
            raise InternalError("neither prepare nor attach was called on this target")
        return self._schema

    @property
    def run(self) -> RunInfo:
        if self._run is None:
            raise InternalError("neither prepare nor attach was called on this target")
        return self._run

    def built(self, name: TableName) -> str:
        """The place of a table while it is built."""
        return self.database.place(TableName(self.places[name.schema], name.name))

    def _take(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> None:
        used = {t.name.schema for t in schema}
        self._schema, self._run = schema, run
        self.mapping = {s: t for s, t in mapping.items() if s in used}
        longest = self.grammar.longest_name
        self.places = {s: building.scratch_name(t, run.run_id, longest) for s, t in self.mapping.items()}

    def prepare(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo, *, replace: bool) -> None:
        self.replace = replace
        _check_names(self.grammar.allows_name, mapping, schema)
        self._check_not_source(mapping, run)
        marks = self.marks()
        self._clear_dead(marks)
        self._take(schema, mapping, run)
        self._existing(marks)
        try:
            for source, name in self.places.items():
                self.create_schema(name, building.Builder.here(run, self.mapping[source]).mark())
            self.create_tables()
        except BaseException:
            self.discard()
            raise

    def attach(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> None:
        self._take(schema, mapping, run)

    def _check_not_source(self, mapping: Mapping[str, str], run: RunInfo) -> None:
        if run.source_identity == self.database.identity():
            clash = [t for t in mapping.values() if t in mapping]
            if clash:
                raise TargetRefused(
                    f"the target {', '.join(clash)} is (a schema of) the source: it is never written",
                    hint="name another schema: --to SCHEMA, or another database: --to URL",
                )

    def _clear_dead(self, marks: Mapping[str, str | None]) -> None:
        for name, mark in marks.items():
            builder = building.Builder.of(mark)
            if builder is None:
                continue
            if not builder.local:
                LOG.warning("schema %s is being built on %s, or was left there by a run that died", name, builder.host)
            elif not builder.alive and building.is_scratch(name):
                self.drop_schema(name)

    def _existing(self, marks: Mapping[str, str | None]) -> list[str]:
        """The targets that are there, all of which may be replaced."""
        for mark in marks.values():
            other = building.Builder.of(mark)
            if other is None or other.run == self.run.run_id or other.target not in self.mapping.values():
                continue
            if other.local and other.alive:
                raise TargetRefused(
                    f"the run {other.run} (process {other.pid}) is building {other.target} of "
                    f"{self.database.describe()}",
                    hint="wait for it, or give another target",
                )
        found = [t for t in self.mapping.values() if t in marks]
        for name in found:
            if building.is_ours(marks[name]) or self.replace or not self.holds_anything(name):
                continue
            raise TargetRefused(
                f"the schema {name} of {self.database.describe()} exists and dbsynth did not make it",
                hint="--replace replaces it; or name another: --to SCHEMA",
            )
        return found

    # --- rows -------------------------------------------------------------------------------------------------------

    def load(self, table: TableName, batches: Iterable[pa.RecordBatch]) -> int:
        """Counted afterwards: a statement that is tried again after an answer was lost must not have run twice."""
        found, place = self._table(table), self.built(table)
        rows = self.insert(found, place, self._staged(found, batches))
        [row] = self.query(f"SELECT COUNT(*) AS n FROM {place}", f"table {table}")
        if (held := int(next(iter(row.values())))) != rows:
            raise CannotClone(f"table {table} holds {held:,} rows after {rows:,} were loaded", hint="run it again")
        return rows

    def _staged(self, table: Table, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            staged = staged_batch(table, batch)
            if not self.grammar.infinity:
                years = self.grammar.years
                staged = pa.record_batch([clamped(a, years) for a in staged.columns], schema=staged.schema)
            yield staged

    def rejected(self, table: TableName, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        if not expressions or not batch.num_rows:
            return np.zeros((batch.num_rows, len(expressions)), dtype=bool)
        return self.judged(self._table(table), expressions, batch)

    def judged(self, table: Table, expressions: Sequence[str], batch: pa.RecordBatch) -> np.ndarray:
        raise InternalError(f"{self.database.dialect.name} cannot judge rows of {table.name}")

    def numbered(self, table: Table, batch: pa.RecordBatch) -> pa.RecordBatch:
        """``batch`` as it is handed in, with the number of each row."""
        names = [c.name for c in table.stored_columns if c.name in batch.schema.names]
        staged = staged_columns(table, batch, names)
        numbers = pa.array(np.arange(batch.num_rows))
        return pa.record_batch([*staged.columns, numbers], schema=staged.schema.append(pa.field(ROW, pa.int64())))

    def judgement(self, place: str, expressions: Sequence[str]) -> str:
        tests = ", ".join(
            f"{self.grammar.false_where(f'({e})')} AS {self.grammar.quote(f't{i}')}" for i, e in enumerate(expressions)
        )
        return f"SELECT {tests} FROM {place} ORDER BY {self.grammar.quote(ROW)}"

    def _table(self, name: TableName) -> Table:
        try:
            return self.schema[name]
        except KeyError as error:
            raise InternalError(f"table {name} is not among those the target was prepared for") from error

    # --- from full tables to the target -----------------------------------------------------------------------------

    def finish(self, progress: Callable[[str], None]) -> tuple[Verified, ...]:
        self.after_rows(progress)
        verified: list[Verified] = []
        for table in self.schema:
            progress(f"verify {table.name}")
            verified += self._verify(table)
        verify.must_hold(verified)
        return tuple(verified)

    def _verify(self, table: Table) -> Iterator[Verified]:
        tests = list(verify.counts_of(self.grammar, self.schema, table, self.built))
        for start in range(0, len(tests), TESTS_A_STATEMENT):
            some = tests[start : start + TESTS_A_STATEMENT]
            row = self.query(verify.together(some, self.grammar), f"verifying {table.name}")[0]
            for test, count in zip(some, row.values(), strict=True):
                yield test.verified(table, int(count))

    def building(self) -> Building:
        return Building(self.database, dict(self.places))

    def publish(self) -> None:
        # Again: someone may have made a target while the rows were generated.
        self.swap(self._existing(self.marks()))

    def discard(self) -> None:
        for name in self.places.values():
            self.drop_schema(name)

    def close(self) -> None:
        return None


def moved(schema: Schema, places: Mapping[str, str]) -> Schema:
    """``schema`` with its tables, and what refers to them, in other schemas."""

    def there(name: TableName) -> TableName:
        return TableName(places[name.schema], name.name) if name.schema in places else name

    return replace(
        schema,
        tables=tuple(
            replace(
                t,
                name=there(t.name),
                foreign_keys=tuple(replace(k, ref_table=there(k.ref_table)) for k in t.foreign_keys),
            )
            for t in schema.tables
        ),
    )


def _check_names(allows: Callable[[str, str], str | None], mapping: Mapping[str, str], schema: Schema) -> None:
    for kind, name, where in _names(mapping, schema):
        if why := allows(name, kind):
            raise UnsupportedSource(
                f"the {kind} name {name!r}{where} cannot be used in the target: {why}",
                hint="name another target schema" if kind == "schema" else "leave the table out: --exclude",
            )
    folded: dict[tuple[str, str], str] = {}
    for name in mapping.values():
        if building.is_scratch(name):
            raise TargetRefused(f"{name!r} is the kind of name that dbsynth builds under", hint="name another schema")
        if folded.setdefault(("", name), name) != name or list(mapping.values()).count(name) > 1:
            raise TargetRefused(f"two schemas would both become {name}", hint="clone them one by one")


def _names(mapping: Mapping[str, str], schema: Schema) -> Iterator[tuple[str, str, str]]:
    for name in mapping.values():
        yield "schema", name, ""
    for table in schema:
        yield "table", table.name.name, ""
        for column in table.columns:
            yield "column", column.name, f" of {table.name}"
