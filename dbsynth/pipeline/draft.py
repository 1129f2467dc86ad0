"""The rows of one table while they are made: codes, columns and parents, and what is done to some of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from dbsynth.codec.table import TableCodec
from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.model.base import FittedModel
from dbsynth.pipeline.beside import made_beside
from dbsynth.pipeline.borrowed import borrow
from dbsynth.pipeline.fact_rows import copy_columns
from dbsynth.pipeline.kinds import made_parents
from dbsynth.pipeline.known import Known
from dbsynth.pipeline.plan import Plan, TablePlan, degree_column
from dbsynth.pipeline.row_rules import follow
from dbsynth.pipeline.rules import Rules
from dbsynth.pipeline.spool import Made
from dbsynth.pipeline.unfolding import path_columns
from dbsynth.relation.assign import Parent
from dbsynth.relation.cluster import Clusters
from dbsynth.relation.degrees import Degrees
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import combined, take
from dbsynth.relation.siblings import SiblingState
from dbsynth.relation.steps import Steps
from dbsynth.relation.unique import Lattice
from dbsynth.rng import generator
from dbsynth.schema.model import TableName
from dbsynth.schema.types import arrow_type
from dbsynth.values.base import ValueGenerator

CHUNK = 32_768
"""Rows that are drawn from the model at once: bounds the memory of the network's activations."""
LOST_SHARE = 0.05
"""More than this share of rows without a valid place is an error, not a warning."""


@dataclass
class Learned:
    """All that is needed to make a table: no row of the source but the kept ones in its plan."""

    plan: TablePlan
    codec: TableCodec
    model: FittedModel
    generators: list[ValueGenerator]
    clusters: Mapping[str, Clusters]
    lattices: Mapping[str, Lattice]
    lines: frozenset[str]
    null_context: float
    seen: tuple[np.ndarray, ...]
    """Per code column the codes that occur in the source: no other is drawn."""
    known: Known | None = None
    degrees: Mapping[str, Degrees] = field(default_factory=dict)
    """Per column of ``TablePlan.degrees``: how many children how many parents have."""
    lineage: tuple[TableName, ...] = ()
    """The tables above that the model sees, nearest first."""
    siblings: SiblingState | None = None
    steps: Steps | None = None

    @property
    def shown(self) -> np.ndarray:
        """The code columns that rows of other tables see."""
        return shown(self.codec, self.steps)


def shown(codec: TableCodec, steps: Steps | None) -> np.ndarray:
    """Of the code columns those that mean something without the row's siblings: the clock, not the gap."""
    hidden = {codec.spans[c].start for c in steps.drawn} if steps is not None else set()
    return np.array([j for j in range(len(codec.cardinalities)) if j not in hidden], np.int64)


