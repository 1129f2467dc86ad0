"""One table from the source to codes: read its sample, add what relations need, fit codecs and value generators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import types as sqltypes

from dbsynth.codec.base import ColumnSpec
from dbsynth.codec.gaps import find_gaps
from dbsynth.codec.table import TableCodec
from dbsynth.dialect import Database, ReadRequest, Sample
from dbsynth.pipeline.beside import beside_roles, guides_of, source_beside
from dbsynth.pipeline.fact_rows import copies_of, copy_codes, shared_values
from dbsynth.pipeline.kinds import fit_kinds, fit_own_kinds, kind_codes, source_parents
from dbsynth.pipeline.known import Known
from dbsynth.pipeline.plan import ColumnPlan, Plan, TablePlan
from dbsynth.pipeline.profiles import profile_codes, profile_specs
from dbsynth.pipeline.timing import moments_above, moments_first, steps_of, timed
from dbsynth.pipeline.unfolding import folded_columns, unfolded, with_paths
from dbsynth.pipeline.unique_indexes import unique_indexes
from dbsynth.pipeline.units import category_codes, present_codes, whole
from dbsynth.relation import tree
from dbsynth.relation.cluster import Clusters
from dbsynth.relation.counts import position_codes
from dbsynth.relation.degrees import Degrees
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.keys import combined, group_ids, row_index
from dbsynth.relation.siblings import LEAST_FAMILIES, Places, SiblingState, forgotten, shuffled
from dbsynth.relation.steps import Steps
from dbsynth.relation.unique import Lattice
from dbsynth.rng import derive, generator
from dbsynth.schema.checks import Implied, implications, parse_checks
from dbsynth.schema.model import TableName
from dbsynth.schema.roles import PROSE
from dbsynth.values import fit_generators
from dbsynth.values.base import ValueGenerator
from dbsynth.values.hidden import NAMING, naming_words

MOST_HEADS = 4


@dataclass
class Encoded:
    """Rows of a table as codes, with what joins them to their children and to their context parent.

    ``codes`` int32 (rows, code columns); ``keys``: the columns that foreign keys of other tables refer to;
    ``context``: the columns of the context key; ``kept``: position among the table's kept rows, -1 for others.
    """

    codes: np.ndarray
    keys: dict[str, pa.Array]
    context: dict[str, pa.Array]
    kept: np.ndarray


@dataclass
class Prepared:
    """All that is learned of a table but the model. ``extra``: per context child that is sampled apart from this
    table's own sample (``#child.key``), the parents of the child's sample."""

    plan: TablePlan
    codec: TableCodec
    encoded: Encoded
    generators: list[ValueGenerator]
    extra: dict[str, Encoded] = field(default_factory=dict)
    clusters: dict[str, Clusters] = field(default_factory=dict)
    lattices: dict[str, Lattice] = field(default_factory=dict)
    degrees: dict[str, Degrees] = field(default_factory=dict)
    lines: frozenset[str] = frozenset()
    siblings: SiblingState | None = None
    state: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    """What each row sees of its siblings."""
    steps: Steps | None = None
    position: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    groups: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    null_context: float = 0.0
    seen: tuple[np.ndarray, ...] = ()
    known: Known | None = None
    warnings: tuple[str, ...] = ()
    public: np.ndarray | None = None
    """Under differential privacy: codes that are drawn from noisy counts, of which everybody may know."""


def prepare(database: Database, plan: Plan, name: TableName, *, seed: int, snapshot: str | None) -> Prepared:
    """Reads the table's training sample in ``snapshot``. Raises UnsatisfiableConstraint for contradictory CHECKs."""
    table_plan = plan[name]
    table = table_plan.table
    context = table_plan.context
    context_columns = context.key.columns if context else ()
    order = tuple(dict.fromkeys(context_columns + table_plan.sibling_order + _primary(table_plan)))
    frame = read_rows(database, table_plan, table_plan.sample, order, snapshot)
    by_kind = [k for k in table_plan.keys if k.fill == "cluster"]
    parents = {k.code: source_parents(database, plan, name, k, snapshot) for k in by_kind}
    clusters = {k.code: fit_kinds(plan, name, k, frame, parents[k.code], seed) for k in by_kind}
    clusters |= {k.code: fit_own_kinds(plan, table_plan, k, frame, seed) for k in table_plan.keys if k.fill == "self"}
    derived = _derive(database, plan, table_plan, frame, clusters, parents, snapshot)
    profiles: dict[str, Clusters] = {}
    codes = profile_codes(database, plan, table_plan, frame, table_plan.sample, profiles, seed, snapshot)
    derived = _with_columns(derived, codes)
    groups, position, siblings = _siblings(frame, context)
    lines = _line_numbers(table_plan, frame, position)
    implied = implications(parse_checks(table, plan.sqlglot_dialect), table, plan.now)
    specs = column_specs(plan, table_plan, clusters, implied, lines, surprise(frame)) + profile_specs(profiles)
    unique = made_uniquely(table_plan, plan.sqlglot_dialect)
    folded = folded_columns(table_plan, frame, unique, plan.privacy_k, derive(seed, plan.stream(name), "documents"))
    derived = _with_columns(derived, unfolded(folded, frame))
    own = {c.name for c in table_plan.columns}
    specs = with_paths(specs, folded, surprise(derived), own)
    held = {c for key in table.unique_keys for c in key} | lines
    places = Places.of(groups, position)
    above = moments_above(database, plan, table_plan, frame, snapshot)
    gaps: dict[str, str] = {}
    steps = None
    if not table_plan.kept:  # kept rows are decoded column by column
        derived = _with_columns(derived, above)
        gaps = find_gaps(derived, specs, held, list(above))
        rng = generator(seed, plan.stream(name), "steps")
        steps = steps_of(table_plan, frame, above, places, gaps, plan.privacy_k, rng)
        if steps is None and moments_first(table_plan):  # no sequence: in no order but chance
            position = shuffled(groups, rng)
            places = Places.of(groups, position)
    if steps is not None:
        gaps |= steps.gaps
        specs = timed(specs, steps)
        derived = _with_columns(derived, steps.columns(combined(derived.column(steps.column)), places))
    codec = TableCodec.fit(
        derived,
        specs,
        k=plan.privacy_k,
        seed=derive(seed, plan.stream(name), "codec"),
        gaps=gaps,
        beside=shared_values(database, plan, table_plan, frame, snapshot),
    )
    table_plan = with_fallen_columns(table_plan, codec)
    made = [c.name for c in table_plan.columns if c.how == "made" and c.name not in folded]
    beside = source_beside(database, plan, table_plan, frame, snapshot)
    generators = fit_generators(
        table,
        frame,
        {c.name: c for c in table_plan.columns} | beside_roles(plan, table_plan),
        made,
        unique=made_uniquely(table_plan, plan.sqlglot_dialect),
        k=plan.privacy_k,
        seed=derive(seed, plan.stream(name), "values"),
        guides=guides_of(table_plan),
        beside=beside,
        hidden=hidden_words(database, plan, table_plan, snapshot),
    )
    generators += folded.values()  # last: they may repeat what the others make
    encoded = _encoded(table_plan, codec, derived)
    if steps is not None:
        spans = {c: codec.spans[c].start for c in steps.drawn}
        codes_of = {c: encoded.codes[:, j] for c, j in spans.items()}
        steps = steps.seen(codes_of, {c: codec.cardinalities[j] for c, j in spans.items()}, places)
    ordered = [scale is not None for scale in codec.scales]
    state = None
    if context is not None and len(np.unique(groups)) >= LEAST_FAMILIES:
        state = SiblingState.fit(encoded.codes, codec.cardinalities, ordered, places)
    seen = np.zeros((frame.num_rows, 0), np.int32)
    if state is not None:
        seen = forgotten(state, state.of(encoded.codes, places), generator(seed, plan.stream(name), "forgotten"))
    prepared = Prepared(
        plan=table_plan,
        codec=codec,
        encoded=encoded,
        generators=generators,
        clusters=clusters,
        lattices=lattices_of(table_plan, frame, lines, plan.privacy_k),
        degrees=Degrees.of_table(
            {d.column: derived.column(d.column).to_numpy()[encoded.kept < 0] for d in table_plan.degrees},
            plan.privacy_k,
        ) | _depths(table_plan, derived),
        lines=lines,
        siblings=state,
        state=seen,
        steps=steps,
        position=position_codes(position, siblings),
        groups=groups,
        null_context=float((groups < 0).mean()) if context and len(groups) else 0.0,
        seen=tuple(
            np.bincount(encoded.codes[:, j], minlength=size) > 0 for j, size in enumerate(codec.cardinalities)
        ),
        known=Known.of(table, frame, generators, derive(seed, plan.stream(name), "known")),
        warnings=tuple(codec.warnings),
    )  # fmt: skip
    for degree in table_plan.degrees:
        child = plan[degree.child]
        if degree.fill == "context" and table_plan.sample is not None and child.sample is not None:
            sample = Sample(degree.key.ref_columns, child.sample.fraction, child.sample.salt)
            rows = read_rows(database, table_plan, sample, degree.key.ref_columns, snapshot)
            derived = _derive(database, plan, table_plan, rows, clusters, parents, snapshot)
            codes = profile_codes(database, plan, table_plan, rows, sample, profiles, seed, snapshot)
            above = moments_above(database, plan, table_plan, rows, snapshot)
            derived = _with_columns(derived, above | codes | unfolded(folded, rows))
            if steps is not None:  # without their siblings: children do not see gaps, but the clock
                alone = Places.of(np.full(rows.num_rows, -1), np.zeros(rows.num_rows, np.int64))
                derived = _with_columns(derived, steps.columns(combined(rows.column(steps.column)), alone))
            prepared.extra[degree.column] = _encoded(table_plan, codec, derived)
    return prepared


