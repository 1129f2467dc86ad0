"""What runs beside what: with ``pytest -n N --dist loadgroup`` the tests of one group share a process.

A process has a server of its own, and keeps what its session fixtures made: restored databases, clones, models. So the
tests of one real database, of whatever file, are a group, and the tests that need no such thing are one a file. Groups
that take long come first, so that no process is left with one of them when the others have nothing more to do."""

from __future__ import annotations

import re
from pathlib import PurePath

import pytest

REAL_DATABASES = (
    "adventureworks", "chinook", "mondial", "northwind", "nycflights13", "oracle_co", "oracle_hr", "pagila17",
    "rossmann", "stackexchange_ai", "walmart",
)  # fmt: skip
"""The dumps that every server can restore; ``adventureworks_xml`` needs one built with libxml."""

RESTORED = {"cloned", "real_database", "real_template"}
"""The fixtures that make much of a real database."""

LONGEST = (
    "adventureworks", "nycflights13", "walmart", "mondial", "stackexchange_ai", "test_pairs", "pagila17", "rossmann",
    "northwind", "chinook", "oracle_co", "oracle_hr",
)  # fmt: skip
"""Groups, those that take longest first."""

_named = re.compile("|".join(REAL_DATABASES))


def group_of(item: pytest.Item) -> str:
    """A real database's name, or that of the test's file. A mark ``xdist_group`` says otherwise."""
    marker = item.get_closest_marker("xdist_group")
    if marker is not None:
        return str(marker.args[0] if marker.args else marker.kwargs["name"])
    path, _, test = item.nodeid.partition("::")
    found = _named.search(test.partition("[")[2])
    if found and item.get_closest_marker("databases") and RESTORED & set(getattr(item, "fixturenames", ())):
        return found[0]
    return PurePath(path).stem


def arrange(items: list[pytest.Item]) -> None:
    """Mark ``items`` with their groups and put the longest first; within a group the order stays."""
    place = {group: at for at, group in enumerate(LONGEST)}
    keyed = [(group_of(item), item) for item in items]
    for group, item in keyed:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(group))
    keyed.sort(key=lambda pair: place.get(pair[0], len(place)))
    items[:] = [item for _, item in keyed]
