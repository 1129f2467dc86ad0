"""Arrow values arrive in the database as they are."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from dbsynth_postgresql.copy_write import CHUNK_BYTES, CHUNK_ROWS, encoded, send
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbsynth.schema.types import DATE_INFINITY, DATE_MINUS_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY
from dbsynth.testing.embedded import conninfo, create_database, drop_database

DAY = 86_400_000_000
STAMP = pa.timestamp("us")


def written(url: str, type_: str, values: pa.Array) -> list[str | None]:
    """What the server shows after ``values`` were written into a column of ``type_``."""
    with psycopg.connect(conninfo(url)) as connection:
        connection.execute(f"set timezone = 'UTC'; create temp table t (v {type_})".encode())
        batch = pa.RecordBatch.from_arrays([values], names=["v"])
        assert send(connection, "pg_temp.t", ["v"], [batch]) == len(values)
        return [row[0] for row in connection.execute("select v::text from pg_temp.t order by ctid")]


@pytest.mark.parametrize(
    ("type_", "values", "shown"),
    [
        ("bool", pa.array([True, False, None]), ["true", "false", None]),
        ("bigint", pa.array([2**63 - 1, -(2**63), None]), ["9223372036854775807", "-9223372036854775808", None]),
        ("float8", pa.array([1e300, 0.1, float("nan"), float("-inf"), None]),
         ["1e+300", "0.1", "NaN", "-Infinity", None]),
        ("numeric(38,10)", pa.array([Decimal("0E-10"), Decimal("-1234567890123456789012345678.0123456789"), None],
                                    pa.decimal128(38, 10)),
         ["0.0000000000", "-1234567890123456789012345678.0123456789", None]),
        ("date", pa.array([0, DATE_INFINITY, DATE_MINUS_INFINITY, -719_162, -719_163, 2_932_897, -735_160, None],
                          pa.int32()).view(pa.date32()),
         ["1970-01-01", "infinity", "-infinity", "0001-01-01", "0001-12-31 BC", "10000-01-01", "0044-03-15 BC", None]),
        ("timestamp", pa.array([-1, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY, -719_163 * DAY + 1, 2_932_897 * DAY,
                                None]).view(STAMP),
         ["1969-12-31 23:59:59.999999", "infinity", "-infinity", "0001-12-31 00:00:00.000001 BC",
          "10000-01-01 00:00:00", None]),
        ("timestamptz", pa.array([0, TIMESTAMP_INFINITY, None]).view(pa.timestamp("us", tz="UTC")),
         ["1970-01-01 00:00:00+00", "infinity", None]),
        ("time", pa.array([0, DAY - 1, DAY, None]).view(pa.time64("us")),
         ["00:00:00", "23:59:59.999999", "24:00:00", None]),
        ("text", pa.array(["", None, "NULL", "\\.", "a\n\\.\nb", '"', "\\N", "\t,\r\n", "ü\u2028😀"]),
         ["", None, "NULL", "\\.", "a\n\\.\nb", '"', "\\N", "\t,\r\n", "ü\u2028😀"]),
        ("date", pa.array([None, None], pa.date32()), [None, None]),
        ("bytea", pa.array(["\\x00ff", "\\x"]), ["\\x00ff", "\\x"]),
        ("int[]", pa.array(["{1,NULL,-3}", "{}"]), ["{1,NULL,-3}", "{}"]),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_every_kind_of_value(database: str, type_: str, values: pa.Array, shown: list[str | None]) -> None:
    assert written(database, type_, values) == shown


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=50))
def test_any_text(postgres_url: str, texts: list[str | None]) -> None:
    assert written(postgres_url, "text", pa.array(texts, pa.string())) == texts


def test_any_date(database: str) -> None:
    low, high = -2_440_588, 2_145_042_540  # 4714-11-24 BC, 5874897-12-31
    days = np.random.default_rng(1).integers(low, high, 2_000)
    days[::2] = np.random.default_rng(2).integers(low, 3_000_000, 1_000)
    with psycopg.connect(conninfo(database)) as connection:
        connection.execute("create temp table t (v date)")
        batch = pa.RecordBatch.from_arrays([pa.array(days, pa.int32()).view(pa.date32())], names=["v"])
        send(connection, "pg_temp.t", ["v"], [batch])
        back = [row[0] for row in connection.execute("select v - date '1970-01-01' from pg_temp.t order by ctid")]
    assert back == days.tolist()


def test_pieces_are_bounded() -> None:
    narrow = pa.RecordBatch.from_pydict({"a": pa.array(np.arange(100_000))})
    assert len(list(encoded(narrow))) == -(-100_000 // CHUNK_ROWS)
    wide = pa.RecordBatch.from_pydict({"a": ["x" * 1_000_000] * 20})
    pieces = list(encoded(wide))
    assert max(p.nbytes for p in pieces) <= CHUNK_BYTES
    assert sum(bytes(p).count(b"\n") for p in pieces) == 20
    assert list(encoded(narrow.slice(0, 0))) == []


def test_a_server_in_latin1(postgres_url: str) -> None:
    url = create_database(postgres_url, "latin_write", encoding="LATIN1")
    try:
        assert written(f"{url}?client_encoding=utf8", "text", pa.array(["naïve ÿ"])) == ["naïve ÿ"]
        with pytest.raises(psycopg.errors.UntranslatableCharacter):
            written(url, "text", pa.array(["€"]))
    finally:
        drop_database(url)
