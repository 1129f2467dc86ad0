"""Connections of dbt: ``dbt:TARGET`` or ``dbt:PROFILE.TARGET`` as a URL and a schema.

The profile is $DBT_PROFILE, or that of the dbt_project.yml at or above the working directory ($DBT_PROJECT_DIR);
profiles.yml lies in $DBT_PROFILES_DIR, in the project or in ~/.dbt. https://docs.getdbt.com/docs/core/connect-data-platform/profiles.yml
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from dbsynth.dbt.adapters import place_of
from dbsynth.dbt.rendering import read_yaml, rendered
from dbsynth.errors import ConfigError, TargetRefused, UsageError

PREFIX = "dbt:"
PROJECT, PROFILES = "dbt_project.yml", "profiles.yml"
PROTECTED = ("prod", "production")
"""Targets that are never written, besides those of the project's var ``dbsynth_protected_targets``."""


@dataclass(frozen=True)
class Project:
    """``folder``: where dbt_project.yml lies."""

    folder: Path
    data: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        return str(self.data.get("name", ""))

    @property
    def profile(self) -> str | None:
        if named := said("PROFILE"):
            return named
        found = rendered(self.data.get("profile"), f"{self.folder / PROJECT}: profile")
        return None if found is None else str(found)

    def var(self, name: str) -> Any:
        """A var of the project, be it for all packages, for itself or for dbsynth; None where it is not set."""
        given = self.data.get("vars") or {}
        for scope in (given.get("dbsynth"), given.get(self.name), given):
            if isinstance(scope, Mapping) and scope.get(name) is not None:
                return scope[name]
        return None


@dataclass(frozen=True)
class DbtTarget:
    """A target of a profile: ``adapter`` is dbt's name of the database."""

    profile: str
    name: str
    adapter: str
    url: URL
    schema: str


def said(name: str) -> str | None:
    """What the environment says to dbt: DBT_ENGINE_<name>, which its newer versions prefer, or DBT_<name>."""
    return os.environ.get(f"DBT_ENGINE_{name}") or os.environ.get(f"DBT_{name}") or None


def find_project(start: Path) -> Project | None:
    """The project at or above ``start``."""
    folder = next((d for d in (start, *start.parents) if (d / PROJECT).is_file()), None)
    return None if folder is None else Project(folder, read_yaml(folder / PROJECT))


def place(text: str, *, write: bool) -> tuple[URL, str]:
    """URL and schema of ``dbt:TARGET``. ``write``: TargetRefused for a protected target."""
    project = find_project(Path(said("PROJECT_DIR") or Path.cwd()).absolute())
    target = find_target(text.removeprefix(PREFIX), project)
    if write:
        check_writable(target.name, project)
    return target.url, target.schema


def check_writable(name: str, project: Project | None) -> None:
    more = (project.var("dbsynth_protected_targets") if project else None) or []
    if isinstance(more, str) or not isinstance(more, list):
        more = [more]
    if name.lower() in {str(one).lower() for one in (*PROTECTED, *more)}:
        raise TargetRefused(
            f"the dbt target {name} is protected: nothing synthetic is written there",
            hint="name another; protected are prod, production, and what the var dbsynth_protected_targets lists",
        )


def find_target(name: str | None, project: Project | None, profiles_dir: Path | None = None) -> DbtTarget:
    """``name``: TARGET, PROFILE.TARGET, or None for $DBT_TARGET or else the profile's default."""
    path = find_profiles(project, profiles_dir)
    profiles = {str(k): v for k, v in read_yaml(path).items() if k != "config"}
    profile, wanted = _which(name, project, profiles, path)
    found = profiles[profile]
    if not isinstance(found, Mapping) or not isinstance(found.get("outputs"), Mapping):
        raise ConfigError(f"{path}: the profile {profile} has no outputs", hint=f"{profile}: {{outputs: {{dev: ...}}}}")
    outputs = {str(k): v for k, v in found["outputs"].items()}
    if wanted is None:
        given = rendered(found.get("target", "default"), f"{path}: {profile}.target")
        wanted = said("TARGET") or str(given)
    if wanted not in outputs:
        raise UsageError(
            f"the profile {profile} of {path} has no target {wanted!r}",
            hint=nearest(wanted, outputs, "its targets are"),
        )
    where = f"{path}: {profile}.outputs.{wanted}"
    if not isinstance(outputs[wanted], Mapping):
        raise ConfigError(f"{where} is no mapping", hint="type: postgres, host: ..., schema: ...")
    base = project.folder if project else Path.cwd()  # dbt works in the project's folder: paths are relative to it
    adapter, url, schema = place_of(rendered(dict(outputs[wanted]), where), where, base)
    return DbtTarget(profile, wanted, adapter, url, schema)


def find_profiles(project: Project | None, profiles_dir: Path | None = None) -> Path:
    named = profiles_dir or (Path(d) if (d := said("PROFILES_DIR")) else None)
    folders = [named] if named else [*([project.folder] if project else []), Path.home() / ".dbt"]
    found = next((d / PROFILES for d in folders if (d / PROFILES).is_file()), None)
    if found is None:
        raise ConfigError(
            f"there is no {PROFILES} in {' nor in '.join(map(str, folders))}",
            hint="DBT_PROFILES_DIR names its folder",
        )
    return found


def _which(
    name: str | None, project: Project | None, profiles: Mapping[str, Any], path: Path
) -> tuple[str, str | None]:
    """Names of the profile (that is there) and of the target."""
    own = project.profile if project else None
    if name and (own is None or name not in _outputs(profiles.get(own))):
        # A profile may have dots in its name: the longest that fits is meant.
        fitting = [p for p in profiles if name.startswith(p + ".") and len(name) > len(p) + 1]
        if fitting:
            profile = max(fitting, key=len)
            return profile, name[len(profile) + 1 :]
        if own is None:
            raise UsageError(
                f"{PREFIX}{name}: no profile is named, and there is no {PROJECT} with one here or above",
                hint=f"write {PREFIX}PROFILE.TARGET; {nearest(name.split('.')[0], profiles, 'the profiles are')}",
            )
        if "." in name and name.split(".")[0] != own:
            raise UsageError(
                f"{path} has neither a profile {name.split('.')[0]!r} nor a target {name!r} of {own}",
                hint=nearest(name.split(".")[0], profiles, "the profiles are"),
            )
    if name == "":
        raise UsageError("no dbt target is named", hint=f"{PREFIX}TARGET or {PREFIX}PROFILE.TARGET")
    if own is None:
        raise ConfigError(f"there is no {PROJECT} that names a profile here or above", hint="profile: NAME")
    if own not in profiles:
        raise ConfigError(f"{path} has no profile {own!r}", hint=nearest(own, profiles, "there are"))
    return own, name


def _outputs(profile: Any) -> Mapping[str, Any]:
    found = profile.get("outputs") if isinstance(profile, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def nearest(name: str, names: Iterable[str], otherwise: str) -> str:
    """A hint: the name that is like ``name``, or all."""
    known = list(names)
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"{otherwise}: {', '.join(known) or 'none'}"
