"""The sources of a dbt project, by the schema that they lie in, as its manifest.json says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbsynth.dbt.profiles import PROJECT, DbtTarget, Project, nearest, said
from dbsynth.dbt.rendering import rendered
from dbsynth.errors import ConfigError, UsageError

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class SourceSchema:
    """``tables``: identifiers of all sources that lie in ``database.schema``; ``names``: of the sources."""

    database: str
    schema: str
    names: tuple[str, ...]
    tables: tuple[str, ...]
    model: Path


def manifest_of(project: Project, target: DbtTarget) -> dict[str, Any]:
    """What ``dbt parse`` wrote. ConfigError where there is none."""
    folder = said("TARGET_PATH") or rendered(
        project.data.get("target-path") or "target", f"{project.folder / PROJECT}: target-path"
    )
    path = project.folder / str(folder) / MANIFEST
    parse = f"dbt parse --target {target.name}"
    if not path.is_file():
        raise ConfigError(f"there is no {path}", hint=f"run `{parse}` in {project.folder}")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        sources = found["sources"]
        if not isinstance(sources, dict) or not all(isinstance(s, dict) for s in sources.values()):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise ConfigError(f"{path} is no manifest of dbt", hint=f"run `{parse}` in {project.folder}") from cause
    return dict(found)


def source_schemas(
    project: Project, target: DbtTarget, manifest: Mapping[str, Any], model: Path | None, selected: Sequence[str]
) -> list[SourceSchema]:
    """The schemas to fill, in the order of their names. ``model``: for all of them, instead of the project's var
    ``models``; ``selected``: names of sources (none: all of the project, and those of packages that have a model)."""
    nodes = [_node(s) for s in manifest["sources"].values()]
    nodes = _selected(nodes, selected)
    models = _models(project)
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for node in nodes:
        if not selected and node["package_name"] != project.name and node["source_name"] not in models:
            continue  # a package's own affair
        groups.setdefault((node["database"], node["schema"]), []).append(node)
    if not groups:
        raise UsageError(
            f"the project {project.name} has no sources", hint="declare them: sources: [{name: ..., tables: ...}]"
        )
    if model is not None and len(groups) > 1:
        raise UsageError(
            f"--model is one, and the sources lie in {len(groups)} schemas: {', '.join(s for _, s in sorted(groups))}",
            hint="--source-select NAME, or vars: {dbsynth: {models: {NAME: FOLDER}}} in dbt_project.yml",
        )
    found = []
    for (database, schema), members in sorted(groups.items()):
        names = tuple(dict.fromkeys(n["source_name"] for n in members))
        tables = tuple(dict.fromkeys(n["identifier"] for n in members))
        found.append(SourceSchema(database, schema, names, tables, model or _model(project, models, schema, names)))
    _check_database(found, target, project)
    return found


def _node(source: Mapping[str, Any]) -> dict[str, str]:
    keys = ("source_name", "package_name", "database", "schema", "identifier")
    return {key: str(source.get(key) or "") for key in keys}


def _selected(nodes: list[dict[str, str]], names: Sequence[str]) -> list[dict[str, str]]:
    known = sorted({n["source_name"] for n in nodes})
    for name in names:
        if name not in known:
            raise UsageError(f"there is no source {name!r}", hint=nearest(name, known, "the sources are"))
    return [n for n in nodes if not names or n["source_name"] in names]


def _models(project: Project) -> Mapping[str, Any]:
    found = project.var("models")
    if found is not None and not isinstance(found, Mapping):
        raise ConfigError(
            f"{project.folder / PROJECT}: vars.dbsynth.models is no mapping", hint="models: {SOURCE: FOLDER}"
        )
    return found or {}


def _model(project: Project, models: Mapping[str, Any], schema: str, names: tuple[str, ...]) -> Path:
    given = {str(models[n]) for n in names if n in models}
    if not given:
        raise UsageError(
            f"there is no model for the source {names[0]}",
            hint=f"--model FOLDER, or vars: {{dbsynth: {{models: {{{names[0]}: FOLDER}}}}}} in {PROJECT}",
        )
    if len(given) > 1:
        raise UsageError(
            f"the schema {schema} cannot be filled from {len(given)} models: {', '.join(sorted(given))}",
            hint="the sources of one schema have one model",
        )
    return project.folder / given.pop()


def _check_database(groups: Iterable[SourceSchema], target: DbtTarget, project: Project) -> None:
    """Only the database of the target is reached with its connection; another one is also the sign of a manifest that
    was made for another target."""
    own = database_of(target)
    for group in groups:
        if group.database and group.database.lower() != own.lower():
            raise UsageError(
                f"the source {group.names[0]} lies in the database {group.database}, the target {target.name} in {own}",
                hint=f"was manifest.json made for another target? Run `dbt parse --target {target.name}` in "
                f"{project.folder}",
            )


def database_of(target: DbtTarget) -> str:
    """What dbt calls the database of the target."""
    if target.adapter == "duckdb":
        return Path(target.url.database or "").stem
    return (target.url.host if target.adapter == "bigquery" else target.url.database) or ""
