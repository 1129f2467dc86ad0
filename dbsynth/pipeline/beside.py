"""What made values may follow beyond their own row: the names of the person that a key points at, whose address this
is; the country of the customer, in whose form the phone number is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dbsynth.dialect import Database, ReadRequest
from dbsynth.pipeline.plan import ColumnPlan, Plan, TablePlan
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import row_index, take
from dbsynth.schema.types import arrow_type
from dbsynth.values.person_columns import PERSON_ROLES
from dbsynth.values.place import FOLLOWING

if TYPE_CHECKING:
    from dbsynth.pipeline.draft import Draft

BESIDE = "\x1f"
"""Begins the names of columns of other rows."""
NAMES = ("first_name", "last_name", "full_name")
TELLING = ("country", "country_code", "state", "city", "postcode", "sex", "salutation")
MOST_PARENTS = 500_000
KNOWN = ("context", "determined", "category", "cluster", "matched")
"""Keys that are filled before values are made."""


def guides_of(plan: TablePlan) -> list[str]:
    """The columns of a row that are known when its values are made, and mean the same in source and clone."""
    lookups = {c for k in plan.keys if k.fill == "category" for c in k.free}
    return [c.name for c in plan.columns if c.how in ("modelled", "copied") or c.name in lookups]


def _wanted(plan: Plan, table: TablePlan) -> Iterator[tuple[KeyPlan, ColumnPlan]]:
    """Columns of the rows that keys point at."""
    roles = {c.role for c in table.columns if c.how == "made"}
    for key in table.keys if table.kept is None else ():
        parent = plan[key.key.ref_table] if key.fill in KNOWN else None
        if parent is None or parent.name == table.name or not 0 < parent.source_rows <= MOST_PARENTS:
            continue
        lookups = {c for k in parent.keys if k.fill == "category" for c in k.free}
        for column in parent.columns:
            named = column.role in NAMES and column.how in ("made", "copied") and roles & set(PERSON_ROLES)
            told = column.how in ("modelled", "copied") and column.role in TELLING
            if named or ((told or column.name in lookups) and roles & (FOLLOWING | set(PERSON_ROLES))):
                yield key, column


def called(key: KeyPlan, column: str) -> str:
    return f"{BESIDE}{key.key.name}{BESIDE}{column}"


def beside_roles(plan: Plan, table: TablePlan) -> dict[str, ColumnPlan]:
    return {called(k, c.name): c for k, c in _wanted(plan, table)}


def source_beside(
    database: Database, plan: Plan, table: TablePlan, frame: pa.Table, snapshot: str | None
) -> dict[str, pa.Array]:
    """Of the rows of ``frame``, of the source."""
    by_key: dict[str, tuple[KeyPlan, list[str]]] = {}
    out: dict[str, pa.Array] = {}
    for key, column in _wanted(plan, table):
        by_key.setdefault(key.key.name, (key, []))[1].append(column.name)
    for key, names in by_key.values():
        columns = tuple(dict.fromkeys((*key.key.ref_columns, *names)))
        rows = pa.Table.from_batches(list(database.read(ReadRequest(key.key.ref_table, columns), snapshot)))
        at = row_index([frame.column(c) for c in key.key.columns], [rows.column(c) for c in key.key.ref_columns])
        out |= {called(key, c): take(rows.column(c), at) for c in names}
    return out


def made_beside(draft: Draft, rows: np.ndarray) -> dict[str, pa.Array]:
    """Of the made rows ``rows``."""
    out: dict[str, pa.Array] = {}
    for key, column in _wanted(draft.plan, draft.table):
        parents, member = draft.parents[key.key.ref_table].rows, draft.member.get(key.key.name)
        if member is not None:
            type_ = arrow_type(draft.plan[key.key.ref_table].table.column(column.name).type)
            out[called(key, column.name)] = take(parents.column(column.name), member[rows]).cast(type_)
    return out
