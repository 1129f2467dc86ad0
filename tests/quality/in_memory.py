"""Both sides of a comparison, and a verification of them, made by hand: no database, no training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from sqlalchemy import types

from dbsynth.frames.database import FramesDatabase
from dbsynth.pipeline.plan import ColumnPlan, Kept, Plan, TablePlan
from dbsynth.quality.figures import (
    ConstraintResult,
    Fidelity,
    Figure,
    Finding,
    GateResult,
    Privacy,
    PrivacyFigure,
    QueryFigure,
    Subject,
    Verification,
    Workload,
)
from dbsynth.quality.sides import Side, Sides
from dbsynth.schema.graph import order
from dbsynth.schema.model import Column, ForeignKey, Key, Schema, Table, TableName

TYPES = {
    pa.int64(): types.Integer(), pa.float64(): types.Float(), pa.string(): types.Text(), pa.bool_(): types.Boolean(),
    pa.date32(): types.Date(), pa.timestamp("us"): types.DateTime(), pa.time64("us"): types.Time(),
}  # fmt: skip
K = 5


def named(name: str) -> TableName:
    return TableName("public", name)


def table(name: str, rows: pa.Table, key: str = "id", parents: Mapping[str, str] | None = None) -> Table:
    """``parents``: by column the table whose ``id`` it points at."""
    columns = tuple(
        Column(f.name, TYPES.get(f.type, types.Numeric(12, 2)), str(f.type), nullable=f.name != key)
        for f in rows.schema
    )
    keys = tuple(
        ForeignKey(f"{name}_{column}_fkey", (column,), named(parent), ("id",))
        for column, parent in (parents or {}).items()
    )
    return Table(named(name), columns, Key(f"{name}_pkey", (key,), f"PRIMARY KEY ({key})"), foreign_keys=keys)


def sides(
    tables: Sequence[Table],
    real: Mapping[str, pa.Table],
    made: Mapping[str, pa.Table],
    *,
    personal: Sequence[str] = (),
    kept: Mapping[str, str] | None = None,
) -> Sides:
    """``personal``: names of columns; ``kept``: by table whose rows are the source's own, why."""
    schema = Schema(tuple(tables))
    by_name = {n: {named(k): v for k, v in rows.items()} for n, rows in (("real", real), ("made", made))}
    levels = order(schema, {}, constraints_after_load=True).levels
    plans = tuple(
        _planned(t, levels[t.name], real[t.name.name], made[t.name.name], personal, kept or {})
        for t in sorted(tables, key=lambda t: (levels[t.name], t.name))
    )
    plan = Plan(schema, plans, {"public": "dev"}, "db/shop", "db/shop#dev", seed=1, privacy_k=K)
    names = {t.name: t.name for t in tables}
    columns = {t.name: {c.name: c.name for c in t.columns} for t in tables}
    both = [
        Side(FramesDatabase(schema, rows), schema, names, columns, {n: r.num_rows for n, r in rows.items()})  # type: ignore[arg-type]
        for rows in by_name.values()
    ]
    return Sides(schema, both[0], both[1], plan)


def _planned(
    t: Table, level: int, real: pa.Table, made: pa.Table, personal: Sequence[str], kept: Mapping[str, str]
) -> TablePlan:
    foreign = {c for k in t.foreign_keys for c in k.columns}
    columns = tuple(
        ColumnPlan(
            c.name,
            "foreign key"
            if c.name in foreign
            else "serial"
            if c.name == "id"
            else "made"
            if c.name in personal
            else "modelled",
            personal=c.name in personal,
        )
        for c in t.columns
    )
    held = Kept(made, kept[t.name.name]) if t.name.name in kept else None
    return TablePlan(t, level, real.num_rows, made.num_rows, real.num_rows, None, (), columns, kept=held)


