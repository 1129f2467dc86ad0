"""Little schemas of odd make: an honest clone of each is green, and what is ruined in it by hand is still red."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

import dbsynth
from dbsynth.cli import main
from dbsynth.quality.figures import Verification
from dbsynth.testing.embedded import conninfo, create_database, drop_database

pytestmark = pytest.mark.databases
SCRIPTS = Path(__file__).parent.parent / "e2e"
ODD = ["odd", "odd_keys", "odd_names", "types", "more_types", "structured"]
Pair = tuple[str, str]


@pytest.fixture(scope="module")
def pair(postgres_url: str) -> Iterator[Callable[[str], Pair]]:
    """A source made by the script of that name, and its clone."""
    found: dict[str, Pair] = {}

    def get(name: str) -> Pair:
        if name not in found:
            source, target = (create_database(postgres_url, f"honest_{name}_{side}") for side in ("source", "target"))
            execute(source, (SCRIPTS / f"{name}.sql").read_text())
            done = CliRunner().invoke(
                main, ["clone", source, "--to", target, "--seed", "2", "--effort", "quick", "--quiet"]
            )
            assert done.exit_code == 0, done.output
            found[name] = source, target
        return found[name]

    yield get
    for url in (u for both in found.values() for u in both):
        drop_database(url)


def execute(url: str, script: str) -> None:
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(script.encode())


def failures(found: Verification) -> list[str]:
    return [f.says for f in found.findings if f.severity == "failure"] + [g.says for g in found.gates if not g.passed]


@pytest.mark.parametrize("name", ODD)
def test_an_honest_clone_of_an_odd_schema_is_green(pair: Callable[[str], Pair], name: str) -> None:
    source, target = pair(name)
    assert failures(dbsynth.verify(target, source)) == []


@contextmanager
def copy_of(url: str) -> Iterator[str]:
    server, _, name = url.rpartition("/")
    copy = create_database(f"{server}/postgres", f"{name}_copy", template=name)
    try:
        yield copy
    finally:
        drop_database(copy)


@pytest.mark.parametrize(
    "script",
    [
        "update structured set amount = amount * 1.5",
        "update structured set made_on = made_on + 400",
        "update structured set raw = null",
        "update owners set tier = 'basic'",
        "delete from structured where owner_id % 2 = 0",
    ],
)
def test_what_is_ruined_in_a_little_schema_is_still_found(pair: Callable[[str], Pair], script: str) -> None:
    source, target = pair("structured")
    with copy_of(target) as ruined:
        execute(ruined, script)
        found = dbsynth.verify(ruined, source)
    assert [f for f in found.findings if f.gate == "quality" and f.severity == "failure"]
    assert not found.passed


@pytest.mark.parametrize("name", ["structured", "types", "more_types"])
def test_the_real_rows_of_a_little_schema_are_not_private(pair: Callable[[str], Pair], name: str) -> None:
    source, _ = pair(name)
    with copy_of(source) as copied:
        found = dbsynth.verify(copied, source)
    assert [g for g in found.gates if g.gate == "privacy" and not g.passed]
