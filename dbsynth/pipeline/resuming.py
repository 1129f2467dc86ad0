"""What decides on the result of a run that can be interrupted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbsynth.artifact.manifest import versions
from dbsynth.dialect import Database
from dbsynth.pipeline.options import CloneOptions
from dbsynth.schema.model import Schema

if TYPE_CHECKING:
    from dbsynth.artifact.resume import FitCheckpoint


def clone_checkpoint(
    folder: Path,
    options: CloneOptions,
    source: Database,
    target: Database,
    schema: Schema,
    mapping: Mapping[str, str],
) -> FitCheckpoint:
    """That of a clone, whose plan says how many rows go where. Databases are known by their identity: the next run may
    reach them by another name of the host."""
    from dbsynth.artifact.resume import FitCheckpoint

    return FitCheckpoint(
        folder,
        {
            **fingerprint(schema, options, versions()),
            "source": _digest(source.identity()),
            "target": _digest([target.identity(), dict(mapping)]),
            "scale": options.scale,
            "rows": dict(options.rows),
        },
    )


def fingerprint(schema: Schema, options: CloneOptions, versions: Mapping[str, str]) -> dict[str, object]:
    """By the names of the arguments of a fit: plain data, nothing of the source but names."""
    from dbsynth.artifact.learned import schema_hash

    return {
        "schema": schema_hash(schema),
        "effort": options.effort,
        "train_minutes": options.train_minutes,
        "device": options.device,
        "strategy": options.strategy,
        "sample_rows": options.sample_rows,
        "keep": ["none"] if options.keep_none else sorted(options.keep),
        "privacy_k": options.privacy_k,
        "facts": [list(w) for w in (options.facts.refuse, options.facts.confirm, options.facts.declare)],
        "tables of dbsynth.toml": _digest(dict(options.overrides)),
        "versions": dict(versions),
    }


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()
