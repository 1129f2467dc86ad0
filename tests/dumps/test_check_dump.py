"""Files with rows of a model's source are refused, others are not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import click.testing
import numpy as np
import pandas as pd
import pytest
from faker import Faker
from hypothesis import given
from hypothesis import strategies as st

import dbsynth
from dbsynth.cli import main
from dbsynth.dumps.check import SURE, Checker, odds
from dbsynth.testing.embedded import conninfo, embedded_binaries
from tests.clones import Clone

PEOPLE = 300


def people(seed: int, count: int = PEOPLE) -> pd.DataFrame:
    fake = Faker("en_US", use_weakref=False)
    fake.seed_instance(seed)
    rows = {
        "id": range(1, count + 1),
        "first_name": [fake.first_name() for _ in range(count)],
        "last_name": [fake.last_name() for _ in range(count)],
        "email": [f"{fake.user_name()}{i}@{fake.domain_name()}" for i in range(count)],
        "phone": [fake.numerify("+1 ### ### ####") for _ in range(count)],
        "tier": [("gold", "silver")[i % 2] for i in range(count)],
    }
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of people(1) and their visits, with both as CSV beside it."""
    folder = tmp_path_factory.mktemp("dumps")
    rng = np.random.default_rng(1)
    visits = pd.DataFrame(
        {
            "id": range(1, 501),
            "person_id": rng.integers(1, PEOPLE + 1, 500),
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, 500), "s"),
            "minutes": rng.integers(1, 10**6, 500) / 100,
            "rating": rng.integers(1, 6, 500),
        }
    )
    frames = {"people": people(1), "visits": visits}
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    schema = {
        "people": {"primary_key": ["id"]},
        "visits": {"primary_key": ["id"], "foreign_keys": [{"columns": ["person_id"], "ref_table": "people"}]},
    }
    dbsynth.fit(frames, schema=schema, seed=1, strategy="independent").save(folder / "model")
    return folder


@pytest.fixture(scope="module")
def checker(shop: Path) -> Checker:
    return Checker.load(shop / "model")


def test_the_source_is_refused_whatever_its_table_and_columns_are_called(
    checker: Checker, shop: Path, tmp_path: Path
) -> None:
    assert {f.known_as for f in checker.check(shop / "people.csv").findings} == {
        "public.people.email",
        "public.people.phone",
    }
    (rows,) = checker.check(shop / "visits.csv").findings
    assert (rows.column, rows.asked, rows.yes) == (None, 500, 500)
    renamed = people(1).iloc[:8].rename(columns={"email": "a", "phone": "b"})
    renamed[["a"]].to_csv(tmp_path / "x.csv", index=False, header=False)
    assert checker.check(tmp_path / "x.csv").findings
    renamed.to_parquet(tmp_path / "x.parquet")
    assert checker.check(tmp_path / "x.parquet").findings
    literals = ",\n".join(f"({i}, '{e}')" for i, e in enumerate(renamed["a"]))
    (tmp_path / "x.sql").write_text(f"insert into y values {literals};")
    assert checker.check(tmp_path / "x.sql").findings


def test_a_share_of_the_source_among_others_is_seen(checker: Checker, tmp_path: Path) -> None:
    mixed = pd.concat([people(1).iloc[:60], people(2)])
    mixed.to_csv(tmp_path / "mixed.csv", index=False)
    assert checker.check(tmp_path / "mixed.csv").findings


def test_no_other_file_is_refused(checker: Checker, shop: Path, tmp_path: Path) -> None:
    """Rows of the model, people of the same kind, and a list of nothing but names that are the source's too."""
    model = dbsynth.load(shop / "model")
    for seed in range(4):
        for format in ("csv", "parquet"):
            model.to_files(tmp_path / f"{format}{seed}", format, seed=seed)
        people(10 + seed).to_csv(tmp_path / f"others{seed}.csv", index=False)
    people(1)[["id", "first_name", "last_name", "tier"]].to_csv(tmp_path / "names.csv", index=False)
    files = [*tmp_path.glob("*/*.csv"), *tmp_path.glob("*/*.parquet"), *tmp_path.glob("*.csv")]
    assert len(files) == 21
    assert [v.path for v in map(checker.check, files) if v.findings] == []


