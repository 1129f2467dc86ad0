"""What will be done, table by table: pure data. Nothing runs that is not in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

import pyarrow as pa

from dbsynth.codec.base import Kind
from dbsynth.dialect import Sample
from dbsynth.privacy.budget import PrivateTraining
from dbsynth.relation.facts import Fact
from dbsynth.relation.fills import Fill, KeyPlan
from dbsynth.rules.rule import Rule
from dbsynth.schema.model import ForeignKey, Schema, Table, TableName

DEFAULT_STRATEGY = "ctgan"
PRIVATE_STRATEGY = "autoregressive"
"""The default under differential privacy."""
How = Literal["foreign key", "serial", "line number", "modelled", "made", "copied", "computed", "database"]
"""serial: 1, 2, 3, ... · line number: 1..n within the context parent · made: a generator of dbsynth.values ·
copied: from the row that a foreign key points at, in every row · computed: from other columns of the row ·
database: a generated column, computed by the database
itself"""


@dataclass(frozen=True)
class ColumnPlan:
    name: str
    how: How
    kind: Kind | None = None
    role: str = ""
    personal: bool = False
    confidence: float = 1.0
    evidence: str = ""


@dataclass(frozen=True)
class Kept:
    """Rows of a lookup table that keep their keys and labels. ``rows`` holds their stored columns and, per foreign key
    that points at the table, the column ``#child.key`` with the number of rows that do. ``remade``: the columns whose
    values are made anew."""

    rows: pa.Table
    reason: str
    remade: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return int(self.rows.num_rows)


@dataclass(frozen=True)
class Degree:
    """A foreign key that points at a table, and the column in which the table's rows carry how many rows do so."""

    child: TableName
    key: ForeignKey
    fill: Fill

    @property
    def column(self) -> str:
        return degree_column(self.child, self.key)


def degree_column(child: TableName, key: ForeignKey) -> str:
    return f"#{child}.{key.name}"


@dataclass(frozen=True)
class TablePlan:
    table: Table
    level: int
    source_rows: int
    rows: int
    train_rows: int
    sample: Sample | None
    keys: tuple[KeyPlan, ...]
    """In the order in which they are filled."""
    columns: tuple[ColumnPlan, ...]
    degrees: tuple[Degree, ...] = ()
    sibling_order: tuple[str, ...] = ()
    kept: Kept | None = None
    strategy: str = DEFAULT_STRATEGY
    training: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> TableName:
        return self.table.name

    @cached_property
    def by_column(self) -> dict[str, ColumnPlan]:
        return {c.name: c for c in self.columns}

    @cached_property
    def context(self) -> KeyPlan | None:
        return next((k for k in self.keys if k.fill == "context"), None)

    @property
    def made_rows(self) -> int:
        """Rows that are generated: all but the kept ones."""
        return self.rows - (self.kept.count if self.kept else 0)

    @property
    def declared(self) -> list[dict[str, Any]]:
        """The rules of the configuration, described as facts are."""
        return [
            {
                "id": f"{self.name.name}: {rule.expression}",
                "table": str(self.name),
                "columns": list(rule.columns),
                "says": rule.expression,
                "rows": 0,
                "families": 0,
                "share": 1.0,
                "taken": True,
                "within": True,
            }
            for rule in self.table.rules
        ]

    def describe(self) -> dict[str, Any]:
        context = self.context
        return {
            "table": str(self.name),
            "level": self.level,
            "source_rows": self.source_rows,
            "train_rows": self.train_rows,
            "rows": self.rows,
            "kept_rows": self.kept.count if self.kept else 0,
            "kept_reason": self.kept.reason if self.kept else None,
            "strategy": self.strategy,
            "training": dict(self.training),
            "context_parent": str(context.key.ref_table) if context else None,
            "foreign_keys": [
                {
                    "name": k.key.name,
                    "columns": list(k.key.columns),
                    "ref_table": str(k.key.ref_table),
                    "fill": k.fill,
                    "reason": k.reason,
                }
                for k in self.keys
            ],
            "columns": [
                {
                    "name": c.name,
                    "how": c.how,
                    "kind": c.kind,
                    "role": c.role,
                    "personal": c.personal,
                    "confidence": c.confidence,
                    "evidence": c.evidence,
                }
                for c in self.columns
            ],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Plan:
    """``tables`` in the order in which they are made, parents first. ``mapping``: source schema -> target schema."""

    schema: Schema
    tables: tuple[TablePlan, ...]
    mapping: Mapping[str, str]
    source: str
    target: str
    seed: int | None = None
    privacy_k: int = 5
    sqlglot_dialect: str = ""
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """What CHECKs take for now(): the start of the day, so that two runs of a day make the same rows."""
    warnings: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    """What holds across rows, and within each, and is made to hold."""
    doubtful: tuple[Fact, ...] = ()
    """What holds too, in too few rows to be believed: left alone."""
    private: PrivateTraining | None = None
    """The noise of each table, where differential privacy is asked for."""

    @cached_property
    def by_name(self) -> dict[TableName, TablePlan]:
        return {t.name: t for t in self.tables}

    def __getitem__(self, name: TableName) -> TablePlan:
        return self.by_name[name]

    def stream(self, name: TableName) -> str:
        """What a table's random streams are named after: not its schema, unless there are several, so that the same
        tables in another database get the same rows."""
        return name.name if len(self.schema.schemas) == 1 else str(name)

    def describe(self) -> dict[str, Any]:
        """The plan as plain data (JSON-able); names and numbers only, no values of the source."""
        return {
            "source": self.source,
            "target": self.target,
            "schemas": dict(self.mapping),
            "seed": self.seed,
            "privacy_k": self.privacy_k,
            "differential_privacy": self.private.describe() if self.private else None,
            "tables": [t.describe() for t in self.tables],
            "facts": [
                {
                    "id": f.id,
                    "table": str(f.table),
                    "columns": list(f.columns),
                    "says": f.describe(),
                    "rows": f.rows,
                    "families": f.families,
                    "share": f.share,
                    "taken": taken,
                    "within": isinstance(f, Rule),
                }
                for facts, taken in ((self.facts, True), (self.doubtful, False))
                for f in facts
            ]
            + [rule for t in self.tables for rule in t.declared],
            "warnings": list(self.warnings),
        }
