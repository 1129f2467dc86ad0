"""What a model can be asked about values and rows: its filters, and how often each says yes by chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.dumps.reading import unnamed
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.known import Known
from dbsynth.relation.keys import combined
from dbsynth.schema.identifiers.recognise import bare
from dbsynth.schema.model import TableName
from dbsynth.schema.roles import AREAS, DIRECT
from dbsynth.values.column import MadeColumn
from dbsynth.values.guard import Filter, Guard
from dbsynth.values.numbered import Numbered
from dbsynth.values.person import Identities

TELLING = DIRECT - AREAS - {"first_name", "last_name"} | {"text", "html", "markdown", "hash"}
"""Roles whose values two strangers hardly share: not first names, for any list of people has some of the source's."""
LEAST_LENGTH = 6
"""Shorter values are not asked for: anybody's "ok" is the source's "ok" too."""


@dataclass(frozen=True)
class ValueWitness:
    """Knows the values of a column that never come out. ``chance``: of a yes to a value that was not there."""

    table: TableName
    column: str
    guard: Guard
    bared: bool
    """Whether the guard also knows values without their separators (identifiers)."""

    @property
    def chance(self) -> float:
        share = fill(self.guard.filter)
        return 1 - (1 - share) ** 2 if self.bared else share

    def yes(self, values: pa.Array) -> np.ndarray:
        """bool (values,), of texts without nulls."""
        found = self.guard.perhaps(self.guard.words(values))
        if self.bared:
            plain = pa.array([bare(v) for v in values.to_pylist()], pa.string())
            found = found | self.guard.perhaps(self.guard.words(plain))
        return found


@dataclass(frozen=True)
class RowWitness:
    """Knows the rows of a table over all its columns but the keys and what never comes out."""

    table: TableName
    known: Known
    names: tuple[str, ...]
    """All columns that are written, in their order: an INSERT may name none."""

    @property
    def chance(self) -> float:
        """Rows that a clone may share with the source are no proof: twice as many are allowed for."""
        return min(1.0, fill(self.known.filter) + 2 * self.known.allowed)

    def yes(self, columns: Mapping[str, pa.Array]) -> np.ndarray | None:
        """bool (distinct rows,); None where ``columns`` (texts) lack one, or hold what its type cannot be."""
        if list(columns) == unnamed(len(self.names)):
            columns = dict(zip(self.names, columns.values(), strict=True))
        if not (set(self.known.columns) | set(self.known.never)) <= set(columns):
            return None
        for start in (0, 1):  # the first row may be a header
            there = {c: columns[c].slice(start) for c in [*self.known.never, *self.known.columns]}
            try:
                typed = {c: typed_as(there[c], t) for c, t in self.known.columns.items()}
            except pa.ArrowException:
                continue
            rows = len(next(iter(typed.values())))
            hashes = self.known.digest(typed, rows)[self.known.comparable(there)]
            return self.known.filter.perhaps(np.unique(hashes))
        return None


def typed_as(texts: pa.Array, type_: pa.DataType) -> pa.Array:
    """Raises ArrowException for texts that are none of ``type_``."""
    if pa.types.is_boolean(type_):  # as COPY writes them
        texts = pc.replace_substring_regex(texts, r"^t$", "true")
        texts = pc.replace_substring_regex(texts, r"^f$", "false")
    if pa.types.is_string(type_):
        return texts
    return combined(texts.cast(type_))


def fill(filter_: Filter) -> float:
    """The share of places that are taken: how often the filter says yes to what it does not know."""
    return float(np.unpackbits(filter_.bits).sum()) / len(filter_) if len(filter_) else 0.0


def value_witnesses(learned: Mapping[TableName, Learned]) -> Iterator[ValueWitness]:
    for table, found in learned.items():
        if found.plan.kept is not None:  # its rows are the source's, and may be
            continue
        roles = {c.name: c.role for c in found.plan.columns}
        for generator in found.generators:
            for column, guard, bared in _guards(generator):
                if len(guard) and roles.get(column) in TELLING:
                    yield ValueWitness(table, column, guard, bared)


def _guards(generator: object) -> Iterator[tuple[str, Guard, bool]]:
    match generator:
        case MadeColumn():
            yield generator.columns[0], generator.guard, False
        case Numbered():
            yield generator.columns[0], generator.guard, True
        case Identities():
            for column, maker in generator.makers.items():
                yield column, maker.guard, False


def row_witnesses(learned: Mapping[TableName, Learned]) -> Iterator[RowWitness]:
    for table, found in learned.items():
        if found.plan.kept is None and found.known is not None and len(found.known.filter):
            yield RowWitness(table, found.known, tuple(c.name for c in found.plan.table.stored_columns))
