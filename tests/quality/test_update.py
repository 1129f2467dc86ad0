"""A model is updated: what has drifted is learned anew, with what depends on it, and the rest stays byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from click.testing import CliRunner

import dbsynth
from dbsynth.cli import main
from dbsynth.errors import UsageError
from dbsynth.pipeline.update import equal_states, merged_plan, planned, stale_tables, tables_of
from dbsynth.schema.model import TableName
from dbsynth.synthesizer import Synthesizer
from dbsynth.testing.embedded import conninfo, create_database, drop_database

databases = pytest.mark.databases
TABLES = ("artist", "album", "employee", "customer", "invoice", "genre")


@pytest.fixture(scope="module")
def source(postgres_url: str, real_template: Callable[[str], str]) -> Iterator[str]:
    url = create_database(postgres_url, "update_chinook", template=real_template("chinook"))
    yield url
    drop_database(url)


@pytest.fixture(scope="module")
def model(source: str) -> Synthesizer:
    return fitted(source)


def fitted(url: str) -> Synthesizer:
    return dbsynth.fit(url, tables=TABLES, seed=1, effort="quick", device="cpu", workers=1)


def update(model: Synthesizer, url: str) -> Synthesizer:
    return dbsynth.update(model, url, device="cpu", workers=1)


def run(url: str, script: str) -> None:
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(script.encode())


def saved(model: Synthesizer, folder: Path) -> dict[str, tuple[bytes, bytes]]:
    """Of each table what was learned, as it is written."""
    model.save(folder)
    return {
        str(name): ((folder / f"table_{i:03}.json").read_bytes(), (folder / f"table_{i:03}.safetensors").read_bytes())
        for i, name in enumerate(model.learned)
    }


@databases
def test_a_source_that_did_not_drift_leaves_the_model_as_it_is(source: str, model: Synthesizer) -> None:
    assert update(model, source) is model


@databases
def test_one_table_and_what_hangs_on_it(source: str, model: Synthesizer, tmp_path: Path) -> None:
    before = saved(model, tmp_path / "before")
    run(source, "update artist set name = upper(name)")
    try:
        found = update(Synthesizer.load(tmp_path / "before"), source)
    finally:
        run(source, "update artist set name = initcap(name)")
    assert set(found.anew) == {"public.artist", "public.album"}
    assert "capitals" in found.anew["public.artist"] or "letters" in found.anew["public.artist"]
    assert "public.artist" in found.anew["public.album"]
    after = saved(found, tmp_path / "after")
    assert list(after) == list(before)
    assert {n for n in before if before[n] == after[n]} >= set(before) - set(found.anew)
    assert after["public.artist"] != before["public.artist"]
    rows = found.sample(seed=1)
    assert len(rows["artist"]) == 275
    assert rows["artist"]["name"].dropna().str.isupper().mean() > 0.9
    assert rows["album"]["artist_id"].isin(rows["artist"]["artist_id"]).all()


@databases
def test_only_the_catalog(postgres_url: str, real_template: Callable[[str], str], tmp_path: Path) -> None:
    url = create_database(postgres_url, "update_catalog", template=real_template("chinook"))
    try:
        first = dbsynth.fit(url, tables=("artist", "album"), seed=1, effort="quick", device="cpu", workers=1)
        run(url, "comment on table artist is 'who'; drop index album_artist_id_idx")
        found = update(first, url)
    finally:
        drop_database(url)
    assert found.anew == {}
    assert found.plan.schema[TableName("public", "artist")].comment == "who"
    assert found.plan.schema[TableName("public", "album")].indexes == ()
    assert saved(found, tmp_path / "a") == saved(first, tmp_path / "b")


@databases
def test_where_everything_has_changed_it_is_a_full_training(
    postgres_url: str, real_template: Callable[[str], str], tmp_path: Path
) -> None:
    url = create_database(postgres_url, "update_all", template=real_template("chinook"))
    try:
        first = dbsynth.fit(url, tables=("artist", "album"), seed=1, effort="quick", device="cpu", workers=1)
        run(url, "update artist set name = upper(name); update album set title = upper(title)")
        found = update(first, url)
        assert set(found.anew) == {"public.artist", "public.album"}
        whole = dbsynth.fit(url, tables=("artist", "album"), seed=1, effort="quick", device="cpu", workers=1)
        assert saved(found, tmp_path / "a") == saved(whole, tmp_path / "b")
        for name in ("plan.json", "plan.safetensors", "schema.json", "statistics.json", "statistics.safetensors"):
            one, other = tmp_path / "a" / name, tmp_path / "b" / name
            assert one.exists() == other.exists()
            assert not one.exists() or one.read_bytes() == other.read_bytes()
    finally:
        drop_database(url)


@databases
def test_what_is_refused(source: str, model: Synthesizer, postgres_url: str, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    other = create_database(postgres_url, "update_other")
    try:
        run(other, "create table artist (id int primary key)")
        with pytest.raises(UsageError, match="another database"):
            update(model, other)
    finally:
        drop_database(other)
    told = CliRunner().invoke(main, ["train", source, "--out", str(tmp_path / "model"), "--update", "--seed", "2"])
    assert told.exit_code == 2
    assert "seed 1, not 2" in told.output
    told = CliRunner().invoke(main, ["train", source, "--out", str(tmp_path / "none"), "--update"])
    assert told.exit_code == 2
    assert "no model that could be updated" in told.output
    without = Synthesizer.load(tmp_path / "model")
    without.statistics = None
    with pytest.raises(UsageError, match="no statistics"):
        update(without, source)


def test_a_model_of_tables_in_memory_is_fitted_again() -> None:
    model = dbsynth.fit_table(pa.table({"x": list(range(50))}), seed=1, effort="quick")
    with pytest.raises(UsageError, match="tables in memory"):
        dbsynth.update(model, "postgresql://nowhere/x")


# --- which tables -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def family() -> Synthesizer:
    """a <- b <- c, and d by itself."""
    n = 60
    tables = {
        "a": pa.table({"id": range(n), "x": [i % 7 for i in range(n)]}),
        "b": pa.table({"id": range(n), "a_id": range(n), "y": [i % 5 for i in range(n)]}),
        "c": pa.table({"id": range(n), "b_id": range(n), "z": [i % 3 for i in range(n)]}),
        "d": pa.table({"id": range(n), "w": [i % 4 for i in range(n)]}),
    }
    keys = {name: {"primary_key": ["id"]} for name in tables}
    keys["b"]["foreign_keys"] = [{"columns": ["a_id"], "ref_table": "a"}]  # type: ignore[list-item]
    keys["c"]["foreign_keys"] = [{"columns": ["b_id"], "ref_table": "b"}]  # type: ignore[list-item]
    return dbsynth.fit(tables, schema=keys, seed=1, effort="quick")


def names(found: dict[TableName, str]) -> list[str]:
    return [n.name for n in found]


@pytest.mark.parametrize(
    ("drifted", "same", "anew"),
    [
        ([], True, []),
        (["d"], True, ["d"]),
        (["a"], True, ["a", "b", "c"]),
        (["b"], True, ["b", "c"]),
        (["c"], True, ["c"]),
        (["c"], False, ["a", "b", "c"]),
    ],
)
def test_children_follow_and_parents_only_where_their_codes_are_others(
    family: Synthesizer, drifted: list[str], same: bool, anew: list[str]
) -> None:
    plan = family.plan
    stale = {t.name: "drifted" for t in plan.tables if t.name.name in drifted}
    found = stale_tables(plan, plan, stale, lambda name: same)
    assert sorted(names(found)) == anew


def test_another_plan_is_a_reason(family: Synthesizer) -> None:
    plan = family.plan
    table = next(t for t in plan.tables if t.name.name == "d")
    other = replace(table, strategy="copula", source_rows=table.source_rows + 1, warnings=("more",))
    new = replace(plan, tables=tuple(other if t is table else t for t in plan.tables))
    found = stale_tables(plan, new, {}, lambda name: True)
    assert found == {table.name: "it is planned otherwise: strategy"}
    merged = merged_plan(plan, new, found)
    assert merged[table.name].strategy == "copula"
    assert [t.source_rows for t in merged.tables if t.name != table.name] == [60, 60, 60]
    assert planned(plan, table.name) == planned(replace(plan, seed=7), table.name)


def test_tables_that_a_fact_names() -> None:
    one, two = TableName("s", "a"), TableName("s", "b")
    assert tables_of((one, ["x", {two: 1}])) == {one, two}
    assert tables_of("s.a") == set()


def test_codes_are_the_same_where_every_array_is(family: Synthesizer) -> None:
    first, second = (family.learned[n].codec.state() for n in list(family.learned)[:2])
    assert equal_states(first, first)
    assert not equal_states(first, second)
