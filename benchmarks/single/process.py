"""A command of a tool, on the cores it may use and within the time it may take."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
BECOME_REAPER = 36
"""Of Linux: a process whose parent ended becomes our child, so that its CPU time is counted."""


def execute(command: list[str], cores: str, seconds: float, log: Path) -> tuple[int | None, float, float]:
    """Exit code (None: stopped at the limit), wall and CPU seconds of a command and all that it started. ``cores``: by
    comma; each process has as many threads as there are."""
    ctypes.CDLL(None).prctl(BECOME_REAPER, 1)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", cores, *command],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            env=os.environ | dict.fromkeys(THREADS, str(len(cores.split(",")))),
        )  # fmt: skip
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError):  # nothing of it is left
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            with contextlib.suppress(ChildProcessError):
                while True:  # what it started and did not wait for is ours now
                    os.waitpid(-process.pid, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return code, time.monotonic() - began, cpu