def hidden_words(database: Database, plan: Plan, table: TablePlan, snapshot: str | None) -> set[str]:
    """Words that name somebody in any table, where ``table`` has free texts in which they could stand."""
    if not any(c.how == "made" and c.role in PROSE for c in table.columns):
        return set()
    found: set[str] = set()
    for other in plan.tables:
        naming = tuple(c.name for c in other.columns if c.personal and c.role in NAMING)
        if naming and other.source_rows:
            for batch in database.read(ReadRequest(other.name, naming, other.sample), snapshot):
                found |= {w for column in batch.columns for w in naming_words(column.to_pylist())}
    return found


def with_fallen_columns(plan: TablePlan, codec: TableCodec) -> TablePlan:
    """Columns of which the codec can only tell null from not null get their values from a generator."""
    columns = tuple(
        replace(c, how="made", kind="presence") if c.how == "modelled" and codec.kinds.get(c.name) == "presence" else c
        for c in plan.columns
    )
    return replace(plan, columns=columns)


def made_uniquely(plan: TablePlan, sqlglot_dialect: str) -> set[str]:
    """The made columns that are part of a unique key or index."""
    keyed = [set(key) for key in plan.table.unique_keys]
    keyed += [set(i.columns) for i in unique_indexes(plan.table, sqlglot_dialect) if i.predicate is None]
    return {c.name for c in plan.columns if c.how == "made"} & {c for key in keyed for c in key}


