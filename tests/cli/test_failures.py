"""Errors that no part of the program expected: what a driver or a parser says of a value does not reach the screen."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import create_engine

from dbsynth.console.failures import failures


@pytest.mark.parametrize(
    "said",
    [
        "Failed to parse string: 'anna.secret@corp.test' as a scalar of type int64",
        'invalid input syntax for type integer: "anna.secret@corp.test"',
        "duplicate key value: Key (email)=(anna.secret@corp.test) already exists",
        "could not convert 'anna.secret@corp.test",
        "cannot cast\nDETAIL: Failing row contains (anna.secret@corp.test).",
    ],
)
def test_values_in_unexpected_errors_are_not_told(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), failures(verbose=False, as_json=True):
        raise ValueError(said)
    told = capsys.readouterr()
    assert "anna" not in told.out + told.err
    assert json.loads(told.out)["message"].startswith("internal error: ValueError")


def test_a_connection_that_is_lost_is_no_defect(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    engine = create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    with pytest.raises(SystemExit) as ended, failures(verbose=False, as_json=True), engine.connect() as connection:
        connection.exec_driver_sql("select pg_terminate_backend(pg_backend_pid())")
    engine.dispose()
    told = json.loads(capsys.readouterr().out)
    assert (ended.value.code, told["code"], told["exit_code"]) == (3, "DBS-300", 3)
