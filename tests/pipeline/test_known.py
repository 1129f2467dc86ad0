"""Whether a made row is one of the source's, asked of hashes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import types as sqltypes

from dbsynth.pipeline.known import Known
from dbsynth.schema.model import Column, Key, Table, TableName

TABLE = Table(
    TableName("public", "t"),
    (
        Column("id", sqltypes.Integer(), "Integer"),
        Column("a", sqltypes.Integer(), "Integer"),
        Column("b", sqltypes.Text(), "Text"),
        Column("c", sqltypes.Boolean(), "Boolean"),
    ),
    primary_key=Key("t_pkey", ("id",), "PRIMARY KEY (id)"),
)
rows = st.tuples(st.one_of(st.none(), st.integers(0, 3)), st.sampled_from(["x", "y", None]), st.booleans())


def frame(values: list[tuple[int | None, str | None, bool]]) -> pa.Table:
    a, b, c = zip(*values, strict=True)
    ids = pa.array(range(len(values)), pa.int32())
    return pa.table({"id": ids, "a": pa.array(a, pa.int32()), "b": pa.array(b, pa.string()), "c": pa.array(c)})


def known(values: list[tuple[int | None, str | None, bool]]) -> Known:
    made = Known.of(TABLE, frame(values), [], 1)
    assert made is not None
    return made


@given(st.lists(rows, min_size=4, max_size=40), st.lists(rows, min_size=1, max_size=40))
def test_every_row_of_the_source_is_known(source, asked) -> None:
    hits = perhaps(known(source), asked)
    assert all(hit for hit, row in zip(hits, asked, strict=True) if row in source)


def perhaps(held: Known, asked: list[tuple[int | None, str | None, bool]]) -> list[bool]:
    made = frame(asked)
    return held.perhaps({name: made.column(name).combine_chunks() for name in made.column_names}, len(asked)).tolist()


def test_a_few_rows_that_were_never_there_are_known_too_so_that_a_yes_proves_nothing() -> None:
    held = known([(i, f"text {i}", True) for i in range(2000)])
    strangers = [(i, f"text {i}", True) for i in range(5000, 15000)]
    assert 0.008 < np.mean(perhaps(held, strangers)) < 0.024


def test_keys_do_not_count_and_chance_is_what_halves_share() -> None:
    distinct = [(i, f"text {i}", True) for i in range(200)]
    assert known(distinct).allowed == 0.0
    same = [(1, "x", True)] * 200
    assert known(same).allowed == 1.0


def test_a_table_of_two_columns_has_no_rows_to_compare() -> None:
    narrow = Table(TableName("public", "t"), TABLE.columns[:3], primary_key=TABLE.primary_key)
    assert Known.of(narrow, frame([(1, "x", True)] * 20).drop_columns("c"), [], 1) is None


def test_no_value_can_be_read() -> None:
    held = known([(i, f"secret {i}", True) for i in range(50)])
    assert len(held.filter) == 50 * 64
    assert b"secret" not in held.filter.bits.tobytes()
