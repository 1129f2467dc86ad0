"""Every database as source and as target of a clone: constraints hold, and the same seed makes the same rows whichever
database holds the source."""

from __future__ import annotations

import pytest

from dbsynth.dialect import connect
from dbsynth.pipeline import clone, events
from dbsynth.pipeline.options import CloneOptions
from tests.e2e.places import DIALECTS, Places, contents

pytestmark = pytest.mark.databases
COMPARED: dict[tuple[str, bool], dict[str, list[tuple[str, ...]]]] = {}
"""What the first source made in a target: the first that reads for nothing, and the first of which reading is billed,
where facts across rows are not looked for."""


def cloned(
    places: Places, name: str, source: str, target: str
) -> tuple[events.RunDone, dict[str, list[tuple[str, ...]]]]:
    """The clone's rows are checked against the source's numbers, its keys by query."""
    source_url, schema = places.source(source, name)
    target_url, place = places.target(target, f"{name}_of_{source}")
    options = CloneOptions(
        source_url, target_url, source_schemas=(schema,), target_schema=place, seed=1, effort="quick"
    )
    done = clone.run(options, lambda event: None)
    assert [v for v in done.verified if v.violations] == []
    made = contents(target_url, place)
    counts = {str(r.table).rpartition(".")[2].lower(): r.rows for r in done.results}
    assert {table: len(rows) for table, rows in made.items()} == counts
    database = connect(source_url)
    names = [t.name for t in database.introspect([schema])]
    held = {n.name.lower(): rows for n, rows in database.count(names).items()}
    database.close()
    assert counts == held
    return done, made


@pytest.mark.parametrize("target", DIALECTS)
@pytest.mark.parametrize("source", DIALECTS)
def test_chinook(places: Places, source: str, target: str) -> None:
    done, made = cloned(places, "chinook", source, target)
    enforced = {"postgresql": 0, "duckdb": 0, "snowflake": 20, "bigquery": 20}[target]
    assert len([v for v in done.verified if v.kind in ("primary key", "foreign key")]) >= enforced
    first = COMPARED.setdefault((target, source == "bigquery"), made)
    assert {t for t in made if made[t] != first[t]} == set()


@pytest.mark.parametrize("name", ["northwind", "rossmann", "oracle_co"])
@pytest.mark.parametrize("source", ["snowflake", "bigquery"])
@pytest.mark.parametrize("inside", [True, False], ids=["inside", "to_postgresql"])
def test_out_of_and_inside_a_warehouse(places: Places, source: str, name: str, inside: bool) -> None:
    done, _ = cloned(places, name, source, source if inside else "postgresql")
    if inside:
        database = connect(places.source(source, name)[0])
        keys = [k for t in database.introspect([places.source(source, name)[1]]) for k in t.foreign_keys]
        database.close()
        assert len([v for v in done.verified if v.kind == "foreign key"]) == len(keys)
        assert keys
