"""The strategies of the training core, found by the entry-point group ``dbsynth.models``."""

from __future__ import annotations

import difflib
from importlib.metadata import entry_points

from dbsynth.errors import UsageError
from dbsynth.model.base import Strategy

ENTRY_POINT_GROUP = "dbsynth.models"


def load_strategy(name: str) -> Strategy:
    """The strategy called ``name``; UsageError names the nearest one that is installed."""
    found = {e.name: e for e in entry_points(group=ENTRY_POINT_GROUP)}
    if name not in found:
        near = difflib.get_close_matches(name, found, 1)
        raise UsageError(
            f"there is no training strategy {name!r}",
            hint=f"did you mean {near[0]!r}?" if near else f"installed: {', '.join(sorted(found))}",
        )
    strategy: Strategy = found[name].load()()
    return strategy
