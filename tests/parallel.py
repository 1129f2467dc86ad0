"""What runs beside what: with ``pytest -n N --dist loadscope`` the tests of one group share a process.

A process has a server of its own, and keeps what its session fixtures made: restored databases, clones, models. So the
tests of one real database, of whatever file, are a group, and the tests that need no such thing are one a file. Groups
that take long come first, so that no process is left with one of them when the others have nothing more to do.

The scheduler is our own: the marks that pytest-xdist 3.8 has for groups do nothing under pytest 9.2.
"""

from __future__ import annotations

import re
from pathlib import PurePath

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

REAL_DATABASES = (
    "adventureworks", "chinook", "mondial", "northwind", "nycflights13", "oracle_co", "oracle_hr", "pagila17",
    "rossmann", "stackexchange_ai", "walmart",
)  # fmt: skip
"""The dumps that every server can restore; ``adventureworks_xml`` needs one built with libxml."""

LONGEST = (
    "adventureworks", "nycflights13", "walmart", "mondial", "stackexchange_ai", "test_pairs", "chinook", "pagila17",
    "rossmann", "northwind", "oracle_co", "oracle_hr",
)  # fmt: skip
"""Groups, those that take longest first."""

OF_ONE = {"test_sabotage": "chinook", "test_texts_real": "stackexchange_ai"}
"""Files whose tests look at a real database that their parameters do not name."""

_named = re.compile(rf"\b({'|'.join(REAL_DATABASES)})\b")


def group_of(nodeid: str) -> str:
    """The real database that is among the parameters of a test, or else the name of the test's file."""
    path, _, test = nodeid.partition("::")
    found = _named.search(test.partition("[")[2])
    name = PurePath(path).stem
    return found[1] if found else OF_ONE.get(name, name)


def arrange(items: list[pytest.Item]) -> None:
    """Put the longest groups first; within a group the order stays."""
    place = {group: at for at, group in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(group_of(item.nodeid), len(place)))


class ByGroup(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
