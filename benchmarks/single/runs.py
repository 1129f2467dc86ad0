"""Runs every tool on every table, each in a process of its own on one core, and judges what it made."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from single.metrics import judge, read
from single.process import execute
from single.tables import TABLES

SCRIPT = Path(__file__).with_name("tools.py")


def pair(
    data: Path, table: str, tool: str, python: str, made: Path, *, core: int, minutes: float, seed: int
) -> dict[str, Any]:
    """What is kept of one tool on one table; ``failed`` says why there are no metrics."""
    train, holdout = (data / f"{table}.{part}.parquet" for part in ("train", "holdout"))
    rows = pq.read_metadata(train).num_rows
    with tempfile.TemporaryDirectory() as folder:
        measured, log = Path(folder) / "measured.json", Path(folder) / "log"
        arguments = [tool, str(train), str(rows), str(seed), str(made), str(measured)]
        code, wall, cpu = execute([python, str(SCRIPT), *arguments], str(core), minutes * 60, log)
        out = {"table": table, "tool": tool, "rows": rows, "seed": seed, "wall": round(wall, 1), "cpu": round(cpu, 1)}
        if measured.exists():
            out |= json.loads(measured.read_text())
        if code is None:
            return out | {"failed": f"did not finish in {minutes:g} min"}
        if code:
            lines = log.read_text(errors="replace").strip().splitlines()
            return out | {"failed": f"exit {code}: {lines[-1][:200] if lines else ''}", "log": lines[-30:]}
    return out | {"metrics": judge(*read(train, holdout, made))}


def run(
    data: Path,
    results: Path,
    *,
    tables: list[str] | None,
    tools: list[str],
    pythons: dict[str, str],
    core: int,
    minutes: float,
    seed: int,
) -> None:
    """All pairs, table by table in the order given (default: the smallest first), that RESULTS does not have yet."""
    names = tables or [name for name in TABLES if (data / f"{name}.train.parquet").exists()]
    for tool in tools:
        environment = tool.partition(":")[0].partition("-")[0]
        if environment not in pythons:
            raise SystemExit(f"no environment for {tool}: --python {environment}=PYTHON")
    for table in names:
        for tool in tools:
            folder = results / table
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / f"{tool.replace(':', '+')}.json"
            if file.exists():
                continue
            python = pythons[tool.partition(":")[0].partition("-")[0]]
            made = file.with_suffix(".parquet")
            result = pair(data, table, tool, python, made, core=core, minutes=minutes, seed=seed)
            file.with_suffix(".new").write_text(json.dumps(result, indent=1))
            file.with_suffix(".new").rename(file)
            print(table, tool, result.get("failed") or json.dumps(result["phases"]), flush=True)