def test_the_command_refuses_and_tells_no_value(shop: Path, tmp_path: Path) -> None:
    people(3, 40).to_csv(tmp_path / "mine.csv", index=False)
    run = click.testing.CliRunner().invoke
    files, model = [str(tmp_path / "mine.csv"), str(shop / "people.csv")], ["--model", str(shop / "model")]
    done = run(main, ["check-dump", files[0], *model])
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        [f"{files[0]}: 41 rows, none known to be the source's"],
    )
    done = run(main, ["check-dump", *files, *model])
    assert done.exit_code == 1
    assert "people: 300 of 300 values of email are known from public.people.email (6% would be chance)" in done.stdout
    assert "1 of 2 files hold rows of the source [DBS-100]" in done.stderr
    assert not [v for c in ("email", "phone") for v in people(1)[c] if v in done.output]
    told = run(main, ["check-dump", "--json", *files, *model]).stdout.splitlines()
    assert [json.loads(line).get("refused") for line in told] == [False, True, None]
    assert run(main, ["check-dump", "-q", files[0], *model]).stdout == ""


def test_what_cannot_be_asked_is_told(shop: Path, tmp_path: Path) -> None:
    run = click.testing.CliRunner().invoke
    (tmp_path / "a.csv").write_text("a\n1\n")
    assert run(main, ["check-dump", str(tmp_path / "a.csv"), "--model", str(tmp_path)]).exit_code == 2
    assert run(main, ["check-dump", str(tmp_path / "a.txt"), "--model", str(shop / "model")]).exit_code == 2
    dbsynth.fit_table(pd.DataFrame({"n": range(50)}), seed=1, strategy="independent").save(tmp_path / "numbers")
    done = run(main, ["check-dump", str(tmp_path / "a.csv"), "--model", str(tmp_path / "numbers")])
    assert done.exit_code == 2
    assert "cannot tell" in done.stderr


@given(st.integers(1, 400), st.floats(0.001, 0.5), st.data())
def test_the_bound_holds(asked: int, chance: float, data: st.DataObject) -> None:
    """It is never below the binomial tail itself."""
    from math import comb

    yes = data.draw(st.integers(0, asked))
    tail = sum(comb(asked, i) * chance**i * (1 - chance) ** (asked - i) for i in range(yes, asked + 1))
    assert odds(yes, asked, chance) >= tail * (1 - 1e-9) - 1e-300
    assert odds(asked, asked, chance) == pytest.approx(chance**asked)


def test_of_files_without_a_value_of_the_source_hardly_one_is_refused(checker: Checker) -> None:
    """The chance that the filters are said to have is the one that they have."""
    import pyarrow as pa

    for witness in checker.values:
        asked = pa.array([f"nobody-{i}@nowhere.example" for i in range(20_000)])
        yes = int(witness.yes(asked).sum())
        assert odds(yes, 20_000, witness.chance) > SURE
        assert odds(20_000 - yes, 20_000, 1 - witness.chance) > SURE


@pytest.mark.databases
@pytest.mark.parametrize(("name", "told"), [("chinook", 4), ("northwind", 5)])
def test_a_real_dump_is_refused_and_its_clone_is_not(
    cloned: Callable[[str], Clone], tmp_path: Path, name: str, told: int
) -> None:
    made = cloned(name)
    made.save(tmp_path / "model")
    checker = Checker.load(tmp_path / "model")
    for url, least in ((made.source, told), (made.target, 0)):
        dump = [embedded_binaries() / "pg_dump", "--data-only", "-d", conninfo(url)]
        text = subprocess.run(dump, check=True, capture_output=True).stdout
        (tmp_path / "dump.sql").write_bytes(text)
        (tmp_path / "inserts.sql").write_bytes(
            subprocess.run([*dump, "--inserts", "--rows-per-insert=7"], check=True, capture_output=True).stdout
        )
        for file in ("dump.sql", "inserts.sql"):
            verdict = checker.check(tmp_path / file)
            assert len({f.table for f in verdict.findings}) >= least
            assert bool(verdict.findings) == bool(least)
            assert verdict.rows > 1000
