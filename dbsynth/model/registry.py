"""The strategies of the training core, found by the entry-point group ``dbsynth.models``. What is asked of them by name
loads none of them."""

from __future__ import annotations

import difflib
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from dbsynth.codec.base import State
from dbsynth.errors import UsageError
from dbsynth.model.base import FitReport, FittedModel, Strategy

ENTRY_POINT_GROUP = "dbsynth.models"


def load_strategy(name: str) -> Strategy:
    """The strategy called ``name``; UsageError names the nearest one that is installed."""
    strategy: Strategy = _found(name).load()()
    return strategy


def restored(state: State, report: FitReport) -> FittedModel:
    """By the strategy that ``state`` names."""
    return load_strategy(state.config["strategy"]).restore(state, report)


def check_strategy(name: str) -> None:
    """Fails as ``load_strategy`` does."""
    _found(name)


def _found(name: str) -> EntryPoint:
    found = _installed(tuple(sys.path))
    if name not in found:
        near = difflib.get_close_matches(name, found, 1)
        raise UsageError(
            f"there is no training strategy {name!r}",
            hint=f"did you mean {near[0]!r}?" if near else f"installed: {', '.join(sorted(found))}",
        )
    return found[name]


@cache
def _installed(path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Looks into every package on ``path``, which a model of sixty tables would otherwise have done sixty times."""
    return {e.name: e for e in entry_points(group=ENTRY_POINT_GROUP)}