def _primary(plan: TablePlan) -> tuple[str, ...]:
    return plan.table.primary_key.columns if plan.table.primary_key else ()


def read_rows(
    database: Database, plan: TablePlan, sample: Sample | None, order: tuple[str, ...], snapshot: str | None
) -> pa.Table:
    request = ReadRequest(plan.name, tuple(c.name for c in plan.table.stored_columns), sample, order_by=order)
    return pa.Table.from_batches(list(database.read(request, snapshot))).combine_chunks()


def _derive(
    database: Database,
    plan: Plan,
    table_plan: TablePlan,
    frame: pa.Table,
    clusters: dict[str, Clusters],
    parents: dict[str, pa.Table],
    snapshot: str | None,
) -> pa.Table:
    """``frame`` with a code column per foreign key that is learned and a count column per key that points here."""
    for k in table_plan.keys:
        own = [frame.column(c) for c in k.key.columns]
        if k.fill == "category":
            codes = category_codes(own, plan[k.key.ref_table], k)
        elif k.fill == "cluster":
            codes = kind_codes(k, own, clusters[k.code], parents[k.code])
        elif k.fill in ("matched", "cycle"):
            codes = present_codes([frame.column(c) for c in k.free or k.key.columns])
        elif k.fill == "self":
            parent = row_index(own, [frame.column(c) for c in k.key.ref_columns])
            known = present_codes(own).astype(bool)
            codes = tree.depth_codes(np.where(known, np.where(parent < 0, -2, parent), -1))
            if clusters[k.code].count > 1:
                kinds = np.append(clusters[k.code].assign(frame) + 1, 0)[parent]
                frame = frame.append_column(k.kind_code, pa.array(kinds))
        else:
            continue
        frame = frame.append_column(k.code, pa.array(codes.astype(np.int64)))
    frame = _with_columns(frame, copy_codes(database, plan, table_plan, frame, snapshot))
    for degree in table_plan.degrees:
        counts = database.degrees(degree.child, degree.key.columns, None, snapshot)
        at = row_index(
            [frame.column(c) for c in degree.key.ref_columns], [counts.column(c) for c in degree.key.columns]
        )
        n = np.append(counts.column("n").to_numpy(), 0)
        frame = frame.append_column(degree.column, pa.array(n[at].astype(np.int64)))
    return frame


