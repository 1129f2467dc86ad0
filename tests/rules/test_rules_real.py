"""What holds within the rows of real databases holds in the rows of their clones: there are no more exceptions, as a
share, than in the source."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from dbsynth.testing.embedded import conninfo
from tests.clones import Clone
from tests.rules.real_rules import ALL, RealRule

pytestmark = pytest.mark.databases


def counted(url: str, rule: RealRule) -> tuple[int, int]:
    with psycopg.connect(conninfo(url)) as connection:
        [(exceptions, rows)] = connection.execute(rule.sql.encode()).fetchall()
    return int(exceptions), int(rows)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: f"{rule.database}: {rule.sql}")
def test_a_clone_has_no_more_exceptions_than_its_source(cloned: Callable[[str], Clone], rule: RealRule) -> None:
    made = cloned(rule.database)
    exceptions, rows = counted(made.source, rule)
    assert exceptions == rule.exceptions
    assert rows
    found, of = counted(made.target, rule)
    assert of
    expected = exceptions / rows * of
    assert found <= expected + 2 * expected**0.5, "none where the source has none; else as many, but for chance"
