"""CHECKs of real databases: all are evaluated here, real rows never break them, and repair meets them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from dbsynth.dialect import ReadRequest, connect
from dbsynth.schema.checks import contradiction, implications, parse_checks
from dbsynth.schema.repair import repair
from tests.parallel import REAL_DATABASES

CHECKS = {
    "adventureworks": 76, "chinook": 0, "mondial": 36, "northwind": 0, "nycflights13": 13, "oracle_co": 3,
    "oracle_hr": 2, "pagila17": 1, "rossmann": 12, "stackexchange_ai": 11, "walmart": 3,
}  # fmt: skip
"""Those of domains included, once for each column (adventureworks: 67 of tables, 9 of NOT NULL domains)."""
ROWS = 20_000

pytestmark = pytest.mark.databases


@pytest.mark.parametrize("name", [n for n in REAL_DATABASES if CHECKS[n]])
def test_every_check_is_evaluated_and_holds_on_real_rows(real_database: Callable[[str], str], name: str) -> None:
    now, seen = datetime.now(UTC), 0
    database = connect(real_database(name))
    try:
        for table in database.introspect():
            parsed = parse_checks(table, "postgres")
            seen += len(parsed)
            assert [f"{p.check.name}: {p.reason}" for p in parsed if not p.evaluable] == []
            if not parsed:
                continue
            batches = list(
                database.read(ReadRequest(table.name, tuple(c.name for c in table.stored_columns), limit=ROWS))
            )
            rows = pa.Table.from_batches(batches)
            assert {
                p.check.name: int(p.violations(rows, now).sum()) for p in parsed if p.violations(rows, now).any()
            } == {}
            implied = implications(parsed, table, now)
            assert contradiction(parsed, table, now) is None
            fixed = {c for key in table.unique_keys for c in key} | {c for k in table.foreign_keys for c in k.columns}
            shuffled = _shuffled(rows, fixed, np.random.default_rng(1))
            repaired, bad = repair(shuffled, parsed, implied, np.random.default_rng(2), fixed)
            assert not bad.any(), table.name
            assert not any(p.violations(repaired, now).any() for p in parsed)
            assert all(repaired.column(c).equals(shuffled.column(c)) for c in fixed)
    finally:
        database.close()
    assert seen == CHECKS[name]


def _shuffled(rows: pa.Table, fixed: set[str], rng: np.random.Generator) -> pa.RecordBatch:
    """Each column outside the keys shuffled on its own, so that no relation between columns is left."""
    columns = []
    for name in rows.column_names:
        column = rows.column(name).combine_chunks()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        columns.append(column if name in fixed else column.take(pa.array(rng.permutation(rows.num_rows))))
    return pa.RecordBatch.from_arrays(columns, names=rows.column_names)
