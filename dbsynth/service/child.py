"""The process that does the jobs of a worker, one after the other: killed when one is cancelled, so that cancelling
needs nobody's cooperation, and warm otherwise.

It is told what to do, and says how far it is, in lines of JSON on its standard input and output. At the end of its
input (its worker is gone) it takes away what it made and ends.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from multiprocessing import forkserver
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import structlog
from dbsynth_postgresql.connection import ROLE
from dbsynth_postgresql.guard import guarded
from sqlalchemy.engine import URL

from dbsynth.console import redact
from dbsynth.console.failures import Interrupted
from dbsynth.console.request import clone_options
from dbsynth.dialect import parse_url
from dbsynth.errors import DbsynthError, InternalError
from dbsynth.pipeline import events
from dbsynth.pipeline.executor import PRELOAD
from dbsynth.service.going_on import go_on
from dbsynth.service.guard import JobGuard
from dbsynth.service.logs import set_up
from dbsynth.service.models import model_path
from dbsynth.service.options import CloneJob, GenerateJob, as_asked, read_options
from dbsynth.service.queue import Job, read_job, told

log = structlog.get_logger("dbsynth")
LAST_SECONDS = 10.0
"""A child whose worker is gone ends within, however long taking away takes: the next run clears what is left."""


class Child:
    """``settings``: url, models (a folder or None), config (a file or None), workers."""

    def __init__(self, settings: Mapping[str, Any], out: TextIO) -> None:
        self.url = parse_url(settings["url"])
        redact.remember(self.url)
        self.models = Path(settings["models"]) if settings["models"] else None
        self.config = Path(settings["config"]) if settings["config"] else None
        self.workers: int | None = settings["workers"]
        self._out, self._lock = out, threading.Lock()

    def say(self, event: str, **facts: Any) -> None:
        with self._lock:
            self._out.write(json.dumps({"event": event, **facts}, default=str) + "\n")
            self._out.flush()

    def do(self, job: Job, kept: Path | None) -> None:
        """Do the job and say how it ended. Raises Interrupted when it is to end at once."""
        try:
            with guarded(JobGuard(job)):
                done = self._clone(job, kept) if job.kind == "clone" else self._generate(job)
        except DbsynthError as error:
            self.say("failed", error=as_asked(told(error)), transient=error.transient)
        except Exception as error:
            # Its text may hold values of the source: neither the log nor the control tables get it.
            frames = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
            log.error("internal error", job=job.id, type=type(error).__name__, frames=frames)
            said = f"internal error: {type(error).__name__} [{InternalError.code}] (the worker's log says where)"
            self.say("failed", error=said, transient=False)
        else:
            self.say("done", rows=sum(r.rows for r in done.results), seconds=done.seconds)

    def _clone(self, job: Job, kept: Path | None) -> events.RunDone:
        asked = read_options("clone", job.options)
        assert isinstance(asked, CloneJob)
        options = clone_options(
            source=self.url.render_as_string(hide_password=False),
            target=f"#{job.target}",
            schemas=(job.source,),
            config=self.config,
            **{
                **asked.model_dump(exclude={"rows", "seed"}),
                "rows": tuple(asked.rows.items()),
                "seed": job.seed,
            },
        )
        # Read as the caller, who may read no more than that; what is written belongs to the worker until the end.
        workers = options.workers if self.workers is None else self.workers
        source = acting(options.source_url, job.caller_name)
        options = replace(options, source_url=source, workers=workers)
        if options.dp_epsilon is not None:
            kept = None  # a fit that goes on elsewhere would pay anew
        return go_on(job, options, kept, self._event)

    def _generate(self, job: Job) -> events.RunDone:
        from dbsynth.synthesizer import Synthesizer

        asked = read_options("generate", job.options)
        assert isinstance(asked, GenerateJob)
        model = Synthesizer.load(model_path(self.models, job.source))
        return model.to_database(
            self.url,
            schema=job.target,
            scale=asked.scale or 1.0,
            rows=asked.rows or None,
            seed=job.seed,
            workers=self.workers,
            replace=asked.replace,
            watch=self._event,
        )

    def _event(self, event: events.Event) -> None:
        match event:
            case events.RunStarted():
                self.say("started", name=event.run_id)
            case events.Resumed():
                self.say("resumed", tables=event.learned)
            case events.TablePlanned():
                self.say("table", table=event.table, rows=event.rows, strategy=event.strategy)
            case events.StepStarted(table=str(table)):
                self.say("step", table=table, step=event.step)
            case events.StepDone(table=str(table)):
                self.say("step", table=table, step=event.step, seconds=event.seconds, ended=True)
            case events.Warned():
                log.warning(event.message, table=event.table)


def acting(url: URL, role: str) -> URL:
    """``url`` with the rights of ``role``."""
    return url.update_query_dict({ROLE: role})


def main() -> None:
    """Started by ``dbsynth.service.process``: settings in the first line of the input, a job in each further one."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no message of ours
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's
    signal.signal(signal.SIGTERM, _interrupted)
    lines = iter(sys.stdin)
    settings = json.loads(next(lines))
    set_up(as_json=settings["log_json"], verbose=settings["verbose"])
    child = Child(settings, out)
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines, jobs), daemon=True).start()
    _warm_up(child.workers)
    child.say("ready")
    while True:
        child.do(*read_job(jobs.get()))


def _warm_up(workers: int | None) -> None:
    """Load now, and not when the first job waits for it, what jobs need, and the server that their processes are forked
    from, with all that each of them would load anew."""
    if workers != 0:
        forkserver.set_forkserver_preload([*PRELOAD, "dbsynth_postgresql.target", "pandas"])
        forkserver.ensure_running()
    for module in (*PRELOAD, "dbsynth.pipeline.clone", "dbsynth.pipeline.generation", "dbsynth_postgresql.target"):
        import_module(module)
    import torch

    torch.set_num_threads(1)  # as in the processes of an executor


def _listen(lines: Iterator[str], jobs: queue.SimpleQueue[str]) -> None:
    for line in lines:
        jobs.put(line)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _interrupted(_: int, __: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once: taking away is not to be interrupted
    raise Interrupted


if __name__ == "__main__":
    try:
        main()
    except Interrupted:
        raise SystemExit(0) from None
