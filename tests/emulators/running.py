"""Start the stand-ins for warehouses, each in the environment that ``make emulators`` built for it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS = 90


def python_of(name: str) -> Path:
    folder = os.environ.get("DBSYNTH_TEST_EMULATORS") or HERE.parents[1] / ".emulators"
    return Path(folder) / name / "bin" / "python"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def running(name: str, arguments: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """The server ``<name>_server.py``, until the block ends."""
    script = HERE / f"{name}_server.py"
    with log.open("wb") as output:
        process = subprocess.Popen([python_of(name), script, *arguments], stdout=output, stderr=output, cwd=log.parent)
        try:
            _wait(process, port, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(SECONDS * 5):
        if process.poll() is not None:
            raise RuntimeError(f"the emulator ended: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                return
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the emulator does not answer: {log.read_text()[-2000:]}")
