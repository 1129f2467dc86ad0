"""The shell of README.md and docs/*.md, line by line as printed but for URLs: what PostgreSQL and DuckDB can do here is
done, in the order of the page; of what needs an account elsewhere (or never ends) the options are understood."""

from __future__ import annotations

import glob
import importlib.metadata
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import click.testing
import duckdb
import pandas as pd
import pytest
from sqlalchemy.engine import make_url

import dbsynth
from dbsynth.cli import main
from dbsynth.config import load_config
from dbsynth.testing.embedded import create_database, drop_database
from tests.api import shop as frames_of_shop

ROOT = Path(__file__).resolve().parents[2]
PAGES = {str(p.relative_to(ROOT)): p.read_text() for p in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
SHELL = {page: re.findall(r"^```sh\n(.*?)```", text, re.S | re.M) for page, text in PAGES.items()}
SHOP = """
create table customer (id int primary key, email text not null unique);
create table orders (id int primary key, customer_id int not null references customer, amount numeric(8, 2) not null);
create table audit_log (id int primary key, said text);
insert into customer select i, 'person' || i || '@mail.test' from generate_series(1, 800) i;
insert into orders select i, 1 + i % 800, i % 900 / 10.0 from generate_series(1, 1600) i;
"""
ELSEWHERE = re.compile(
    r"snowflake:|bigquery:|^dbsynth (serve|dbt run|dbt populate|verify|diff|replay)\b|--dp-epsilon|--update|--verify"
)
"""Accounts of others, workers, another program, verdicts on a clone (tests/service, tests/dbt, tests/quality and
tests/cli run these); and what takes minutes."""
Execute = Callable[..., list[tuple[object, ...]]]


@dataclass(frozen=True)
class Place:
    """``source`` and ``dev``: URLs of databases; the working directory has a dbsynth.toml and a dbt project."""

    source: str
    dev: str

    def put(self, text: str) -> str:
        text = re.sub(r"postgresql://(me|admin|worker)@db/shop", self.source, text)
        return text.replace("postgresql://localhost/dev", self.dev).replace("dbt:prod#shop", "dbt:prod#public")


@pytest.fixture
def place(
    database: str, postgres_url: str, execute: Execute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    execute(SHOP)
    name = make_url(database).database
    dev, stage = (create_database(postgres_url, f"{name}_{w}") for w in ("dev", "stage"))
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create table t (id int primary key, kind text); insert into t values (1, 'a'), (2, 'b')")
    (tmp_path / "dbsynth.toml").write_text(
        f'[connections]\nprod_db.url = "{database}"\nstage_db.url = "{stage}"\nwh_prod.url = "duckdb:///{warehouse}"\n'
        '[clone]\nstrategy = "independent"\nworkers = 1\n'
    )
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    targets = ""
    for target, url in (("prod", make_url(database)), ("dev", make_url(dev))):
        targets += f"    {target}:\n      {{type: postgres, host: {url.host}, port: {url.port}, user: {url.username}, "
        targets += f"password: x, dbname: {url.database}, schema: {'public' if target == 'prod' else 'dbt_dev'}}}\n"
    (tmp_path / "profiles.yml").write_text(f"shop:\n  target: dev\n  outputs:\n{targets}")
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "few.csv").write_text("id,email\n1,somebody@else.example\n")
    monkeypatch.chdir(tmp_path)
    yield Place(database, dev)
    for url in (dev, stage):
        drop_database(url)


def lines(page: str) -> list[str]:
    return [line.strip() for block in SHELL[page] for line in block.splitlines() if line.strip()]


def words(line: str) -> list[str]:
    """Without the comment, shell patterns replaced by the files that they name."""
    found = shlex.split(re.sub(r"\s#\s.*", "", line))
    return [w for word in found for w in (sorted(glob.glob(word)) if word.startswith("fixtures/*") else [word])]


@pytest.mark.parametrize("page", [p for p in PAGES if any(x.startswith("dbsynth ") for x in lines(p))])
def test_commands_run(page: str, place: Place) -> None:
    for line in lines(page):
        if not line.startswith("dbsynth ") or ELSEWHERE.search(line):
            continue
        done = click.testing.CliRunner().invoke(main, words(place.put(line))[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}"


@pytest.mark.parametrize("page", PAGES)
def test_options_of_all_commands_are_understood(page: str, place: Place) -> None:
    for line in lines(page):
        if line.startswith("dbsynth "):
            group: click.Command = main
            given = words(line)[1:]
            while isinstance(group, click.Group):
                found = group.get_command(click.Context(group), given.pop(0))
                assert found is not None, line
                group = found
            group.make_context(group.name, given)


def test_extras_that_are_to_be_installed_are_there() -> None:
    own = set(importlib.metadata.metadata("dbsynth").get_all("Provides-Extra") or ())
    declared = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.M))
    asked = {
        e for page in PAGES for line in lines(page) for x in re.findall(r"\[([\w,]+)\]'", line) for e in x.split(",")
    }
    assert asked
    assert asked <= own | declared


def python(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)```", PAGES[page], re.S | re.M)


def test_python_of_the_readme(place: Place) -> None:
    """The fixture of tests is that of docs/testing.md, which tests/testing runs."""
    fixture, frames = python("README.md")
    assert re.sub(r"  #.*", "", fixture).strip() in python("docs/testing.md")[0]
    given = frames_of_shop.frames(60)
    names: dict[str, Any] = {"customers": given["customers"], "orders": given["orders"]}
    exec(compile(frames, "README.md", "exec"), names)
    assert {name: len(frame) for name, frame in names["made"].items()}["customers"] == 120
    again = dbsynth.load("shop.model").sample(scale=2.0, seed=7)
    assert all(pd.DataFrame.equals(again[t], names["made"][t]) for t in again)


def test_python_of_saved_models(place: Place, execute: Execute) -> None:
    (text,) = python("docs/models.md")
    dbsynth.fit(place.source, strategy="independent", workers=1, seed=1).save("models/shop")
    exec(compile(place.put(text), "docs/models.md", "exec"), {"dbsynth": dbsynth})
    assert execute("select count(*) from staging.customer", url=place.dev) == [(80,)]
    assert pd.read_parquet("out/customer.parquet").shape == (800, 2)


@pytest.mark.parametrize("page", [p for p, text in PAGES.items() if "```toml" in text])
def test_configurations_are_taken(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROD_DATABASE_URL", "postgresql://reader@db/shop")
    monkeypatch.chdir(tmp_path)
    looked_at = 0
    for text in re.findall(r"^```toml\n(.*?)```", PAGES[page], re.S | re.M):
        if "[project" in text:  # of a package, docs/writing-a-dialect.md
            continue
        path = tmp_path / "dbsynth.toml"
        path.write_text(text)
        load_config(path)
        looked_at += 1
    assert looked_at or page == "docs/writing-a-dialect.md"
