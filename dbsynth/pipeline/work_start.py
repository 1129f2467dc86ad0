"""How a worker process begins and how it reports: imported by the parent too, so it must not import torch."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection, wait
from typing import Any

_reports: Connection | None = None
_lock: Any = None


def start(reports: Connection, lock: Any) -> None:
    """Initialise a worker: one thread for torch (two are slower on matrices of this size), its end with the parent's
    (a killed parent must not leave workers behind), Ctrl-C left to the parent."""
    global _reports, _lock
    import torch

    torch.set_num_threads(1)
    _reports, _lock = reports, lock
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def follow() -> None:
            wait([sentinel])
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


def report(table: str, step: str, done: int, total: int) -> None:
    """Tell the parent how far a step of a table is."""
    if _reports is not None:
        with _lock:
            _reports.send((table, step, done, total))


def ready() -> None:
    """The task that starts a worker and waits for nothing."""
