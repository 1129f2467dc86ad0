"""The recipes of docs/recipes.md: their YAML is what GitHub, GitLab and pre-commit take, their commands run, and so do
the tasks of Airflow and Dagster, which stand-ins with their decorators call."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from sqlalchemy.engine import make_url

from dbsynth.testing.embedded import create_database, drop_database

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "recipes.md").read_text()
SHOP = """
create table customer (id int primary key, email text not null unique);
create table orders (id int primary key, customer_id int not null references customer, amount numeric(8, 2) not null);
insert into customer select i, 'person' || i || '@mail.test' from generate_series(1, 80) i;
insert into orders select i, 1 + i % 80, i % 900 / 10.0 from generate_series(1, 200) i;
"""
Execute = Callable[..., list[tuple[object, ...]]]


def blocks(language: str, of: str) -> list[str]:
    """The blocks of the section ``of``."""
    section = re.search(rf"^## {of}.*?\n(.*?)(?=^## |\Z)", PAGE, re.S | re.M)
    assert section is not None, of
    return re.findall(rf"```{language}\n(.*?)```", section[1], re.S)


def called(text: str, program: str) -> list[list[str]]:
    """The calls of ``program`` in the steps of a job."""
    found: list[list[str]] = []

    def look(node: Any) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key in ("run", "script", "before_script"):
                    lines = value if isinstance(value, list) else value.splitlines()
                    found.extend(w for w in map(shlex.split, lines) if w and w[0] == program)
                look(value)
        elif isinstance(node, list):
            for value in node:
                look(value)

    look(yaml.safe_load(text))
    return found


def dbsynth_cli(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dbsynth.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment})


@pytest.mark.parametrize(
    ("section", "schema", "count"),
    [("GitHub Actions", "vendor.github-workflows", 2), ("GitLab CI", "vendor.gitlab-ci", 1)],
)
def test_jobs_are_what_the_vendor_takes(tmp_path: Path, section: str, schema: str, count: int) -> None:
    jobs = blocks("yaml", section)
    assert len(jobs) == count
    for i, text in enumerate(jobs):
        (tmp_path / f"{i}.yml").write_text(text)
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    done = subprocess.run([*check, *sorted(tmp_path.glob("*.yml"))], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    (tmp_path / "0.yml").write_text(jobs[0].replace("runs-on", "run-on").replace("stage: model", "stage: {}"))
    assert subprocess.run([*check, tmp_path / "0.yml"], capture_output=True).returncode == 1


@pytest.mark.parametrize("section", ["GitHub Actions", "GitLab CI"])
def test_the_steps_of_the_jobs_run(database: str, execute: Execute, tmp_path: Path, section: str) -> None:
    """As they stand, but for the minutes."""
    execute(SHOP)
    (tmp_path / "dbsynth.toml").write_text('[connections.prod_db]\nurl_env = "PROD_DATABASE_URL"\n')
    jobs = blocks("yaml", section)
    calls = [call for job in jobs for call in called(job, "dbsynth")]
    assert [call[1] for call in calls] == ["train", "inspect"]
    for call in calls:
        given = ["0.02" if word == "20" else word for word in call[1:]]
        done = dbsynth_cli(tmp_path, *given, PROD_DATABASE_URL=database)
        assert done.returncode == 0, done.stderr
    (tmp_path / "test_shop.py").write_text(
        "def test_orders(dbsynth_postgres):\n"
        '    assert dbsynth_postgres.load("models/shop").execute("select count(*) from orders").scalar() == 200\n'
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    ((_, *arguments),) = [call for job in jobs for call in called(job, "pytest")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**environment, "DBSYNTH_CACHE": str(tmp_path / "cache")},
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


# --- pre-commit -------------------------------------------------------------------------------------------------------


def pre_commit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    programs = folder.parent / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "dbsynth").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dbsynth.cli "$@"\n')
    (programs / "dbsynth").chmod(0o755)
    own = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    own |= {"PRE_COMMIT_HOME": str(folder.parent / "home"), "PATH": f"{programs}:{os.environ['PATH']}"}
    own |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = [sys.executable, "-m", "pre_commit", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=own)


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@x.example"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_hook_refuses_a_dump_and_nothing_else(database: str, execute: Execute, tmp_path: Path) -> None:
    execute(SHOP)
    (config,) = blocks("yaml", "pre-commit")
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / ".pre-commit-config.yaml").write_text(config)
    trained = dbsynth_cli(folder, "train", database, "--out", "models/shop", "--strategy", "independent", "--seed", "1")
    assert trained.returncode == 0, trained.stderr
    made = dbsynth_cli(folder, "generate", "models/shop", "--to", "rows", "--format", "csv", "--seed", "2")
    assert made.returncode == 0, made.stderr
    (folder / "notes.txt").write_text("person1@mail.test")
    git(folder, "add", "--all")
    done = pre_commit(folder, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    emails = "\n".join(f"{i},{e}" for i, e in execute("select id, email from customer limit 20"))
    (folder / "fixture.csv").write_text(f"id,email\n{emails}\n")
    git(folder, "add", "fixture.csv")
    done = pre_commit(folder, "run")
    assert done.returncode == 1
    assert "fixture.csv: refused: it holds rows of the source" in done.stdout
    assert "person" not in done.stdout


def test_the_hook_of_the_repository_is_one(tmp_path: Path) -> None:
    done = pre_commit(tmp_path, "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml"))
    assert done.returncode == 0, done.stdout
    (own,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (config,) = blocks("yaml", "pre-commit")
    (told,) = yaml.safe_load(config)["repos"][0]["hooks"]
    assert told["id"] == own["id"]
    assert {k: told[k] for k in ("language", "files", "require_serial")} == {
        k: own[k] for k in ("language", "files", "require_serial")
    }
    assert told["entry"] == f"{own['entry']} --model models/shop"


# --- Airflow and Dagster ----------------------------------------------------------------------------------------------


@pytest.fixture
def places(postgres_url: str, database: str, execute: Execute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``places(text)``: with the URLs of production and staging replaced by those of databases that are there."""
    execute(SHOP)
    staging = create_database(postgres_url, f"staging_{make_url(database).database}")
    monkeypatch.chdir(tmp_path)

    def replaced(text: str) -> str:
        for url, there in (("postgresql://reader@prod/shop", database), ("postgresql://me@staging/shop", staging)):
            assert url in text
            text = text.replace(url, there)
        return text

    yield SimpleNamespace(of=replaced, staging=staging)
    drop_database(staging)


