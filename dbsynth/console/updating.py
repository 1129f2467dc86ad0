"""From a command line to the update of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dbsynth.artifact.manifest import is_model
from dbsynth.console.request import clone_options
from dbsynth.errors import ArtifactError, UsageError
from dbsynth.pipeline.options import CloneOptions
from dbsynth.pipeline.training_wishes import check_training
from dbsynth.quality.diff import check_updatable
from dbsynth.synthesizer import Synthesizer

SELECTION = ("schemas", "tables", "exclude", "keep")
SETTINGS = ("sample_rows", "strategy")


def prepared(out: Path, checkpoint: Path | None, **asked: Any) -> tuple[Synthesizer, CloneOptions]:
    """The model in ``out``, and the options it was learned with where the command line gives none."""
    if checkpoint is not None:
        raise UsageError("--update goes with no --checkpoint", hint="an update that is interrupted is begun anew")
    if not is_model(out):
        raise ArtifactError(f"{out} is no model that could be updated", hint="train one: without --update")
    options = clone_options(**asked)  # before the model, which takes a moment
    model = Synthesizer.load(out)
    before = dict(model.asked)
    given = {name: asked.get(name) or tuple(before.get(name, ())) for name in SELECTION}
    given |= {name: asked.get(name) if asked.get(name) is not None else before.get(name) for name in SETTINGS}
    if asked.get("effort") is None and asked.get("train_minutes") is None:
        given |= {name: before.get(name) for name in ("effort", "train_minutes")}
        if given["train_minutes"] is not None:
            given["effort"] = None
    check_updatable(options, model)
    options = clone_options(**{**asked, **given})
    check_training(options)
    return model, options
