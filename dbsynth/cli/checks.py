"""``--verify`` of the verbs that make a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbsynth.console.verification import BuiltCheck


def asked_check(
    wanted: bool, config: Path | None, junit: Path | None, html: Path | None, **how: bool
) -> BuiltCheck | None:
    """What tests the rows before they are published, where that was asked for."""
    from dbsynth.errors import UsageError

    if not wanted:
        if given := [name for name, file in (("--junit", junit), ("--html", html)) if file is not None]:
            raise UsageError(f"{given[0]} goes with --verify", hint="say --verify too")
        return None
    from dbsynth.console.verification import BuiltCheck

    return BuiltCheck(config, junit, html, **how)
