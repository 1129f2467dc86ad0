"""How many rows the keys of a table allow, judged before anything is made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import types

from dbsynth.errors import UnsatisfiableConstraint
from dbsynth.pipeline.room import check_fits, key_places
from dbsynth.schema.checks import implications, parse_checks
from dbsynth.schema.model import Check, Column, Key, Table, TableName

NAME = TableName("public", "t")
COLUMNS = (
    Column("yes", types.Boolean(), "", nullable=False),
    Column("mood", types.Enum("sad", "ok", "happy"), "", nullable=False),
    Column("maybe", types.Boolean(), "", nullable=True),
    Column("month", types.SmallInteger(), "", nullable=False),
    Column("code", types.Text(), "", nullable=False),
    Column("note", types.Text(), "", nullable=False),
)
CHECKS = (Check("months", "month BETWEEN 1 AND 12"), Check("codes", "code IN ('a', 'b')"))


def places(*key: str) -> int | None:
    table = Table(NAME, COLUMNS, primary_key=Key("t_pkey", key, ""), checks=CHECKS)
    return key_places(table, implications(parse_checks(table, "postgres"), table, datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("key", "most"),
    [(["yes"], 2), (["mood"], 3), (["mood", "yes"], 6), (["month"], 12), (["code"], 2), (["code", "month"], 24)],
)
def test_closed_sets_of_values_bound_the_rows(key: list[str], most: int) -> None:
    assert places(*key) == most


@pytest.mark.parametrize("key", [["note"], ["yes", "note"], ["maybe"]])
def test_others_do_not(key: list[str]) -> None:
    assert places(*key) is None


@pytest.mark.parametrize(
    ("type_", "highest"),
    [(types.SmallInteger(), 2**15 - 1), (types.Integer(), 2**31 - 1), (types.Numeric(5, 2), 999)],
)
def test_the_last_number_has_to_fit_the_type(type_: types.TypeEngine[object], highest: int) -> None:
    column = Column("id", type_, "", nullable=False)
    check_fits(NAME, column, 10, highest)
    with pytest.raises(UnsatisfiableConstraint, match=rf"public\.t\.id: 10 rows need keys up to {highest + 1:,}"):
        check_fits(NAME, column, 10, highest + 1)
