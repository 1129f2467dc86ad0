"""The CHECKs of one table while its rows are made: evaluated here where that is possible, by the database elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa

from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.pipeline.unique_indexes import UniqueIndex, unique_indexes
from dbsynth.schema.checks import Implied, ParsedCheck, implications, parse_checks
from dbsynth.schema.model import Table, TableName
from dbsynth.schema.repair import apply_computed, construct, repair

Judge = Callable[[TableName, Sequence[str], pa.RecordBatch], np.ndarray]
"""Evaluates SQL expressions on rows in the database: bool (rows, expressions), True where one is false."""


LOANS = 6
"""Times that rows are offered the values of others: each asks the database once."""


@dataclass
class Rules:
    """``local``: CHECKs that are evaluated here; ``remote``: texts of those that only the database can evaluate."""

    table: Table
    local: list[ParsedCheck]
    remote: list[str]
    implied: Implied
    judge: Judge | None
    now: datetime
    indexes: list[UniqueIndex] = field(default_factory=list)
    remote_columns: frozenset[str] = frozenset()

    @classmethod
    def of(cls, table: Table, sqlglot_dialect: str, now: datetime, judge: Judge | None) -> Rules:
        parsed = parse_checks(table, sqlglot_dialect)
        return cls(
            table,
            [p for p in parsed if p.evaluable],
            [p.check.expression for p in parsed if not p.evaluable],
            implications(parsed, table, now),
            judge,
            now,
            unique_indexes(table, sqlglot_dialect),
            frozenset(c for p in parsed if not p.evaluable for c in p.columns),
        )

    @property
    def any(self) -> bool:
        return bool(self.local or self.remote or self.indexes)

    def least(self, column: str) -> int | None:
        """Lower bound of a column that the CHECKs imply, in the column's smallest unit."""
        return self._unit(column, self.implied.low.get(column))

    def most(self, column: str) -> int | None:
        return self._unit(column, self.implied.high.get(column))

    def _unit(self, column: str, bound: Decimal | float | int | None) -> int | None:
        if bound is None or bound != bound or abs(float(bound)) == float("inf"):
            return None
        return int(Decimal(str(bound)).scaleb(int(getattr(self.table.column(column).type, "scale", None) or 0)))

    def computed(self, batch: pa.RecordBatch, fixed: set[str]) -> dict[str, pa.Array]:
        """Columns that a CHECK defines by the others, computed anew."""
        if not self.implied.computed:
            return {}
        fresh = apply_computed(batch, self.implied, fixed)
        changed = [c for c in fresh.schema.names if not fresh.column(c).equals(batch.column(c))]
        return {c: fresh.column(c) for c in changed}

    def broken(self, batch: pa.RecordBatch) -> np.ndarray:
        """True for rows that break a CHECK."""
        bad = self.broken_here(batch)
        if self.remote and self.judge is not None and batch.num_rows:
            bad |= self.judge(self.table.name, self.remote, batch).any(axis=1)
        return bad

    def broken_here(self, batch: pa.RecordBatch) -> np.ndarray:
        """As ``broken``, of the CHECKs that are evaluated here."""
        bad = np.zeros(batch.num_rows, bool)
        for check in self.local:
            bad |= check.violations(batch, self.now)
        return bad

    def construct(self, batch: pa.RecordBatch, rng: np.random.Generator, fixed: set[str]) -> pa.RecordBatch:
        """Rows that break a CHECK with values worked out from what it says, as far as that makes them better."""
        return construct(batch, self.local, self.implied, rng, fixed)[0]

    def repair(
        self, batch: pa.RecordBatch, rng: np.random.Generator, fixed: set[str]
    ) -> tuple[pa.RecordBatch, np.ndarray]:
        """Rows made valid as far as possible, and the mask of those that are not."""
        repaired, _ = repair(batch, self.local, self.implied, rng, fixed)
        bad = self.broken(repaired)
        return self._lent(repaired, bad, rng, fixed) if self.remote else (repaired, bad)

    def _lent(
        self, batch: pa.RecordBatch, bad: np.ndarray, rng: np.random.Generator, fixed: set[str]
    ) -> tuple[pa.RecordBatch, np.ndarray]:
        """Rows that break a CHECK which only the database evaluates take what it speaks of, with all that other CHECKs
        link to it, from rows that it accepts."""
        asked = {c for group in self.implied.linked if group & self.remote_columns for c in group}
        free = [name for name in batch.schema.names if name in asked and name not in fixed]
        for _ in range(LOANS if free else 0):
            rows, good = np.flatnonzero(bad), np.flatnonzero(~bad)
            if not len(rows) or not len(good):
                break
            source = np.arange(batch.num_rows)
            source[rows] = rng.choice(good, len(rows))
            lent = batch
            for name in free:
                column = batch.column(name).take(pa.array(source))
                lent = lent.set_column(batch.schema.get_field_index(name), batch.schema.field(name), column)
            fits = ~self.broken(lent.take(pa.array(rows)))
            source[rows[~fits]] = rows[~fits]
            for name in free:
                column = batch.column(name).take(pa.array(source))
                batch = batch.set_column(batch.schema.get_field_index(name), batch.schema.field(name), column)
            bad[rows[fits]] = False
        return batch, bad

    def give_up(self, name: TableName, row: pa.RecordBatch) -> None:
        """Raises UnsatisfiableConstraint with the CHECKs that ``row`` (synthetic) breaks."""
        broken = [c.check.name for c in self.local if c.violations(row, self.now).any()]
        if self.remote and self.judge is not None:
            hit = self.judge(name, self.remote, row)[0]
            broken += [text for text, bad in zip(self.remote, hit, strict=True) if bad]
        if not broken:  # it repeats another row
            raise UnsatisfiableConstraint(
                f"{name}: too few rows could be made that differ in {', '.join(i.index.name for i in self.indexes)}",
                hint=f"ask for fewer rows: --rows {name.name}=N, or leave the table out with --exclude",
            )
        example = {k: str(v[0]) for k, v in row.to_pydict().items() if any(k in c.columns for c in self.local)}
        raise UnsatisfiableConstraint(
            f"{name}: no row that meets CHECK {', '.join(broken)} could be made; an example of a synthetic row that "
            f"fails: {example}",
            hint="check the constraint, or leave the table out with --exclude",
        )
