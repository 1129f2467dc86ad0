"""A fitted model as a directory: ``manifest.json``, ``schema.json``, ``plan.json`` and one document a table, with
their arrays in safetensors files of the same names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from dbsynth.artifact import files
from dbsynth.artifact.encode import Decoder, Encoder, Unreadable
from dbsynth.artifact.learned import (
    UNREADABLE,
    Document,
    read_learned,
    read_plan,
    write_learned,
    write_plan,
    write_schema,
)
from dbsynth.artifact.manifest import REMEDY
from dbsynth.errors import ArtifactError
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.plan import Plan
from dbsynth.quality.statistics import Statistics
from dbsynth.schema.model import TableName

STATISTICS = "statistics"
"""The document of what is kept of the source to verify rows without it."""
log = structlog.get_logger("dbsynth")


@dataclass(frozen=True)
class Model:
    """``about``: facts of the manifest; ``extra``: plain data (JSON) that belongs to the model; ``digest``: of its
    files, "" before it is saved."""

    plan: Plan
    learned: Mapping[TableName, Learned]
    about: Mapping[str, Any]
    extra: Any
    digest: str = ""
    statistics: Statistics | None = None


def save(path: Path, model: Model) -> str:
    """See ``files.write``; gives the digest of the files."""
    plan, arrays = write_plan(model.plan)
    documents: dict[str, Document] = {"schema": write_schema(model.plan.schema), "plan": plan}
    documents["extra"] = {"extra": Encoder().encode(model.extra)}
    tensors = {"plan": arrays}
    for i, name in enumerate(model.learned):
        document, arrays = write_learned(model.learned[name])
        documents[_table(i)], tensors[_table(i)] = document, arrays
    if model.statistics is not None:
        encoder = Encoder()
        documents[STATISTICS] = {"statistics": encoder.encode(model.statistics)}
        tensors[STATISTICS] = encoder.tensors
    about = {**model.about, "what": "model", "tables_learned": len(model.learned)}
    return files.write(path, about, documents, tensors)


def load(path: Path, versions: Mapping[str, str]) -> Model:
    """Raises ArtifactError for anything that is not as it was saved. ``versions``: of what runs now; another one than
    that of the model is told as a warning."""
    folder = files.read(path)
    if folder.about.get("what") != "model":
        raise ArtifactError(f"{path} holds a checkpoint, no model", hint="name the folder that save() wrote")
    told = folder.about.get("versions")
    for library, version in versions.items():
        saved = told.get(library) if isinstance(told, dict) else None
        if saved != version:
            log.warning("model saved with another version", library=library, saved=saved, running=version)
    at = "schema.json"
    try:
        at = "plan.json"
        plan = read_plan(folder.documents["schema"], folder.documents["plan"], folder.tensors.get("plan", {}))
        at = "extra.json"
        extra = Decoder({}).decode(folder.documents["extra"]["extra"])
        learned = {}
        for i in range(int(folder.about["tables_learned"])):
            at = _table(i) + ".json"
            found = read_learned(folder.documents[_table(i)], folder.tensors.get(_table(i), {}), plan)
            learned[found.plan.name] = found
        at = f"{STATISTICS}.json"
        statistics = _statistics(folder)
    except UNREADABLE as error:
        raise ArtifactError(f"{path / at}: {_said(error)}", hint=REMEDY) from error
    return Model(plan, learned, folder.about, extra, folder.digest, statistics)


def _statistics(folder: files.Folder) -> Statistics | None:
    """None: the model was saved without any."""
    if STATISTICS not in folder.documents:
        return None
    decoder = Decoder(folder.tensors.get(STATISTICS, {}))
    found = decoder.decode(folder.documents[STATISTICS]["statistics"])
    if not isinstance(found, Statistics):
        raise Unreadable("it holds no statistics")
    return found


def _table(i: int) -> str:
    return f"table_{i:03}"


def _said(error: BaseException) -> str:
    return f"it does not hold what it should ({error or type(error).__name__})"
