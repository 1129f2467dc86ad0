"""Rows of a model as files, for those without a database: which target writes which format."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal, get_args

from sqlalchemy.engine import URL

from dbsynth.dialect import Dialect, Target, load_dialect
from dbsynth.errors import TargetRefused, UsageError
from dbsynth.pipeline import events
from dbsynth.pipeline.filling import Emit
from dbsynth.pipeline.folder_target import FolderTarget
from dbsynth.pipeline.generation import Check, GenerateOptions, Trained, generate_files, generate_into
from dbsynth.translate.target import TranslatingTarget, source_grammar

Format = Literal["parquet", "csv", "sql", "duckdb"]
SCRIPT_DIALECT = "postgresql"
"""Whose SQL a script is written in."""
ENDINGS = {"sql": (".sql",), "duckdb": (".duckdb", ".db", ".ddb")}
"""A path that ends so is the file itself; any other is the folder that it goes into."""


def write_files(
    model: Trained, path: Path, format: str, options: GenerateOptions, emit: Emit, check: Check | None = None
) -> events.RunDone:
    """See ``Synthesizer.to_files``."""
    if check is not None:
        check_verifiable(format)
    _check_place(single_file(path, format, model) if format in ENDINGS else path)
    match format:
        case "parquet" | "csv":
            return generate_files(model, FolderTarget(path, format), str(path), options, emit)
        case "sql":
            file = single_file(path, format, model)
            target = _written(load_dialect(SCRIPT_DIALECT), "script", file, model)
            return generate_files(model, target, str(file), options, emit)
        case "duckdb":
            file = single_file(path, format, model)
            file.parent.mkdir(parents=True, exist_ok=True)
            return generate_into(model, URL.create("duckdb", database=str(file)), options, emit, check)
        case _:
            raise UsageError(f"there is no format {format!r}", hint=f"one of {', '.join(get_args(Format))}")


def _check_place(path: Path) -> None:
    """TargetRefused where nothing can be put beside ``path``, or its place cannot be taken by what was put there."""
    whole = path.absolute()
    if path.is_dir() and Path.cwd().resolve().is_relative_to(path.resolve()):
        raise TargetRefused(f"{path} is the folder that you are in, or above it", hint="name a folder in it")
    if path.is_dir() and path.is_mount():
        raise TargetRefused(f"{path} is a mounted volume, which cannot be replaced", hint="name a folder in it")
    place = next(p for p in whole.parents if p.exists())
    try:
        Path(mkdtemp(prefix=".dbsynth", dir=place)).rmdir()
    except OSError as error:
        raise TargetRefused(
            f"{path}: nothing can be written into {place} ({error.strerror})", hint="name a folder that you may write"
        ) from error


def check_verifiable(format: str) -> None:
    """UsageError where what is written cannot be read back by queries before it appears."""
    if format != "duckdb":
        raise UsageError(
            f"rows are verified in a database before they appear: --format {format} is none",
            hint="say --format duckdb, or name a database; dbsynth check-dump tests files for rows of the source",
        )


def write_dump(model: Trained, path: Path, options: GenerateOptions, emit: Emit) -> events.RunDone:
    """A folder that ``dbsynth.testing`` loads into servers."""
    return generate_files(model, _written(load_dialect(SCRIPT_DIALECT), "dump", path, model), str(path), options, emit)


def single_file(path: Path, format: str, model: Trained) -> Path:
    """The file of a format that is one: ``path``, or a file in it that is called after the source."""
    if path.suffix in ENDINGS[format]:
        return path
    name = model.plan.source.rsplit("/", 1)[-1].split("#")[0]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:80] or "dbsynth"
    return path / (stem + ENDINGS[format][0])


def _written(dialect: Dialect, form: str, path: Path, model: Trained) -> Target:
    target: Target = getattr(dialect, form)(path)
    if model.origin.dialect == dialect.name:
        return target
    return TranslatingTarget(target, source_grammar(model.origin.dialect), dialect.grammar)
