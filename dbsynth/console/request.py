"""From a command line and a configuration to what the pipeline is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from dbsynth.config import DBT, Config, Place, load_config, table_overrides
from dbsynth.console import redact
from dbsynth.dialect import named_schema
from dbsynth.errors import UsageError
from dbsynth.model.base import Device
from dbsynth.pipeline.options import CloneOptions, Effort

PRIVACY_K = "DBSYNTH_PRIVACY_K"
KEEP_NONE = "none"


def source_place(config: Config, text: str, schemas: Sequence[str]) -> Place:
    """The source; ``--schema`` goes before ``#schema``, and that before the schemas of the connection."""
    place = config.resolve_source(text)
    redact.remember(place.url)
    return Place(place.url, tuple(dict.fromkeys(schemas)) or place.schemas)


def clone_options(
    *,
    source: str,
    schemas: Sequence[str],
    tables: Sequence[str],
    exclude: Sequence[str],
    keep: Sequence[str],
    config: Path | None,
    target: str | None = None,
    rows: Sequence[tuple[str, int]] = (),
    replace: bool = False,
    scale: float | None = None,
    seed: int | None = None,
    sample_seed: int | None = None,
    sample_rows: int | None = None,
    effort: Effort | None = None,
    train_minutes: float | None = None,
    strategy: str | None = None,
    device: Device | None = None,
    workers: int | None = None,
    max_bytes: int | None = None,
    dp_epsilon: float | None = None,
    dp_delta: float | None = None,
) -> CloneOptions:
    """None: not said on the command line nor in the environment; then the file decides, then the default. Without a
    ``target`` nothing is written."""
    loaded = load_config(config)
    defaults = loaded.settings.clone
    origin = source_place(loaded, source, schemas)
    goal = None if target is None else loaded.resolve_target(target, origin)
    if goal is not None:
        redact.remember(goal.url)
    keep_none = KEEP_NONE in keep
    if keep_none and len(set(keep)) > 1:
        raise UsageError("--keep none goes with no other --keep", hint="name the tables to keep, or none")
    if effort is not None and train_minutes is not None:
        raise UsageError(
            "--effort is work and --train-minutes is time: only one of them can decide",
            hint="give one (the environment counts too: DBSYNTH_EFFORT, DBSYNTH_TRAIN_MINUTES)",
        )
    if effort is None and train_minutes is None:
        effort, train_minutes = defaults.effort, defaults.train_minutes
    given: Mapping[str, Any] = {
        "scale": scale if scale is not None else defaults.scale,
        "sample_rows": sample_rows if sample_rows is not None else defaults.sample_rows,
        "effort": effort,
        "train_minutes": train_minutes,
        "strategy": strategy or defaults.strategy,
        "device": device or defaults.device,
        "max_bytes": max_bytes if max_bytes is not None else defaults.max_bytes,
        "privacy_k": _privacy_k() or loaded.settings.privacy.k,
        "dp_epsilon": dp_epsilon if dp_epsilon is not None else loaded.settings.privacy.dp_epsilon,
        "dp_delta": dp_delta if dp_delta is not None else loaded.settings.privacy.dp_delta,
    }
    return CloneOptions(
        source_url=origin.url,
        source_schemas=origin.schemas or None,
        target_url=goal.url if goal else None,
        target_schema=_schema_of(goal) if goal else None,
        tables=tuple(tables),
        exclude=tuple(exclude),
        rows=row_numbers(rows),
        seed=seed if seed is not None else defaults.seed,
        sample_seed=_sample_seed(seed, sample_seed, defaults.sample_seed),
        workers=workers or defaults.workers,
        keep=() if keep_none else tuple(dict.fromkeys(keep)),
        keep_none=keep_none,
        replace=replace,
        overrides=table_overrides(loaded.settings.tables),
        virtual_keys=loaded.settings.virtual_keys,
        facts=loaded.settings.facts.wishes,
        **{name: value for name, value in given.items() if value is not None},
    )


def database_target(config: Path | None, text: str) -> tuple[URL, str | None]:
    """URL and schema (None: not named) of a target that stands alone, without a source beside it."""
    loaded = load_config(config)
    nowhere = Place(URL.create("nowhere"))
    named = "://" in text or "@" in text or text.startswith(DBT)
    path = text.startswith((".", "/", "~")) or ("/" in text and not named)
    goal = nowhere if path else loaded.resolve_target(text, nowhere)
    if goal.url == nowhere.url:
        raise UsageError(
            f"--to {text}: {'a path, in which format?' if path else 'in which database?'}",
            hint="for files say --format parquet, csv, sql or duckdb; for a database name a connection or a URL, both "
            "with #SCHEMA",
        )
    redact.remember(goal.url)
    return goal.url, _schema_of(goal)


def _schema_of(goal: Place) -> str | None:
    return goal.schemas[0] if goal.schemas else named_schema(goal.url)


def _sample_seed(seed: int | None, sample_seed: int | None, default: int | None) -> int | None:
    """``--seed`` sets both seeds: also where the file has a sample seed."""
    return sample_seed if sample_seed is not None or seed is not None else default


def row_numbers(rows: Sequence[tuple[str, int]]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for table, n in rows:
        if numbers.get(table, n) != n:
            raise UsageError(f"--rows says both {numbers[table]:,} and {n:,} for {table}", hint="say it once")
        numbers[table] = n
    return numbers


def _privacy_k() -> int | None:
    text = os.environ.get(PRIVACY_K)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise UsageError(f"{PRIVACY_K}={text}: not a whole number of at least 1", hint="the default is 5")
    return int(text)
