"""``--verify`` of the verbs that make a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from dbsynth.console.verification import BuiltCheck

ABOUT = {
    "junit": "--junit",
    "html": "--html",
    "queries": "--queries",
    "pg_stat_statements": "--pg-stat-statements",
    "dbt": "--dbt",
    "generated": "--replay",
}
"""Options that say how to verify, by parameter."""


def asked_check(
    wanted: bool, config: Path | None, source: URL | None, wishes: dict[str, Any], **how: Any
) -> BuiltCheck | None:
    """What tests the rows before they are published, where that was asked for. ``wishes``: the values of ``ABOUT``."""
    from dbsynth.errors import UsageError

    if not wanted:
        if given := [ABOUT[name] for name, value in wishes.items() if value]:
            raise UsageError(f"{given[0]} goes with --verify", hint="say --verify too")
        return None
    from dbsynth.console.verification import BuiltCheck

    return BuiltCheck(config, source=source, **wishes, **how)


def parted(asked: dict[str, Any]) -> dict[str, Any]:
    """The options of ``ABOUT``, taken out of ``asked``."""
    return {name: asked.pop(name) for name in ABOUT}
