"""What a user sees when a warehouse does not answer as hoped: the exit code, what is wrong and what to do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dbsynth.cli import main
from dbsynth.dialect import connect
from dbsynth.errors import ConnectionFailed
from dbsynth.sqlbase import retry
from dbsynth.sqlbase.retry import retried


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def held(snowflake_url: str) -> str:
    database: Any = connect(snowflake_url)
    database.query("CREATE OR REPLACE SCHEMA FAULTS")
    database.query("CREATE TABLE FAULTS.T (ID NUMBER(9,0) NOT NULL PRIMARY KEY)")
    database.query("INSERT INTO FAULTS.T SELECT column1 FROM VALUES (1),(2)")
    database.close()
    return snowflake_url


def test_snowflake_wrong_password(held: str) -> None:
    result = run("inspect", held.replace("fake:s3cr3t", "fake:wrong") + "#FAULTS")
    assert result.exit_code == 3
    assert "Incorrect username or password" in result.stderr
    assert "wrong@" not in result.stderr


def test_snowflake_role_without_rights(held: str) -> None:
    result = run("clone", held + "&role=NOBODY#FAULTS", "--to", "FAULTS_DEV", "-q")
    assert result.exit_code == 3
    assert "Insufficient privileges" in result.stderr
    assert "?role=NAME" in result.stderr


def test_snowflake_expired_login(held: str) -> None:
    result = run("inspect", held.replace("fake:s3cr3t", "expired:s3cr3t") + "#FAULTS")
    assert result.exit_code == 3
    assert "expired" in result.stderr


def test_snowflake_that_fails_for_a_moment(held: str) -> None:
    result = run("inspect", held.replace("fake:s3cr3t", "flaky:s3cr3t") + "#FAULTS", "--json")
    assert result.exit_code == 0, result.stderr


def test_snowflake_unknown_schema(held: str) -> None:
    result = run("inspect", held + "#FAULTZ")
    assert result.exit_code == 2
    assert "did you mean 'FAULTS'?" in result.stderr


@pytest.fixture
def dataset(bigquery_url: str) -> str:
    database: Any = connect(bigquery_url)
    database.client.delete_dataset("faults", delete_contents=True, not_found_ok=True)
    made: Any = database.client.create_dataset("faults", exists_ok=True)
    assert made.dataset_id == "faults"
    database.query("CREATE TABLE `proj`.`faults`.`t` (id INT64 NOT NULL, PRIMARY KEY (id) NOT ENFORCED)")
    database.query("INSERT INTO `proj`.`faults`.`t` (id) VALUES (1), (2), (3)")
    database.close()
    return bigquery_url


def test_bigquery_over_the_limit(dataset: str) -> None:
    over = run("clone", dataset + "#faults", "--to", "faults_dev", "--max-bytes", "1", "-q")
    assert over.exit_code == 4
    assert "bytes that are billed; the limit is 1" in over.stderr
    assert "--max-bytes" in over.stderr
    database: Any = connect(dataset)
    assert "faults_dev" not in [name for name, _ in database.schema_names()]
    database.close()
    planned = run("plan", dataset + "#faults", "--to", "faults_dev", "--json")
    assert planned.exit_code == 0, planned.stderr
    assert "reading will be billed for about" in planned.stdout


def test_bigquery_in_another_region(dataset: str) -> None:
    result = run("inspect", dataset.replace("location=EU", "location=US") + "#faults")
    assert result.exit_code in (0, 3)
    database: Any = connect(dataset)
    region = database.client.get_dataset("faults").location
    database.close()
    other = "US" if region == "EU" else "EU"
    wrong = run("inspect", dataset.replace("location=EU", f"location={other}") + "#faults")
    assert wrong.exit_code == 3
    assert f"was not found in location {other}" in wrong.stderr
    assert "?location=" in wrong.stderr


@pytest.mark.parametrize(("project", "said"), [("denied", "Access Denied"), ("expired", "expired")])
def test_bigquery_refuses(dataset: str, project: str, said: str) -> None:
    result = run("inspect", dataset.replace("//proj", f"//{project}") + "#faults")
    assert result.exit_code == 3
    assert said in result.stderr


def test_bigquery_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = run("inspect", "bigquery://proj/ds?credentials_path=/no/such/file.json")
    assert missing.exit_code == 3
    assert "cannot be read" in missing.stderr


@pytest.mark.parametrize(("name", "module"), [("snowflake", "snowflake.connector"), ("duckdb", "duckdb"),
                                              ("bigquery", "google.cloud.bigquery")])  # fmt: skip
def test_a_missing_extra_is_named(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for loaded in [m for m in sys.modules if m.startswith(f"dbsynth_{name}")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    result = run("inspect", f"{name}://host/db")
    assert result.exit_code == 2
    assert f"pip install 'dbsynth[{name}]'" in result.stderr


def test_a_duckdb_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "no.duckdb").write_bytes(b"this is no database" * 1000)
    result = run("inspect", f"duckdb:///{tmp_path}/no.duckdb")
    assert result.exit_code == 3
    assert "is it a DuckDB file" in result.stderr
    assert run("inspect", f"duckdb:///{tmp_path}/missing.duckdb").exit_code == 3
    assert run("inspect", "duckdb:///:memory:").exit_code == 2


def test_passing_failures_are_tried_again_and_others_are_not() -> None:
    waits: list[float] = []
    fails = iter([True, True, False])

    def action() -> str:
        if next(fails):
            raise ConnectionFailed("busy", transient=True)
        return "done"

    assert retried(action, "asking", sleep=waits.append) == "done"
    assert len(waits) == 2
    assert all(0 <= w <= retry.MOST_WAIT for w in waits)

    def broken() -> None:
        raise ConnectionFailed("no such host")

    with pytest.raises(ConnectionFailed):
        retried(broken, "asking", sleep=waits.append)
    assert len(waits) == 2

    def always() -> None:
        raise ConnectionFailed("busy", transient=True)

    with pytest.raises(ConnectionFailed):
        retried(always, "asking", sleep=waits.append)
    assert len(waits) == 2 + retry.TRIES - 1


def test_snowflake_run_that_dies_while_it_publishes(held: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each statement of the swap: the target is the old or the new one, and the next run clears what is left."""
    from dbsynth.sqlbase.building import Builder

    assert run("clone", held + "#FAULTS", "--to", "FAULTS_DEV", "-q", "--effort", "quick").exit_code == 0
    database: Any = connect(held)
    from dbsynth_snowflake.target import SnowflakeTarget

    class Killed(BaseException):
        pass

    def refuse(*_: Any) -> None:
        raise Killed

    for name in ("_mark", "drop_schema"):
        for last in (0, 1, 2) if name == "_mark" else (0,):
            with monkeypatch.context() as patch:
                original, calls = getattr(SnowflakeTarget, name), iter(range(last))
                patch.setattr(
                    SnowflakeTarget,
                    name,
                    lambda *a, o=original, c=calls: o(*a) if next(c, None) is not None else refuse(),
                )
                patch.setattr(SnowflakeTarget, "discard", lambda self: None)  # a killed process does not
                with pytest.raises(Killed):
                    run("clone", held + "#FAULTS", "--to", "FAULTS_DEV", "-q", "--effort", "quick")
            marks = database.marks()
            [left] = [m for m in marks if "__dbsynth_" in m and m.startswith("FAULTS_DEV")]
            assert Builder.of(marks[left]) is not None, "the next run knows whose it is"
            assert len(database.introspect(["FAULTS_DEV"]).tables) == 1
            monkeypatch.setattr(Builder, "alive", property(lambda self: False))
            assert run("clone", held + "#FAULTS", "--to", "FAULTS_DEV", "-q", "--effort", "quick").exit_code == 0
            monkeypatch.undo()
            assert not [m for m in database.marks() if "__dbsynth_" in m and m.startswith("FAULTS_DEV")]
    database.close()
