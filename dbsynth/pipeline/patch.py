"""Foreign keys that close a cycle: filled when the tables at both ends are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from dbsynth.pipeline.plan import TablePlan, degree_column
from dbsynth.pipeline.spool import Made
from dbsynth.relation.assign import Parent, fill_columns, match
from dbsynth.relation.enforce import Choice, exchange_members, repeated
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import combined, row_index
from dbsynth.rng import generator
from dbsynth.schema.model import TableName


def patch_cycle(plan: TablePlan, made: Made, read: Callable[[TableName], Made], seed: int) -> tuple[Made, list[str]]:
    """``made`` with the keys of fill "cycle" pointing at rows; the rows and their order stay, and those that are in the
    target already stay what they are. Warns of keys that had to become null because no row agrees with the columns that
    are set already."""
    warnings: list[str] = []
    if not any(k.fill == "cycle" for k in plan.keys):
        return made, warnings
    columns = {n: combined(made.rows.column(n)) for n in made.rows.column_names}
    for key in plan.keys:
        if key.fill != "cycle":
            continue
        rng = generator(seed, "cycle", key.key.stream)
        other = read(key.key.ref_table)
        name = degree_column(plan.name, key.key)
        known = name in other.rows.column_names
        degrees = other.rows.column(name).to_numpy().astype(np.float64) if known else np.ones(other.rows.num_rows)
        parent = Parent(other.rows, degrees, other.kept)
        nullable = {c: plan.table.column(c).nullable for c in key.key.columns}
        wanted = np.flatnonzero(columns[key.code].to_numpy() > 0)
        wanted = wanted[wanted >= made.standing]
        member = np.full(made.rows.num_rows, -1, np.int64)
        if made.standing:  # those stay as they are
            own = [columns[c].slice(0, made.standing) for c in key.key.columns]
            member[: made.standing] = row_index(own, parent.columns(key))
        if len(wanted) and other.rows.num_rows:
            member[wanted] = match(key, columns, parent, wanted, rng)
        if missed := int((member[wanted] < 0).sum()):
            warnings.append(f"foreign key {key.key.name}: null in {missed} rows more, nothing agrees with them")
        columns.update(fill_columns(key, member, parent, nullable, rng))
        for unique in plan.table.unique_keys:
            if set(unique) & set(key.free):
                member = _separate(unique, key, parent, member, columns, rng, made.standing)
                columns.update(fill_columns(key, member, parent, nullable, rng))
    rows = pa.table({n: columns[n].cast(made.rows.schema.field(n).type) for n in made.rows.column_names})
    return replace(made, rows=rows), warnings


def _separate(
    unique: tuple[str, ...],
    key: KeyPlan,
    parent: Parent,
    member: np.ndarray,
    columns: dict[str, pa.Array],
    rng: np.random.Generator,
    standing: int,
) -> np.ndarray:
    bad = np.flatnonzero(repeated(unique, columns, None))
    return exchange_members(unique, Choice(key, parent, member), columns, bad, rng, standing=standing)
