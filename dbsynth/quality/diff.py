"""``dbsynth diff``: a source against a model of it, or against a target that was made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbsynth.dialect import Database, connect, load_dialect
from dbsynth.errors import UsageError
from dbsynth.pipeline.clone import limited, names_in_target, plan_of, read_catalog
from dbsynth.pipeline.filling import created
from dbsynth.pipeline.generation import Origin, identity_digest
from dbsynth.pipeline.options import CloneOptions
from dbsynth.quality.catalog import Labels, compare
from dbsynth.quality.drift import Change, Drift, changes_of
from dbsynth.quality.of_model import LEAST_ROWS, damaged
from dbsynth.quality.pairing import pair, schemas_of
from dbsynth.quality.sides import SAMPLE_ROWS, Side
from dbsynth.quality.statistics import collect
from dbsynth.quality.without_source import figures_of
from dbsynth.schema.model import Schema, TableName

if TYPE_CHECKING:
    from dbsynth.synthesizer import Synthesizer

UPDATE, TRAIN = "dbsynth train SOURCE --out {model} --update", "dbsynth train SOURCE --out FOLDER"
CLONE = "dbsynth clone SOURCE --to TARGET"


@dataclass(frozen=True)
class Diff:
    """``source``, ``other``: for people. ``kind``: what ``other`` is. ``retrain``: tables of the model that have to be
    learned anew, and why; of a target, those to be made anew."""

    source: str
    other: str
    kind: str
    drift: Drift
    retrain: Mapping[TableName, str]
    remedy: str

    def describe(self) -> dict[str, Any]:
        """Plain data (JSON-able): names and numbers."""
        return {
            "source": self.source,
            "against": self.other,
            "kind": self.kind,
            "drifted": bool(self.drift),
            "differences": [d.describe() for d in self.drift.differences],
            "changes": [c.describe() for c in self.drift.changes],
            "rows": {str(n): {"then": then, "now": now} for n, (then, now) in self.drift.rows.items()},
            "retrain": {str(n): why for n, why in self.retrain.items()},
            "not_compared": self.drift.untold,
            "remedy": self.remedy,
        }


def asked_again(options: CloneOptions, asked: Mapping[str, Any]) -> CloneOptions:
    """``options`` with the selection that a model was learned with, where they make none."""
    return replace(
        options,
        source_schemas=options.source_schemas or tuple(asked.get("schemas", ())) or None,
        tables=options.tables or tuple(asked.get("tables", ())),
        exclude=options.exclude or tuple(asked.get("exclude", ())),
    )


def diff_model(options: CloneOptions, model: Synthesizer, path: Path) -> Diff:
    """The source of ``options`` against the model. Raises UsageError where it is one of tables in memory, or of another
    kind of database."""
    options = limited(asked_again(options, model.asked))
    database = connect(options.source_url)
    try:
        options, schema = read_catalog(options, database)
        with database.snapshot() as snapshot:
            drift = drift_of(model, schema, database, snapshot)
        origin = Origin(database.dialect.name, identity_digest(database))
        remedy = remedy_of(model, origin, database.describe(), path) if drift else ""
        return Diff(database.describe(), str(path), "model", drift, drift.stale, remedy)
    finally:
        database.close()


def remedy_of(model: Synthesizer, origin: Origin, place: str, path: Path) -> str:
    """What to do where a source has drifted; an update is advised only where it would not be refused."""
    if model.origin != origin:
        return f"{TRAIN}, for {path} was learned from {model.plan.source}: a model is updated from its own source only"
    if model.plan.private is not None:
        return f"{TRAIN}: an update of {path} would spend the budget of differential privacy again"
    if model.statistics is None:
        return f"{TRAIN}: {path} holds no statistics, so that it cannot be updated"
    return UPDATE.format(model=path)


def check_updatable(options: CloneOptions, model: Synthesizer) -> None:
    """Raises UsageError for a model that cannot be updated, or not with ``options``."""
    anew = "train it anew: without --update"
    plan = model.plan
    if model.dialect is None:
        raise UsageError("the model was learned from tables in memory", hint="fit it again with the new tables")
    if plan.private is not None or options.dp_epsilon is not None:
        raise UsageError("an update would spend the budget of differential privacy again", hint=anew)
    if model.statistics is None:
        raise UsageError(
            "the model holds no statistics of its source, so that drift could not be seen: it was saved by an earlier "
            "version, or learned where reading is billed by the byte",
            hint=anew,
        )
    if options.seed is not None and options.seed != model.seed:
        told = f"the model was learned with the seed {model.seed}, not {options.seed}"
        raise UsageError(told, hint=f"leave --seed out, or {anew}")
    if options.privacy_k != plan.privacy_k:
        raise UsageError(f"the model was learned with k = {plan.privacy_k}, not {options.privacy_k}", hint=anew)


def check_same_source(model: Synthesizer, origin: Origin, place: str) -> None:
    if model.origin != origin:
        raise UsageError(
            f"the model was learned from {model.plan.source}, and {place} is another database",
            hint="name the database that it was learned from, or train anew: without --update",
        )


def drift_of(model: Synthesizer, schema: Schema, database: Database, snapshot: str) -> Drift:
    """``schema``: the source's catalog now, as it would be learned, to which ``database`` is bound."""
    if model.dialect is None:
        raise UsageError("the model was learned from tables in memory", hint="fit it again with the new tables")
    if model.dialect != database.dialect.name:
        raise UsageError(
            f"the model was learned from a {model.dialect} database, the source is a {database.dialect.name} one",
            hint="name the database that the model was learned from, or train it anew",
        )
    plan, dialect = model.plan, load_dialect(model.dialect)
    labels = Labels("the source", "the model")
    names = {s: s for s in (*schema.schemas, *plan.schema.schemas)}
    differences = compare(schema, plan.schema, names, dialect, dialect, labels, "")
    counts = database.count([t.name for t in schema.tables], snapshot)
    then = {t.name: t.source_rows for t in plan.tables}
    rows = {n: (then.get(n), counts.get(n)) for n in {**then, **counts}}
    found = tuple(replace(d, sql="", remedy="") for d in differences)
    if model.statistics is None:
        why = "the model holds no statistics: it was saved by an earlier version, or learned with differential privacy"
        return Drift(found, (), rows, why)
    both = tuple(t for t in schema.tables if t.name in then)
    side = Side.of(database, replace(schema, tables=both), snapshot)
    return Drift(found, changes_of(model.statistics, side, plan), rows)


