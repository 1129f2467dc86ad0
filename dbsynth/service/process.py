"""A worker's hold on the process that does its jobs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbsynth.service.queue import Job, write_job

GRACE = 1.0
"""Seconds in which a child takes away what it made, before it is killed."""


class Process:
    """A child (``dbsynth.service.child``) in a process group of its own. ``settings`` travel through a pipe: they hold
    a password, and every user of the machine can see the arguments of a process."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dbsynth.service.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._out.fileno(), False)
        self._rest = b""
        self._send(json.dumps(dict(settings)))

    @property
    def pid(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        """Readable when there are messages, or the process has ended."""
        return self._out.fileno()

    def start(self, job: Job, kept: Path | None) -> None:
        self._send(write_job(job, kept))

    def messages(self) -> list[dict[str, Any]]:
        """What it has said since the last call."""
        while chunk := self._read():
            self._rest += chunk
        *lines, self._rest = self._rest.split(b"\n")
        return [json.loads(line) for line in lines]

    def ended(self) -> int | None:
        """Its exit code, negative for a signal; None while it lives."""
        return self._process.poll()

    def stop(self, grace: float = GRACE) -> None:
        """End it within ``grace`` seconds and a little, its own processes too. What it cannot take away in that time is
        left to be cleared."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with contextlib.suppress(OSError):
            self._in.close()
        self._out.close()

    def _read(self) -> bytes:
        try:
            return os.read(self._out.fileno(), 1 << 16)
        except BlockingIOError:
            return b""

    def _send(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended: ``ended`` says so
            self._in.write(line.encode() + b"\n")
            self._in.flush()
