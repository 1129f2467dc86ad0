"""What a side of a comparison holds of what it read."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from in_memory import named, shop, sides

from dbsynth.dialect import ReadRequest
from dbsynth.quality import sides as module
from dbsynth.quality.sides import Side


class Counting:
    """A database that writes down what it is asked for."""

    def __init__(self, side: Side) -> None:
        self.database, self.asked = side.database, list[ReadRequest]()

    def read(self, request: ReadRequest, snapshot: str | None = None) -> object:
        self.asked.append(request)
        return self.database.read(request, snapshot)


@pytest.fixture
def side() -> Side:
    tables, rows = shop(600)
    whole = sides(tables, rows, rows).real
    return replace(whole, database=Counting(whole), limit=200)  # type: ignore[arg-type]


def test_the_same_rows_are_read_once(side: Side) -> None:
    sampled, key = side.rows(named("customer")), side.schema[named("orders")].foreign_keys[0]
    assert 0 < sampled.num_rows < 600
    family = side.family(named("orders"), key)
    asked = list(side.database.asked)  # type: ignore[attr-defined]
    assert side.rows(named("customer")) is sampled
    assert side.family(named("orders"), key).children is family.children
    assert side.database.asked == asked  # type: ignore[attr-defined]
    assert len({(r.table, r.sample) for r in asked}) == len(asked) == 3


def test_no_more_is_held_than_there_is_room_for(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    first: pa.Table = side.rows(named("customer"))
    monkeypatch.setattr(module, "HELD_BYTES", int(first.nbytes * 1.5))
    second = side.rows(named("orders"))
    assert second.nbytes > first.nbytes * 0.5  # both do not fit
    again = side.rows(named("customer"))
    assert again is not first
    assert again.equals(first)
    assert len(side.database.asked) == 3  # type: ignore[attr-defined]
    monkeypatch.setattr(module, "HELD_BYTES", 0)
    assert side.rows(named("orders")).equals(second)
