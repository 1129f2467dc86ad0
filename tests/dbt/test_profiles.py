"""``dbt:TARGET``: which file, which profile, which target, and what its Jinja may do."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import click.testing
import duckdb
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from dbsynth.cli import main
from dbsynth.config import load_config
from dbsynth.console import redact
from dbsynth.console.dbt import find
from dbsynth.dbt.adapters import place_of
from dbsynth.dbt.rendering import rendered
from dbsynth.errors import ConfigError, DbsynthError, TargetRefused, UsageError

POSTGRES = {"type": "postgres", "host": "db", "user": "me", "port": 5433, "dbname": "shop", "schema": "staging"}
NOWHERE = Path("/nowhere")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in the working directory, without profiles; no profiles elsewhere."""
    for name in [n for n in os.environ if n.startswith("DBT_") or n == "DBSYNTH_CONFIG"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\nvars: {dbsynth_protected_targets: [live]}\n")
    monkeypatch.chdir(folder)
    return folder


def write(folder: Path, profiles: dict[str, Any] | str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = profiles if isinstance(profiles, str) else yaml.safe_dump(profiles)
    (folder / "profiles.yml").write_text(text)


def shop(**outputs: Any) -> dict[str, Any]:
    return {"shop": {"target": "dev", "outputs": outputs}}


def test_a_target_of_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, shop(dev=POSTGRES))
    (project / "models").mkdir()
    monkeypatch.chdir(project / "models")
    place = load_config().resolve_source("dbt:dev")
    assert place.url.render_as_string(False) == "postgresql://me@db:5433/shop"
    assert place.schemas == ("staging",)
    assert load_config().resolve_source("dbt:dev#a,b").schemas == ("a", "b")
    assert load_config().resolve_target("dbt:shop.dev", place).schemas == ("staging",)


def test_where_profiles_are_looked_for(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"no profiles\.yml in .*project nor in .*\.dbt") as told:
        load_config().resolve_source("dbt:dev")
    assert "DBT_PROFILES_DIR" in told.value.hint
    for number, folder in enumerate([tmp_path / "home" / ".dbt", project, tmp_path / "named"]):
        write(folder, shop(dev=POSTGRES | {"port": 1000 + number}))
        if folder.name == "named":
            monkeypatch.setenv("DBT_PROFILES_DIR", str(folder))
        assert load_config().resolve_source("dbt:dev").url.port == 1000 + number


def test_the_variables_that_dbt_reads(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longer name counts more, as to dbt 1.11."""
    dev, prod = POSTGRES | {"port": 1}, POSTGRES | {"port": 2}
    write(tmp_path / "named", {"shop": {"outputs": {"dev": dev}}, "other": {"outputs": {"dev": prod, "prod": prod}}})
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "DBT_PROJECT_DIR": str(project), "DBT_PROFILES_DIR": "nowhere", "DBT_ENGINE_PROFILES_DIR": "named",
        "DBT_TARGET": "", "DBT_ENGINE_TARGET": "dev",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert load_config().resolve_source("dbt:dev").url.port == 1
    monkeypatch.setenv("DBT_PROFILE", "other")
    assert load_config().resolve_source("dbt:dev").url.port == 2
    place = find(None, None, None)
    where = ["--project-dir", str(project), "--profiles-dir", str(tmp_path / "named")]
    assert place.arguments == [*where, "--profile", "other", "--target", "dev"]
    monkeypatch.setenv("DBT_TARGET", "dev")
    for name in ("DBT_ENGINE_TARGET", "DBT_TARGET"):
        monkeypatch.setenv(name, "prod")
        with pytest.raises(TargetRefused, match="the dbt target prod is protected"):
            find(None, None, None)
        monkeypatch.delenv("DBT_ENGINE_TARGET", raising=False)


def test_profiles_and_targets_with_dots(project: Path) -> None:
    write(project, {"shop": {"outputs": {"a.b": POSTGRES}}, "x.y": {"outputs": {"dev": POSTGRES | {"port": 7}}}})
    assert load_config().resolve_source("dbt:a.b").url.port == 5433
    assert load_config().resolve_source("dbt:x.y.dev").url.port == 7


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        ("dbt:dve", "has no target 'dve'", "'dev'"),
        ("dbt:shpo.dev", "neither a profile 'shpo'", "'shop'"),
        ("dbt:", "no dbt target is named", "dbt:TARGET"),
        ("dbt:odd", "no dialect for the adapter 'redshift'", "postgres"),
        ("dbt:bare", "host is missing", ""),
        ("dbt:listed", "is no mapping", ""),
        ("dbt:memory", "in memory", ""),
        ("dbt:nested", "host: a text is expected", ""),
        ("dbt:port", "port: not a number", ""),
    ],
)
def test_what_is_wrong_is_told(project: Path, asked: str, message: str, hint: str) -> None:
    write(
        project,
        shop(
            dev=POSTGRES,
            odd=POSTGRES | {"type": "redshift"},
            bare={"type": "postgres", "schema": "x"},
            listed=[1],
            memory={"type": "duckdb"},
            nested=POSTGRES | {"host": ["db"]},
            port=POSTGRES | {"port": "five"},
        ),
    )
    with pytest.raises(UsageError, match=message) as told:
        load_config().resolve_source(asked)
    assert hint in told.value.hint


@pytest.mark.parametrize("text", ["shop: {outputs: {dev: {host: {{ env_var('X') }} }}", "- 1", "\tx"])
def test_files_that_are_no_profiles(project: Path, text: str) -> None:
    write(project, text)
    with pytest.raises(ConfigError, match=r"profiles\.yml"):
        load_config().resolve_source("dbt:dev")


@pytest.mark.parametrize("name", ["prod", "Production", "LIVE"])
def test_protected_targets_are_read_and_never_written(project: Path, name: str) -> None:
    write(project, shop(**{name: POSTGRES}))
    source = load_config().resolve_source(f"dbt:{name}")
    with pytest.raises(TargetRefused, match="is protected"):
        load_config().resolve_target(f"dbt:{name}", source)


def test_only_the_target_that_is_asked_for_is_rendered(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, shop(dev=POSTGRES, other=POSTGRES | {"password": "{{ env_var('MISSING_ONE') }}"}))
    assert load_config().resolve_source("dbt:dev").url.host == "db"
    with pytest.raises(ConfigError, match=r"outputs\.other\.password: the environment variable MISSING_ONE is not set"):
        load_config().resolve_source("dbt:other")


def test_values_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "6543")
    monkeypatch.setenv("BRACES", "{{ env_var('PORT') }}")
    assert rendered("{{ env_var('PORT') | as_number }}", "x") == 6543
    assert rendered("{{ env_var('PORT') }}", "x") == "6543"
    assert rendered("{{ env_var('NO', 'true') | as_bool }}", "x") is True
    assert rendered("{{ env_var('NO', '[1, 2]') | as_native }}", "x") == [1, 2]
    assert rendered("{{ env_var('PORT') | as_text }}", "x") == "6543"
    assert rendered("p{{ env_var('PORT') | as_number }}", "x") == "p6543"
    assert rendered("{{ env_var('BRACES') }}", "x") == "{{ env_var('PORT') }}"
    assert rendered({"a": ["{{ env_var('PORT') }}", 1, None]}, "x") == {"a": ["6543", 1, None]}


@pytest.mark.parametrize(
    "hostile",
    [
        "{{ config }}",
        "{{ self }}{{ nothing }}",
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ env_var.__globals__ }}",
        "{{ env_var.__globals__['os'].system('id') }}",
        "{{ (env_var|attr('__globals__')) }}",
        "{{ 'a' * 10 ** 10 }}",
        "{{ 2 ** 100000 }}",
        "{{ range(10) }}",
        "{{ env_var() }}",
        "{{ env_var('x', }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ env_var('A', 'four') | as_number }}",
        "{{ env_var('A', 'maybe') | as_bool }}",
        "{{ 'x' | no_such_filter }}",
        "{{ 1 / 0 }}",
    ],
)
def test_hostile_jinja_is_refused(hostile: str) -> None:
    with pytest.raises(ConfigError, match=r"^here\.password: ") as told:
        rendered({"password": hostile}, "here")
    assert "four" not in str(told.value)
    assert "maybe" not in str(told.value)


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_password_reaches_the_url(user: str, password: str) -> None:
    _, url, _ = place_of(POSTGRES | {"user": user, "pass": password}, "here", NOWHERE)
    assert (url.username, url.password) == (user, password)
    assert password == "***" or f":{password}@" not in repr(url)


@given(st.recursive(st.none() | st.text() | st.integers(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)))
def test_whatever_stands_in_an_output_ends_in_an_error_of_ours(value: Any) -> None:
    given = {"type": "snowflake", "account": value, "user": "u", "database": "d", "schema": value}
    with contextlib.suppress(DbsynthError):
        _, url, schema = place_of(rendered(given, "here"), "here", NOWHERE)
        assert (url.host, schema) == (str(value), str(value))


def test_duckdb_files_lie_in_the_project(project: Path) -> None:
    adapter, url, schema = place_of({"type": "duckdb", "path": "dev.duckdb"}, "x", project)
    assert (adapter, url, schema) == ("duckdb", URL.create("duckdb", database=str(project / "dev.duckdb")), "main")
    assert place_of({"type": "duckdb", "path": "/a/b.duckdb"}, "x", project)[1].database == "/a/b.duckdb"


def test_postgres_by_a_socket_as_a_role() -> None:
    _, url, _ = place_of(POSTGRES | {"host": "/run/pg", "role": "r", "keepalives_idle": 0}, "x", NOWHERE)
    assert (url.host, dict(url.query)) == (None, {"host": "/run/pg", "role": "r"})


def test_snowflake() -> None:
    keys = {"private_key_path": "k.p8", "private_key_passphrase": "s3cr3t", "warehouse": "w", "role": "r", "threads": 4}
    given = {"type": "snowflake", "account": "acc", "user": "me", "database": "DB", "schema": "SHOP", **keys}
    _, url, schema = place_of(given, "x", NOWHERE)
    assert (url.host, url.database, schema) == ("acc", "DB", "SHOP")
    names = {"private_key_file": "k.p8", "private_key_file_pwd": "s3cr3t", "warehouse": "w", "role": "r"}
    assert dict(url.query) == names
    redact.remember(url)
    assert redact.redact("it was s3cr3t") == "it was ***"


def test_bigquery() -> None:
    given = {"type": "bigquery", "project": "p", "dataset": "d", "location": "EU"}
    _, url, schema = place_of(given, "x", NOWHERE)
    assert (url.render_as_string(False), schema) == ("bigquery://p/d?location=EU", "d")
    _, url, _ = place_of(given | {"method": "service-account", "keyfile": "k.json"}, "x", NOWHERE)
    assert url.query["credentials_path"] == "k.json"
    with pytest.raises(ConfigError, match="method: 'oauth-secrets' is not supported"):
        place_of(given | {"method": "oauth-secrets"}, "x", NOWHERE)


def test_a_clone_from_target_to_target(project: Path) -> None:
    with duckdb.connect(str(project / "live.duckdb")) as connection:
        connection.execute("create table t as select range as id, 'k' || range % 3 as kind from range(60)")
    path = {"type": "duckdb", "path": "live.duckdb"}
    write(project, shop(prod=path, dev=path | {"schema": "dev"}))
    done = click.testing.CliRunner().invoke(
        main, ["clone", "dbt:prod", "--to", "dbt:dev", "--strategy", "independent", "--seed", "1", "--workers", "1"]
    )
    assert done.exit_code == 0, done.output
    with duckdb.connect(str(project / "live.duckdb")) as connection:
        assert connection.execute("select count(*) from dev.t").fetchone() == (60,)
    refused = click.testing.CliRunner().invoke(main, ["clone", "dbt:dev", "--to", "dbt:prod"])
    assert refused.exit_code == 2
    assert "the dbt target prod is protected" in refused.output


def test_no_password_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_ENV_SECRET_PASSWORD", "hunter2@/:#")
    write(
        project,
        shop(dev=POSTGRES | {"host": "127.0.0.1", "port": 1, "pass": "{{ env_var('DBT_ENV_SECRET_PASSWORD') }}"}),
    )
    said = click.testing.CliRunner().invoke(main, ["inspect", "dbt:dev", "--verbose"])
    assert said.exit_code == 3
    assert "hunter2" not in said.output
