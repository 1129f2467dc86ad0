"""Statements that fail for a passing reason are tried again."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from dbsynth.errors import DbsynthError

LOG = logging.getLogger(__name__)
T = TypeVar("T")
TRIES = 5
FIRST_WAIT, MOST_WAIT = 0.5, 20.0


def retried(action: Callable[[], T], about: str, *, sleep: Callable[[float], None] = time.sleep) -> T:
    """``action()``; after an error whose ``transient`` is True again, ``TRIES`` times in all. Waits double, each cut by
    a random share ("full jitter", M. Brooker, AWS Architecture Blog 2015) so that workers do not return together."""
    for attempt in range(1, TRIES + 1):
        try:
            return action()
        except DbsynthError as error:
            if not error.transient or attempt == TRIES:
                raise
            wait = random.random() * min(MOST_WAIT, FIRST_WAIT * 2**attempt)
            LOG.warning("%s: %s; again in %.1f seconds (%d of %d)", about, error.message, wait, attempt, TRIES - 1)
            sleep(wait)
    raise AssertionError("unreachable")
