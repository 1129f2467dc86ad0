"""A clone by the command line, as a user would make it, and why a command failed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from single.process import execute


def clone(
    source: str, target: str, log: Path, *, cores: str, minutes: float, seed: int
) -> tuple[int | None, float, float]:
    """Exit code (None: stopped at the limit), wall and CPU seconds of the command line with default settings."""
    command = [sys.executable, "-m", "dbsynth.cli", "clone", source, "--to", target, "--seed", str(seed), "--quiet"]
    return execute([*command, "--workers", str(len(cores.split(",")))], cores, minutes * 60, log)


def failure(code: int | None, log: Path, minutes: float) -> str | None:
    if code == 0:
        return None
    if code is None:
        return f"did not finish in {minutes:g} min"
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)]  # what follows may be advice
    return f"exit {code}: {(raised or lines or ['no message'])[-1][:300]}"
