"""Planning and preparing under differential privacy: what is decided without a look at the rows, what is drawn from
noisy counts of them, and what only the noisy gradient sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
from sqlalchemy import types as sqltypes

from dbsynth.codec import interval
from dbsynth.codec.gaps import moments_of, ticks
from dbsynth.codec.moment import DAY
from dbsynth.codec.table import TableCodec
from dbsynth.dialect import Database
from dbsynth.pipeline.plan import ColumnPlan, Degree, Plan, TablePlan
from dbsynth.pipeline.prepare import (
    Encoded,
    Prepared,
    code_count,
    column_specs,
    lattices_of,
    made_uniquely,
    read_rows,
    surprise,
    with_fallen_columns,
)
from dbsynth.pipeline.units import category_codes, present_codes
from dbsynth.privacy import marginals
from dbsynth.privacy.budget import Ask, PrivacyWish, TableNoise, allocate, default_delta
from dbsynth.privacy.model import sampled_share, steps_of
from dbsynth.relation.cluster import Clusters
from dbsynth.relation.degrees import Degrees
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import combined
from dbsynth.rng import derive, generator
from dbsynth.schema.checks import Implied, implications, parse_checks
from dbsynth.schema.model import TableName
from dbsynth.schema.types import arrow_type
from dbsynth.values import fit_generators

ORDERED = marginals.ROUNDS + 1
"""Histograms of an ordered column."""
JOINT = 3.0**0.5
"""By how much the numbers of children may differ where each table has one row more: a parent moves from one number to
the next, and a new one comes."""
ONE_KIND = Clusters((), np.zeros((1, 0), np.float32))


def with_budget(plan: Plan, wish: PrivacyWish) -> Plan:
    """``plan`` with the noise that each of its tables gets."""
    delta = wish.delta or default_delta(max((t.train_rows for t in plan.tables), default=0))
    asks = {str(t.name): _ask(plan, t, wish.effort) for t in plan.tables if t.source_rows and t.rows}
    return replace(plan, private=allocate(wish.epsilon, delta, asks))


def _ask(plan: Plan, table: TablePlan, effort: float) -> Ask:
    histograms = thresholds = 0
    for name in table.by_column:
        own, open_ = _histograms(plan, table, name)
        histograms, thresholds = histograms + own, thresholds + open_
    for key in table.keys:
        histograms += 1 if key.fill == "context" or code_count(plan, key, _kinds(table)) else 0
        if _counts(plan, table, key):
            histograms, thresholds = histograms + ORDERED, thresholds + 2
    referred = ORDERED * len(table.degrees)
    learned = any(c.how == "modelled" for c in table.columns)
    steps = int(table.training.get("steps") or steps_of(table.train_rows, effort)) if learned else 0
    if table.strategy == "independent":
        steps = 0
    return Ask(histograms, referred, thresholds, steps, sampled_share(table.train_rows) if steps else 0.0)


def _counts(plan: Plan, table: TablePlan, key: KeyPlan) -> bool:
    """Whether the parent learns how many rows point at it over ``key``."""
    parent = plan.by_name.get(key.key.ref_table)
    return parent is not None and any(d.child == table.name and d.key.name == key.key.name for d in parent.degrees)


def _kinds(table: TablePlan) -> dict[str, Clusters]:
    return {k.code: ONE_KIND for k in table.keys if k.fill in ("cluster", "self")}


def _histograms(plan: Plan, table: TablePlan, name: str) -> tuple[int, int]:
    """Histograms and thresholds that a column costs."""
    column, declared = table.by_column[name], table.table.column(name)
    if column.how == "made":
        return (1 if declared.nullable else 0), 0
    if column.how != "modelled":
        return 0, 0
    if column.kind in ("number", "moment"):
        parts = 2 if isinstance(declared.type, sqltypes.DateTime) else 1
        return parts * ORDERED, parts
    return 1, 0 if _known(plan, table, column) is not None else 1


def _known(plan: Plan, table: TablePlan, column: ColumnPlan) -> pa.Array | None:
    """The values of a category that the catalog tells, None where it tells none."""
    type_ = table.table.column(column.name).type
    if isinstance(type_, sqltypes.Boolean):
        return pa.array([False, True])
    implied = implications(parse_checks(table.table, plan.sqlglot_dialect), table.table, plan.now)
    allowed = implied.allowed.get(column.name) or (tuple(type_.enums) if isinstance(type_, sqltypes.Enum) else None)
    if not allowed:
        return None
    return pa.array(sorted({str(v) for v in allowed if v is not None})).cast(arrow_type(type_))


def prepare_private(
    database: Database, plan: Plan, name: TableName, *, seed: int, secret: int, snapshot: str | None
) -> Prepared:
    """As ``prepare.prepare``. ``secret`` is what the noise is drawn from."""
    table_plan = plan[name]
    table, noise = table_plan.table, _noise(plan, name)
    rows = read_rows(database, table_plan, table_plan.sample, _order(table_plan), snapshot)
    implied = implications(parse_checks(table, plan.sqlglot_dialect), table, plan.now)
    counter = marginals.Counter(
        noise.noise or 0.0, noise.threshold, plan.privacy_k, generator(secret, plan.stream(name), "marginals")
    )
    real = {c.name: combined(rows.column(c.name)) for c in table_plan.columns if c.how in ("modelled", "made")}
    shown = {
        c.name: _shown(plan, table_plan, c, real[c.name], implied, counter)
        for c in table_plan.columns
        if c.name in real
    }
    kinds = _kinds(table_plan)
    null_context = 0.0
    for key in table_plan.keys:
        own = [rows.column(c) for c in key.key.columns]
        if key.fill == "context":
            null_context = _null_share(table_plan, key, own, counter)
        elif code_count(plan, key, kinds):
            real[key.code] = _key_codes(plan, key, own)
            shown[key.code] = _noisy_codes(real[key.code], code_count(plan, key, kinds), counter)
            if key.fill == "self":
                del real[key.code]  # the depth depends on other rows
    degrees = {
        d.column: _degrees(database, plan, d, table_plan.source_rows, rows.num_rows, secret, snapshot)
        for d in table_plan.degrees
    }
    shown |= degrees
    drawn = pa.table(shown)
    specs = column_specs(plan, table_plan, kinds, implied, frozenset(), surprise(drawn))
    codec = TableCodec.fit(drawn, specs, k=plan.privacy_k, seed=derive(seed, plan.stream(name), "codec"))
    table_plan = with_fallen_columns(table_plan, codec)
    public = codec.encode(drawn)
    codes = public.copy()
    for column, values in real.items():
        if column in codec.spans:
            codes[:, codec.spans[column]] = codec.encode_column(column, values)
    generators = fit_generators(
        table,
        rows.slice(0, 0),
        {c.name: c for c in table_plan.columns},
        [c.name for c in table_plan.columns if c.how == "made"],
        unique=made_uniquely(table_plan, plan.sqlglot_dialect),
        k=plan.privacy_k,
        seed=derive(seed, plan.stream(name), "values"),
    )
    n = rows.num_rows
    return Prepared(
        plan=table_plan,
        codec=codec,
        encoded=Encoded(codes, {}, {}, np.full(n, -1, np.int64)),
        generators=generators,
        clusters=kinds,
        lattices=lattices_of(table_plan, drawn, frozenset(), plan.privacy_k),
        degrees=Degrees.of_table({c: d.to_numpy() for c, d in degrees.items()}, plan.privacy_k),
        position=np.zeros(n, np.int32),
        groups=np.arange(n),
        null_context=null_context,
        seen=tuple(np.ones(size, bool) for size in codec.cardinalities),
        warnings=tuple(codec.warnings),
        public=public,
    )


def _noise(plan: Plan, name: TableName) -> TableNoise:
    assert plan.private is not None
    return plan.private.tables[str(name)]


def _order(plan: TablePlan) -> tuple[str, ...]:
    return plan.table.primary_key.columns if plan.table.primary_key else ()


def _shown(
    plan: Plan, table: TablePlan, column: ColumnPlan, values: pa.Array, implied: Implied, counter: marginals.Counter
) -> pa.Array:
    """As many values of a column, drawn from noisy counts; of one that is made, whether there is one."""
    declared = table.table.column(column.name)
    arrow = arrow_type(declared.type)
    if column.how == "made":
        if not declared.nullable:
            return pa.array(np.zeros(len(values), np.int8))
        there = np.asarray(values.is_valid())
        share = counter.counts(np.array([(~there).sum()], np.float64))[0] / max(1, len(values))
        null = np.arange(len(values)) < round(float(np.clip(share, 0.0, 1.0)) * len(values))
        return pa.array(np.zeros(len(values), np.int8), mask=counter.rng.permutation(null))
    values = values.cast(arrow)
    if column.kind not in ("number", "moment"):
        return marginals.categories(values, _known(plan, table, column), declared.nullable, counter)
    low, high = implied.low.get(column.name), implied.high.get(column.name)
    if pt.is_timestamp(arrow):
        x = _numbers(values)
        first, last = _bounds(low, DAY, -np.inf), _bounds(high, DAY, np.inf)
        day, null = marginals.ordered(np.floor(x / DAY), 1.0, declared.nullable, counter, first, last)
        time, _ = marginals.ordered(np.mod(x, DAY), 1.0, False, counter, 0.0, DAY - 1.0)
        return _moments(day * DAY + np.where(null, 0, time), null, arrow)
    step = _step(arrow, declared.type)
    first, last = _bounds(low, 1, -np.inf), _bounds(high, 1, np.inf)
    x, null = marginals.ordered(_numbers(values), step, declared.nullable, counter, first, last)
    return _typed(x, null, arrow, declared.type)


def _bounds(bound: float | int | None, unit: int, otherwise: float) -> float:
    return otherwise if bound is None else float(bound) // unit if unit > 1 else float(bound)


def _step(arrow: pa.DataType, type_: object) -> float:
    if pt.is_floating(arrow):
        return 0.0
    if pt.is_decimal(arrow):
        return float(10.0**-arrow.scale)
    return 0.01 if isinstance(type_, sqltypes.Numeric) else 1.0


def _numbers(values: pa.Array) -> np.ndarray:
    """float64; NaN for null, and for what is no number."""
    arrow, missing = values.type, np.asarray(values.is_null())
    if pt.is_string(arrow):
        try:
            total, missing = interval.microseconds(values)
            found = total.astype(np.float64)
        except ValueError:
            found = np.array([float(v) if v is not None else np.nan for v in values.to_pylist()])
    elif pt.is_date32(arrow) or pt.is_timestamp(arrow) or pt.is_time(arrow):
        found = ticks(values).astype(np.float64)
    else:
        found = values.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return np.where(missing | ~np.isfinite(found), np.nan, found)


def _typed(x: np.ndarray, null: np.ndarray, arrow: pa.DataType, type_: object) -> pa.Array:
    if pt.is_floating(arrow):
        return pa.array(x, arrow, mask=null)
    if pt.is_decimal(arrow):
        texts = [f"{v:.{arrow.scale}f}" for v in x.tolist()]
        return pa.array(texts, pa.string(), mask=null).cast(arrow)
    if pt.is_string(arrow) and isinstance(type_, sqltypes.Interval):
        texts = interval.texts(x.astype(np.int64), interval.Parts(days=True, time=True)).to_pylist()
        return pa.array(texts, pa.string(), mask=null)
    if pt.is_string(arrow):
        return pa.array([f"{v:.2f}" for v in x.tolist()], pa.string(), mask=null)
    if pt.is_integer(arrow):
        return pa.array(x.astype(np.int64), arrow, mask=null)
    return _moments(x, null, arrow)


def _moments(x: np.ndarray, null: np.ndarray, arrow: pa.DataType) -> pa.Array:
    return moments_of(np.clip(x, -(2.0**62), 2.0**62).astype(np.int64), arrow, null)


def _null_share(plan: TablePlan, key: KeyPlan, own: list[pa.ChunkedArray], counter: marginals.Counter) -> float:
    there = present_codes(own)
    noisy = counter.counts(np.array([(there == 0).sum()], np.float64))[0]
    nullable = any(plan.table.column(c).nullable for c in key.key.columns)
    return (
        float(np.clip(noisy / max(1, len(there)), 0.0, 1.0))
        if nullable and noisy > marginals.SURE * counter.noise
        else 0.0
    )


def _key_codes(plan: Plan, key: KeyPlan, own: list[pa.ChunkedArray]) -> pa.Array:
    if key.fill == "category":
        return pa.array(category_codes(own, plan[key.key.ref_table], key).astype(np.int64))
    return pa.array(present_codes(own).astype(np.int64))


def _noisy_codes(codes: pa.Array, size: int, counter: marginals.Counter) -> pa.Array:
    return marginals.categories(codes, pa.array(np.arange(size)), False, counter)


def _degrees(
    database: Database,
    plan: Plan,
    degree: Degree,
    rows: int,
    wanted: int,
    secret: int,
    snapshot: str | None,
) -> pa.Array:
    """int64 (wanted,): how many rows of a child point at a parent, of which there are ``rows``, drawn from noisy
    counts; the child's rows pay."""
    assert plan.private is not None
    payer = plan.private.tables.get(str(degree.child))
    if payer is None or payer.noise is None:
        return pa.array(np.zeros(wanted, np.int64))
    counts = database.degrees(degree.child, degree.key.columns, None, snapshot).column("n").to_numpy()
    exact = np.zeros(rows)
    exact[: min(rows, len(counts))] = np.sort(counts)[:rows]
    rng = generator(secret, degree.column, "degrees")
    counter = marginals.Counter(payer.noise, payer.threshold, plan.privacy_k, rng, sensitivity=JOINT)
    drawn, _ = marginals.ordered(exact, 1.0, False, counter, 0.0, float(2**31))
    return pa.array(rng.permutation(drawn)[:wanted].astype(np.int64))
