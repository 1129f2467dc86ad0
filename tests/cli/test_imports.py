"""What is not needed is not loaded: the command line is quick, and one database needs no other's driver."""

from __future__ import annotations

import subprocess
import sys

DRIVERS = ("snowflake", "google.cloud.bigquery", "duckdb", "psycopg")
HEAVY = (*DRIVERS, "torch", "pyarrow", "numpy", "sqlglot")


def loaded_by(script: str) -> set[str]:
    program = f"{script}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_loads_no_driver() -> None:
    assert loaded_by("import dbsynth").isdisjoint(HEAVY)


def test_help_loads_nothing_heavy() -> None:
    script = "from click.testing import CliRunner; from dbsynth.cli import main; CliRunner().invoke(main, ['--help'])"
    assert loaded_by(script).isdisjoint(HEAVY)


def test_postgresql_loads_no_other_driver() -> None:
    script = "from dbsynth.dialect import load_dialect; load_dialect('postgresql'); import dbsynth.pipeline.clone"
    found = loaded_by(script)
    assert "psycopg" in found
    assert found.isdisjoint(set(DRIVERS) - {"psycopg"})
