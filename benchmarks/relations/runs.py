"""Runs every tool on every database, each in a process of its own on the same cores, and judges what it made."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from single.process import execute

from dbsynth.testing.embedded import create_database, drop_database, embedded_postgres, restore
from relations.exports import export
from relations.process import clone, failure
from relations.worlds import fill_world

PEER = Path(__file__).with_name("peers.py")
JUDGE = Path(__file__).parents[1] / "relational.py"
JUDGE_SECONDS = 3600.0


def judged(judge: str, real: Path, made: Path) -> dict[str, Any]:
    done = subprocess.run(
        [judge, str(JUDGE), "judge", str(real), str(made)], capture_output=True, text=True, timeout=JUDGE_SECONDS
    )
    if done.returncode:
        return {"failed": "not judged: " + (done.stderr.strip().splitlines() or ["?"])[-1][:300]}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run(
    dumps: Path,
    results: Path,
    *,
    names: list[str],
    judge: str,
    peers: dict[str, str],
    cores: str,
    minutes: float,
    seed: int,
) -> None:
    """DIR/NAME/real and DIR/NAME/TOOL hold the files, DIR/NAME/TOOL.json what is reported."""
    limits: dict[str, Any] = {"cores": cores, "minutes": minutes, "seed": seed}
    with embedded_postgres() as server:
        for name in names:
            folder = results / name
            tools = ["dbsynth", *peers]
            if all((folder / f"{tool}.json").exists() for tool in tools):
                continue
            source = create_database(server, f"{name}_prod")
            try:
                fill(source, dumps, name)
                if not (folder / "real" / "schema.json").exists():
                    export(source, folder / "real")
                for tool in (t for t in tools if not (folder / f"{t}.json").exists()):
                    shutil.rmtree(folder / tool, ignore_errors=True)  # of a run that was stopped
                    (folder / tool).mkdir()
                    if tool == "dbsynth":
                        result = _of_dbsynth(server, source, name, folder / tool, limits)
                    else:
                        result = _of_peer(tool, peers[tool], folder / "real", folder / tool, limits)
                    if "failed" not in result:
                        result |= judged(judge, folder / "real", folder / tool)
                    file = folder / f"{tool}.json"
                    file.with_suffix(".new").write_text(json.dumps(result, indent=1))
                    file.with_suffix(".new").rename(file)
                    print(name, tool, result.get("failed") or f"{result['seconds']} s", file=sys.stderr, flush=True)
            finally:
                drop_database(source)


def fill(url: str, dumps: Path, name: str) -> None:
    """From the dump of that name, or, for ``world_NAME``, with the rows of a simulated world."""
    if name.startswith("world_"):
        fill_world(url, name.removeprefix("world_"))
    else:
        restore(url, dumps / f"{name}.sql.gz")


def _of_dbsynth(server: str, source: str, name: str, made: Path, limits: dict[str, Any]) -> dict[str, Any]:
    target, log = create_database(server, f"{name}_dev"), made / "log"
    try:
        code, wall, cpu = clone(source, target, log, **limits)
        result: dict[str, Any] = {"tool": "dbsynth", "seconds": round(wall, 1), "cpu": round(cpu, 1), **limits}
        if (why := failure(code, log, limits["minutes"])) is not None:
            return result | {"failed": why}
        export(target, made)
    finally:
        drop_database(target)
    return result


def _of_peer(tool: str, python: str, real: Path, made: Path, limits: dict[str, Any]) -> dict[str, Any]:
    log = made / "log"
    command = [python, str(PEER), tool, str(real), str(made), str(limits["seed"])]
    code, wall, cpu = execute(command, limits["cores"], limits["minutes"] * 60, log)
    result: dict[str, Any] = {"tool": tool, "seconds": round(wall, 1), "cpu": round(cpu, 1), **limits}
    if (notes := made / "notes.json").exists():
        result |= json.loads(notes.read_text())
    return result | ({"failed": why} if (why := failure(code, log, limits["minutes"])) is not None else {})
