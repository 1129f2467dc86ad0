"""Unique indexes that are no plain keys: over expressions, or of the rows that meet a predicate only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from dbsynth.errors import UnsupportedSource
from dbsynth.relation.keys import duplicates, group_ids
from dbsynth.schema.checks import Implied, ParsedCheck, parse_check
from dbsynth.schema.exclusion import Apart, understood
from dbsynth.schema.expression.values import TEXT, Vec, plain, vector
from dbsynth.schema.model import Check, Index, Key, Table
from dbsynth.schema.predicate import Expression, parse_expression
from dbsynth.schema.satisfy.rows import Rows
from dbsynth.schema.satisfy.truth import reach


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
        values = [p.values(rows, now) for p in self.parts]
        if self.index.nulls_not_distinct:
            filled = [v.cast(pa.string()).fill_null("") for v in values]
            ids, _ = group_ids([*filled, *(v.is_null() for v in values)])
        else:
            ids, _ = group_ids(values)
        if self.predicate is not None:
            ids = np.where(self.predicate.holds(rows, now) == 1, ids, -1)
        return duplicates(ids)


def unique_indexes(table: Table, sqlglot_dialect: str) -> list[UniqueIndex]:
    """Those of ``table``. Raises UnsupportedSource for one whose expression or predicate cannot be evaluated here."""
    found = []
    plain = [i for i in table.indexes if i.unique and i.predicate is None and None not in i.columns]
    computed = [_over(key, _name(table, key)) for key in table.computed_keys]
    keys: list[Key | Index] = [*table.uniques, *plain]
    computed += [
        replace(_over(k.columns, k.name), nulls_not_distinct=True)
        for k in keys
        if k.nulls_not_distinct and any(c is not None and table.column(c).nullable for c in k.columns)
    ]
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


def _over(columns: Sequence[str | None], name: str) -> Index:
    """A generated column stands for its expression."""
    named = [c for c in columns if c is not None]
    return Index(name, tuple(named), "", unique=True, parts=tuple('"' + c.replace('"', '""') + '"' for c in named))


def _name(table: Table, columns: tuple[str, ...]) -> str:
    keys = (table.primary_key, *table.uniques, *table.indexes)
    return next((k.name for k in keys if k is not None and k.columns == columns), ", ".join(columns))


def separated(
    index: UniqueIndex,
    batch: pa.RecordBatch,
    rows: np.ndarray,
    free: Collection[str],
    implied: Implied,
    rng: np.random.Generator,
    now: datetime,
) -> dict[str, pa.Array]:
    """The free columns of ``rows`` so that the last part of the index that they can move has values of its own: beyond
    the greatest number or moment that there is, or a text with a number behind."""
    part = next((p for p in reversed(index.parts) if p.node is not None and set(p.columns) & set(free)), None)
    if part is None or part.node is None:
        return {}
    names = list(part.columns)
    whole = {c: plain(batch.column(c)) for c in names}
    at = pa.array(rows)
    work = Rows({c: a.take(at) for c, a in whole.items()}, whole, np.ones(batch.num_rows, bool), set(free) & set(names),
                implied, rng)  # fmt: skip
    held, mine = work.donors(part.node), work.value(part.node)
    beyond = np.arange(1, len(rows) + 1)
    match part.node.type.family:
        case "int" | "date" | "timestamp" | "timestamptz":
            wished = Vec(held.type, int(held.values.max(initial=0)) + beyond, np.ones(len(rows), bool))
        case "numeric":
            top = int(max(held.values, default=0)) // 10**held.scale + 1
            wished = Vec(held.type, top + beyond, np.ones(len(rows), bool))
        case "text" | "bpchar":
            start = batch.num_rows + int(rng.integers(0, 1000))
            made = [f"{v}{start + i}" for i, v in enumerate(mine.values)]
            wished = vector(TEXT, made)
        case _:
            return {}
    reach(work, part.node, wished)
    return {c: work.columns[c] for c in names if c in free}


def repeated_in(indexes: Sequence[UniqueIndex], rows: pa.Table, now: datetime) -> np.ndarray:
    out = np.zeros(rows.num_rows, bool)
    for index in indexes:
        out |= index.repeats(rows, now)
    return out
