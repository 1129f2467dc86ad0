"""Rows are appended to a DuckDB file that a model of tables in memory made."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import dbsynth
from dbsynth.dialect import Database
from dbsynth.errors import CannotClone, TargetRefused, UsageError
from dbsynth.synthesizer import Synthesizer
from dbsynth.translate.target import open_appender

STAFF, TASKS = 60, 300


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Synthesizer:
    rng = np.random.default_rng(0)
    boss = pa.array([None if i < 5 else int(rng.integers(1, i)) for i in range(STAFF)], pa.int64())
    staff = {"id": np.arange(1, STAFF + 1), "email": [f"a.b{i}@mail.test" for i in range(STAFF)], "boss": boss}
    tasks = {
        "id": np.arange(1, TASKS + 1),
        "staff_id": rng.integers(1, STAFF + 1, TASKS),
        "code": [f"T-{i:05d}" for i in range(1, TASKS + 1)],
        "hours": rng.integers(1, 40, TASKS),
    }
    found = dbsynth.fit(
        {"staff": pa.table(staff), 'ta"sk; x': pa.table(tasks)},
        schema={
            "staff": {
                "primary_key": ["id"],
                "unique": [["email"]],
                "foreign_keys": [{"columns": ["boss"], "ref_table": "staff"}],
            },
            'ta"sk; x': {
                "primary_key": ["id"],
                "unique": [["code"]],
                "checks": ["hours between 1 and 40"],
                "foreign_keys": [{"columns": ["staff_id"], "ref_table": "staff"}],
            },
        },
        seed=1,
        effort="quick",
        device="cpu",
    )
    found.save(tmp_path_factory.mktemp("append") / "model")
    return found


@pytest.fixture
def target(model: Synthesizer, tmp_path: Path) -> str:
    url = f"duckdb:///{tmp_path}/x.duckdb"
    model.to_database(url, schema="work", seed=7, workers=1)
    return url


def ask(url: str, query: str) -> Any:
    with duckdb.connect(url.removeprefix("duckdb:///"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def rows(url: str) -> dict[str, set[Any]]:
    return {t: set(ask(url, f"select * from work.{t}")) for t in ("staff", '"ta""sk; x"')}


def test_appended_twice(model: Synthesizer, target: str) -> None:
    before = rows(target)
    for turn in (1, 2):
        model.append_to(target, schema="work", scale=0.5, seed=7, workers=1)
        after = rows(target)
        assert all(before[t] < after[t] for t in before)
        people = STAFF + turn * STAFF // 2
        told = "select count(*), max(id), count(distinct email), count(boss) from work.staff"
        assert ask(target, told)[0][:3] == (people, people, people)
        assert ask(target, 'select count(*), max(id), count(distinct code) from work."ta""sk; x"') == [
            (TASKS + turn * TASKS // 2,) * 3
        ]
        orphans = 'select count(*) from work."ta""sk; x" t where staff_id not in (select id from work.staff)'
        assert ask(target, orphans) == [(0,)]
        before = after
    made = json.loads(ask(target, "select work.dbsynth_provenance()")[0][0])["dbsynth"]
    assert made["appends"] == 2


def test_a_rule_that_was_added_ends_it_with_nothing_written(model: Synthesizer, target: str) -> None:
    with duckdb.connect(target.removeprefix("duckdb:///")) as connection:
        connection.execute('create unique index once on work."ta""sk; x" (hours, id)')
        connection.execute("create unique index few on work.staff ((id % 61))")
    before, told = rows(target), ask(target, "select work.dbsynth_provenance()")
    with pytest.raises(CannotClone):
        model.append_to(target, schema="work", scale=1.0, seed=7, workers=1)
    assert rows(target) == before
    assert ask(target, "select work.dbsynth_provenance()") == told


def test_a_model_that_was_not_saved_is_not_known_again(model: Synthesizer, target: str, tmp_path: Path) -> None:
    other = dbsynth.fit_table(pa.table({"a": np.arange(50) % 7}), name="t", seed=1, effort="quick", device="cpu")
    url = f"duckdb:///{tmp_path}/y.duckdb"
    other.to_database(url, schema="one", seed=1, workers=1)
    with pytest.raises(TargetRefused, match="no saved model"):
        other.append_to(url, schema="one", seed=1, workers=1)
    other.append_to(url, schema="one", seed=1, workers=1, other_model=True)
    assert ask(url, "select count(*) from one.t") == [(100,)]
    with pytest.raises(TargetRefused, match="not in the target any more"):
        model.append_to(url, schema="one", seed=1, workers=1, other_model=True)


def test_other_databases_are_refused() -> None:
    stand_in = cast("Database", SimpleNamespace(dialect=SimpleNamespace(name="snowflake")))
    with pytest.raises(UsageError, match="cannot be appended in snowflake yet"):
        open_appender(stand_in, None)
