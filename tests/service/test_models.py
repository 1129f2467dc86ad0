"""A worker has the models of one folder, and no name leads out of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from serving import Execute, Serving, until

import dbsynth
from dbsynth.errors import UsageError
from dbsynth.service.models import known_models, model_path

Role = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two whole models, and what looks like one."""
    place = tmp_path_factory.mktemp("served") / "models"
    table = pa.table({"id": list(range(60)), "kind": ["a", "b", "c"] * 20})
    keys = {"t": {"primary_key": ["id"]}, "s": {"primary_key": ["id"]}}
    dbsynth.fit({"t": table}, schema={"t": keys["t"]}, strategy="independent", workers=1, seed=1).save(place / "one")
    dbsynth.fit({"t": table, "s": table}, schema=keys, strategy="independent", workers=1, seed=1).save(place / "two.v2")
    outside = place.parent / "outside"
    dbsynth.load(place / "one").save(outside)
    (place / "link").symlink_to(outside)
    dbsynth.load(place / "one").save(place / "Capitals and spaces")
    dbsynth.load(place / "one").save(place / "broken")
    (place / "broken" / "manifest.json").write_text("{}")
    (place / "empty").mkdir()
    (place / "file").write_text("x")
    return place


def test_whole_models_are_known(folder: Path) -> None:
    found = known_models(folder)
    assert list(found) == ["one", "two.v2"]
    digest, size, tables = found["two.v2"]
    assert len(digest) == 64
    assert size == sum(f.stat().st_size for f in (folder / "two.v2").iterdir() if f.name != "manifest.json")
    assert tables == 2
    assert known_models(None) == known_models(folder / "missing") == {}


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "",
        "../outside",
        "/etc",
        "one/../../outside",
        "link",
        "one\n",
        "one/",
        "missing",
        "file",
        "ONE",
        "a" * 64,
    ],
)
def test_a_name_leads_nowhere_else(folder: Path, name: str) -> None:
    assert model_path(folder, "one") == folder / "one"
    with pytest.raises(UsageError, match="no model"):
        model_path(folder, name)
    with pytest.raises(UsageError, match="no model"):
        model_path(None, "one")


def test_rows_of_a_model_belong_to_who_asked(
    execute: Execute, as_role: Role, serve: Callable[..., Serving], folder: Path
) -> None:
    with pytest.raises(psycopg.errors.UndefinedObject, match='no worker has a model "one"'):
        as_role("alice", "select dbsynth.generate('one', 'staging')")
    worker = serve("--models", str(folder))
    until(lambda: execute("select 1 from dbsynth.models"), "the models are entered")
    assert as_role("alice", "select name, tables from dbsynth.models order by 1") == [("one", 1), ("two.v2", 2)]
    with pytest.raises(psycopg.errors.UndefinedObject) as near:
        as_role("alice", "select dbsynth.generate('ome', 'staging')")
    assert near.value.diag.message_hint == "did you mean one?"
    for job, (seed, target) in enumerate(((5, "staging"), (5, "again"), (6, "other")), start=3):
        options = f'{{"scale": 0.5, "seed": {seed}}}'
        assert as_role("alice", f"select dbsynth.generate('one', '{target}', '{options}')") == [(job,)]
        as_role("alice", f"call dbsynth.wait({job})")
    rows = {t: as_role("alice", f"select * from {t}.t order by id") for t in ("staging", "again", "other")}
    assert len(rows["staging"]) == 30
    assert rows["staging"] == rows["again"] != rows["other"]
    assert execute(
        "select distinct nspowner::regrole::text from pg_namespace where nspname ~ 'staging|again|other'"
    ) == [("alice",)]
    assert worker.stop() == 0
    assert execute("select count(*) from dbsynth.model") == [(0,)]
