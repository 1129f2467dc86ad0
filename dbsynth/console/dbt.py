"""``dbsynth dbt``: from a command line to filled sources, and to dbt."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dbsynth.console import redact, summary
from dbsynth.console.output import stdout_console
from dbsynth.console.progress import watcher
from dbsynth.console.request import row_numbers
from dbsynth.dbt.populate import Amount, Filling, fillings
from dbsynth.dbt.profiles import DbtTarget, Project, check_writable, find_profiles, find_project, find_target, said
from dbsynth.dbt.sources import manifest_of, source_schemas
from dbsynth.errors import ConfigError, UsageError

FILLED = "DBSYNTH_DBT_FILLED"
"""Tells the macros of the package dbsynth that their work is done (sql/dbt/macros/target.sql)."""
OURS = ("--target", "-t", "--project-dir", "--profiles-dir", "--profile")
VALUED = "mors"
"""The letters of dbt's other options that take a value: what follows one in the same argument is that."""


@dataclass(frozen=True)
class Place:
    project: Project
    target: DbtTarget
    profiles_dir: Path

    @property
    def arguments(self) -> list[str]:
        """What says to dbt where it is to work: all of it, so that no variable of the environment says otherwise. The
        target is not the first, which an option before that lacks its value would take for one."""
        where = ["--project-dir", str(self.project.folder), "--profiles-dir", str(self.profiles_dir)]
        return [*where, "--profile", self.target.profile, "--target", self.target.name]


def find(project_dir: Path | None, profiles_dir: Path | None, target: str | None) -> Place:
    """The project and its target, which is not protected."""
    if project_dir is None and (named := said("PROJECT_DIR")):
        project_dir = Path(named)
    start = (project_dir or Path.cwd()).absolute()
    project = find_project(start)
    if project is None or (project_dir is not None and project.folder != start):
        raise ConfigError(
            f"there is no dbt_project.yml in {start}", hint="--project-dir names the folder of the project"
        )
    found = find_target(target, project, profiles_dir)
    redact.remember(found.url)
    check_writable(found.name, project)
    return Place(project, found, find_profiles(project, profiles_dir).parent.absolute())


def prepared(place: Place, model: Path | None, selected: Sequence[str]) -> list[Filling]:
    manifest = manifest_of(place.project, place.target)
    groups = source_schemas(place.project, place.target, manifest, model.absolute() if model else None, selected)
    return fillings(groups, place.target, manifest)


def fill(
    place: Place,
    *,
    quiet: bool,
    as_json: bool,
    verbose: bool,
    model: Path | None,
    selected: Sequence[str],
    scale: float | None,
    rows: Sequence[tuple[str, int]],
    seed: int | None,
    workers: int | None,
    replace: bool,
) -> None:
    """Fill the sources, and tell of each schema what `dbsynth generate` tells."""
    amount = Amount(scale or 1.0, row_numbers(rows) or None, seed, workers, replace)
    for filling in prepared(place, model, selected):
        with watcher(quiet=quiet, as_json=as_json) as watch:
            done = filling.run(amount, watch)
        if not quiet and not as_json:
            target = watch.state.started.target if watch.state.started else filling.group.schema
            summary.show(stdout_console(), done, watch.state.notes, target=target, verbose=verbose)


def dbt_program(named: str | None) -> str:
    found = shutil.which(named or "dbt")
    if found is None:
        raise UsageError(
            f"there is no program {named or 'dbt'}", hint="activate the environment that dbt lives in, or --dbt PROGRAM"
        )
    return found


def check_arguments(arguments: Sequence[str]) -> None:
    """UsageError where dbt would be told, or would remember, another place than the one that is filled."""
    for option in filter(None, map(_ours, arguments)):
        raise UsageError(
            f"{option} stands among the arguments of dbt, and dbsynth has to know it",
            hint="the variable DBT_PROFILE names another profile than that of dbt_project.yml"
            if option == "--profile"
            else f"write it before the two dashes: dbsynth dbt run {option} ... -- ...",
        )
    if "retry" in arguments:
        raise UsageError(
            "dbt retry takes its target from the run before, and dbsynth cannot tell which that was",
            hint="say what is to be built: dbsynth dbt run -- build --select ...; what is called retry: --select=retry",
        )


def _ours(given: str) -> str | None:
    """The option in an argument, if it is one of ours: also as dbt reads `-tdev`, and `-qtdev` after a flag."""
    if given.startswith("--"):
        name = given.partition("=")[0]
        return name if name in OURS else None
    if given.startswith("-"):
        letter = next((c for c in given[1:] if c in VALUED or f"-{c}" in OURS), None)
        return f"-{letter}" if f"-{letter}" in OURS else None
    return None


def parse(program: str, place: Place, arguments: Sequence[str]) -> int:
    """Make the manifest of this target, with the vars that ``arguments`` give: the schema of a source may depend on
    both."""
    given = [
        a for i, a in enumerate(arguments) if a.startswith("--vars=") or "--vars" in arguments[max(i - 1, 0) : i + 1]
    ]
    return subprocess.run([program, "--quiet", "parse", *place.arguments, *given], env=_environment()).returncode


def call(program: str, place: Place, arguments: Sequence[str]) -> int:
    return subprocess.run([program, *arguments, *place.arguments], env=_environment()).returncode


def _environment() -> dict[str, str]:
    return {**os.environ, FILLED: "1"}
