"""A dbt of its own environment, a project for it, and a model that its sources are filled from."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

import dbsynth
from dbsynth.testing.embedded import create_database, drop_database
from tests.emulators.running import python_of

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parents[1] / "sql" / "dbt"
SHOP = """
    create schema shop;
    create table shop.customers (
        id int primary key, first_name text not null, last_name text not null, email text unique not null
    );
    create table shop.orders (
        id int primary key, customer_id int not null references shop.customers, ordered_at timestamp not null,
        status text not null check (status in ('placed', 'shipped', 'completed', 'returned'))
    );
    create table shop.payments (
        id int primary key, order_id int not null references shop.orders,
        method text not null check (method in ('card', 'coupon', 'transfer')),
        amount_cents int not null check (amount_cents >= 0)
    );
    insert into shop.customers
        select g, (array['Ann', 'Bob', 'Eve', 'Kim'])[1 + g % 4], (array['Lee', 'Ray', 'Fox'])[1 + g % 3],
            'customer' || g || '@mail.com'
        from generate_series(1, 300) g;
    insert into shop.orders
        select g, 1 + g * 7 % 300, timestamp '2024-01-01' + g * interval '9 hours',
            (array['placed', 'shipped', 'completed', 'returned'])[1 + g % 4]
        from generate_series(1, 600) g;
    insert into shop.payments
        select g, 1 + g % 600, (array['card', 'coupon', 'transfer'])[1 + g % 3], g * 37 % 9000
        from generate_series(1, 700) g;
"""
Dbt = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def dbt_program() -> Path:
    program = python_of("dbt").with_name("dbt")
    if not program.exists():
        pytest.skip("dbt is not installed here: make emulators")
    return program


@pytest.fixture(scope="session")
def model(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of the shop."""
    import psycopg

    from dbsynth.testing.embedded import conninfo

    url = create_database(postgres_url, "jaffle_source")
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(SHOP.encode())
    folder = tmp_path_factory.mktemp("models") / "shop"
    dbsynth.fit(make_url(url), strategy="independent", workers=1, seed=1).save(folder)
    drop_database(url)
    return folder


@pytest.fixture
def project(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project, that names the package dbsynth where it lies."""
    for name in [n for n in os.environ if n.startswith(("DBT_", "DBSYNTH_")) and not n.startswith("DBSYNTH_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DO_NOT_TRACK", "1")  # dbt would wait for a server of statistics where there is no network
    folder = tmp_path / "jaffle"
    shutil.copytree(HERE / "jaffle", folder)
    (folder / "packages.yml").write_text(f"packages:\n  - local: {PACKAGE}\n")
    shutil.copytree(model, folder / "models_of_dbsynth" / "shop")
    return folder


@pytest.fixture
def dbt(dbt_program: Path, project: Path) -> Dbt:
    """``dbt("build", ...)`` in the project, with its packages installed."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([dbt_program, *arguments], cwd=project, capture_output=True, text=True)

    installed = run("deps")
    assert installed.returncode == 0, installed.stdout
    return run
