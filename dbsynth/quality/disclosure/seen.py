"""A table as the figures look at it: the rows of both sides, without those that were taken over on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.dialect import Sample
from dbsynth.pipeline.plan import TablePlan
from dbsynth.quality.figures import Subject
from dbsynth.quality.numbered import numbered
from dbsynth.quality.sides import SURPLUS, Side, Sides
from dbsynth.relation.facts import Copy
from dbsynth.relation.keys import combined, row_index
from dbsynth.schema.model import Table, TableName
from dbsynth.sqlbase.grammar import is_scalar

COUNTED = ("serial", "line number", "foreign key", "database")
"""What says nothing of a row: keys, and what follows from other columns by the database's own doing."""


@dataclass(frozen=True)
class Seen:
    """``share``: of the rows of the real table, those among which an equal one is looked for. ``kept``: rows of the
    made table that are left out, since they were taken over on purpose. ``numbered``: columns that count."""

    table: Table
    plan: TablePlan
    real: pa.Table
    made: pa.Table
    share: float
    kept: int
    numbered: frozenset[str] = frozenset()

    @property
    def name(self) -> TableName:
        return self.table.name

    @property
    def subject(self) -> Subject:
        return Subject(self.name)

    def both(self, column: str) -> tuple[pa.Array, pa.Array]:
        return combined(self.real.column(column)), combined(self.made.column(column))

    @property
    def own(self) -> tuple[str, ...]:
        """The columns that are compared: neither keys nor counted."""
        return own_columns(self.table, self.plan, self.made.column_names, self.numbered)


def own_columns(
    table: Table, plan: TablePlan, there: Sequence[str], counting: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    keys = {c for key in table.unique_keys for c in key} | {c for fk in table.foreign_keys for c in fk.columns}
    found = [c.name for c in table.stored_columns if c.name not in keys and c.name in there]
    return tuple(c for c in found if plan.by_column[c].how not in COUNTED and c not in counting)


def seen(sides: Sides, name: TableName) -> Seen:
    """The sample by which all sides of a table are looked at (``Side.rows``)."""
    table, plan = sides.table(name), sides.plan[name]
    made, kept = without_kept(table, plan, sides.made.rows(name))
    real = sides.real.rows(name)
    there = [c.name for c in table.stored_columns if c.name in made.column_names]
    share = real.num_rows / max(1, sides.real.counts[name])
    return Seen(table, plan, real.select(there), made, share, kept, numbered(sides.plan, plan))


def alike(sides: Sides, name: TableName, columns: Sequence[str]) -> Seen | None:
    """Rows of a large table that have one fate if they are equal in ``columns``: an equal row of the other side is in
    its sample too. None where such a sample cannot be had: databases that hash in different ways, values that cannot be
    hashed, or so few different ones that a sample of them has no bounds."""
    table, plan = sides.table(name), sides.plan[name]
    if not hashed_alike(sides):
        return None
    hashed = tuple(c for c in columns if is_scalar(table.column(c)))
    if not hashed:
        return None
    fraction = min(sides.real.limit / max(1, side.counts[name]) for side in (sides.real, sides.made))
    key = [c for c in (table.primary_key.columns if table.primary_key else ()) if sides.made.has(name, (c,))]
    wanted = tuple(dict.fromkeys((*columns, *key)))
    parts = [_sampled(side, name, hashed, wanted, fraction) for side in (sides.real, sides.made)]
    if any(p is None or not p.num_rows for p in parts):
        return None
    real, (made, kept) = parts[0], without_kept(table, plan, parts[1])
    return Seen(table, plan, real, made, 1.0, kept, numbered(sides.plan, plan))


def hashed_alike(sides: Sides) -> bool:
    """Equal values of both sides have the same hash, and with it one fate in samples by it."""
    return sides.real.database.dialect.name == sides.made.database.dialect.name


def _sampled(
    side: Side, name: TableName, hashed: Sequence[str], wanted: Sequence[str], fraction: float
) -> pa.Table | None:
    here = side.columns[name]
    most = int(SURPLUS * side.limit)
    found = side.read(name, wanted, Sample(tuple(here[c] for c in hashed), fraction, side.salt), most)
    return None if found.num_rows >= most else found


def without_kept(table: Table, plan: TablePlan, made: pa.Table) -> tuple[pa.Table, int]:
    """The rows that were not taken over, and how many were. Rows are told by the primary key, which kept ones keep;
    where there is none, by all that is not made anew."""
    if plan.kept is None or not made.num_rows:
        return made, 0
    rows = plan.kept.rows
    own = [c.name for c in table.stored_columns if c.name not in plan.kept.remade]
    by = [c for c in (table.primary_key.columns if table.primary_key else own) if c in made.column_names]
    if not by:
        return made, 0
    at = row_index([made.column(c) for c in by], [rows.column(c) for c in by])
    return made.filter(pa.array(at < 0)), int((at >= 0).sum())


def lent(sides: Sides, rows: Seen, k: int) -> dict[str, np.ndarray]:
    """By column whose values the rows of another table copy, bool (real rows,): where k of these show it, so that it
    may be told though one row has it (``pipeline.fact_rows.shared_values``)."""
    found: dict[str, np.ndarray] = {}
    copies = [f for f in sides.plan.facts if isinstance(f, Copy) and f.parent == rows.name]
    for fact in copies if rows.plan.kept is None else ():
        for own, source in zip(fact.columns, fact.sources, strict=True):
            column = rows.plan.by_column[source]
            if column.how != "modelled" or column.personal or source not in rows.made.column_names:
                continue
            counts = pc.value_counts(combined(sides.real.rows(fact.table).column(own)).drop_null())
            shown = counts.field("values").filter(pc.greater_equal(counts.field("counts"), k))
            real = combined(rows.real.column(source)).cast(shown.type)
            there = np.asarray(pc.is_in(real, value_set=shown))
            found[source] = found.get(source, False) | there
    return found


def known(array: pa.Array) -> np.ndarray:
    """bool (rows,): where there is a value."""
    return np.asarray(pc.is_valid(array))
