"""Where tasks run: a pool of worker processes on this machine. Nothing else in dbsynth knows of processes."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Protocol

from dbsynth.pipeline import work_start

PRELOAD = ["dbsynth.pipeline.prepare", "dbsynth.pipeline.train", "dbsynth.pipeline.generate"]
"""What the server loads that workers are forked from."""


class Executor(Protocol):
    workers: int

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]: ...

    def stop(self) -> None:
        """End at once: running tasks are killed, waiting ones dropped."""

    def close(self) -> None:
        """End when all tasks are done."""


class InlineExecutor:
    """Runs every task at once in this process, one after the other."""

    workers = 1

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(task(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def stop(self) -> None:
        return None

    close = stop


class NearExecutor:
    """Tasks of the names ``here`` run in this process, which holds what they need; the others where ``other`` runs
    them."""

    def __init__(self, other: Executor, here: Collection[str]) -> None:
        self.other, self.here, self.workers = other, here, other.workers
        self._inline = InlineExecutor()

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]:
        return (self._inline if task.__name__ in self.here else self.other).submit(task, *args)

    def stop(self) -> None:
        self.other.stop()

    def close(self) -> None:
        self.other.close()


class LocalExecutor:
    """``workers`` processes forked from a server that has loaded torch once, so that they share its memory.
    ``on_progress(table, step, done, total)`` is called from a thread of this process."""

    def __init__(self, workers: int, on_progress: Callable[[str, str, int, int], None]):
        self.workers = workers
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOAD)
        self._closed = False
        # not a queue: a worker that is killed while it writes would hold the lock that ends the listener
        self._reports, self._writer = context.Pipe(duplex=False)
        self._listener = threading.Thread(target=self._listen, args=(on_progress,), daemon=True)
        self._listener.start()
        self._pool = ProcessPoolExecutor(
            workers, mp_context=context, initializer=work_start.start, initargs=(self._writer, context.Lock())
        )
        for _ in range(workers):  # a process starts with its first task: start them now
            self.submit(work_start.ready)

    def _listen(self, on_progress: Callable[[str, str, int, int], None]) -> None:
        while True:
            try:
                message = self._reports.recv()
            except (EOFError, OSError):  # the last writer is gone
                return
            on_progress(*message)

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]:
        with _without_main():
            return self._pool.submit(task, *args)

    def stop(self) -> None:
        processes, results = list((self._pool._processes or {}).values()), self._pool._result_queue
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
        if results is not None:
            # The pool reads what a killed worker had written in part: its rest is waited for, and this process with it
            # when it ends, as long as anybody could write it. This process was the last who could.
            results._writer.close()  # type: ignore[attr-defined]
        self.close()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._pool.shutdown(wait=True)
        self._writer.close()
        self._listener.join()
        self._reports.close()


def open_executor(workers: int | None, on_progress: Callable[[str, str, int, int], None]) -> Executor:
    """``workers`` processes; None: one a core. 0: none but this one, which is quickest where tables are tiny, and tells
    of no progress within a step."""
    return InlineExecutor() if workers == 0 else LocalExecutor(workers or default_workers(), on_progress)


@contextmanager
def _without_main() -> Iterator[None]:
    """A new process would import the program that runs, to find in it what tasks are made of. Ours are made of dbsynth
    alone, and a script that calls it without ``if __name__ == "__main__"`` would be run once more."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def default_workers() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
