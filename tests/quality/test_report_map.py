"""The map of a schema: every table has a place of its own."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsynth.quality.report.diagram import BOX, Box, schema_map
from dbsynth.quality.report.layout import layout
from dbsynth.schema.model import Schema, Table
from tests.quality.in_memory import named, table

ROWS = pa.table({"id": pa.array([1])})


def schema(links: set[tuple[int, int]], n: int) -> Schema:
    """``links``: (child, parent)."""
    tables: list[Table] = []
    for i in range(n):
        parents = {f"c{p}": f"t{p}" for c, p in sorted(links) if c == i}
        rows = pa.table({"id": pa.array([1]), **{c: pa.array([1]) for c in parents}})
        tables.append(table(f"t{i}", rows, parents=parents))
    return Schema(tuple(tables))


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))
    )
)
@settings(max_examples=60)
def test_boxes_do_not_cover_each_other(world: tuple[int, set[tuple[int, int]]]) -> None:
    n, links = world
    placed = layout(schema(links, n))
    assert set(placed.places) | set(placed.loose) == {named(f"t{i}") for i in range(n)}
    for (_, (a, y)), (_, (b, z)) in itertools.combinations(placed.places.items(), 2):
        assert a != b or abs(y - z) >= BOX
    assert len(placed.links) == len({(c, p) for c, p in links if c != p})
    for link in placed.links:
        layers = [p[0] for p in link.points]
        assert layers == sorted(layers)
        assert all(0 <= y <= placed.height for _, y in link.points)


def test_parents_stand_to_the_left() -> None:
    placed = layout(schema({(1, 0), (2, 1), (2, 0)}, 3))
    assert [placed.places[named(f"t{i}")][0] for i in range(3)] == [0, 1, 2]


def test_a_lone_parent_stands_next_to_its_child() -> None:
    placed = layout(schema({(1, 0), (2, 1), (2, 3)}, 4))
    assert placed.places[named("t3")][0] == 1


@pytest.mark.parametrize("n", [0, 1, 70])
def test_a_map_of_any_size(n: int) -> None:
    rng = np.random.default_rng(0)
    links = {(i, int(rng.integers(0, i))) for i in range(1, n) for _ in range(2)}
    found = schema(links, n)
    boxes = {t.name: Box(t.name.name, "", f"t{i}", 10, 0.9, False, False, False) for i, t in enumerate(found.tables)}
    drawn = schema_map(found, boxes)
    assert drawn.count("<a ") == n
    assert 'role="img"' in drawn
