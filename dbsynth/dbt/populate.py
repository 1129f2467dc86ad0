"""Synthetic rows in the schemas that a dbt project reads its sources from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbsynth.artifact.manifest import is_model
from dbsynth.dbt.profiles import DbtTarget, nearest
from dbsynth.dbt.sources import SourceSchema
from dbsynth.dialect import dialect_name, load_dialect
from dbsynth.errors import ArtifactError, UsageError
from dbsynth.pipeline.events import RunDone
from dbsynth.pipeline.filling import Emit
from dbsynth.synthesizer import Synthesizer
from dbsynth.translate.names import folded
from dbsynth.translate.target import source_grammar


@dataclass(frozen=True)
class Amount:
    scale: float = 1.0
    rows: Mapping[str, int] | None = None
    seed: int | None = None
    workers: int | None = None
    replace: bool = False


@dataclass(frozen=True)
class Filling:
    """One schema of sources, and the model that it is filled from."""

    group: SourceSchema
    target: DbtTarget
    model: Synthesizer
    views: frozenset[tuple[str, str]]

    def run(self, amount: Amount, watch: Emit) -> RunDone:
        if self.target.adapter == "postgres":
            from dbsynth.dbt.views import drop_readers

            drop_readers(self.target.url, self.group.schema, self.views)
        return self.model.to_database(
            self.target.url,
            schema=self.group.schema,
            scale=amount.scale,
            rows=amount.rows,
            seed=amount.seed,
            workers=amount.workers,
            replace=amount.replace,
            watch=watch,
        )


def fillings(groups: Sequence[SourceSchema], target: DbtTarget, manifest: Mapping[str, Any]) -> list[Filling]:
    """What no model, or a table that its model has not, stands against is told here, before anything is written."""
    views = _views(manifest)
    return [Filling(group, target, _model_of(group, target), views) for group in groups]


def _model_of(group: SourceSchema, target: DbtTarget) -> Synthesizer:
    if not is_model(group.model):
        raise ArtifactError(
            f"{group.model} is no model (of the source {group.names[0]})",
            hint="name the folder that `dbsynth train --out` wrote",
        )
    model = Synthesizer.load(group.model)
    schemas = model.plan.schema.schemas
    if len(schemas) > 1:
        raise UsageError(
            f"{group.model} has {len(schemas)} schemas ({', '.join(schemas)}), the source {group.names[0]} is one",
            hint="train a model a schema: dbsynth train SOURCE --schema NAME --out FOLDER",
        )
    ours, theirs = source_grammar(model.dialect), load_dialect(dialect_name(target.url)).grammar
    tables = sorted(folded(t.name.name, ours, theirs) for t in model.plan.tables)
    known = {t.lower() for t in tables}  # dbt quotes identifiers in some databases and not in others
    if missing := [t for t in group.tables if t.lower() not in known]:
        raise UsageError(
            f"{group.model} has no table {missing[0]}, which the source {group.names[0]} lists",
            hint=nearest(missing[0], tables, "its tables are"),
        )
    return model


def _views(manifest: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """(schema, name) of the project's models that are views."""
    nodes = (manifest.get("nodes") or {}).values()
    return frozenset(
        (str(n.get("schema")), str(n.get("alias")))
        for n in nodes
        if n.get("resource_type") == "model" and (n.get("config") or {}).get("materialized") == "view"
    )