def diff_target(options: CloneOptions) -> Diff:
    """The source of ``options`` against their target."""
    options = limited(options)
    assert options.target_url is not None
    source, target = connect(options.source_url), connect(options.target_url)
    try:
        options, schema = read_catalog(options, source)
        mapping = names_in_target(options, schema, source, target)
        made = target.introspect(schemas_of(schema, mapping, source.dialect, target.dialect))
        target.bind(made)
        with source.snapshot() as snapshot, target.snapshot() as snapshot_made:
            plan = plan_of(options, source, target, schema, mapping, snapshot, options.seed or 0)
            differences = compare(created(plan), made, mapping, source.dialect, target.dialect)
            sides = pair(plan, source, target, made, (snapshot, snapshot_made), SAMPLE_ROWS)
            statistics = collect(plan, sides.real)
            figures = figures_of(statistics, sides.made, plan)
            changes = [
                Change(f.subject.table, says, f.name, f.subject.columns, f.subject.relation, f.value)
                for f, says in damaged(figures)
            ]
            changes += _grown(sides.real, sides.made)
            here = {t.name: t.source_rows for t in plan.tables} | dict(sides.real.counts)
            rows = {n: (sides.made.counts.get(n), count) for n, count in here.items()}
        drift = Drift(differences, tuple(changes), rows)
        return Diff(source.describe(), plan.target, "database", drift, drift.stale, CLONE if drift else "")
    finally:
        source.close()
        target.close()


def _grown(real: Side, made: Side) -> list[Change]:
    """Tables that are emptier or fuller beside the others than in the source: a target may be smaller as a whole."""
    counted = {n: (real.counts[n], made.counts[n]) for n in made.counts if real.counts[n] >= LEAST_ROWS}
    ratios = sorted(m / n for n, m in counted.values())
    if not ratios:
        return []
    usual = ratios[len(ratios) // 2]
    return [
        Change(
            table, f"it has {m:,} rows for {n:,} of the source, where other tables have {usual:.2f} for each", "rows"
        )
        for table, (n, m) in counted.items()
        if not usual / 1.5 <= m / n <= usual * 1.5
    ]