def shop(rows: int = 600, seed: int = 0) -> tuple[list[Table], dict[str, pa.Table]]:
    """Customers, their orders, and a lookup table."""
    rng = np.random.default_rng(seed)
    customers = pa.table(
        {
            "id": pa.array(np.arange(rows)),
            "name": [f"Person {int(i)}" for i in rng.integers(0, 10**9, rows)],
            "loyalty": rng.choice(["none", "silver", "gold"], rows, p=[0.6, 0.3, 0.1]),
            "born": pa.array(rng.integers(-10_000, 12_000, rows).astype(np.int32), pa.date32()),
            "income": np.round(rng.lognormal(8, 1.2, rows), 2),
            "active": rng.random(rows) < 0.8,
        }
    )
    orders = pa.table(
        {
            "id": pa.array(np.arange(3 * rows)),
            "customer_id": rng.choice(rows, 3 * rows, p=(w := rng.exponential(1, rows)) / w.sum()),
            "status": pa.array(rng.choice(4, 3 * rows)),
            "amount": np.round(rng.gamma(2, 40, 3 * rows), 2),
            "at": pa.array(rng.integers(1_500_000_000, 1_700_000_000, 3 * rows) * 1_000_000, pa.timestamp("us")),
            "note": [f"NOTE, which is long: {i % 7}" if i % 3 else None for i in range(3 * rows)],
        }
    )
    status = pa.table({"id": pa.array([0, 1, 2, 3]), "label": ["new", "paid", "sent", "lost"]})
    found = {"customer": customers, "orders": orders, "status": status}
    tables = [
        table("customer", customers),
        table("orders", orders, parents={"customer_id": "customer", "status": "status"}),
        table("status", status),
    ]
    return tables, found


def shop_sides() -> Sides:
    tables, real = shop()
    _, made = shop(seed=1)
    return sides(
        tables, real, made, personal=["name"], kept={"status": "lookup table: 4 of 4 rows, ≥ 5 rows point at each"}
    )


def verification(compared: Sides, *, failed: bool = False, private: bool = True) -> Verification:
    """Every part of a verification, for the tables of ``compared``."""
    tables = compared.schema.tables
    figures = [
        Figure("shape", Subject(t.name, (c.name,)), 0.94, 0.98, 0.959, (500, 500)) for t in tables for c in t.columns
    ]
    figures += [
        Figure("cardinality", Subject(t.name, k.columns, f"{t.name}({k.columns[0]}) > {k.ref_table}"), 0.9, 0.96, 0.94,
               (500, 500))
        for t in tables for k in t.foreign_keys
    ]  # fmt: skip
    figures += [Figure("C2ST", Subject(t.name), 0.55, 0.5, 0.9, (500, 500), "HistGradientBoosting") for t in tables]
    constraints = [
        ConstraintResult(Subject(t.name, ("id",), constraint=f"{t.name.name}_pkey"), "primary key", "(id) is unique",
                         "catalog", True, 3 if failed and i == 0 else 0, f"SELECT count(*) FROM {t.name}")
        for i, t in enumerate(tables)
    ]  # fmt: skip
    scores = {t.name: round(0.97 - 0.04 * i % 0.5, 3) for i, t in enumerate(tables)}
    first = tables[0].name
    findings = [
        Finding("warning", "quality", Subject(first), f"{first}: C2ST is 0.55", "train longer: --effort thorough")
    ]
    if failed:
        findings.insert(
            0,
            Finding(
                "failure", "violations", Subject(first, constraint="pkey"), f"{first}: 3 keys twice", "make it again"
            ),
        )
    return Verification(
        target=compared.plan.target,
        against=compared.plan.source,
        rows={n: (compared.real.counts[n], compared.made.counts[n]) for n in compared.made.counts},
        constraints=tuple(constraints),
        fidelity=Fidelity(0.913, scores, tuple(figures), (), "The mean of the tables' scores."),
        privacy=Privacy(
            tuple(
                PrivacyFigure("copies", Subject(t.name), 0.0 if private else 0.4, 0.001, private, "equal to a real row")
                for t in tables
            ),
            (),
            ("No row is a copy.", "This does not prove that nobody can be recognised."),
            {"epsilon": 3.0, "delta": 1e-6},
        ),
        findings=tuple(findings),
        gates=(
            GateResult("violations", not failed, "violations of declared constraints"),
            GateResult("quality", True, "the score of all tables", 0.85, 0.913),
            GateResult("privacy", private, "rows that are copies", 0.01, 0.0 if private else 0.4),
        ),
        kept={t.name: t.kept.reason for t in compared.plan.tables if t.kept is not None},
        workload=Workload(0.5, 3.0, (
            QueryFigure("query 1", "join", True, (10, 11), 1.1),
            QueryFigure("query 2", "group", False, (10, None), None, "does not run here"),
        ), {"query 3": "writes"}),
        seconds={"plan": 1.2, "constraints": 0.4, "fidelity": 75.0},
        about={"dbsynth": "0.1.0", "seed": 0, "command": "dbsynth verify dev --against shop", "sample": {"rows": 50}},
    )  # fmt: skip
