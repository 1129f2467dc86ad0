"""``dbsynth replay``: from the command line to a replay, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from dbsynth.console import replay_view
from dbsynth.console.output import stdout_console
from dbsynth.console.redact import redact
from dbsynth.console.request import clone_options
from dbsynth.errors import GateFailed
from dbsynth.quality.files import STDOUT, check_writable, file_of, write_text
from dbsynth.quality.replay import ReplayOptions
from dbsynth.quality.replay import replay as replayed
from dbsynth.quality.replay.api import check, which


def run(
    target: str,
    *,
    against: str,
    queries: Path | None,
    pg_stat_statements: bool,
    dbt: Path | None,
    limit_seconds: float,
    min_share: float,
    seed: int,
    schemas: Sequence[str],
    tables: Sequence[str],
    exclude: Sequence[str],
    config: Path | None,
    json_file: str | None,
    verbose: bool,
    quiet: bool,
) -> None:
    """GateFailed where too few queries are alike, after all is told."""
    file = file_of(json_file)
    check_writable({"--json": file})
    workload, path = which(queries, pg_stat_statements, dbt)
    check(limit_seconds, min_share)
    clone = clone_options(
        source=against,
        target=target,
        schemas=schemas,
        tables=tables,
        exclude=exclude,
        keep=(),
        config=config,
        seed=seed,
    )
    options = ReplayOptions(clone, workload, path, limit_seconds, min_share, seed)
    with replay_view.watching(quiet=quiet) as watch:
        done = replayed(options, watch)
    told = redact(json.dumps(done.describe(), indent=1, ensure_ascii=False))
    if file is not None:
        write_text(file, told + "\n")
    elif json_file == STDOUT:
        print(told, flush=True)
    if not quiet and json_file != STDOUT:
        replay_view.show(stdout_console(), done, verbose=verbose)
    if not done.passed:
        [failure] = [f for f in done.workload.findings if f.severity == "failure"]
        raise GateFailed(failure.says, hint=failure.remedy)
