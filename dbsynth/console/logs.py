"""Logs go to the standard error, below warnings only if asked for, and never with a password."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from dbsynth.console.redact import redact


class _StandardError:
    """The standard error of the moment a line is written: the live display replaces it while it runs."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _plain(_: Any, level: str, event: MutableMapping[str, Any]) -> str:
    """``warning  message  key=value ...``"""
    message = event.pop("event", "")
    event.pop("level", None)
    trouble = event.pop("exception", None)
    pairs = "".join(f"  {key}={value}" for key, value in event.items())
    return redact(f"{level}  {message}{pairs}" + (f"\n{trouble}" if trouble else ""))


def set_up(*, verbose: bool, quiet: bool) -> None:
    level = logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING
    structlog.configure(
        processors=[structlog.processors.format_exc_info, _plain],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(_StandardError()),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
