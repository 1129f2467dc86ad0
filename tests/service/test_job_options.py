"""The rules of the control schema and those of the worker are the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from dbsynth.errors import UsageError
from dbsynth.service import install
from dbsynth.service.options import KINDS, as_asked, read_options
from dbsynth.testing.embedded import conninfo, create_database, drop_database

NAMES = sorted({name for kind in KINDS.values() for name in kind.model_fields})
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**64), 2**64), st.integers(-1, 200), st.floats(-2, 2e4, width=32),
    st.sampled_from([0, 0.0, 1.0, 1e4, 10000.5, 1e12, 2**63 - 1, 2**63, 99, 100, 1.5, "quick", "thorough", "ctgan",
                     "ctgan\n", "a" * 41, "", "none", "x" * 201]),
    TEXT, st.lists(TEXT, max_size=3), st.lists(st.just("none"), max_size=2),
    st.dictionaries(TEXT, st.integers(-1, 3), max_size=2),
    st.just([1]), st.just({"t": 1.0}), st.just({"t": 1.5}), st.just({"t": "1"}),
)  # fmt: skip
OPTIONS = st.one_of(
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3),
    st.dictionaries(TEXT, VALUES, max_size=1),
    st.just({"effort": "quick", "train_minutes": 1}),
    st.just({"keep": ["none", "t"]}),
)


@pytest.fixture(scope="module")
def connection(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    url = create_database(postgres_url, "options")
    install.upgrade(make_url(url))
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        yield connection
    drop_database(url)


def by_the_database(connection: psycopg.Connection[Any], kind: str, options: Any) -> str | None:
    try:
        connection.execute("select dbsynth.check_options(%s, %s::jsonb)", (kind, json.dumps(options)))
    except psycopg.errors.InvalidParameterValue as error:
        return error.diag.message_primary
    return None


def by_the_worker(kind: str, options: Any) -> str | None:
    try:
        read_options(kind, options)
    except UsageError as error:
        return error.message
    return None


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["clone", "generate"]), OPTIONS)
def test_both_take_and_refuse_the_same(connection: psycopg.Connection[Any], kind: str, options: dict[str, Any]) -> None:
    by_sql, by_python = by_the_database(connection, kind, options), by_the_worker(kind, options)
    assert (by_sql is None) == (by_python is None), (by_sql, by_python)


def test_the_same_names(connection: psycopg.Connection[Any]) -> None:
    for kind, model in KINDS.items():
        rows = connection.execute("select name from dbsynth.option_rule where kind = %s order by name", (kind,))
        assert [name for (name,) in rows] == sorted(model.model_fields)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("scal", "scale"), ("row", "rows"), ("Efort", "effort"), ("trainminutes", "train_minutes"), ("sclae", "scale")],
)
def test_a_misspelt_option_is_told_the_nearest(connection: psycopg.Connection[Any], wrong: str, near: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=f'no option "{wrong}"') as raised:
        connection.execute("select dbsynth.check_options('clone', %s::jsonb)", (json.dumps({wrong: 1}),))
    assert raised.value.diag.message_hint == f"did you mean {near}?"
    with pytest.raises(UsageError, match="no option"):
        read_options("clone", {wrong: 1})
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="no option") as far:
        connection.execute("""select dbsynth.check_options('generate', '{"completely_else": 1}')""")
    assert far.value.diag.message_hint == "there are: replace, rows, scale, seed"


def test_options_in_messages_are_named_as_in_sql() -> None:
    assert as_asked("--rows x: no such table (--train-minutes, --seed)") == (
        "option rows x: no such table (option train_minutes, option seed)"
    )
    assert as_asked("a--rows --jobs '; --") == "a--rows --jobs '; --"


@pytest.mark.parametrize("options", ["[]", "1", "null", '"x"', None])
def test_options_are_an_object(connection: psycopg.Connection[Any], options: str | None) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="must be a JSON object"):
        connection.execute("select dbsynth.check_options('clone', %s::jsonb)", (options,))
