"""Where tasks run: a pool of worker processes on this machine. Nothing else in dbsynth knows of processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, Protocol

from dbsynth.pipeline import work_start


class Executor(Protocol):
    workers: int

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]: ...

    def stop(self) -> None:
        """End at once: running tasks are killed, waiting ones dropped."""


class LocalExecutor:
    """``workers`` processes forked from a server that has loaded torch once, so that they share its memory.
    ``on_progress(table, step, done, total)`` is called from a thread of this process."""

    def __init__(self, workers: int, on_progress: Callable[[str, str, int, int], None]):
        self.workers = workers
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(
            ["dbsynth.pipeline.prepare", "dbsynth.pipeline.train", "dbsynth.pipeline.generate"]
        )
        self._closed = False
        self._queue = context.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, args=(on_progress,), daemon=True)
        self._listener.start()
        self._pool = ProcessPoolExecutor(
            workers, mp_context=context, initializer=work_start.start, initargs=(self._queue,)
        )
        for _ in range(workers):  # a process starts with its first task: start them now
            self._pool.submit(work_start.ready)

    def _listen(self, on_progress: Callable[[str, str, int, int], None]) -> None:
        while (message := self._queue.get()) is not None:
            on_progress(*message)

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]:
        return self._pool.submit(task, *args)

    def stop(self) -> None:
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
        self.close()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._pool.shutdown(wait=True)
        self._queue.put(None)
        self._listener.join()
        self._queue.close()


def default_workers() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
