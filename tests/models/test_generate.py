"""A saved model makes, anywhere and without its source, the rows that a clone of the source has: in a database, as a
script, as files; all or nothing."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from odd_shop import SQL

import dbsynth
from dbsynth.cli import main
from dbsynth.errors import TargetRefused, UnsatisfiableConstraint, UsageError
from dbsynth.synthesizer import Synthesizer
from dbsynth.testing.embedded import conninfo, create_database, drop_database, restore

Execute = Callable[..., list[tuple[object, ...]]]
TABLES = ("customer", 'we;ird "name".or"der', "nothing", "bare")


@pytest.fixture(scope="module")
def source(postgres_url: str) -> Iterator[str]:
    url = create_database(postgres_url, "models_source")
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(SQL.encode())
    yield url
    drop_database(url)


@pytest.fixture(scope="module")
def model(source: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "shop"
    done = CliRunner().invoke(main, ["train", source, "--out", str(path), "--seed", "3", "--effort", "quick", "-q"])
    assert done.exit_code == 0, done.output
    return path


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (("/proc/x", "--format", "csv"), "nothing can be written into /proc"),
        (("/proc/x/y", "--format", "sql"), "nothing can be written into /proc"),
        (("/dev/null/x", "--format", "duckdb"), "nothing can be written into /dev/null (Not a directory)"),
        ((".", "--format", "parquet", "--replace"), "is the folder that you are in"),
        (("/proc", "--format", "csv", "--replace"), "is a mounted volume"),
        (("out", "--format", "csv", "--rows", "nothing=5"), "public.nothing was empty when the model was learned"),
    ],
)
def test_what_cannot_be_written_is_refused_first(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["generate", str(model), "--to", *target])
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.output.split())
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def elsewhere(postgres_url: str) -> Iterator[str]:
    url = create_database(postgres_url, "models_elsewhere")
    yield url
    drop_database(url)


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """The rows of every table as text, sorted."""
    with psycopg.connect(conninfo(url)) as connection:
        tables = connection.execute(
            "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema)' order by 1"
        ).fetchall()
        return {
            name: sorted(connection.execute(f"select x::text from {name} x".encode()).fetchall()) for (name,) in tables
        }


def constraints(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo(url)) as connection:
        return connection.execute(
            "select conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated from pg_constraint"
            " where conrelid <> 0 and conrelid::regclass::text !~ '^(pg_|information_schema)' order by 1, 2"
        ).fetchall()


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == code, done.output
    return done.output


def test_the_rows_of_a_model_are_those_of_a_clone(source: str, model: Path, elsewhere: str, postgres_url: str) -> None:
    cloned = create_database(postgres_url, "models_cloned")
    try:
        run("clone", source, "--to", cloned, "--seed", "3", "--effort", "quick", "-q")
        run("generate", str(model), "--to", elsewhere, "--seed", "3", "-q")
        found = contents(elsewhere)
        assert found == contents(cloned)
        assert constraints(elsewhere) == constraints(cloned) == constraints(source)
        assert {n: len(r) for n, r in found.items()} == {
            "public.customer": 120, '"we;ird ""name"."or""der"': 600, "public.nothing": 0, "public.bare": 3,
        }  # fmt: skip
        assert not {r for rows in found.values() for r in rows} & {
            r for rows in contents(source).values() for r in rows if r[0] != "()"
        }
    finally:
        drop_database(cloned)


def test_a_script_for_psql_makes_the_same_database(
    model: Path, elsewhere: str, postgres_url: str, tmp_path: Path
) -> None:
    script = tmp_path / "shop.sql"
    run("generate", str(model), "--to", str(script), "--format", "sql", "--seed", "5", "-q")
    run("generate", str(model), "--to", elsewhere, "--seed", "5", "-q")
    restored = create_database(postgres_url, "models_restored")
    try:
        restore(restored, script)
        assert contents(restored) == contents(elsewhere)
        assert constraints(restored) == constraints(elsewhere)
        with psycopg.connect(conninfo(restored), autocommit=True) as connection:
            insert = "insert into customer (email, mood, since, until) values ('a', 'ok', now(), now()) returning id"
            assert connection.execute(insert).fetchall() == [(121,)], "sequences stand past the last key"
            comment = connection.execute("select obj_description('customer'::regclass)").fetchall()
            assert comment == [("it's theirs",)]
    finally:
        drop_database(restored)


def test_files_hold_every_row(model: Path, tmp_path: Path) -> None:
    for form in ("parquet", "csv"):
        run("generate", str(model), "--to", str(tmp_path / form), "--format", form, "--seed", "5", "-q")
        about = json.loads((tmp_path / form / "dbsynth.json").read_text())
        assert {t["table"]: t["rows"] for t in about["tables"]} == {
            "customer": 120,
            'or"der': 600,
            "nothing": 0,
            "bare": 3,
        }
        assert about["seed"] == 5
        assert set(os.listdir(tmp_path / form)) == {t["file"] for t in about["tables"]} | {"dbsynth.json"}
        assert list(tmp_path.glob(".*")) == [], "nothing is left beside it"
    order = 'we;ird "name.or"der'
    with (tmp_path / "csv" / f"{order.replace(chr(34), '%22')}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    stored = pq.read_table(tmp_path / "parquet" / f"{order.replace(chr(34), '%22')}.parquet").to_pylist()
    assert [r["number"] for r in rows] == [str(r["number"]) for r in stored]
    assert [r["note"] for r in rows] == [r["note"] or "" for r in stored]
    text = (tmp_path / "csv" / f"{order.replace(chr(34), '%22')}.csv").read_text()
    assert ',"",' in text, "an empty text is not a null"
    ends = pq.read_table(tmp_path / "parquet" / "public.customer.parquet").column("until").to_pylist()
    assert any(d.year == 9999 for d in ends), "parquet knows no infinity"
    customers = (tmp_path / "csv" / "public.customer.csv").read_text()
    assert "infinity" in customers


def test_a_duckdb_file_takes_the_rows(elsewhere: str, execute: Execute, tmp_path: Path) -> None:
    import duckdb

    execute(SQL.replace("create table bare ();", "").replace("insert into bare", "select 1 --"), url=elsewhere)
    model = dbsynth.fit(elsewhere, seed=3, strategy="independent")
    model.to_files(tmp_path / "out", "duckdb", seed=5, workers=1)
    [file] = (tmp_path / "out").iterdir()
    assert file.name == "models_elsewhere.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        query = 'select count(*), count(distinct customer_id) from "we;ird ""name"."or""der"'
        assert connection.execute(query).fetchall()[0][0] == 600


def test_another_schema_scale_and_seed(model: Path, elsewhere: str, execute: Execute) -> None:
    run(
        "generate",
        str(model),
        "--to",
        f"{elsewhere}#dev",
        "--scale",
        "0.5",
        "--rows",
        "customer=20",
        "--seed",
        "1",
        "-q",
    )
    found = contents(elsewhere)
    assert len(found["dev_public.customer"]) == 20
    assert len(found['"dev_we;ird ""name"."or""der"']) == 100
    about = execute("select obj_description('dev_public'::regnamespace)", url=elsewhere)
    told = json.loads(str(about[0][0]))["dbsynth"]
    assert (told["seed"], told["fit"], len(told["model"])) == (1, 3, 32)
    run("generate", str(model), "--to", f"{elsewhere}#dev", "--seed", "2", "-q")  # its own work is replaced
    assert len(contents(elsewhere)["dev_public.customer"]) == 120


def test_python_makes_the_same_rows_as_the_command_line(model: Path, elsewhere: str, tmp_path: Path) -> None:
    found = dbsynth.load(model)
    seen: list[str] = []
    done = found.to_database(elsewhere, seed=9, workers=1, watch=lambda event: seen.append(type(event).__name__))
    assert (done.sample_seed, sum(r.rows for r in done.results)) == (9, 723)
    assert {r.strategy for r in done.results} <= {"ctgan", "independent", "empty"}
    assert {"RunStarted", "StepDone", "RunDone"} <= set(seen)
    frames = found.sample(seed=9)
    with psycopg.connect(conninfo(elsewhere)) as connection:
        emails = [e for (e,) in connection.execute("select email from customer order by id").fetchall()]
    assert emails == frames["public.customer"].sort_values("id")["email"].tolist()
    found.to_files(tmp_path / "out", "csv", seed=9, workers=1)
    assert emails[0] in (tmp_path / "out" / "public.customer.csv").read_text()


def test_frames_become_tables_of_a_database(elsewhere: str, execute: Execute) -> None:
    import pandas as pd

    people = pd.DataFrame(
        {"id": range(1, 61), "name": [f"n{i % 4}" for i in range(60)], "born": pd.Timestamp("2000-01-01")}
    )
    bought = pd.DataFrame(
        {"id": range(1, 301), "person": [1 + i % 60 for i in range(300)], "qty": [1 + i % 5 for i in range(300)]}
    )
    keys = {
        "people": {"primary_key": ["id"]},
        "bought": {"primary_key": ["id"], "checks": ["qty > 0"],
                   "foreign_keys": [{"columns": ["person"], "ref_table": "people"}]},
    }  # fmt: skip
    made = dbsynth.fit({"people": people, "bought": bought}, schema=keys, seed=1, effort="quick")
    made.to_database(f"{elsewhere}", schema="mem", seed=1, workers=1)
    counts = "select count(*), count(distinct person), min(qty) from mem.bought"
    assert execute(counts, url=elsewhere)[0][0] == 300
    kinds = "select contype, convalidated from pg_constraint where connamespace = 'mem'::regnamespace order by 1"
    assert {k for k, v in execute(kinds, url=elsewhere) if v} >= {"c", "f", "p"}


# --- refusals --------------------------------------------------------------------------------------------------------


def test_the_source_of_a_model_is_never_written(source: str, model: Path) -> None:
    before = contents(source)
    with pytest.raises(TargetRefused, match="is \\(a schema of\\) the source of the model"):
        dbsynth.load(model).to_database(source, replace=True)
    assert contents(source) == before


def test_what_dbsynth_did_not_make_is_not_replaced(
    model: Path, elsewhere: str, execute: Execute, tmp_path: Path
) -> None:
    execute("create schema dev_public; create table dev_public.mine (x int)", url=elsewhere)
    found = dbsynth.load(model)
    with pytest.raises(TargetRefused):
        found.to_database(elsewhere, schema="dev", workers=1)
    assert list(contents(elsewhere)) == ["dev_public.mine"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    (tmp_path / "mine.sql").write_text("select 1")
    for path, form in (("out", "csv"), ("out/mine.txt", "parquet"), ("mine.sql", "sql")):
        with pytest.raises(TargetRefused):
            found.to_files(tmp_path / path, form, workers=1)  # type: ignore[arg-type]
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"
    found.to_files(tmp_path / "out", "csv", seed=1, workers=1, replace=True)
    assert not (tmp_path / "out" / "mine.txt").exists()
    found.to_files(tmp_path / "out", "parquet", seed=1, workers=1)  # its own work is replaced
    assert (tmp_path / "out" / "public.bare.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--to", "dev"], 2, "in which database?"),
        (["--to", "./out"], 2, "--format parquet"),
        (["--to", "x", "--format", "xlsx"], 2, "is not one of"),
        (["--to", "x", "--format", "csv", "--rows", "custmer=1"], 2, "did you mean 'public.customer'"),
        (["--to", "x", "--format", "csv", "--scale", "0"], 2, "not above 0"),
        (["--to", "postgresql://nobody@127.0.0.1:1/none"], 3, "127.0.0.1"),
    ],
)
def test_wrong_wishes_are_told(
    model: Path, arguments: list[str], code: int, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert told in run("generate", str(model), *arguments, code=code)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    assert "is no model" in run("generate", str(tmp_path), "--to", "x", "--format", "csv", code=2)


def test_rows_that_cannot_be_made_leave_nothing(model: Path, elsewhere: str, tmp_path: Path) -> None:
    found: Synthesizer = dbsynth.load(model)
    with pytest.raises((UnsatisfiableConstraint, UsageError)):
        found.to_files(tmp_path / "out", "csv", rows={"customer": 3_000_000_000}, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_a_model_tells_what_it_is(model: Path) -> None:
    told = run("inspect", str(model), "--verbose")
    assert "learned from 723 rows" in told
    assert "email: made" in told
    facts = json.loads(run("inspect", str(model), "--json"))
    assert facts["event"] == "Model"
    assert (facts["seed"], facts["dialect"], facts["tables"]["public.customer"]["source_rows"]) == (
        3,
        "postgresql",
        120,
    )
    (model / "plan.json").rename(model / "plan.gone")
    try:
        assert "plan.json" in run("inspect", str(model), code=2)
    finally:
        (model / "plan.gone").rename(model / "plan.json")


def test_training_does_not_replace_what_is_no_model(source: str, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert "is there already" in run("train", source, "--out", str(tmp_path), code=2)
    assert (tmp_path / "mine.txt").read_text() == "mine"
