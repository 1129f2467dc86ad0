"""A model against a target made of it, and against its source as it drifts: on real databases, by the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from dbsynth.artifact import files
from dbsynth.cli import main
from dbsynth.testing.embedded import conninfo, create_database, drop_database

pytestmark = pytest.mark.databases


@dataclass(frozen=True)
class World:
    """``source``: the name of its database, and of that of the rows that ``model`` made."""

    server: str
    source: str
    target: str
    model: Path


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module", params=["chinook", "northwind"])
def world(
    request: pytest.FixtureRequest,
    postgres_url: str,
    real_template: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    name, model = request.param, tmp_path_factory.mktemp("model") / request.param
    source = create_database(postgres_url, f"drift_{name}", template=real_template(name))
    target = create_database(postgres_url, f"drift_{name}_made")
    done = invoke("train", source, "--out", str(model), "--seed", "1", "--effort", "quick", "--quiet")
    assert done.exit_code == 0, done.output
    done = invoke("generate", str(model), "--to", target, "--seed", "1", "--quiet")
    assert done.exit_code == 0, done.output
    yield World(postgres_url, f"drift_{name}", f"drift_{name}_made", model)
    drop_database(source)
    drop_database(target)


@pytest.fixture
def changed(world: World) -> Iterator[Callable[[str, str], str]]:
    """A copy of a database of ``world``, changed by a script."""
    made: list[str] = []

    def change(database: str, script: str) -> str:
        made.append(create_database(world.server, f"changed_{len(made)}", template=database))
        with psycopg.connect(conninfo(made[-1]), autocommit=True) as connection:
            connection.execute(script.encode())
        return made[-1]

    yield change
    for url in made:
        drop_database(url)


def diff(url: str, model: Path) -> tuple[int, dict[str, Any]]:
    done = invoke("diff", url, str(model), "--json")
    return done.exit_code, json.loads(done.stdout.splitlines()[0])


def verify(url: str, model: Path, tmp_path: Path) -> tuple[int, dict[str, Any]]:
    done = invoke("verify", url, "--against", str(model), "--quiet", "--json", str(tmp_path / "out.json"))
    return done.exit_code, json.loads((tmp_path / "out.json").read_text())


def test_honest_rows_pass(world: World, changed: Callable[[str, str], str], tmp_path: Path) -> None:
    code, found = verify(changed(world.target, "select 1"), world.model, tmp_path)
    assert code == 0, [f["says"] for f in found["findings"]]
    assert found["passed"]
    assert {g["gate"] for g in found["gates"]} == {"violations", "quality", "privacy"}


def test_real_rows_do_not(world: World, changed: Callable[[str, str], str], tmp_path: Path) -> None:
    code, found = verify(changed(world.source, "select 1"), world.model, tmp_path)
    assert code == 1
    assert {g["gate"] for g in found["gates"] if not g["passed"]} == {"privacy"}


def test_how_many_copies_may_be_is_what_was_asked(world: World, changed: Callable[[str, str], str]) -> None:
    asked = ("verify", changed(world.source, "select 1"), "--against", str(world.model), "--fail-on", "privacy")
    assert invoke(*asked).exit_code == 1
    assert invoke(*asked, "--max-copies", "1").exit_code == 0


RUINS = {
    "chinook": {
        "update invoice set total = round(total * 3, 2)": ("quality", "invoice"),
        "update track set milliseconds = (select milliseconds from track where track_id = 1)": ("quality", "track"),
        "update track set composer = null": ("quality", "composer"),
        "update album set title = upper(title)": ("quality", "title"),
        """delete from invoice_line where invoice_id in
            (select invoice_id from invoice_line group by 1 having count(*) > 5)""": ("quality", "invoice_line"),
        "update genre set name = 'Rokk' where name = 'Rock'": ("quality", "genre"),
        "drop index album_artist_id_idx": ("violations", "album_artist_id_idx"),
        "alter table track drop constraint track_album_id_fkey": ("violations", "track_album_id_fkey"),
    },
    "northwind": {
        "update order_details set unit_price = unit_price * 3": ("quality", "unit_price"),
        "update orders set order_date = order_date + interval '3 years'": ("quality", "order_date"),
        "update orders set shipped_date = null": ("quality", "shipped_date"),
    },
}


def test_ruined_rows_are_found_without_the_source(
    world: World, changed: Callable[[str, str], str], tmp_path: Path
) -> None:
    for script, (gate, name) in RUINS[world.model.name].items():
        code, found = verify(changed(world.target, script), world.model, tmp_path)
        told = [f["says"] for f in found["findings"] if f["gate"] == gate and f["severity"] == "failure"]
        assert code == 1, (script, found["findings"])
        assert any(name in says for says in told), (script, found["findings"])


def test_a_source_that_did_not_change(world: World, changed: Callable[[str, str], str]) -> None:
    code, found = diff(changed(world.source, "select 1"), world.model)
    assert code == 0, found
    assert not found["drifted"], found
    assert found["differences"] == found["changes"] == []
    assert found["retrain"] == {}


DRIFTS = {
    "chinook": {
        "alter table track add column more integer": {"track"},
        "alter table invoice add check (total >= 0)": {"invoice"},
        "drop index album_artist_id_idx": set(),
        "comment on table track is 'songs'": set(),
        "create table more (id integer primary key)": {"more"},
        "update track set milliseconds = milliseconds * 1.2": {"track"},
        "update invoice set invoice_date = invoice_date + interval '1 year'": {"invoice"},
        "update track set composer = null": {"track"},
        "update artist set name = upper(name)": {"artist"},
        "insert into media_type values (99, 'wire')": {"media_type"},
        "delete from playlist_track where track_id % 2 = 0": {"playlist_track"},
    },
    "northwind": {
        "update order_details set discount = 0": {"order_details"},
        "delete from order_details where order_id % 3 = 0": {"order_details", "orders"},
        "alter table orders drop column freight": {"orders"},
    },
}
"""What happens to the source, and the tables that must be learned anew, among others; none: only the catalog."""


def test_drift_of_every_kind_is_named(world: World, changed: Callable[[str, str], str]) -> None:
    for script, stale in DRIFTS[world.model.name].items():
        code, found = diff(changed(world.source, script), world.model)
        names = {name.removeprefix("public.") for name in found["retrain"]}
        assert code == 1, script
        assert found["drifted"], script
        assert stale <= names if stale else not names, (script, found["changes"])
        assert "is updated from its own source only" in found["remedy"]  # a copy is another database


def test_few_more_rows_are_no_drift(world: World, changed: Callable[[str, str], str]) -> None:
    if world.model.name == "chinook":
        script = (
            "insert into artist values (9999, 'The New One'); update track set bytes = bytes + 1 where track_id < 9"
        )
        assert diff(changed(world.source, script), world.model)[0] == 0


def test_source_and_target_side_by_side(world: World, changed: Callable[[str, str], str]) -> None:
    source = changed(world.source, "select 1")
    same = invoke("diff", source, changed(world.target, "select 1"), "--json")
    assert same.exit_code == 0, same.output
    if world.model.name == "chinook":
        script = "alter table track drop constraint track_genre_id_fkey; update track set bytes = 7"
        other = invoke("diff", source, changed(world.target, script), "--json")
        found = json.loads(other.stdout.splitlines()[0])
        assert other.exit_code == 1
        assert "ADD CONSTRAINT" in found["differences"][0]["sql"]
        assert any(c["columns"] == ["bytes"] for c in found["changes"])


def test_a_model_of_an_earlier_version_is_no_silent_pass(world: World, tmp_path: Path) -> None:
    whole = files.read(world.model)
    about = {n: v for n, v in whole.about.items() if n not in ("kind", "format", "files", "asked")}
    documents = {n: d for n, d in whole.documents.items() if n != "statistics"}
    tensors = {n: d for n, d in whole.tensors.items() if n != "statistics"}
    files.write(tmp_path / "old", about, documents, tensors)
    url = world.server.rsplit("/", 1)[0] + "/" + world.target
    done = invoke("verify", url, "--against", str(tmp_path / "old"))
    assert done.exit_code == 2
    assert "holds no statistics" in done.output
    assert "train it again" in done.output
    done = invoke("verify", url, "--against", str(tmp_path / "old"), "--fail-on", "violations,privacy")
    assert done.exit_code == 0, done.output
    source = world.server.rsplit("/", 1)[0] + "/" + world.source
    done = invoke("diff", source, str(tmp_path / "old"))
    assert done.exit_code == 0
    assert "Rows were not compared" in done.output