@dataclass
class Draft:
    """``n`` rows in the making. ``codes`` int32 (n, code columns); ``columns``: finished values by name; ``member``:
    the parent row by foreign key; ``parent``, ``position``, ``siblings``: place under the context parent; ``context``
    int32 (n, context columns): what the model sees. ``parents``: the finished tables that the keys point to.
    ``outside``: columns beside those of the table from which its moments count; ``timed``: the moments of a sequence,
    known before the rows are decoded. ``standing``: rows that are in the target already (see ``Appended``), their
    stored columns and the counts of their children. ``before``: rows of earlier parts of the
    table; ``places``: of learned unique columns, the values that only this part may have. ``enforce`` False: rows that
    break a constraint are dropped; ``violations``: how many broke which."""

    plan: Plan
    learned: Learned
    parents: Mapping[TableName, Made]
    seed: int
    rules: Rules
    enforce: bool = True
    progress: Callable[[int], None] = lambda rows: None
    standing: pa.Table | None = None
    before: int = 0
    places: Mapping[str, Lattice] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    violations: dict[str, int] = field(default_factory=dict)
    n: int = 0
    codes: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    parent: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    position: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    siblings: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    context: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    columns: dict[str, pa.Array] = field(default_factory=dict)
    member: dict[str, np.ndarray] = field(default_factory=dict)
    outside: dict[str, pa.Array] = field(default_factory=dict)
    timed: dict[str, pa.Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.table = self.learned.plan
        self.spans = self.learned.codec.spans
        self.key_codes = [k for k in self.table.keys if k.code in self.spans]

    def rng(self, *names: str | int) -> np.random.Generator:
        return generator(self.seed, self.plan.stream(self.table.name), *names)

    def sample(
        self,
        rows: np.ndarray,
        given: np.ndarray | None,
        *stream: str | int,
        seen: Sequence[np.ndarray] | None = None,
    ) -> np.ndarray:
        """``seen``: the codes that may be drawn, if not all that occur in the source."""
        parts = []
        for start in range(0, len(rows), CHUNK):
            part = slice(start, start + CHUNK)
            parts.append(
                self.learned.model.sample(
                    self.context[rows[part]],
                    self.rng("codes", *stream, start),
                    given=None if given is None else given[part],
                    allowed=self.learned.seen if seen is None else seen,
                )
            )
            self.progress(min(start + CHUNK, len(rows)))
        width = len(self.learned.codec.cardinalities)
        return np.concatenate(parts) if parts else np.zeros((0, width), np.int32)

    def code(self, key: KeyPlan) -> np.ndarray | None:
        return self.codes[:, self.spans[key.code]][:, 0].astype(np.int64) if key.code in self.spans else None

    def parent_of(self, key: KeyPlan) -> Parent:
        made = self.parents[key.key.ref_table]
        column = degree_column(self.table.name, key.key)
        known = column in made.rows.column_names
        degrees = made.rows.column(column).to_numpy() if known else np.ones(made.rows.num_rows)
        context = self.plan[key.key.ref_table].context
        upper = self.parents.get(context.key.ref_table) if context else None
        rows = made_parents(made, self.learned.clusters.get(key.code), upper)
        return Parent(rows, degrees.astype(np.float64), made.kept)

    def decode(self, rows: np.ndarray, *stream: str | int) -> None:
        """Set the columns of ``rows`` from their codes (all rows the first time), and what is told by others."""
        outside = self.outside_of(rows) | {n: take(self.columns.get(n, a), rows) for n, a in self.timed.items()}
        decoded = self.learned.codec.decode(self.codes[rows], self.rng("decode", *stream), outside)
        fresh = {
            c.name: decoded[c.name]
            for c in self.table.columns
            if c.how == "modelled" and c.name not in self.learned.lines
        }
        present = {}
        for column in self.table.columns:
            if column.how == "made":
                known = decoded.get(column.name)
                always = np.ones(len(rows), bool)
                present[column.name] = always if known is None else known.to_numpy(zero_copy_only=False).astype(bool)
        for column in self.table.columns:
            if column.how == "computed":
                fresh[column.name] = pa.nulls(len(rows), arrow_type(self.table.table.column(column.name).type))
        for name, array in (fresh | {n: decoded[n] for n in path_columns(self)}).items():
            self.set(name, rows, array)
        copy_columns(self, rows, made=False)
        self.make_values(rows, present, *stream)
        copy_columns(self, rows, made=True)
        follow(self, rows)

    def outside_of(self, rows: np.ndarray) -> dict[str, pa.Array]:
        """Of the rows ``rows``."""
        return {n: take(a, rows) for n, a in self.outside.items()}

    def make_values(self, rows: np.ndarray, present: Mapping[str, np.ndarray], *stream: str | int) -> None:
        everything = len(rows) == self.n
        row = {n: a if everything else take(a, rows) for n, a in self.columns.items()} | made_beside(self, rows)
        for i, maker in enumerate(self.learned.generators):
            made = maker.generate({c: present[c] for c in maker.columns}, row, self.rng("made", i, *stream))
            for name, array in made.items():
                self.set(name, rows, array)
                row[name] = combined(array)
        borrow(self, rows, *stream)

    def set(self, name: str, rows: np.ndarray, values: pa.Array) -> None:
        values = combined(values)
        if len(rows) == self.n or name not in self.columns:
            self.columns[name] = values
            return
        where = np.arange(self.n)
        where[rows] = self.n + np.arange(len(rows))
        self.columns[name] = take(pa.concat_arrays([self.columns[name], values.cast(self.columns[name].type)]), where)

    def given(self, rows: np.ndarray, loose: Sequence[KeyPlan] = ()) -> np.ndarray:
        """Codes of ``rows`` with keys kept, but for the ``loose`` ones, and everything else open. The moments of a
        sequence are kept too: the rows that follow count from them."""
        given = np.full((len(rows), self.codes.shape[1]), -1, np.int32)
        steps = self.learned.steps
        timed = [*steps.drawn, steps.clock] if steps is not None else []
        for name in [k.code for k in self.key_codes if k not in loose] + self.modelled_keys + timed:
            given[:, self.spans[name]] = self.codes[rows][:, self.spans[name]]
        return given

    def code_of(self, name: str, rows: np.ndarray, values: pa.Array) -> tuple[slice, np.ndarray]:
        """The code columns that tell of ``values`` of a column of ``rows``, and their codes. Of the moment of a
        sequence that is its clock: the gap stays what it was drawn as."""
        codec, steps = self.learned.codec, self.learned.steps
        if steps is not None and name == steps.column:
            name = steps.clock
        return self.spans[name], codec.encode_column(name, values, self.outside_of(rows))

    def drop(self, lost: np.ndarray, why: str) -> None:
        count = int(lost.sum())
        if count > max(2, LOST_SHARE * self.n):
            raise UnsatisfiableConstraint(
                f"{self.table.name}: {count} of {self.n} rows cannot be made: {why}",
                hint=f"ask for fewer rows: --rows {self.table.name.name}=N",
            )
        self.warnings.append(f"{count} of {self.n} rows were given up: {why}")
        self.keep(np.flatnonzero(~lost))

    def keep(self, keep: np.ndarray) -> None:
        """Only the rows ``keep``."""
        self.n = len(keep)
        self.codes, self.context = self.codes[keep], self.context[keep]
        self.parent, self.position, self.siblings = self.parent[keep], self.position[keep], self.siblings[keep]
        self.columns = {c: take(a, keep) for c, a in self.columns.items()}
        self.member = {k: m[keep] for k, m in self.member.items()}
        self.outside, self.timed = self.outside_of(keep), {n: take(a, keep) for n, a in self.timed.items()}

    def batch(self, rows: np.ndarray | None = None) -> pa.RecordBatch:
        names = [c.name for c in self.table.table.stored_columns]
        arrays = [self.columns[n] if rows is None else take(self.columns[n], rows) for n in names]
        return pa.RecordBatch.from_arrays(arrays, names=names)

    def kept_table(self) -> pa.Table | None:
        """The rows that are there before the first is made."""
        if self.standing is not None:
            return self.standing
        return self.table.kept.rows if self.table.kept else None

    @property
    def modelled_keys(self) -> list[str]:
        """Learned columns in a unique key: once it is kept, they stay."""
        return [
            c.name
            for c in self.table.columns
            if c.how == "modelled" and c.name in self.spans and self.in_unique_key(c.name)
        ]

    def in_unique_key(self, column: str) -> bool:
        return any(column in u for u in self.table.table.unique_keys)
