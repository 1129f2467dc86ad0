"""From a command line to rows of a saved model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dbsynth.artifact.files import is_model
from dbsynth.console.request import database_target, row_numbers
from dbsynth.errors import ArtifactError
from dbsynth.pipeline.events import RunDone
from dbsynth.pipeline.exports import Format
from dbsynth.pipeline.filling import Emit
from dbsynth.synthesizer import Synthesizer


def run(
    model: Path,
    target: str,
    watch: Emit,
    *,
    config: Path | None,
    format: Format | None,
    scale: float | None,
    rows: Sequence[tuple[str, int]],
    seed: int | None,
    workers: int | None,
    replace: bool,
) -> RunDone:
    if not is_model(model):
        raise ArtifactError(f"{model} is no model", hint="name the folder that `dbsynth train --out` wrote")
    goal = database_target(config, target) if format is None else None  # before the model, which takes a moment
    found = Synthesizer.load(model)
    how = {"scale": scale or 1.0, "seed": seed, "workers": workers, "replace": replace, "watch": watch}
    numbers = row_numbers(rows) or None
    if goal is not None:
        url, schema = goal
        return found.to_database(url, schema=schema, rows=numbers, **how)  # type: ignore[arg-type]
    assert format is not None
    return found.to_files(target, format, rows=numbers, **how)  # type: ignore[arg-type]
