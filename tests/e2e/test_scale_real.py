"""Real databases at other sizes, from one model each: keys hold, and tables grow as they should."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pyarrow as pa
import pytest

import dbsynth
from dbsynth.schema.model import Table, TableName
from tests.clones import LARGE, Clone
from tests.parallel import REAL_DATABASES

pytestmark = pytest.mark.databases
SCALES, SMALLER_SCALES = (0.01, 0.1, 10.0), (0.01, 0.1, 2.0)
"""Of most databases, and of the large ones."""
Cloned = Callable[[str], Clone]
Fitted = Callable[[str], dbsynth.Synthesizer]


@pytest.fixture(scope="module")
def fitted(cloned: Cloned) -> Fitted:
    """What the clone of that database was made from."""
    models: dict[str, dbsynth.Synthesizer] = {}

    def get(name: str) -> dbsynth.Synthesizer:
        if name not in models:
            models.clear()  # one at a time: the tests come by database
            models[name] = cloned(name).model()
        return models[name]

    return get


def keys_of(rows: pa.Table, columns: tuple[str, ...]) -> pd.DataFrame:
    """The key tuples without nulls."""
    return pd.DataFrame({i: rows.column(c).cast(pa.string()).to_pandas() for i, c in enumerate(columns)}).dropna()


def violations(table: Table, made: dict[str, pa.Table], label: Callable[[TableName], str]) -> list[str]:
    rows = made[label(table.name)]
    found = [c.name for c in table.stored_columns if not c.nullable and rows.column(c.name).null_count]
    found += [f"unique {u}" for u in table.unique_keys if keys_of(rows, u).duplicated().any()]
    for fk in table.foreign_keys:
        own, theirs = keys_of(rows, fk.columns), keys_of(made[label(fk.ref_table)], fk.ref_columns)
        if not own.merge(theirs.drop_duplicates(), how="left", indicator=True)["_merge"].eq("both").all():
            found.append(f"foreign key {fk.name}")
    return found


@pytest.mark.parametrize(
    ("name", "scale"), [(n, s) for n in REAL_DATABASES for s in (SMALLER_SCALES if n in LARGE else SCALES)]
)
def test_keys_hold_and_tables_follow_their_parents(fitted: Fitted, name: str, scale: float) -> None:
    model = fitted(name)
    batches: dict[str, list[pa.RecordBatch]] = {}
    for label, batch in model.sample_batches(scale, seed=2, workers=2):
        batches.setdefault(label, []).append(batch)
    plan = model.plan
    made = {
        model.label(t.name): pa.Table.from_batches(batches[model.label(t.name)])
        if model.label(t.name) in batches
        else pa.table({c.name: pa.array([], pa.string()) for c in t.table.stored_columns})
        for t in plan.tables
    }
    assert {str(t.name): v for t in plan.tables if (v := violations(t.table, made, model.label))} == {}
    off = {}
    for table in plan.tables:
        rows, context = made[model.label(table.name)].num_rows, table.context
        if table.kept is not None or table.source_rows == 0:
            continue
        ratio = scale
        if context is not None and plan[context.key.ref_table].source_rows:
            above = plan[context.key.ref_table]
            ratio = made[model.label(above.name)].num_rows / above.source_rows
            ratio = scale if above.kept is not None else ratio
        wanted = ratio * table.source_rows
        if abs(rows - wanted) > max(2.0, 0.05 * wanted) and not (rows < wanted and bounded(table.table)):
            off[str(table.name)] = (rows, wanted)
    assert off == {}


def bounded(table: Table) -> bool:
    """Whether a unique key holds nothing but foreign keys: then there are only so many rows."""
    referring = {c for fk in table.foreign_keys for c in fk.columns}
    return any(set(u) <= referring for u in table.unique_keys)
