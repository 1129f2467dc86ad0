"""A dbt project on synthetic sources: by the hook and a worker in PostgreSQL, by `dbsynth dbt run` in DuckDB."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from sqlalchemy.engine import make_url

from dbsynth.service import install
from tests.service.serving import Serving, until

Execute = Callable[..., list[tuple[Any, ...]]]
Dbt = Callable[..., subprocess.CompletedProcess[str]]
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
MODELS = 7


@pytest.fixture
def served(database: str, execute: Execute, project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Execute]:
    """A database with a worker; dbt connects as alice, whose password (of no use: all are trusted) is a hard one."""
    install.upgrade(make_url(database))
    execute(
        """do $$ begin
            if not exists (select from pg_roles where rolname = 'alice') then create role alice login; end if;
            grant dbsynth_user to alice;
            execute format('grant create on database %I to alice', current_database());
        end $$"""
    )
    url = make_url(database)
    for name, value in {
        "JAFFLE_HOST": url.host, "JAFFLE_PORT": url.port, "JAFFLE_DATABASE": url.database, "JAFFLE_USER": "alice",
        "DBT_ENV_SECRET_JAFFLE": "p@:/#%{{'\"",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    worker = Serving(database, project / "worker.log", "--models", "models_of_dbsynth")
    until(lambda: execute("select 1 from dbsynth.models where name = 'shop'"), "the model is entered")
    yield execute
    worker.stop()


def cli(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "dbsynth.cli", "dbt", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ)


def results(project: Path) -> dict[str, str]:
    found = json.loads((project / "target" / "run_results.json").read_text())["results"]
    return {r["unique_id"]: r["status"] for r in found}


def test_on_run_start_on_postgresql(served: Execute, dbt: Dbt, project: Path) -> None:
    first = dbt("build")
    assert first.returncode == 0, first.stdout + (project / "worker.log").read_text()
    done = results(project)
    assert sum(name.startswith("model.") for name in done) == MODELS
    assert set(done.values()) == {"success", "pass"}
    assert served("select count(*) from staging.orders") == [(60,)]
    assert served("select count(*) from dbt_dev.customers") == [(30,)]
    asked = ("generate", "done", "alice", "staging", {"scale": 0.1})
    assert served("select kind, state, caller, target, options from dbsynth.jobs") == [asked]
    again = dbt("build")  # views read what is to be replaced
    assert again.returncode == 0, again.stdout
    assert served("select state from dbsynth.jobs order by id") == [("done",), ("done",)]

    refused = dbt("build", "--target", "prod")
    assert refused.returncode == 2
    assert "the target 'prod' is protected" in refused.stdout
    assert served("select count(*) from dbsynth.jobs") == [(2,)]
    assert served("select count(*) from information_schema.views where table_schema = 'dbt_prod'") == [(0,)]

    served("comment on schema staging is null")
    told = dbt("test", "--select", "source:shop.customers")  # tests fill nothing
    assert told.returncode == 1
    assert {s for name, s in results(project).items() if "is_synthetic" in name} == {"fail"}
    assert served("select count(*) from dbsynth.jobs") == [(2,)]


def hooked(project: Path, under: str, hook: str) -> None:
    """Let the project have this hook instead of its own."""
    lines = (project / "dbt_project.yml").read_text().splitlines()
    at = lines.index("on-run-start:")
    del lines[at : at + 2]
    if under == "on-run-start:":
        lines.append(under)
    lines.insert(lines.index(under) + 1, hook)
    (project / "dbt_project.yml").write_text("\n".join(lines))


def test_a_hook_of_several_models_fills_once(served: Execute, dbt: Dbt, project: Path) -> None:
    hooked(project, "    staging:", "      +pre-hook: \"{{ dbsynth.populate('staging', model='shop', seed=7) }}\"")
    for runs in (1, 2):
        done = dbt("run")
        assert done.returncode == 0, done.stdout
        assert served("select count(*) from dbsynth.jobs") == [(runs,)]
    assert served("select count(*) from dbt_dev.customers") == [(300,)]


def test_a_job_that_fails_is_told_by_every_model_that_has_the_hook(served: Execute, dbt: Dbt, project: Path) -> None:
    """The lock that keeps threads from asking twice goes with its connection."""
    served("create schema staging authorization alice; create table staging.mine (id int)")
    hook = "dbsynth.populate('staging', model='shop', timeout='2 minutes', options={'rows': {'orders': 3}})"
    hooked(project, "    staging:", f'      +pre-hook: "{{{{ {hook} }}}}"')
    failed = dbt("run", "--select", "staging")
    assert failed.returncode == 1
    assert failed.stdout.count("was not made by dbsynth") == 3, failed.stdout
    assert served("select state from dbsynth.jobs") == [("failed",)] * 3
    hooked_again = (project / "dbt_project.yml").read_text().replace("model='shop'", "model='sh''op'")
    (project / "dbt_project.yml").write_text(hooked_again.replace("sh''op", "sh\\\\p%s"))
    unknown = dbt("run", "--select", "stg_orders")
    assert unknown.returncode == 1
    assert "no worker has a model" in unknown.stdout, unknown.stdout
    assert served("select tablename from pg_tables where schemaname = 'staging'") == [("mine",)]


def test_every_source_is_filled(served: Execute, dbt: Dbt, project: Path) -> None:
    call = "dbsynth.populate_sources(scale=0.2, seed=7, options={'rows': {'orders': 50}})"
    hooked(project, "on-run-start:", f'  - "{{{{ {call} }}}}"')
    done = dbt("run", "--select", "+orders")
    assert done.returncode == 0, done.stdout
    assert served("select count(*) from staging.customers") == [(60,)]
    assert served("select count(*) from dbt_dev.orders") == [(50,)]
    assert served("select options from dbsynth.jobs") == [({"scale": 0.2, "seed": 7, "rows": {"orders": 50}},)]


def test_dbsynth_dbt_run_on_duckdb(dbt: Dbt, dbt_program: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAFFLE_TARGET", "duck")
    monkeypatch.setenv("DBSYNTH_DBT", str(dbt_program))
    monkeypatch.setenv("PATH", f"{dbt_program.parent}{os.pathsep}{os.environ['PATH']}")
    done = cli("run", "--scale", "0.1", "--seed", "7", "--workers", "1", "--", "build", folder=project)
    assert done.returncode == 0, done.stdout + done.stderr
    found = results(project)
    assert sum(name.startswith("model.") for name in found) == MODELS
    assert set(found.values()) == {"success", "pass"}
    with duckdb.connect(str(project / "jaffle.duckdb")) as connection:
        assert connection.execute("select count(*) from staging.orders").fetchall() == [(60,)]
        assert connection.execute("select count(*) from dbt_dev.customers").fetchall() == [(30,)]

    bare = dbt("run", "--select", "stg_orders")  # nobody has filled, and no worker can be asked
    assert bare.returncode == 2
    assert "dbsynth dbt run -- run" in bare.stdout
    failed = cli("run", "--scale", "0.1", "--workers", "1", "--", "build", "--select", "no_such_thing+", "--warn-error",
                 folder=project)  # fmt: skip
    assert failed.returncode == 2  # dbt's own
    monkeypatch.setenv("DBSYNTH_DBT", "no-such-program")
    refused = cli("run", "--target", "prod", "--", "build", folder=project)
    assert refused.returncode == 2
    assert "the dbt target prod is protected" in refused.stderr


def test_the_pages_show_what_is_tested() -> None:
    """The hook, the vars and the test of README.md and docs/dbt.md are those of the project that is run above."""
    root = Path(__file__).parents[2]
    project = yaml.safe_load((root / "tests/dbt/jaffle/dbt_project.yml").read_text())
    sources = yaml.safe_load((root / "tests/dbt/jaffle/models/staging/sources.yml").read_text())
    shown = [b for page in ("README.md", "docs/dbt.md") for b in BLOCK.findall((root / page).read_text())]
    said = [yaml.safe_load(block) for block in shown]
    hooks = [s["on-run-start"] for s in said if "on-run-start" in s]
    assert len(hooks) == 2
    assert all(hook == project["on-run-start"] for hook in hooks)
    (models,) = [s["vars"]["dbsynth"] for s in said if "dbsynth" in s.get("vars", {})]
    assert models.keys() == project["vars"]["dbsynth"].keys()
    (tested,) = [s["sources"] for s in said if "sources" in s]
    assert tested[0]["tables"][0]["data_tests"] == sources["sources"][0]["tables"][0]["data_tests"]
