"""Where dbsynth keeps what it makes for itself."""

from __future__ import annotations

import os
from pathlib import Path

from dbsynth.errors import UsageError


def cache_folder() -> Path:
    """``$DBSYNTH_CACHE``, or ``dbsynth`` in the user's cache folder. Raises UsageError where he has none."""
    named = os.environ.get("DBSYNTH_CACHE")
    if named:
        return Path(named)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dbsynth"
    except RuntimeError as error:
        raise UsageError("this user has no home folder to keep rows in", hint="DBSYNTH_CACHE names a folder") from error