def _with_columns(table: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    for name, array in columns.items():
        table = table.append_column(name, array)
    return table


def _siblings(frame: pa.Table, context: KeyPlan | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group number (-1: no parent), position among siblings and number of siblings of each row; rows of one parent
    stand together (the frame is ordered by the context key)."""
    n = frame.num_rows
    if context is None:
        return np.arange(n), np.zeros(n, np.int64), np.ones(n, np.int64)
    groups, _ = group_ids([frame.column(c) for c in context.key.columns])
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    first = np.searchsorted(ordered, ordered, side="left")
    position = np.empty(n, np.int64)
    position[order] = np.arange(n) - first
    size = np.searchsorted(ordered, ordered, side="right") - first
    siblings = np.empty(n, np.int64)
    siblings[order] = size
    return groups, np.where(groups < 0, 0, position), np.where(groups < 0, 1, siblings)


def _line_numbers(plan: TablePlan, frame: pa.Table, position: np.ndarray) -> frozenset[str]:
    """Whole-number columns that count 1..n within the context parent in every row of the source."""
    context = plan.context
    if context is None or frame.num_rows == 0:
        return frozenset()
    found = set()
    for key in plan.table.unique_keys:
        own = [c for c in key if plan.by_column[c].how == "modelled"]
        if len(own) == 1 and set(context.key.columns) <= set(key) and position.max(initial=0) > 0:
            values = whole(frame.column(own[0]))
            if len(values) == frame.num_rows and plan.sibling_order[:1] == (own[0],) and (values == position + 1).all():
                found.add(own[0])
    return frozenset(found)


def _lattice_columns(plan: TablePlan, lines: frozenset[str]) -> list[str]:
    """Modelled columns in a unique key: their values are kept apart on a lattice."""
    in_keys = dict.fromkeys(c for key in plan.table.unique_keys for c in key)
    return [c for c in in_keys if plan.by_column[c].how == "modelled" and c not in lines]


def lattices_of(plan: TablePlan, frame: pa.Table, lines: frozenset[str], k: int) -> dict[str, Lattice]:
    values = {c: whole(frame.column(c)) for c in _lattice_columns(plan, lines)}
    return {c: Lattice.of(v, k) for c, v in values.items() if len(v)}


def _depths(plan: TablePlan, derived: pa.Table) -> dict[str, Degrees]:
    """How many rows stand at which depth of a tree with a single head or a few: too few for the model to count. Not
    where a CHECK speaks of the key."""
    found = {}
    for key in plan.keys:
        checked = any(c in check.expression for check in plan.table.conditions for c in key.free)
        if key.fill == "self" and plan.kept is None and not checked:
            codes, rows = np.unique(derived.column(key.code).to_numpy(), return_counts=True)
            if rows[(codes == 0) | (codes == tree.ITSELF)].sum() <= MOST_HEADS:
                found[key.code] = Degrees(codes, rows.astype(np.int64))
    return found


def _encoded(plan: TablePlan, codec: TableCodec, derived: pa.Table) -> Encoded:
    referred = dict.fromkeys(c for d in plan.degrees for c in d.key.ref_columns)
    context = plan.context.key.columns if plan.context else ()
    keys = {c: combined(derived.column(c)) for c in referred}
    kept = np.full(derived.num_rows, -1, np.int64)
    if plan.kept is not None:
        identity = plan.table.primary_key.columns if plan.table.primary_key else tuple(referred)
        if identity:
            kept = row_index([derived.column(c) for c in identity], [plan.kept.rows.column(c) for c in identity])
    return Encoded(codec.encode(derived), keys, {c: combined(derived.column(c)) for c in context}, kept)


def column_specs(
    plan: Plan,
    table_plan: TablePlan,
    clusters: dict[str, Clusters],
    implied: Implied,
    lines: frozenset[str],
    surprise: Mapping[str, float],
) -> list[ColumnSpec]:
    """What the model learns, in the order in which it is drawn: foreign keys, key columns, the others, child counts.

    The others come by rising ``surprise``: what is easy to learn is learned from little, errors do not add up before
    it, and the columns after it are learned in its light."""
    codes = [
        ColumnSpec(k.code, None, "code", nullable=False, cardinality=size)
        for k in table_plan.keys
        if (size := code_count(plan, k, clusters))
    ]
    codes += [
        ColumnSpec(k.kind_code, None, "code", nullable=False, cardinality=clusters[k.code].count + 1)
        for k in table_plan.keys
        if k.fill == "self" and clusters[k.code].count > 1
    ]
    codes += [
        ColumnSpec(f.code, None, "code", nullable=False, cardinality=2)
        for f in copies_of(plan, table_plan)
        if not f.exact
    ]
    in_keys = set(_lattice_columns(table_plan, lines))
    modelled = [c for c in table_plan.columns if c.how in ("modelled", "made") and c.name not in lines]
    modelled.sort(key=lambda c: (c.name not in in_keys, surprise[c.name] if c.how == "modelled" else 0.0))
    own = [spec for c in modelled if (spec := _spec(table_plan, c, implied)) is not None]
    counts = [ColumnSpec(d.column, sqltypes.BigInteger(), "number", nullable=False, low=0) for d in table_plan.degrees]
    return codes + own + counts


def surprise(frame: pa.Table) -> dict[str, float]:
    """The entropy of each column in nats."""
    out = {}
    for name in frame.column_names:
        counts = pc.value_counts(frame.column(name)).field("counts").to_numpy(zero_copy_only=False)
        share = counts / max(1, counts.sum())
        out[name] = float(-(share * np.log(share)).sum())
    return out


def code_count(plan: Plan, k: KeyPlan, clusters: dict[str, Clusters]) -> int:
    kept = plan[k.key.ref_table].kept if k.fill == "category" else None
    return {
        "category": (kept.count if kept else 0) + 2,
        "cluster": clusters[k.code].count + 1 if k.code in clusters else 0,
        "matched": 2,
        "cycle": 2,
        "self": tree.CARDINALITY,
    }.get(k.fill, 0)


def _spec(plan: TablePlan, column: ColumnPlan, implied: Implied) -> ColumnSpec | None:
    declared = plan.table.column(column.name)
    if column.how == "made":
        if not declared.nullable:
            return None  # always there: nothing to learn
        return ColumnSpec(column.name, declared.type, "presence")
    labels: Any = tuple(declared.type.enums) if isinstance(declared.type, sqltypes.Enum) else None
    assert column.kind is not None
    return ColumnSpec(
        column.name,
        declared.type,
        column.kind,
        nullable=declared.nullable,
        low=implied.low.get(column.name),
        high=implied.high.get(column.name),
        allowed=implied.allowed.get(column.name) or labels,
        max_length=getattr(declared.type, "length", None),
    )
