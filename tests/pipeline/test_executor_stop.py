"""Stopping the pool of workers ends it, whatever they were at when they were killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# What a worker runs: it writes the head of a result of 1,000 bytes, ten of those, and no more.
HALF_A_RESULT = """
import os, struct, sys, time
frame = sys._getframe()
while "result_queue" not in frame.f_locals:
    frame = frame.f_back
os.write(frame.f_locals["result_queue"]._writer.fileno(), struct.pack("!i", 1000) + b"x" * 10)
open({told!r}, "w").close()
time.sleep(600)
"""
STOPPED = """
import os, sys, time
from dbsynth.pipeline.executor import LocalExecutor

executor = LocalExecutor(2, print)
executor.submit(exec, {task!r})
while not os.path.exists({told!r}):
    time.sleep(0.05)
time.sleep(0.5)
executor.stop()
executor.stop()
"""


def test_a_worker_that_is_killed_in_the_middle_of_a_result_keeps_nobody_waiting(tmp_path: Path) -> None:
    told = str(tmp_path / "told")
    script = STOPPED.format(task=HALF_A_RESULT.format(told=told), told=told)
    ended = subprocess.run([sys.executable, "-c", script], timeout=60, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