def count(execute: Execute, url: str) -> int:
    ((found,),) = execute("select count(*) from orders", url=url)
    return int(found)  # type: ignore[call-overload, no-any-return]


def test_the_airflow_dag_runs(places: Any, execute: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its decorators call the functions when they are called."""
    sdk = ModuleType("airflow.sdk")
    given: dict[str, object] = {}
    returned: list[object] = []

    def task(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: object) -> Any:
            returned.append(function(*arguments))
            return returned[-1]

        return call

    sdk.task = task  # type: ignore[attr-defined]
    sdk.dag = lambda **options: given.update(options) or (lambda function: function)  # type: ignore[attr-defined, func-returns-value]
    monkeypatch.setitem(sys.modules, "airflow", ModuleType("airflow"))
    monkeypatch.setitem(sys.modules, "airflow.sdk", sdk)
    (text,) = blocks("python", "Airflow")
    exec(compile(places.of(text), "docs/recipes.md", "exec"), {})
    assert given["schedule"] == "@daily"
    assert returned == ["models/shop", 28]
    assert count(execute, places.staging) == 20


def test_the_dagster_assets_run(places: Any, execute: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    dagster = ModuleType("dagster")
    dagster.asset = lambda function: function  # type: ignore[attr-defined]
    dagster.MaterializeResult = SimpleNamespace  # type: ignore[attr-defined]
    dagster.Definitions = SimpleNamespace  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dagster", dagster)
    (text,) = blocks("python", "Dagster")
    names: dict[str, Any] = {}
    exec(compile(places.of(text), "docs/recipes.md", "exec", dont_inherit=True), names)
    assert [a.__name__ for a in names["defs"].assets] == ["shop_model", "staging"]
    done = names["staging"](names["shop_model"]())
    assert done.metadata == {"rows": 28}
    assert count(execute, places.staging) == 20
