"""From a command line to rows of a saved model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from dbsynth.artifact.manifest import is_model
from dbsynth.console.request import database_target, row_numbers
from dbsynth.errors import ArtifactError
from dbsynth.pipeline.events import RunDone
from dbsynth.pipeline.exports import Format, check_verifiable
from dbsynth.pipeline.filling import Emit
from dbsynth.synthesizer import Synthesizer

if TYPE_CHECKING:
    from dbsynth.console.verification import BuiltCheck


class Wish(TypedDict):
    """What is made, whatever it goes into."""

    scale: float
    rows: Mapping[str, int] | None
    seed: int | None
    workers: int | None
    watch: Emit


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
    check: BuiltCheck | None = None,
) -> RunDone:
    _check_model(model)
    # before the model, which takes a moment
    goal = database_target(config, target) if format is None else None
    if format is not None and check is not None:
        check_verifiable(format)
    found = Synthesizer.load(model)
    how = Wish(scale=scale or 1.0, rows=row_numbers(rows) or None, seed=seed, workers=workers, watch=watch)
    verify = check.of(found, str(model)) if check is not None else False
    if goal is not None:
        url, schema = goal
        return found.to_database(url, schema=schema, replace=replace, verify=verify, **how)
    assert format is not None
    return found.to_files(target, format, replace=replace, verify=verify, **how)


def append(
    model: Path,
    target: str,
    watch: Emit,
    *,
    config: Path | None,
    scale: float | None,
    rows: Sequence[tuple[str, int]],
    seed: int | None,
    workers: int | None,
    other_model: bool,
) -> RunDone:
    _check_model(model)
    url, schema = database_target(config, target)
    return Synthesizer.load(model).append_to(
        url,
        schema=schema,
        scale=scale,
        rows=row_numbers(rows) or None,
        seed=seed,
        workers=workers,
        other_model=other_model,
        watch=watch,
    )


def _check_model(model: Path) -> None:
    if not is_model(model):
        raise ArtifactError(f"{model} is no model", hint="name the folder that `dbsynth train --out` wrote")
