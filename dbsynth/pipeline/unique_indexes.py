"""Unique indexes that are no plain keys: over expressions, or of the rows that meet a predicate only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from dbsynth.errors import UnsupportedSource
from dbsynth.relation.keys import duplicates, group_ids
from dbsynth.schema.checks import ParsedCheck, parse_check
from dbsynth.schema.exclusion import Apart, understood
from dbsynth.schema.model import Check, Index, Table
from dbsynth.schema.predicate import Expression, parse_expression


@dataclass(frozen=True)
class UniqueIndex:
    """``parts``: what must be distinct; ``predicate``: of which rows (None: all)."""

    index: Index
    parts: tuple[Expression, ...]
    predicate: ParsedCheck | None

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(c for p in self.parts for c in p.columns)

    def repeats(self, rows: pa.Table, now: datetime) -> np.ndarray:
        """True for rows that repeat an earlier one."""
        ids, _ = group_ids([p.values(rows, now) for p in self.parts])
        if self.predicate is not None:
            ids = np.where(self.predicate.holds(rows, now) == 1, ids, -1)
        return duplicates(ids)


def unique_indexes(table: Table, sqlglot_dialect: str) -> list[UniqueIndex]:
    """Those of ``table``. Raises UnsupportedSource for one whose expression or predicate cannot be evaluated here."""
    found = []
    plain = [i for i in table.indexes if i.unique and i.predicate is None and None not in i.columns]
    computed = [_over(key, _name(table, key)) for key in table.computed_keys]
    alone = [
        Index(e.name, (), "", unique=True, predicate=rule.condition, parts=rule.parts)
        for e in table.exclusions
        if isinstance(rule := understood(e, table, sqlglot_dialect), Apart) and rule.span is None
    ]
    for index in (*(i for i in table.indexes if i.unique and i not in plain), *computed, *alone):
        predicate = None
        if index.predicate is not None:
            predicate = parse_check(Check(index.name, index.predicate), table, sqlglot_dialect)
        parts = [parse_expression(text, table, sqlglot_dialect) for text in index.parts]
        reasons = [p.reason for p in (*parts, predicate) if p is not None and p.reason]
        if reasons:
            raise UnsupportedSource(
                f"{table.name}: unique index {index.name} cannot be guaranteed: {reasons[0]}",
                hint=f"leave the table out: --exclude {table.name.name}, or clone from a copy without this index",
            )
        found.append(UniqueIndex(index, tuple(parts), predicate))
    return found


def _over(columns: tuple[str, ...], name: str) -> Index:
    """A generated column stands for its expression."""
    return Index(name, columns, "", unique=True, parts=tuple('"' + c.replace('"', '""') + '"' for c in columns))


def _name(table: Table, columns: tuple[str, ...]) -> str:
    keys = (table.primary_key, *table.uniques, *table.indexes)
    return next((k.name for k in keys if k is not None and k.columns == columns), ", ".join(columns))


def repeated_in(indexes: Sequence[UniqueIndex], rows: pa.Table, now: datetime) -> np.ndarray:
    out = np.zeros(rows.num_rows, bool)
    for index in indexes:
        out |= index.repeats(rows, now)
    return out
