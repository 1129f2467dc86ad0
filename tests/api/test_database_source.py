"""A database as the source of ``dbsynth.fit``: URL or engine, its catalog's keys, and what only it can check."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

import dbsynth
from dbsynth.errors import UsageError

TABLES = """
create schema more;
create table public.owner (id int primary key, name text not null);
create table more.pet (id int primary key, owner_id int not null references public.owner, born date, wild boolean,
                       note text check (pg_column_size(note) < 1000));
insert into public.owner select i, 'Owner Number' || i from generate_series(1, 60) i;
insert into more.pet select i, 1 + i % 60, date '2020-01-01' + i, case when i % 3 > 0 then i % 2 = 0 end,
    'good ' || i % 4
from generate_series(1, 200) i"""


def test_an_engine_and_its_url_are_the_same_source(database: str, execute: Callable[..., object]) -> None:
    execute(TABLES)
    engine = create_engine(make_url(database).set(drivername="postgresql+psycopg"))
    options = {"seed": 1, "effort": "quick", "keep": ("none",)}
    one = dbsynth.fit(engine, **options).sample(seed=2)  # type: ignore[arg-type]
    engine.dispose()
    model = dbsynth.fit(database, workers=1, **options)  # type: ignore[arg-type]
    with capture_logs() as logs:
        two = model.sample(seed=2)
    assert set(one) == {"public.owner", "more.pet"}
    assert all(one[name].equals(two[name]) for name in one)
    pets = one["more.pet"]
    assert set(pets["owner_id"]) <= set(one["public.owner"]["id"])
    assert {c: str(t) for c, t in pets.dtypes.items()} == {
        "id": "int64", "owner_id": "int64", "born": "datetime64[s]", "wild": "boolean", "note": "str",
    }  # fmt: skip
    told = [entry for entry in logs if "only a database" in entry["event"]]
    assert [(e["table"], e["checks"], e["log_level"]) for e in told] == [("more.pet", ["pet_note_check"], "warning")]
    assert "postgres" not in repr(model.report()["source"])  # neither user nor password


def test_only_the_wanted_schemas_are_read(database: str, execute: Callable[..., object]) -> None:
    execute(TABLES)
    model = dbsynth.fit(database, schemas=["public"], seed=1, effort="quick")
    assert [str(t.name) for t in model.plan.tables] == ["public.owner"]
    with pytest.raises(UsageError, match="tables in memory"):
        dbsynth.fit(database, schema={"owner": {}})
    with pytest.raises(UsageError, match="no such table"):
        dbsynth.fit(database, tables=["ownr"])
