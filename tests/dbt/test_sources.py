"""Which schemas are filled from which models, and what is refused before anything is written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import duckdb
import pytest
from sqlalchemy.engine import make_url

import dbsynth
from dbsynth.cli import main
from dbsynth.console.dbt import check_arguments
from dbsynth.dbt.profiles import DbtTarget, Project
from dbsynth.dbt.sources import manifest_of, source_schemas
from dbsynth.dbt.views import drop_readers
from dbsynth.errors import ConfigError, UsageError

TARGET = DbtTarget("p", "dev", "postgres", make_url("postgresql://h/shop"), "s")


def manifest(*sources: tuple[str, str, str, str], package: str = "mine") -> dict[str, Any]:
    """Of sources (name, database, schema, table)."""
    keys = ("source_name", "database", "schema", "identifier")
    return {"sources": {str(i): dict(zip(keys, s, strict=True), package_name=package) for i, s in enumerate(sources)}}


def project(folder: Path, **models: str) -> Project:
    return Project(folder, {"name": "mine", "vars": {"dbsynth": {"models": models}}})


def test_sources_are_grouped_by_schema(tmp_path: Path) -> None:
    given = manifest(
        ("a", "shop", "x", "t"), ("a", "shop", "x", "u"), ("b", "shop", "x", "t"), ("c", "Shop", 'we;ird "y"', "v")
    )
    found = source_schemas(project(tmp_path, a="m/1", b="m/1", c="/m/2"), TARGET, given, None, ())
    assert [(g.schema, g.names, g.tables, g.model) for g in found] == [
        ('we;ird "y"', ("c",), ("v",), Path("/m/2")),
        ("x", ("a", "b"), ("t", "u"), tmp_path / "m/1"),
    ]
    (one,) = source_schemas(project(tmp_path), TARGET, given, Path("/m"), ("c",))
    assert one.model == Path("/m")


def test_sources_of_packages_are_left_alone_without_a_model(tmp_path: Path) -> None:
    given = manifest(("theirs", "shop", "z", "t"), package="other")
    with pytest.raises(UsageError, match="has no sources"):
        source_schemas(project(tmp_path), TARGET, given, None, ())
    assert source_schemas(project(tmp_path, theirs="m"), TARGET, given, None, ())[0].schema == "z"


@pytest.mark.parametrize(
    ("models", "model", "selected", "message", "hint"),
    [
        ({}, None, (), "no model for the source b", "--model FOLDER"),
        ({"a": "1", "b": "2"}, None, (), "the schema x cannot be filled from 2 models", "one model"),
        ({}, Path("m"), (), "--model is one, and the sources lie in 2 schemas: x, y", "--source-select"),
        ({}, None, ("d",), "there is no source 'd'", "a, b, c"),
        ({"a": "1", "b": "1", "c": "2"}, None, (), "lies in the database zoo", "dbt parse --target dev"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, models: dict[str, str], model: Path | None, selected: tuple[str, ...], message: str, hint: str
) -> None:
    given = manifest(("b", "shop", "x", "t"), ("a", "shop", "x", "t"), ("c", "zoo", "y", "t"))
    with pytest.raises(UsageError, match=message) as told:
        source_schemas(project(tmp_path, **models), TARGET, given, model, selected)
    assert hint in told.value.hint


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"sources": 1}', '{"sources": {"a": 1}}'])
def test_no_manifest(tmp_path: Path, text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DBT_TARGET_PATH", "DBT_ENGINE_TARGET_PATH"):
        monkeypatch.delenv(name, raising=False)
    if text is not None:
        (tmp_path / "target").mkdir()
        (tmp_path / "target" / "manifest.json").write_text(text)
    with pytest.raises(ConfigError, match=r"manifest") as told:
        manifest_of(project(tmp_path), TARGET)
    assert "dbt parse --target dev" in told.value.hint


def test_views_of_the_project_make_way_unless_others_read_too(
    database: str, execute: Callable[..., list[tuple[Any, ...]]]
) -> None:
    execute(
        """create schema "st;a"; create table "st;a".t (id int); create schema "d%b:t";
        create view "d%b:t"."v""1" as select * from "st;a".t; create view "d%b:t".v2 as select * from "d%b:t"."v""1";
        create view "d%b:t".other as select 1 as one"""
    )
    views = "select viewname from pg_views where schemaname = 'd%b:t' order by 1"
    drop_readers(make_url(database), "st;a", {("d%b:t", 'v"1')})
    assert execute(views) == [("other",), ('v"1',), ("v2",)]
    drop_readers(make_url(database), "st;a", {("d%b:t", 'v"1'), ("d%b:t", "v2"), ("d%b:t", "other")})
    assert execute(views) == [("other",)]


def test_populate_looks_before_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    import pandas as pd

    dbsynth.fit_table(pd.DataFrame({"n": range(50)}), strategy="independent", seed=1).save(tmp_path / "m")
    (tmp_path / "dbt_project.yml").write_text("name: mine\nprofile: p\n")
    (tmp_path / "profiles.yml").write_text("p: {outputs: {default: {type: duckdb, path: d.duckdb}}}")
    (tmp_path / "target").mkdir()
    given = manifest(("a", "d", "raw", "no_such_table"))
    (tmp_path / "target" / "manifest.json").write_text(json.dumps(given))
    for name in [n for n in os.environ if n.startswith("DBT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def populate(*more: str) -> click.testing.Result:
        return click.testing.CliRunner().invoke(main, ["dbt", "populate", "--model", "m", "--workers", "1", *more])

    refused = populate()
    assert refused.exit_code == 2
    assert "has no table no_such_table" in refused.output
    assert not (tmp_path / "d.duckdb").exists()
    (table,) = [t.name.name for t in dbsynth.load(tmp_path / "m").plan.tables]
    (tmp_path / "target" / "manifest.json").write_text(json.dumps(manifest(("a", "d", "raw", table))))
    done = populate("--rows", f"{table}=7", "--seed", "1")
    assert done.exit_code == 0, done.output
    with duckdb.connect(str(tmp_path / "d.duckdb")) as connection:
        assert connection.execute(f'select count(*) from raw."{table}"').fetchone() == (7,)
    assert populate("--target", "default", "--model", "nowhere").exit_code == 2


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("--target prod build", "before the two dashes: dbsynth dbt run --target"),
        ("build --target=prod", "before the two dashes: dbsynth dbt run --target"),
        ("build -t prod", "before the two dashes: dbsynth dbt run -t"),
        ("build -tprod", "before the two dashes: dbsynth dbt run -t"),
        ("-tprod build", "before the two dashes: dbsynth dbt run -t"),
        ("build -t=prod", "before the two dashes: dbsynth dbt run -t"),
        ("build -qtprod", "before the two dashes: dbsynth dbt run -t"),
        ("build -xfq -xt prod", "before the two dashes: dbsynth dbt run -t"),
        ("build --profiles-dir=x", "before the two dashes: dbsynth dbt run --profiles-dir"),
        ("build --project-dir x", "before the two dashes: dbsynth dbt run --project-dir"),
        ("build --profile x", "DBT_PROFILE names another profile"),
        ("-q retry", "dbsynth dbt run -- build --select"),
    ],
)
def test_what_dbsynth_has_to_know_is_not_told_to_dbt_alone(given: str, hint: str) -> None:
    done = click.testing.CliRunner().invoke(main, ["dbt", "run", "--dbt", "no-such-dbt", "--", *given.split()])
    assert done.exit_code == 2
    assert hint in " ".join(done.output.split())


def test_other_arguments_of_dbt_are_its_own() -> None:
    check_arguments(["-q", "build", "-sstaging", "-mtest", "--target-path", "t", "--select=retry", "--vars", "{t: 1}"])
