"""Whole families of a table of the source, as facts among siblings are looked for in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from dbsynth.relation.families import Exact, Families
from dbsynth.schema.model import TableName

CHANCES = 20.0
"""So often at least a fact would be expected to break by chance, did it not hold."""
MOST_LABELS = 16


@dataclass
class Look:
    """Whole families of one table. ``rows`` in no order that matters; ``family``; ``orders``: columns that may order
    siblings, the likeliest first, if any do; ``settable``: columns that a fact may decide, ``made`` those of them
    that no model draws; ``exact``: columns of numbers and moments; ``k``: what fewer rows share stays out of a fact."""

    table: TableName
    label: str
    rows: Mapping[str, pa.Array]
    family: tuple[str, ...]
    orders: Sequence[tuple[str, ...]]
    settable: Collection[str]
    made: Collection[str]
    exact: Collection[str]
    k: int
    _families: dict[tuple[str, ...], Families] = field(default_factory=dict)
    _numbers: dict[str, Exact | None] = field(default_factory=dict)

    def families(self, order: tuple[str, ...]) -> Families:
        if order not in self._families:
            self._families[order] = Families.of(self.rows, self.family, order)
        return self._families[order]

    def numbers(self, column: str) -> Exact | None:
        if column not in self._numbers:
            self._numbers[column] = Exact.of(self.rows[column]) if column in self.exact else None
        return self._numbers[column]

    @property
    def main(self) -> tuple[str, ...]:
        return self.orders[0] if self.orders else ()

    @cached_property
    def decidable(self) -> list[str]:
        """Learned columns of more than one value, none of the family's."""
        return [
            c
            for c in self.rows
            if c in self.settable and c not in self.family and pc.count_distinct(self.rows[c], mode="all").as_py() > 1
        ]

    @cached_property
    def learned(self) -> list[str]:
        return [c for c in self.decidable if c not in self.made]

    @cached_property
    def full(self) -> list[str]:
        """Exact columns without nulls."""
        return [c for c in self.learned if (x := self.numbers(c)) is not None and bool(x.present.all())]

    @cached_property
    def support(self) -> tuple[int, int]:
        """Rows in families of two or more, and those families."""
        size = np.bincount(self.families(()).number)
        return int(size[size > 1].sum()), int((size > 1).sum())

    def common(self, kind: str, column: str, order: tuple[str, ...]) -> dict[str, Any]:
        per = f" per {','.join(self.family)}" if self.family else ""
        rows, families = self.support if self.family else (self.support[0], self.support[0])
        return {
            "id": f"{self.label}.{column} {kind}{per}",
            "table": self.table,
            "family": self.family,
            "order": order,
            "rows": rows,
            "families": families,
        }


def moment(look: Look, column: str) -> bool:
    kind = look.rows[column].type
    return bool(pt.is_date32(kind) or pt.is_timestamp(kind))


def few(look: Look, column: str) -> bool:
    """A column of a handful of values that k rows share each."""
    counts = pc.value_counts(look.rows[column].drop_null()).field("counts").to_numpy(zero_copy_only=False)
    return 1 < len(counts) <= MOST_LABELS and bool((counts >= look.k).all())
