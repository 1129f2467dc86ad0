"""A fit that can be interrupted: the folder that keeps its plan, its finished tables and the training that runs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbsynth.artifact import files
from dbsynth.artifact.checkpoint import TrainingCheckpoint, name_of
from dbsynth.artifact.learned import UNREADABLE, read_learned, read_plan, write_learned, write_plan, write_schema
from dbsynth.errors import ArtifactError, UsageError
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.plan import Plan
from dbsynth.schema.model import TableName

FIT = "fit"


class FitCheckpoint:
    """``fingerprint``: of the arguments of the fit, JSON-able; other arguments than those of the folder are refused."""

    def __init__(self, folder: Path, fingerprint: Mapping[str, Any]) -> None:
        self.folder, self.fingerprint = folder, dict(fingerprint)

    def begun(self, seed: int | None) -> tuple[Plan, int] | None:
        """The plan and the seed of the fit that was interrupted; None where none was. Raises UsageError where the
        folder belongs to a fit with other arguments, ArtifactError where it is damaged or no checkpoint."""
        if not (self.folder / FIT).exists():
            if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
                raise ArtifactError(f"{self.folder} is there already and is no checkpoint", hint="name another folder")
            return None
        found = files.read(self.folder / FIT)
        told = {**self.fingerprint, "seed": found.about.get("seed") if seed is None else seed}
        kept = found.about.get("fingerprint")
        if found.about.get("what") != FIT or not isinstance(kept, dict):
            raise ArtifactError(f"{self.folder} is no checkpoint of a fit", hint="name another folder")
        odd = sorted(k for k in {*told, *kept} if told.get(k) != kept.get(k))
        if odd:
            raise UsageError(
                f"the checkpoint {self.folder} belongs to a fit with another {', '.join(odd)}",
                hint="call fit with the arguments of the interrupted one, or name another folder",
            )
        with _readable(self.folder / FIT):
            plan = read_plan(found.documents["schema"], found.documents["plan"], found.tensors.get("plan", {}))
        return plan, int(kept["seed"])

    def begin(self, plan: Plan, seed: int) -> None:
        document, tensors = write_plan(plan)
        about = {"what": FIT, "seed": seed, "fingerprint": {**self.fingerprint, "seed": seed}}
        documents = {"schema": write_schema(plan.schema), "plan": document}
        files.write(self.folder / FIT, about, documents, {"plan": tensors})

    def finished(self, plan: Plan) -> dict[TableName, tuple[Learned, tuple[str, ...]]]:
        """The tables that are learned, with what was said of them."""
        out = {}
        for table in plan.tables:
            path = self._table(table.name)
            if path.exists():
                found = files.read(path)
                with _readable(path):
                    learned = read_learned(found.documents["table"], found.tensors.get("table", {}), plan)
                    out[table.name] = learned, tuple(map(str, found.documents["warnings"]))
        return out

    def keep(self, learned: Learned, warnings: tuple[str, ...]) -> None:
        """A table is learned: its training need not be gone on with."""
        document, tensors = write_learned(learned)
        documents = {"table": document, "warnings": list(warnings)}
        files.write(self._table(learned.plan.name), {"what": "table"}, documents, {"table": tensors})
        shutil.rmtree(TrainingCheckpoint.of(self.folder, learned.plan.name).path, ignore_errors=True)

    def _table(self, name: TableName) -> Path:
        return self.folder / f"table-{name_of(name)}"


class _readable:
    """Whatever a damaged document ends in is an ArtifactError that names the folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UNREADABLE) and not isinstance(error, ArtifactError):
            raise ArtifactError(
                f"{self.path}: it does not hold what it should ({error})", hint="remove the folder and fit anew"
            ) from error
