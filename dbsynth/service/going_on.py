"""A clone that goes on from what an earlier attempt at its job has learned, or from the beginning where that is of no
use: that there was an earlier attempt is never why a job fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import structlog

from dbsynth.errors import ArtifactError, CannotClone, CheckpointRefused, DbsynthError, InternalError
from dbsynth.pipeline import events
from dbsynth.pipeline.filling import Emit
from dbsynth.pipeline.options import CloneOptions
from dbsynth.service.kept import take
from dbsynth.service.queue import Job, told

log = structlog.get_logger("dbsynth")


def go_on(job: Job, options: CloneOptions, kept: Path | None, emit: Emit) -> events.RunDone:
    """Clone. ``kept``: the folder of what attempts at the job have learned, None where nothing is to be kept."""
    from dbsynth.pipeline.clone import run

    def watch(event: events.Event) -> None:
        if isinstance(event, events.Resumed):
            log.info("job goes on", job=job.id, attempt=job.attempt, learned=event.learned, begun=event.begun)
        emit(event)

    checkpoint = _taken(job, kept)
    while True:
        resumed = checkpoint is not None and _begun(checkpoint)
        if job.attempt > 1 and not resumed:
            log.info("job begins anew", job=job.id, attempt=job.attempt)
        try:
            return run(options, watch, checkpoint=checkpoint)
        except Exception as error:
            if checkpoint is None or not (isinstance(error, ArtifactError) or (resumed and _may_be_of_it(error))):
                raise
            log.warning("what was kept is dropped", job=job.id, reason=_reason(error))
            shutil.rmtree(checkpoint, ignore_errors=True)
            if not resumed or _begun(checkpoint):  # it cannot be written, or not be removed
                checkpoint = None


def _taken(job: Job, kept: Path | None) -> Path | None:
    try:
        return None if kept is None else take(kept, job.run)
    except OSError as error:
        log.warning("nothing is kept of the job", job=job.id, folder=str(kept), reason=error.strerror)
        return None


def _begun(checkpoint: Path) -> bool:
    from dbsynth.artifact.resume import FIT

    return (checkpoint / FIT).exists()


def _may_be_of_it(error: Exception) -> bool:
    """Whether a run from the beginning may end otherwise."""
    if isinstance(error, DbsynthError):
        return isinstance(error, CheckpointRefused | CannotClone | InternalError) and not error.transient
    return True


def _reason(error: Exception) -> str:
    """The text of an error that is not ours may hold values of the source."""
    return told(error) if isinstance(error, DbsynthError) else type(error).__name__
