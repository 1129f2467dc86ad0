"""What a worker logs: one JSON object a line on the standard error (or plain lines), never with a password."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from dbsynth.console import logs
from dbsynth.console.redact import redact


class _StandardError:
    def write(self, text: str) -> int:
        return sys.stderr.write(redact(text))

    def flush(self) -> None:
        sys.stderr.flush()


class _Forward(logging.Handler):
    """Dialects log by Python's own means."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger("dbsynth").log(record.levelno, record.getMessage())


def set_up(*, as_json: bool, verbose: bool) -> None:
    level = logging.DEBUG if verbose else logging.INFO
    if as_json:
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _where,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=structlog.PrintLoggerFactory(_StandardError()),  # type: ignore[arg-type]
            cache_logger_on_first_use=False,
        )
    else:
        logs.set_up(verbose=True, quiet=False)
    root = logging.getLogger()
    root.handlers[:] = [_Forward()]
    root.setLevel(logging.WARNING)


def _where(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    import os

    event["pid"] = os.getpid()
    return event
