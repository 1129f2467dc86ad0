"""The package of macros, which lies in the wheel and in a checkout: as a folder that ``packages.yml`` can name."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from dbsynth.errors import InternalError, TargetRefused

PROJECT = "dbt_project.yml"


def packaged() -> Path:
    """Where the macros are: in the wheel beside the SQL files, in a checkout beside their folder (``sql/dbt``)."""
    spec = find_spec("dbsynth_sql")
    if spec is None or spec.origin is None:
        raise InternalError("the package dbsynth_sql is not installed")
    home = Path(spec.origin).parent
    found = next((f for f in (home / "dbt", home.parent / "dbt") if (f / PROJECT).is_file()), None)
    if found is None:
        raise InternalError("the macros of dbt are not installed with dbsynth")
    return found


def write_package(folder: Path) -> None:
    """Copy the macros to ``folder``. Raises TargetRefused where something else is there."""
    source = packaged()
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        there = folder / PROJECT
        if not there.is_file() or not there.read_text("utf-8", "replace").startswith("name: dbsynth\n"):
            raise TargetRefused(f"{folder} is there and is not this package", hint="name another folder")
        shutil.rmtree(folder)
    shutil.copytree(source, folder, dirs_exist_ok=True)
