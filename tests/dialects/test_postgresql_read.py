"""Rows as they travel: typed without loss, in one snapshot, sampled by reference."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dbsynth.dialect import Database, ReadRequest, Sample, connect
from dbsynth.errors import ConnectionFailed, UnsupportedSource, UsageError
from dbsynth.schema.model import TableName
from dbsynth.schema.types import DATE_INFINITY, DATE_MINUS_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY
from dbsynth.testing.embedded import create_database, drop_database

Execute = Callable[..., list[tuple[object, ...]]]
T = TableName("public", "t")


@pytest.fixture
def opened(database: str) -> Iterator[Database]:
    connected = connect(database)
    yield connected
    connected.close()


def read(database: Database, *columns: str, table: TableName = T, **options: object) -> pa.Table:
    return pa.Table.from_batches(database.read(ReadRequest(table, columns, **options)))  # type: ignore[arg-type]


def column(execute: Execute, opened: Database, type_: str, *values: str) -> pa.ChunkedArray:
    """Those SQL literals, read back from a column of that type."""
    execute(f"create table t (n serial, c {type_})")
    for value in values:
        execute(f"insert into t (c) values ({value})")
    return read(opened, "c", order_by=("n",)).column(0)


@pytest.mark.parametrize(
    ("type_", "arrow", "values"),
    [
        ("smallint", pa.int64(), {"-32768": -32768, "null": None}),
        ("bigint", pa.int64(), {"9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63)}),
        ("boolean", pa.bool_(), {"true": True, "false": False, "null": None}),
        ("numeric(38,10)", pa.decimal128(38, 10), {
            "1234567890123456789012345678.0123456789": Decimal("1234567890123456789012345678.0123456789"),
            "-0.0000000001": Decimal("-0.0000000001"), "0": Decimal(0), "'NaN'": None, "null": None}),
        ("numeric", pa.string(), {"0.10": "0.10", "'NaN'": "NaN", "'Infinity'": "Infinity", "1e50": "1" + "0" * 50}),
        ("numeric(3,-2)", pa.string(), {"12345": "12300"}),
        ("real", pa.float64(), {"0.1": 0.1, "'Infinity'": math.inf, "'-Infinity'": -math.inf, "1e-40": 1e-40}),
        ("double precision", pa.float64(), {"0.1::float8 + 0.2": 0.1 + 0.2, "5e-324": 5e-324, "null": None}),
        ("text", pa.string(), {
            "''": "", "null": None, r"E'\\N'": r"\N", r"E'\\.'": r"\.", r"E'a\nb\r\nc'": "a\nb\r\nc", "'\"'": '"',
            "'a,\"b\"'": 'a,"b"', "'NULL'": "NULL", "' '": " ", r"E'\t'": "\t", "'ünï ☃ 𝄞'": "ünï ☃ 𝄞"}),
        ("char(3)", pa.string(), {"'a'": "a", "'abc'": "abc", "''": ""}),
        ("bytea", pa.string(), {r"'\x00ff'": r"\x00ff", "''": r"\x"}),
        ("json", pa.string(), {"""'{"b" :  1,"a":2, "a":3}'""": '{"b" :  1,"a":2, "a":3}', "'null'": "null"}),
        ("jsonb", pa.string(), {"""'{"b": [1, null]}'""": '{"b": [1, null]}'}),
        ("text[]", pa.string(), {r"""array['a,b', '"', null, '', E'\\']""": r'{"a,b","\"",NULL,"","\\"}'}),
        ("int4range", pa.string(), {"'[1,5]'": "[1,6)", "'empty'": "empty", "'(,)'": "(,)"}),
        ("interval", pa.string(), {"'1 year 2 months -3 days 04:05:06.7'": "1 year 2 mons -3 days +04:05:06.7"}),
        ("uuid", pa.string(), {"'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}),
        ("money", pa.string(), {"'12.5'": "$12.50"}),
        ("timetz", pa.string(), {"'01:02:03.5+02'": "01:02:03.5+02"}),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_values(execute: Execute, opened: Database, type_: str, arrow: pa.DataType, values: dict[str, object]) -> None:
    found = column(execute, opened, type_, *values)
    assert found.type == arrow
    assert found.to_pylist() == list(values.values())


def test_nan_of_floats(execute: Execute, opened: Database) -> None:
    (value,) = column(execute, opened, "double precision", "'NaN'").to_pylist()
    assert math.isnan(value)


def days(year: int, month: int, day: int) -> int:
    return (dt.date(year, month, day) - dt.date(1970, 1, 1)).days


def test_dates_beyond_those_of_python(execute: Execute, opened: Database) -> None:
    values = {
        "'2024-02-29'": days(2024, 2, 29), "'infinity'": DATE_INFINITY, "'-infinity'": DATE_MINUS_INFINITY,
        "'0001-01-01'": days(1, 1, 1), "'0001-12-31 BC'": days(1, 1, 1) - 1, "'0001-02-29 BC'": days(1, 1, 1) - 307,
        "'4713-01-01 BC'": -2_440_550, "'5874897-12-31'": 2_145_042_905, "'9999-12-31'": days(9999, 12, 31),
        "'10000-01-01'": days(9999, 12, 31) + 1, "null": None,
    }  # fmt: skip
    found = column(execute, opened, "date", *values)
    assert found.type == pa.date32()
    assert found.combine_chunks().view(pa.int32()).to_pylist() == list(values.values())
    # PostgreSQL's own arithmetic says the same.
    own = execute("select c - date '1970-01-01' from t where isfinite(c) order by n")
    assert [row[0] for row in own] == [v for k, v in values.items() if "infinity" not in k and v is not None]


@pytest.mark.parametrize(("type_", "zone"), [("timestamp", None), ("timestamptz", "UTC")])
def test_timestamps_beyond_those_of_python(execute: Execute, opened: Database, type_: str, zone: str | None) -> None:
    day = 86_400_000_000
    values = {
        "'2024-02-29 23:59:59.999999'": days(2024, 2, 29) * day + day - 1,
        "'1969-12-31 23:59:59.5'": -500_000,
        "'infinity'": TIMESTAMP_INFINITY, "'-infinity'": TIMESTAMP_MINUS_INFINITY,
        "'0001-12-31 12:00:00 BC'": (days(1, 1, 1) - 1) * day + day // 2,
        "'294000-01-01'": 9_215_576_668_800_000_000,
        # PostgreSQL counts from 2000, Arrow from 1970: the last 30 years of the former are the end of the latter.
        "'294276-12-31 23:59:59.999999'": TIMESTAMP_INFINITY - 86_400_000_000,
        "'4713-01-01 00:00:00 BC'": -2_440_550 * day,
    }  # fmt: skip
    found = column(execute, opened, type_, *(f"timestamp {v}" + " at time zone 'UTC'" * bool(zone) for v in values))
    assert found.type == pa.timestamp("us", zone)
    assert found.combine_chunks().view(pa.int64()).to_pylist() == list(values.values())


def test_times(execute: Execute, opened: Database) -> None:
    values = {"'00:00'": 0, "'23:59:59.999999'": 86_399_999_999, "'24:00'": 86_400_000_000, "'01:02:03.5'": 3723500000}
    found = column(execute, opened, "time", *values, "null")
    assert found.type == pa.time64("us")
    assert found.combine_chunks().view(pa.int64()).to_pylist() == [*values.values(), None]


def test_an_odd_moment_late_in_a_table_changes_nothing_before_it(execute: Execute, opened: Database) -> None:
    execute(
        """create table t as
        select i, case when i = 150000 then 'infinity' else date '2000-01-01' + i % 1000 end as d,
               timestamptz '2000-01-01 00:00:00+00' + i * interval '1.000001 s' as ts,
               time '00:00:00' + i * interval '1 s' as at
        from generate_series(1, 200000) i"""
    )
    found = read(opened, "i", "d", "ts", "at", order_by=("i",))
    numbers = found["i"].to_numpy()
    assert found.num_rows == 200_000
    expected = numbers % 1000 + days(2000, 1, 1)
    expected[149_999] = DATE_INFINITY
    assert (found["d"].combine_chunks().view(pa.int32()).to_numpy() == expected).all()
    micros = found["ts"].combine_chunks().view(pa.int64()).to_numpy()
    assert (micros == numbers * 1_000_001 + days(2000, 1, 1) * 86_400_000_000).all()
    assert (found["at"].combine_chunks().view(pa.int64()).to_numpy() == numbers % 86_400 * 1_000_000).all()


def test_domains_travel_as_their_base_type(execute: Execute, opened: Database) -> None:
    execute("create domain d as numeric(5, 2); create domain e as d check (value > 0)")
    found = column(execute, opened, "e", "1.5")
    assert (found.type, found.to_pylist()) == (pa.decimal128(38, 2), [Decimal("1.50")])


def test_columns_come_in_the_order_asked_for(execute: Execute, opened: Database) -> None:
    execute("""create table "T%x" ("a%b" int, "c ""d"" e" text); insert into "T%x" values (1, '%s'), (2, null)""")
    table = TableName("public", "T%x")
    found = read(opened, 'c "d" e', "a%b", table=table, order_by=("a%b",))
    assert found.to_pylist() == [{'c "d" e': "%s", "a%b": 1}, {'c "d" e': None, "a%b": 2}]
    assert opened.count([table]) == {table: 2}


def test_an_empty_table_is_one_empty_batch(execute: Execute, opened: Database) -> None:
    execute("create table t (a int, b timestamptz); create table none ()")
    (batch,) = opened.read(ReadRequest(T, ("a", "b")))
    assert batch.num_rows == 0
    assert batch.schema.types == [pa.int64(), pa.timestamp("us", "UTC")]
    (batch,) = opened.read(ReadRequest(TableName("public", "none"), ()))
    assert batch.schema.names == []


def test_1600_columns_and_megabytes_in_a_row(execute: Execute, opened: Database) -> None:
    names = tuple(f"c{i}" for i in range(1600))
    execute(f"create table wide ({', '.join(f'{n} smallint' for n in names)})")
    execute(f"insert into wide select {', '.join(str(i % 100) for i in range(1600))} from generate_series(1, 3)")
    wide = read(opened, *names, table=TableName("public", "wide"))
    assert wide.num_rows == 3
    assert [wide[n][2].as_py() for n in names] == [i % 100 for i in range(1600)]
    execute("create table t as select i, repeat(chr(64 + i) || E'\\n', 500000 * i) body from generate_series(1, 12) i")
    batches = list(opened.read(ReadRequest(T, ("i", "body"), order_by=("i",))))
    assert len(batches) > 1, "a batch ends when it is large enough"
    found = pa.Table.from_batches(batches)
    assert pc.utf8_length(found["body"]).to_pylist() == [1_000_000 * i for i in range(1, 13)]
    assert found["body"][11].as_py() == "L\n" * 6_000_000


def test_a_latin1_database(postgres_url: str, execute: Execute) -> None:
    url = create_database(postgres_url, "latin1_source", encoding="LATIN1")
    try:
        execute(
            """create table t ("größe" text, e text); insert into t values ('café', 'ÿ'), ('naïve', null)""", url=url
        )
        opened = connect(url)
        assert [c.name for c in opened.introspect()[T].columns] == ["größe", "e"]
        found = read(opened, "größe", "e", order_by=("größe",))
        assert found.to_pylist() == [{"größe": "café", "e": "ÿ"}, {"größe": "naïve", "e": None}]
        opened.close()
    finally:
        drop_database(url)


def test_text_in_no_encoding_is_an_error_that_names_the_table(postgres_url: str, execute: Execute) -> None:
    url = create_database(postgres_url, "no_encoding", encoding="SQL_ASCII")
    try:
        execute(r"create table t (a text); insert into t values (E'secret\xff')", url=url)
        opened = connect(url)
        with pytest.raises(UnsupportedSource, match=r"table public\.t") as caught:
            read(opened, "a")
        assert "secret" not in str(caught.value)
        opened.close()
    finally:
        drop_database(url)


# --- order, limits, samples ---------------------------------------------------------------------------------------


def test_order_is_by_code_point_with_nulls_last(execute: Execute, opened: Database) -> None:
    execute("create table t (s text)")
    execute("insert into t values ('b'), (null), ('B'), ('ä'), ('a'), ('')")
    assert read(opened, "s", order_by=("s",)).column(0).to_pylist() == ["", "B", "a", "b", "ä", None]
    assert read(opened, "s", order_by=("s",), limit=2).column(0).to_pylist() == ["", "B"]


@pytest.mark.parametrize("type_", ["json", "jsonb", "point", "int[]", "tsquery", "xid"])
def test_types_without_an_order_can_be_ordered_by(execute: Execute, opened: Database, type_: str) -> None:
    execute(f"create table t (i int, c {type_})")
    execute("insert into t (i) select generate_series(1, 3)")
    assert read(opened, "i", order_by=("c", "i")).column(0).to_pylist() == [1, 2, 3]


def test_without_order_rows_come_as_they_lie_not_as_in_an_index(execute: Execute, opened: Database) -> None:
    execute("create table t (k int primary key, filler text)")
    execute("insert into t select 20001 - i, repeat('x', 500) from generate_series(1, 20000) i")
    execute("vacuum analyze t")
    assert read(opened, "k").column(0).to_pylist() == list(range(20_000, 0, -1))


def test_tables_with_heirs_give_their_own_rows_and_partitions_those_of_the_root(
    execute: Execute, opened: Database
) -> None:
    execute(
        """create table t (a int); create table heir () inherits (t);
        insert into t values (1); insert into heir values (2);
        create table p (a int) partition by list (a); create table p1 partition of p for values in (1);
        create table p2 partition of p default; insert into p values (1), (2), (3)"""
    )
    p = TableName("public", "p")
    assert read(opened, "a").column(0).to_pylist() == [1]
    assert sorted(read(opened, "a", table=p).column(0).to_pylist()) == [1, 2, 3]
    assert opened.count([T, p]) == {T: 1, p: 3}
    assert read(opened, "a", table=p, sample=Sample((), 0.999999)).num_rows == 3


def test_a_sample_keeps_parents_and_all_their_children(execute: Execute, opened: Database) -> None:
    execute(
        """create table parent as select i::bigint as id, i::char(9) as code from generate_series(1, 10000) i;
        create table child as select (1 + i % 10000)::int as parent, (1 + i % 10000)::varchar as code,
            (1 + i % 10000)::numeric(12, 2) as exact from generate_series(1, 30000) i"""
    )
    parents, children = TableName("public", "parent"), TableName("public", "child")

    def sampled(table: TableName, column: str, salt: int = 0) -> list[int]:
        found = read(opened, column, table=table, sample=Sample((column,), 0.2, salt)).column(0)
        return sorted(int(v) for v in found.to_pylist())

    ids = sampled(parents, "id")
    assert 1800 < len(ids) < 2200
    thrice = sorted(ids * 3)
    assert sampled(children, "parent") == thrice, "integer and bigint"
    assert sampled(children, "exact") == thrice, "numeric with decimals"
    assert sampled(parents, "code") == ids, "char(n)"
    assert sampled(children, "code") == thrice, "varchar"
    assert sampled(parents, "id", salt=2**64 - 1) != ids


def test_samples_nest_and_the_ends_are_nothing_and_everything(execute: Execute, opened: Database) -> None:
    execute("create table t as select i, i as j from generate_series(1, 1000) i")
    execute("insert into t values (null, null)")
    sizes = [read(opened, "i", sample=Sample(("i", "j"), f)).column(0).to_pylist() for f in (0, 0.1, 0.5, 1)]
    assert [len(s) for s in (sizes[0], sizes[3])] == [0, 1001]
    assert set(sizes[1]) < set(sizes[2]) < set(sizes[3])


def test_a_sample_of_pairs_tells_null_and_empty_and_the_place_apart(execute: Execute, opened: Database) -> None:
    execute("create table t (a text, b text)")
    execute("insert into t values ('', 'x'), ('x', ''), (null, 'x'), ('x', null), (null, null)")
    fates = {
        tuple((r["a"], r["b"]) for r in read(opened, "a", "b", sample=Sample(("a", "b"), 0.5, salt)).to_pylist())
        for salt in range(60)
    }
    for row in [("", "x"), ("x", ""), (None, "x"), ("x", None), (None, None)]:
        for other in [("", "x"), ("x", ""), (None, "x"), ("x", None), (None, None)]:
            if row != other:
                assert any(row in fate and other not in fate for fate in fates), (row, other)


def test_degrees_count_rows_per_value(execute: Execute, opened: Database) -> None:
    execute("create table t (a int, b text)")
    execute("insert into t values (2, 'x'), (1, 'x'), (2, 'x'), (1, 'B'), (1, null), (null, 'x')")
    assert opened.degrees(T, ("a", "b")).to_pylist() == [
        {"a": 1, "b": "B", "n": 1}, {"a": 1, "b": "x", "n": 1}, {"a": 2, "b": "x", "n": 2},
    ]  # fmt: skip
    assert opened.degrees(T, ("a",)).schema.types == [pa.int64(), pa.int64()]
    assert opened.degrees(T, ("a",), Sample(("a",), 0)).num_rows == 0


def test_unknown_tables_and_columns(execute: Execute, opened: Database) -> None:
    execute("create table t (a int)")
    with pytest.raises(UsageError, match=r"no table public\.nowhere"):
        read(opened, "a", table=TableName("public", "nowhere"))
    with pytest.raises(UsageError, match=r"table public\.t has no column 'b'"):
        read(opened, "b")


# --- transactions -------------------------------------------------------------------------------------------------


def test_a_snapshot_is_shared_by_all_readers(database: str, execute: Execute, opened: Database) -> None:
    execute("create table t as select 1 as a")
    other = connect(database)
    with opened.snapshot() as token:
        execute("insert into t values (2)")
        assert read(opened, "a").num_rows == 2
        for reader in (opened, other):
            found = pa.Table.from_batches(reader.read(ReadRequest(T, ("a",)), token))
            assert found.column(0).to_pylist() == [1]
            assert reader.count([T], token) == {T: 1}
            assert reader.degrees(T, ("a",), snapshot=token).num_rows == 1
    with pytest.raises(ConnectionFailed, match="snapshot that all readers share is gone"):
        other.count([T], token)
    other.close()


def test_the_source_is_opened_read_only(execute: Execute, opened: Database) -> None:
    execute("create function write() returns int language sql as 'create table sneaked (); select 1'")
    execute("create view t as select write() as a")
    with pytest.raises(UnsupportedSource, match="read-only transaction"):
        read(opened, "a")


def test_reading_may_stop_early(execute: Execute, opened: Database) -> None:
    execute("create table t as select i from generate_series(1, 400000) i")
    batches = opened.read(ReadRequest(T, ("i",)))
    assert next(batches).num_rows > 0
    batches.close()  # type: ignore[attr-defined]
    assert opened.count([T]) == {T: 400_000}, "the connection is usable again"
