"""Unique indexes over expressions, of some rows only, with nulls that are not distinct, over generated columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbsynth.testing.embedded import create_database, drop_database
from tests.e2e.catalog import ask, clone, not_valid, run_script

SCRIPT = """
    create table account (
        id int primary key, email text not null, tenant int not null, slug text, deleted_at timestamptz,
        code int not null, grade text, full_name text generated always as (grade || ':' || code) stored unique,
        unique nulls not distinct (tenant, slug));
    create unique index lower_email on account (lower(email));
    create unique index alive on account (tenant, code) where deleted_at is null;
    create unique index either on account (coalesce(slug, 'none ' || id));
    insert into account (id, email, tenant, slug, deleted_at, code, grade)
    select i, 'User' || i || '@mail.example', i % 9, case when i > 9 then 'slug-' || i end,
        case when i % 4 = 0 then timestamptz '2024-01-01' + i * interval '1 day' end, i / 2 + 1000 * (i % 2),
        (array['a', 'b', 'c'])[1 + i % 3] from generate_series(1, 400) i;
    create table bucket (id int primary key, n int not null, tens int generated always as (n / 10) stored unique);
    insert into bucket (id, n) select i, i * 10 + i % 10 from generate_series(1, 300) i;
"""


@pytest.fixture(scope="module")
def url(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    made = create_database(postgres_url, "unique_expressions")
    run_script(made, SCRIPT)
    yield made
    drop_database(made)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_unique_expressions_hold(url: str, seed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = clone(url, "--to", "dev", "--seed", seed, "--effort", "quick")
    assert done.exit_code == 0, done.output
    assert not_valid(url) == []
    rows = [ask(url, f"select count(*) from dev.{table}")[0][0] for table in ("account", "bucket")]
    assert rows[0] in range(380, 401)
    assert rows[1] in range(285, 301)
    run_script(url, "drop schema dev cascade")
