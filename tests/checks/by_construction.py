"""Rows drawn by what CHECKs imply for single columns, and made valid from there: neither redrawn nor repaired."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from checks_corpus import COLUMNS, table, to_arrow

from dbsynth.schema.checks import Implied, implications, parse_checks
from dbsynth.schema.model import Column, Table
from dbsynth.schema.repair import construct, repair

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
ROWS = 500
ABOUT_NULL = re.compile(r"\bnull\b|num_n|\bis (not )?(un|true|false)|coalesce|distinct|concat", re.IGNORECASE)
"""CHECKs that speak of null: their columns can be null. All others are over columns that cannot."""


def of(*texts: str) -> Table:
    base = table(*texts)
    nullable = any(ABOUT_NULL.search(t) for t in texts)
    columns = tuple(Column(c.name, c.type, c.declared, nullable=nullable) for c in base.columns)
    return Table(base.name, columns, checks=base.checks)


def drawn_from_domains(checked: Table, implied: Implied, rng: np.random.Generator) -> pa.RecordBatch:
    """Each column by itself: a value that it is allowed, within its bounds; where there are none, any of its kind."""
    arrays = []
    for column in checked.columns:
        values = [_value(column.name, implied, rng) for _ in range(ROWS)]
        if column.name in implied.nullable:
            values = [None if rng.random() < 0.2 else v for v in values]
        arrays.append(to_arrow(column.name, values))
    return pa.RecordBatch.from_arrays(arrays, names=[c.name for c in checked.columns])


def _value(name: str, implied: Implied, rng: np.random.Generator) -> Any:
    if name in implied.allowed:
        return implied.allowed[name][rng.integers(0, len(implied.allowed[name]))]
    sample = COLUMNS[name].values
    low, high = implied.low.get(name), implied.high.get(name)
    if low is not None or high is not None:
        inside = [v for v in sample if v not in ("NaN",) and (low is None or _number(v) >= low)
                  and (high is None or _number(v) <= high)]  # fmt: skip
        edge = low if low is not None else high
        sample = tuple(inside) or ((format(edge, "f") if isinstance(sample[0], str) else edge),)
    return sample[rng.integers(0, len(sample))]


def _number(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) else value


def completed(*texts: str, seed: int = 1) -> tuple[pa.RecordBatch, np.ndarray]:
    """Rows repaired as well, and the mask of those that still break a CHECK."""
    checked = of(*texts)
    checks = parse_checks(checked, "postgres")
    implied = implications(checks, checked, NOW)
    rng = np.random.default_rng(seed)
    return repair(drawn_from_domains(checked, implied, rng), checks, implied, rng, ())


def constructed(*texts: str, seed: int = 1) -> bool:
    """Whether every row is valid, none for a null where columns cannot be null."""
    checked = of(*texts)
    checks = parse_checks(checked, "postgres")
    if not all(c.evaluable for c in checks):
        return False
    implied = implications(checks, checked, NOW)
    rng = np.random.default_rng(seed)
    made, _ = construct(drawn_from_domains(checked, implied, rng), checks, implied, rng, ())
    assert all(c.nullable or made.column(c.name).null_count == 0 for c in checked.columns)
    results = [c.holds(made, NOW) for c in checks]
    strict = not any(c.nullable for c in checked.columns)
    return all(bool(((r == 1) if strict else (r != 0)).all()) for r in results)
