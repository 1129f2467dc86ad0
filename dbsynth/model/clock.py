"""A limit of wall-clock time, where the user asked for one."""

from __future__ import annotations

import math
import time


class Clock:
    """Runs from when it is made. ``seconds`` None: there is no limit."""

    def __init__(self, seconds: float | None) -> None:
        self.end = math.inf if seconds is None else time.monotonic() + seconds

    def left(self) -> float:
        """Seconds, 0 when the time is up."""
        return max(0.0, self.end - time.monotonic())

    def limit(self) -> float | None:
        """``left`` as another clock takes it."""
        return None if self.end == math.inf else self.left()
