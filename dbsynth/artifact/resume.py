"""A fit that can be interrupted: the folder that keeps its plan, its finished tables and the training that runs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbsynth.artifact import files, manifest
from dbsynth.artifact.checkpoint import TrainingCheckpoint, changed_rows, name_of
from dbsynth.artifact.learned import UNREADABLE, read_learned, read_plan, write_learned, write_plan, write_schema
from dbsynth.errors import ArtifactError, CheckpointRefused
from dbsynth.pipeline import events
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.plan import Plan
from dbsynth.schema.model import TableName

FIT = "fit"


@dataclass(frozen=True)
class Finished:
    """A table that is learned, what was said of it meanwhile, and a digest of how its rows are coded."""

    learned: Learned
    warnings: tuple[str, ...]
    codes: str


def seed_of(folder: Path) -> int | None:
    """That of the fit that was interrupted, if one was. Raises ArtifactError where it is damaged."""
    path = folder / FIT
    if not path.exists():
        return None
    with _readable(path):
        return int(manifest.about(path)["seed"])


class FitCheckpoint:
    """``fingerprint``: of the arguments of the fit, JSON-able; other arguments than those of the folder are refused."""

    def __init__(self, folder: Path, fingerprint: Mapping[str, Any]) -> None:
        self.folder, self.fingerprint = folder, dict(fingerprint)
        self.resumed = False

    def begun(self, seed: int | None) -> tuple[Plan, int] | None:
        """The plan and the seed of the fit that was interrupted; None where none was. Raises CheckpointRefused where
        the folder belongs to a fit with other arguments, ArtifactError where it is damaged or no checkpoint."""
        if not (self.folder / FIT).exists():
            if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
                raise ArtifactError(f"{self.folder} is there already and is no checkpoint", hint="name another folder")
            return None
        found = files.read(self.folder / FIT)
        told = {**self.fingerprint, "seed": found.about.get("seed") if seed is None else seed}
        kept = found.about.get("fingerprint")
        if found.about.get("what") != FIT or not isinstance(kept, dict):
            raise ArtifactError(f"{self.folder} is no checkpoint", hint="name another folder")
        odd = sorted(k for k in {*told, *kept} if told.get(k) != kept.get(k))
        if odd:
            raise self._refused(", ".join(odd))
        with _readable(self.folder / FIT):
            plan = read_plan(found.documents["schema"], found.documents["plan"], found.tensors.get("plan", {}))
        self.resumed = True
        return plan, int(kept["seed"])

    def check_rows(self, plan: Plan, counts: Mapping[TableName, int]) -> None:
        """Raises CheckpointRefused where a table has another number of rows than when ``plan`` was made."""
        if any(table.source_rows != counts[table.name] for table in plan.tables):
            raise self._refused("numbers of rows")

    def _refused(self, odd: str) -> CheckpointRefused:
        return CheckpointRefused(
            f"the checkpoint {self.folder} belongs to a run with another {odd}",
            hint="give the arguments of the interrupted one, or name another folder",
        )

    def begin(self, plan: Plan, seed: int) -> None:
        document, tensors = write_plan(plan)
        about = {"what": FIT, "seed": seed, "fingerprint": {**self.fingerprint, "seed": seed}}
        documents = {"schema": write_schema(plan.schema), "plan": document}
        files.write(self.folder / FIT, about, documents, {"plan": tensors})

    def finished(self, plan: Plan) -> dict[TableName, Finished]:
        """The tables that are learned."""
        out = {}
        for table in plan.tables:
            path = self._table(table.name)
            if path.exists():
                found = files.read(path)
                with _readable(path):
                    learned = read_learned(found.documents["table"], found.tensors.get("table", {}), plan)
                    said = tuple(map(str, found.documents["warnings"]))
                out[table.name] = Finished(learned, said, str(found.about.get("codes")))
        return out

    def goes_on(self, plan: Plan, finished: Mapping[TableName, Finished]) -> events.Resumed:
        begun = [t.name for t in plan.tables if TrainingCheckpoint.of(self.folder, t.name).path.exists()]
        return events.Resumed(tuple(map(str, finished)), tuple(str(n) for n in begun if n not in finished))

    def check_codes(self, finished: Finished | None, codes: str) -> None:
        """Raises CheckpointRefused where a table that others stand under is not coded as it was when it was learned."""
        if finished is not None and finished.codes != codes:
            raise changed_rows(self.folder)

    def keep(self, learned: Learned, warnings: tuple[str, ...], codes: str) -> None:
        """A table is learned: its training need not be gone on with."""
        document, tensors = write_learned(learned)
        documents = {"table": document, "warnings": list(warnings)}
        files.write(self._table(learned.plan.name), {"what": "table", "codes": codes}, documents, {"table": tensors})
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
