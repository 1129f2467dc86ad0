"""From a command line to a diff."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dbsynth.artifact.manifest import is_model
from dbsynth.console.request import clone_options
from dbsynth.errors import ArtifactError, GateFailed
from dbsynth.quality.diff import Diff, diff_model, diff_target
from dbsynth.synthesizer import Synthesizer


def run(*, against: str, **asked: Any) -> Diff:
    """``against``: the folder of a model, or a target."""
    path = Path(against)
    if is_model(path):
        options = clone_options(keep=(), **asked)  # before the model, which takes a moment
        return diff_model(options, Synthesizer.load(path), path)
    if path.is_dir():
        raise ArtifactError(f"{against} is a folder and no model", hint="name the folder that `dbsynth train` wrote")
    return diff_target(clone_options(keep=(), target=against, **asked))


def raise_if_drifted(found: Diff) -> None:
    """GateFailed, with how much is different."""
    if not found.drift:
        return
    differences, changes = len(found.drift.differences), len(found.drift.changes)
    told = f"{differences:,} differences of the schema, {changes:,} of the rows"
    raise GateFailed(f"{found.source} and {found.other} have drifted apart: {told}", hint=found.remedy)
