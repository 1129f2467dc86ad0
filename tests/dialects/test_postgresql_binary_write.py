"""The binary form says the same as csv does, for every type it knows."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
from dbsynth_postgresql.binary_write import FIXED, TEXT, VERSIONED, OutOfRange, can_encode
from dbsynth_postgresql.copy_write import send
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbsynth.schema.types import DATE_INFINITY, DATE_MINUS_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY
from dbsynth.testing.embedded import conninfo

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
DAYS = st.integers(-2_440_588, 2_145_031_948) | st.sampled_from([DATE_INFINITY, DATE_MINUS_INFINITY])
# The csv of a moment after year 294246 would have to be one that 64 bits hold no more.
MICROS = st.integers(-210_866_000_000_000_000, 9_223_371_000_000_000_000) | st.sampled_from(
    [TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY]
)
DECIMALS = st.decimals(-(10**27), 10**27, places=10) | st.decimals(-10, 10, places=10)
COLUMNS: dict[str, tuple[str, str, pa.DataType, st.SearchStrategy[object], pa.DataType | None]] = {
    "a": ("smallint", "int2", pa.int64(), st.integers(-(2**15), 2**15 - 1), None),
    "b": ("integer", "int4", pa.int64(), st.integers(-(2**31), 2**31 - 1), None),
    "c": ("varchar(12)", "varchar", pa.string(), TEXTS, None),
    "d": ("bigint", "int8", pa.int64(), st.integers(-(2**63), 2**63 - 1), None),
    "e": ("real", "float4", pa.float64(), st.floats(width=32), None),
    "f": ("double precision", "float8", pa.float64(), st.floats(), None),
    "g": ("jsonb", "jsonb", pa.string(), st.sampled_from(['{"a": [1, null]}', "1", '"ü"']), None),
    "h": ("json", "json", pa.string(), st.sampled_from(['{"a" :  1}', "null"]), None),
    "i": ("boolean", "bool", pa.bool_(), st.booleans(), None),
    "j": ("date", "date", pa.date32(), DAYS, pa.int32()),
    "k": ("timestamp", "timestamp", pa.timestamp("us"), MICROS, pa.int64()),
    "l": ("timestamptz(0)", "timestamptz", pa.timestamp("us", tz="UTC"), MICROS, pa.int64()),
    "m": ("time", "time", pa.time64("us"), st.integers(0, 86_400_000_000), pa.int64()),
    "n": ("numeric(38,10)", "numeric", pa.decimal128(38, 10), DECIMALS, None),
    "o": ("numeric(9)", "numeric", pa.decimal128(38, 0), st.integers(-(10**9) + 1, 10**9 - 1).map(Decimal), None),
    "p": ("uuid", "uuid", pa.string(), st.uuids().map(str) | st.uuids().map(lambda u: f"{{{str(u).upper()}}}"), None),
    "q": ("char(3)", "bpchar", pa.string(), st.sampled_from(["", "a", "äöü"]), None),
    "r": ("text", "text", pa.string(), TEXTS, None),
    "s": ("pg_temp.mood", "enum", pa.string(), st.sampled_from(["sad", "it's ok"]), None),
}
KINDS = {name: column[1] for name, column in COLUMNS.items()}
ROWS = st.lists(st.tuples(*(st.none() | column[3] for column in COLUMNS.values())), max_size=6)


def test_every_type_is_tried() -> None:
    assert set(KINDS.values()) == {*FIXED, *TEXT, *VERSIONED}


def arrow(name: str, values: list[object]) -> pa.Array:
    _, _, type_, _, storage = COLUMNS[name]
    return pa.array(values, storage).view(type_) if storage is not None else pa.array(values, type_)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.integers(0, 2), st.permutations(list(COLUMNS)))
def test_binary_and_csv_agree(postgres_url: str, rows: list[tuple[object, ...]], skip: int, order: list[str]) -> None:
    arrays = {name: arrow(name, [row[i] for row in rows]) for i, name in enumerate(COLUMNS)}
    batch = pa.RecordBatch.from_arrays([arrays[name] for name in order], names=order).slice(skip)
    assert can_encode(KINDS, batch.schema)
    with psycopg.connect(conninfo(postgres_url)) as connection:
        connection.execute("set timezone = 'UTC'; create type pg_temp.mood as enum ('sad', 'it''s ok')")
        shown = []
        for table, kinds in (("binary", KINDS), ("csv", None)):
            columns = ", ".join(f"{name} {COLUMNS[name][0]}" for name in order)
            connection.execute(f'create temp table "{table}" ({columns})'.encode())
            assert send(connection, f'pg_temp."{table}"', order, [batch], kinds) == batch.num_rows
            query = f'select t::text from pg_temp."{table}" t order by ctid'
            shown.append([row[0] for row in connection.execute(query.encode())])
        connection.rollback()
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("a", 2**15),
        ("a", -(2**15) - 1),
        ("b", 2**31),
        ("e", 1e39),
        ("k", -(2**63) + 1),
        ("p", "no uuid"),
        ("p", "g" * 32),
    ],
)
def test_a_value_beyond_its_type_names_the_column(postgres_url: str, column: str, value: object) -> None:
    batch = pa.RecordBatch.from_arrays([arrow(column, [None, value])], names=[column])
    with psycopg.connect(conninfo(postgres_url)) as connection:
        connection.execute(f"create temp table t ({column} {COLUMNS[column][0]})".encode())
        with pytest.raises(OutOfRange, match=f"column {column}: "):
            send(connection, "pg_temp.t", [column], [batch], KINDS)


def test_other_types_go_as_csv() -> None:
    assert not can_encode({"a": "_int4"}, pa.schema([("a", pa.string())]))
    assert not can_encode({"a": "numeric"}, pa.schema([("a", pa.string())]))  # without precision: NaN is possible
    assert not can_encode({"a": ""}, pa.schema([("a", pa.string())]))
