"""What a driver or a parser says of a value does not reach the screen."""

from __future__ import annotations

import json

import pytest

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
