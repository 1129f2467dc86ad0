"""The two sides of a comparison, table by table, in samples of bounded size that keep families whole."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.dialect import Database, ReadRequest, Sample, column_types
from dbsynth.pipeline.plan import Plan
from dbsynth.relation.keys import group_ids
from dbsynth.schema.model import ForeignKey, Schema, Table, TableName

SAMPLE_ROWS = 50_000
HELD_BYTES = 128 << 20
"""Of rows of one side that were read last, for whoever asks for the same ones again."""
SURPLUS = 1.3
"""A sample by hash has more or fewer rows than its share: it is cut above so many times the limit."""

Asked = tuple[TableName, Sample | None, tuple[str, ...], int | None]
"""A table, which of its rows, in which order, how many."""


@dataclass(frozen=True)
class Family:
    """Rows of a child table and those of its parents; each parent with all its children, unless ``torn``."""

    children: pa.Table
    parents: pa.Table
    torn: bool


@dataclass
class Side:
    """One database. Tables and columns are asked for by the names of ``Sides.schema``; rows come with those names and
    in the types of that schema. ``names``, ``columns``: what they are called here."""

    database: Database
    schema: Schema
    names: Mapping[TableName, TableName]
    columns: Mapping[TableName, Mapping[str, str]]
    counts: Mapping[TableName, int]
    snapshot: str | None = None
    limit: int = SAMPLE_ROWS
    salt: int = 0
    _held: OrderedDict[Asked, pa.Table] = field(default_factory=OrderedDict, init=False, repr=False)
    """The one asked for last is the last."""

    @classmethod
    def of(cls, database: Database, schema: Schema, snapshot: str | None = None, limit: int = SAMPLE_ROWS) -> Side:
        """A source by itself: its tables and columns are called as they are."""
        names = {t.name: t.name for t in schema.tables}
        columns = {t.name: {c.name: c.name for c in t.stored_columns} for t in schema.tables}
        return cls(database, schema, names, columns, database.count(list(names), snapshot), snapshot, limit)

    def has(self, table: TableName, columns: Sequence[str]) -> bool:
        return table in self.columns and set(columns) <= set(self.columns[table])

    def rows(self, table: TableName) -> pa.Table:
        """All rows of a table of at most ``limit`` rows; of a larger one the rows whose primary key's hash is small."""
        if self.counts[table] <= self.limit:
            return self._read(table, None)
        key = self.schema[table].primary_key
        return self._read(table, self._sample(key.columns if key else (), self.limit / self.counts[table], table))

    def share(self, key: ForeignKey, child: TableName) -> float:
        """Of the families that ``family`` reads."""
        return min(1.0, self.limit / max(1, self.counts[child], self.counts[key.ref_table]))

    def family(self, child: TableName, key: ForeignKey, share: float | None = None) -> Family:
        """``share``: of the families, None for as many as the limit lets."""
        part = self.share(key, child) if share is None else share
        if part >= 1.0:
            return Family(self.rows(child), self.rows(key.ref_table), torn=False)
        parents = self._read(key.ref_table, self._sample(key.ref_columns, part, key.ref_table))
        children = self._read(child, self._sample(key.columns, part, child))
        most = int(SURPLUS * self.limit)
        return Family(children, parents, torn=children.num_rows >= most or parents.num_rows >= most)

    def siblings(self, table: TableName, family: tuple[str, ...], order: tuple[str, ...]) -> pa.Table:
        """Rows as whole families, those that share their values of ``family``; without one, the first in ``order``."""
        if self.counts[table] <= self.limit:
            return self.rows(table)
        here = self.columns[table]
        if not family:
            return self._read(table, None, tuple(here[c] for c in order), self.limit)
        share, most = self.limit / self.counts[table], int(SURPLUS * self.limit)
        rows = self._read(table, self._sample(family, share, table), tuple(here[c] for c in family))
        if rows.num_rows < most:
            return rows
        groups, _ = group_ids([rows.column(c) for c in family])  # the last family may be cut
        return rows.filter(pa.array(groups != groups[-1]))

    def _sample(self, columns: tuple[str, ...], share: float, table: TableName) -> Sample:
        """By the hash of ``columns``, or of whole rows where one of them is not here."""
        here = self.columns[table]
        return Sample(tuple(here[c] for c in columns) if self.has(table, columns) else (), share, self.salt)

    def _read(
        self, table: TableName, sample: Sample | None, order: tuple[str, ...] = (), limit: int | None = None
    ) -> pa.Table:
        asked = (table, sample, order, limit)
        if asked in self._held:
            self._held.move_to_end(asked)
            return self._held[asked]
        wanted = [c.name for c in self.schema[table].stored_columns if c.name in self.columns[table]]
        rows = self.read(table, wanted, sample, limit if sample is None else int(SURPLUS * self.limit), order)
        self._held[asked] = rows
        while sum(held.nbytes for held in self._held.values()) > HELD_BYTES:
            self._held.popitem(last=False)
        return rows

    def read(
        self,
        table: TableName,
        columns: Sequence[str],
        sample: Sample | None = None,
        limit: int | None = None,
        order: tuple[str, ...] = (),
    ) -> pa.Table:
        """``columns`` of a table. ``sample`` and ``order`` (else by the primary key) name theirs as they are called
        here."""
        declared = self.schema[table]
        here = self.columns[table]
        key = declared.primary_key
        order = order or (tuple(here[c] for c in key.columns) if key and self.has(table, key.columns) else ())
        request = ReadRequest(self.names[table], tuple(here[c] for c in columns), sample, order, limit)
        found = pa.Table.from_batches(list(self.database.read(request, self.snapshot)))
        types = column_types(declared)
        arrays = [as_type(found.column(here[c]).combine_chunks(), types.field(c).type) for c in columns]
        return pa.table(dict(zip(columns, arrays, strict=True)))


@dataclass
class Sides:
    """``schema``: the tables that both sides have, as the real side declares them. ``plan``: how the rows were made
    (roles, kept rows, facts, rules). ``catalog``: of the made side, in its own names."""

    schema: Schema
    real: Side
    made: Side
    plan: Plan
    catalog: Schema = field(default_factory=lambda: Schema(()))

    def table(self, name: TableName) -> Table:
        return self.schema[name]

    def lead(self, child: TableName, key: ForeignKey) -> bool:
        """Whether both sides have the columns of ``key``, and those that it leads to."""
        sides = (self.real, self.made)
        return all(s.has(child, key.columns) and s.has(key.ref_table, key.ref_columns) for s in sides)


def as_type(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """``array`` in the type of the other side; what cannot be cast stays as it is, and is compared as text."""
    if array.type == wanted:
        return array
    try:
        return pc.cast(array, wanted, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return array
