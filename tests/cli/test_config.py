"""What dbsynth.toml may say, what is refused, and which of command line, environment and file decides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dbsynth.config import Config, load_config
from dbsynth.console.request import clone_options
from dbsynth.errors import ConfigError, UsageError
from dbsynth.pipeline.options import CloneOptions

Written = Callable[[str], Path]
CONNECTIONS = """
[connections.prod_db]
url = "postgresql://reader:sesame42@db.example/shop"
schemas = ["sales", "stock"]

[connections.staging]
url = "postgresql://stage.example/copy"

[connections."eu.west"]
url_env = "EU_WEST_URL"
"""
PROD = "postgresql://reader:***@db.example/shop"
STAGING = "postgresql://stage.example/copy"
OTHER = "postgresql://other.example/x"


def options(**asked: Any) -> CloneOptions:
    nothing: dict[str, Any] = dict.fromkeys(("schemas", "tables", "exclude", "rows", "keep"), ())
    return clone_options(**{"source": OTHER, "target": "dev", "replace": False, "config": None, **nothing, **asked})


@pytest.fixture
def config(written: Written) -> Config:
    written(CONNECTIONS)
    return load_config()


@pytest.mark.parametrize(
    ("text", "url", "schemas"),
    [
        ("prod_db", PROD, ("sales", "stock")),
        ("prod_db#hr", PROD, ("hr",)),
        ("prod_db#hr,it", PROD, ("hr", "it")),
        ("staging", STAGING, ()),
        (OTHER, OTHER, ()),
        (OTHER + "#a%2Cb", OTHER, ("a,b",)),
        ("postgresql://u:p#ss@h/db", "postgresql://u:***@h/db", ()),
        ("postgresql://u:p#ss@h/db#s", "postgresql://u:***@h/db", ("s",)),
        ("postgresql:///?service=shop", "postgresql:///?service=shop", ()),
    ],
)
def test_a_source(config: Config, text: str, url: str, schemas: tuple[str, ...]) -> None:
    place = config.resolve_source(text)
    assert (str(place.url), place.schemas) == (url, schemas)


@pytest.mark.parametrize(
    ("text", "url", "schema"),
    [
        ("dev", PROD, "dev"),
        ("#dev", PROD, "dev"),
        ("#staging", PROD, "staging"),
        ("#odd.name", PROD, "odd.name"),
        ("staging", STAGING, None),
        ("staging.dev", STAGING, "dev"),
        ("staging.dev.two", STAGING, "dev.two"),
        ("staging#dev", STAGING, "dev"),
        (OTHER, OTHER, None),
        (OTHER + "#dev", OTHER, "dev"),
        ("eu.west", "postgresql://eu/x", None),
        ("eu.west.dev", "postgresql://eu/x", "dev"),
    ],
)
def test_a_target(config: Config, monkeypatch: pytest.MonkeyPatch, text: str, url: str, schema: str | None) -> None:
    monkeypatch.setenv("EU_WEST_URL", "postgresql://eu/x")
    place = config.resolve_target(text, config.resolve_source("prod_db"))
    assert (str(place.url), place.schemas) == (url, (schema,) if schema else ())


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("stagin.dev", "no connection 'stagin'", "did you mean 'staging'?"),
        ("stagin#dev", "no connection 'stagin'", "did you mean 'staging'?"),
        ("", "no target is named", "--to SCHEMA"),
        ("staging#a,b", "one schema, not 2", "TARGET_<schema>"),
        ("not a url://", "database URL cannot be parsed", "write dialect://"),
        ("eu.west", "EU_WEST_URL is not set", "export EU_WEST_URL"),
    ],
)
def test_a_target_that_is_none(config: Config, text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        config.resolve_target(text, config.resolve_source("prod_db"))
    assert message in str(caught.value)
    assert hint in caught.value.hint


def test_an_unknown_connection_names_the_nearest(config: Config) -> None:
    with pytest.raises(UsageError, match="no connection 'prod_bd'") as caught:
        config.resolve_source("prod_bd")
    assert caught.value.hint == "did you mean 'prod_db'?"


def test_without_a_file_the_error_says_what_to_write() -> None:
    with pytest.raises(UsageError, match="no such file here or above") as caught:
        load_config().resolve_source("prod_db")
    assert "[connections.prod_db]" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[conections.a]\nurl='x'", "unknown key conections", "did you mean 'connections'?"),
        ("[connections.a]\nulr='x'", "unknown key connections.a.ulr", "did you mean 'url'?"),
        ("[connections.a]\nurl='x'\nurl_env='X'", "connections.a: give url or url_env, not both", ""),
        ("[tables.'s.t']\nstrateg='x'", 'unknown key tables."s.t".strateg', "did you mean 'strategy'?"),
        ("[tables.t]\ncolumns.c.rol='x'", "unknown key tables.t.columns.c.rol", "did you mean 'role'?"),
        ("[tables.t]\nrows=-1", "tables.t.rows: ", ""),
        ("[clone]\nscale=0", "clone.scale: ", ""),
        ("[clone]\nscale=inf", "clone.scale: ", ""),
        ("[clone]\neffort='max'", "clone.effort: ", ""),
        ("[clone]\nseed='1'", "clone.seed: ", ""),
        ("[privacy]\nk=0", "privacy.k: ", ""),
        ("[privacy]\nzzz=0", "unknown key privacy.zzz", "known here: k"),
        ("[clone]\nseed 2\n", "line 2", "toml.io"),
    ],
)
def test_a_file_that_is_wrong(written: Written, text: str, message: str, hint: str) -> None:
    path = written(text)
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert hint in caught.value.hint


def test_all_that_is_wrong_is_told_at_once_and_no_value(written: Written) -> None:
    written("[connections.a]\nurl = 'postgresql://u:topsecret@h/x'\nurl_env = 'X'\n[clone]\nsed = 1\nscale = -1")
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert all(word in str(caught.value) for word in ("connections.a", "clone.sed", "clone.scale"))
    assert "topsecret" not in str(caught.value) + caught.value.hint + repr(caught.value.__cause__)


def test_the_file_is_searched_upward(written: Written, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written("[privacy]\nk = 9")
    below = folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert load_config().path == path
    other = folder / "other.toml"
    other.write_text("[privacy]\nk = 3")
    assert load_config(other).settings.privacy.k == 3


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert options().privacy_k == 5
    written("[privacy]\nk = 7\n[clone]\nscale = 0.5\nseed = 4\neffort = 'quick'\nworkers = 3\nsample_rows = 500")
    found = options()
    assert (found.scale, found.seed, found.effort, found.workers, found.sample_rows) == (0.5, 4, "quick", 3, 500)
    assert found.privacy_k == 7
    monkeypatch.setenv("DBSYNTH_PRIVACY_K", "11")
    assert options().privacy_k == 11
    assert options(seed=0, scale=2.0).seed == 0
    assert options(seed=0, scale=2.0).scale == 2.0


def test_a_connections_url_may_come_from_the_environment(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBSYNTH_URL_PROD_DB", "postgresql://elsewhere/shop")
    assert str(config.resolve_source("prod_db").url) == "postgresql://elsewhere/shop"


@pytest.mark.parametrize("value", ["0", "x", "-1", "1.5"])
def test_a_bad_k_of_the_environment(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DBSYNTH_PRIVACY_K", value)
    with pytest.raises(UsageError, match="DBSYNTH_PRIVACY_K"):
        options()


def test_schemas_of_the_command_line_go_before_those_of_the_source(written: Written) -> None:
    written(CONNECTIONS)
    assert options(source="prod_db").source_schemas == ("sales", "stock")
    assert options(source="prod_db#hr").source_schemas == ("hr",)
    assert options(source="prod_db#hr", schemas=("it", "it")).source_schemas == ("it",)
    assert options(source="staging").source_schemas is None


def test_what_is_kept_and_how_many_rows() -> None:
    assert options(keep=("none",)).keep_none
    assert options(keep=("a", "a")).keep == ("a",)
    assert options(rows=(("a", 1), ("b", 2))).rows == {"a": 1, "b": 2}
    with pytest.raises(UsageError, match="goes with no other"):
        options(keep=("none", "a"))
    with pytest.raises(UsageError, match="both 1 and 2"):
        options(rows=(("a", 1), ("a", 2)))


def test_options_print_without_credentials(written: Written) -> None:
    written(CONNECTIONS)
    assert "sesame42" not in repr(options(source="prod_db", target="prod_db.dev"))
    assert "sesame42" not in repr(load_config())
