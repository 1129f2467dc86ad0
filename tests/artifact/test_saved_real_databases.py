"""Models of the real databases: the same rows from the fitted model, from the saved one and from a clone, and nothing
personal on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

import dbsynth
from dbsynth.dialect import ReadRequest, connect
from dbsynth.synthesizer import Synthesizer
from dbsynth.testing.embedded import conninfo, create_database, drop_database
from tests.clones import run
from tests.e2e.test_no_leak import PERSONAL

pytestmark = pytest.mark.databases
Rows = dict[str, pa.Table]
LEAST_KEPT, LONG = 4, 12
"""Shorter texts occur in any text; from so many characters on a text is looked for inside of others too."""


def rows_of(model: Synthesizer, **arguments: Any) -> Rows:
    batches: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in model.sample_batches(**arguments):
        batches.setdefault(name, []).append(batch)
    return {name: pa.Table.from_batches(b) for name, b in batches.items()}


@pytest.fixture(scope="module")
def models(
    postgres_url: str, real_template: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Synthesizer, Path, str]]:
    """The model of a real database, where it is saved, and the URL of its source."""
    made: dict[str, tuple[Synthesizer, Path, str]] = {}

    def get(name: str) -> tuple[Synthesizer, Path, str]:
        if name not in made:
            source = create_database(postgres_url, f"source_{name}", template=real_template(name))
            model = dbsynth.fit(source, seed=3, effort="quick", sample_rows=20_000, device="cpu")
            path = tmp_path_factory.mktemp(name) / "model"
            model.save(path)
            made[name] = model, path, source
        return made[name]

    return get


@pytest.mark.parametrize("name", ["chinook", "northwind", "oracle_co", "mondial"])
def test_the_saved_model_makes_the_same_rows(models: Callable[[str], tuple[Synthesizer, Path, str]], name: str) -> None:
    model, path, _ = models(name)
    loaded = dbsynth.load(path)
    for arguments in ({"seed": 5}, {"seed": 6, "scale": 0.5}):
        one, two = rows_of(model, **arguments), rows_of(loaded, **arguments)
        assert one.keys() == two.keys()
        assert all(one[table].equals(two[table]) for table in one)
    assert rows_of(loaded, seed=5) != rows_of(loaded, seed=6)


@pytest.mark.parametrize("name", ["chinook", "oracle_co"])
def test_a_clone_with_the_same_seeds_has_the_same_rows(
    postgres_url: str, models: Callable[[str], tuple[Synthesizer, Path, str]], name: str
) -> None:
    _, path, source = models(name)
    target = create_database(postgres_url, f"clone_of_model_{name}")
    run(source, target, seed=3, sample_seed=5, effort="quick", sample_rows=20_000, workers=2)
    made = rows_of(dbsynth.load(path), seed=5)
    with closing(connect(target)) as database:
        schema = database.introspect(["public"])
        assert {t.name.name for t in schema.tables} == set(made)
        for table in schema.tables:
            request = ReadRequest(table.name, tuple(c.name for c in table.stored_columns))
            loaded = pa.Table.from_batches(list(database.read(request)))
            rows = made[table.name.name].select(loaded.column_names)
            assert sorted(map(repr, loaded.to_pylist())) == sorted(map(repr, rows.to_pylist())), table.name
    drop_database(target)


def texts(value: object) -> set[str]:
    """Every text of a document, case-folded."""
    match value:
        case str():
            return {value.strip().casefold()}
        case list():
            return set().union(*map(texts, value))
        case dict():
            return set().union(*map(texts, value.items()))
        case tuple():
            return texts(list(value))
    return set()


def everything(path: Path) -> str:
    """All bytes as text, and the documents without escapes, case-folded."""
    data = {p: p.read_bytes() for p in path.iterdir()}
    plain = [json.dumps(json.loads(d), ensure_ascii=False) for p, d in data.items() if p.suffix == ".json"]
    return "\n".join([*plain, *(d.decode("latin-1") for d in data.values())]).casefold()


@pytest.mark.parametrize("name", ["chinook", "northwind"])
def test_no_personal_value_is_in_the_saved_model(
    models: Callable[[str], tuple[Synthesizer, Path, str]], name: str
) -> None:
    """A word (a first name) is looked for in what was learned of its own table: the vocabulary of another table may
    hold it, which is not taken from the source."""
    _, path, source = models(name)
    documents = [json.loads(p.read_bytes()) for p in path.glob("table_*.json")]
    own = {d["table"]["v"]["name"]: texts(d) for d in documents}
    tokens, raw = set().union(*own.values()), everything(path)
    found, looked_at = {}, 0
    with psycopg.connect(conninfo(source)) as connection:
        for table, columns in PERSONAL[name].items():
            for column in columns:
                query = f'select distinct "{column}"::text from "{table}" where "{column}" is not null'
                values = {str(v).strip().casefold() for (v,) in connection.execute(query.encode()).fetchall()}
                looked_at += len(values)
                hits = {v for v in values if len(v) >= LEAST_KEPT and v in (own[table] if v.isalpha() else tokens)}
                hits |= {v for v in values if len(v) >= LONG and v in raw}
                if hits:
                    found[f"{table}.{column}"] = hits
    assert looked_at > 100
    assert found == {}
