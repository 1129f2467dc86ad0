"""Rows are appended to real databases, twice: old rows stay, keys go on, lookup tables stay what they are."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

import dbsynth
from dbsynth.artifact import model as artifact
from dbsynth.testing.embedded import conninfo, create_database, drop_database
from tests.clones import Clone

pytestmark = pytest.mark.databases
ABOUT = {"versions": {}, "made_at": "", "seed": 1, "dialect": "postgresql", "source_identity": ""}


def contents(url: str) -> dict[str, Counter[str]]:
    with psycopg.connect(conninfo(url)) as connection:
        tables = connection.execute(
            "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema)'"
        ).fetchall()
        return {t: Counter(r for (r,) in connection.execute(f"select x::text from {t} x".encode())) for (t,) in tables}


@pytest.mark.parametrize("name", ["chinook", "northwind", "pagila17"])
def test_appended_twice(cloned: Callable[[str], Clone], postgres_url: str, tmp_path: Path, name: str) -> None:
    found = cloned(name)
    learned = {table: pickle.loads(blob) for table, blob in found.learned.items()}
    artifact.save(tmp_path / "model", artifact.Model(found.plan, learned, ABOUT, {"warnings": {}, "dtypes": {}}))
    model = dbsynth.load(str(tmp_path / "model"))
    url = create_database(postgres_url, f"append_{name}")
    try:
        model.to_database(url, seed=2)
        before = contents(url)
        kept = {f'{t.name.schema}."{t.name.name}"' for t in found.plan.tables if t.kept is not None}
        kept |= {str(t.name) for t in found.plan.tables if t.kept is not None}
        appended = set()
        for turn in (1, 2):
            done = model.append_to(url, scale=0.3, seed=2)
            after = contents(url)
            for table, rows in before.items():
                assert rows <= after[table], table
                if table in kept:
                    assert rows == after[table]
            assert sum(r.rows for r in done.results) == total(after) - total(before)
            assert not {r.table for r in done.results} & {str(t.name) for t in found.plan.tables if t.kept is not None}
            new = {t: after[t] - before[t] for t in after}
            grown = {t for t, rows in new.items() if rows.total()}
            assert turn == 1 or grown == appended
            appended, before = grown, after
        assert len(appended) > len(before) / 3
        with psycopg.connect(conninfo(url)) as connection:
            assert connection.execute("select count(*) from pg_constraint where not convalidated").fetchone() == (0,)
            late = connection.execute("select count(*) from pg_constraint where contype = 'f' and condeferrable")
            assert late.fetchone() == (0,)
    finally:
        drop_database(url)


def total(rows: dict[str, Counter[str]]) -> int:
    return sum(r.total() for r in rows.values())
