"""One table with a column of each kind, and seeded rows full of nulls and boundary values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sa
from sqlalchemy.types import TypeEngine

from dbsynth.schema.model import Check, Column, Table, TableName
from dbsynth.schema.types import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
    Structured,
    arrow_type,
)

ROWS, SEED = 160, 7
NAME = TableName("public", "samples")
SETUP = """
create type mood as enum ('sad', 'ok', 'happy');
create type geo as (latitude numeric, longitude numeric);
"""


@dataclass(frozen=True)
class Sample:
    """A column: its SQL type, its SQLAlchemy type, and the values rows are drawn from, as they are in Arrow."""

    declared: str
    type: TypeEngine[Any]
    values: tuple[Any, ...]
    text: Callable[[Any], str] = str


def day_text(days: int) -> str:
    if days in (DATE_INFINITY, DATE_MINUS_INFINITY):
        return "infinity" if days > 0 else "-infinity"
    return str(np.datetime64(days, "D"))


def stamp_text(micros: int) -> str:
    if micros in (TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY):
        return "infinity" if micros > 0 else "-infinity"
    return str(np.datetime64(micros, "us")).replace("T", " ")


def clock_text(micros: int) -> str:
    seconds, rest = divmod(micros, 1_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:06}"


def days(*texts: str) -> tuple[int, ...]:
    return tuple(int(np.datetime64(t, "D").astype(np.int64)) for t in texts)


def decimals(texts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts.split()))


def stamps(*texts: str) -> tuple[int, ...]:
    return tuple(int(np.datetime64(t, "us").astype(np.int64)) for t in texts)


DAYS = days(
    "1930-01-01", "1970-01-01", "1999-12-31", "2000-01-01", "2020-02-29", "2021-03-31", "2024-12-30", "2024-12-31"
)
STAMPS = stamps(
    "1969-12-31 23:59:59.999999", "2000-01-01 00:00:00", "2020-02-29 12:30:00", "2020-03-31 23:59:59.5",
    "2021-01-01 00:00:00", "2021-12-31 10:00:00.000001",
)  # fmt: skip
TEXTS = (
    "", " ", "a", "A", "ab", "abc", "ABC", "Abc def", " padded ", "x1", "x_y", "50%", "a@b.de", "ÄÖü", "ß", "a.b",
    "123", "12", "-5", "x\ny", "it's", "AB-12", "2020-01-05", "back\\slash",
)  # fmt: skip

POINT: tuple[tuple[str, TypeEngine[Any]], ...] = (("latitude", sa.Numeric()), ("longitude", sa.Numeric()))

COLUMNS: dict[str, Sample] = {
    "a": Sample("integer", sa.Integer(), (-7, -2, -1, 0, 1, 2, 3, 7, 10, 150)),
    "b": Sample("integer", sa.Integer(), (-3, -1, 0, 1, 2, 3, 7, 151)),
    "c": Sample("smallint", sa.SmallInteger(), (0, 1, 2, 3)),
    "big": Sample("bigint", sa.BigInteger(), (0, 1, 2**40, -(2**40), 2**53 + 1)),
    "n": Sample("numeric(10,2)", sa.Numeric(10, 2), decimals("-1.50 0.00 0.01 1.00 2.50 99999999.99")),
    "n2": Sample("numeric(20,9)", sa.Numeric(20, 9), decimals("0.000000001 1.000000000 2.500000000 -1.5")),
    "u": Sample("numeric", sa.Numeric(),
                ("0", "90", "90.0", "-90.00000001", "1e-12", "NaN", "123456789012345678901234567890.5")),
    "f": Sample("double precision", sa.Double(), (-1.5, 0.0, 0.1, 1.0, 2.5, 1e300)),
    "g": Sample("boolean", sa.Boolean(), (True, False)),
    "h": Sample("boolean", sa.Boolean(), (True, False)),
    "r": Sample("real", sa.REAL(), (0.1, 0.5, 1.5, -2.25)),
    "x": Sample("text", sa.Text(), TEXTS),
    "y": Sample("character varying(12)", sa.String(12), tuple(t for t in TEXTS if len(t) <= 12)),
    "k": Sample("character(3)", sa.CHAR(3), ("a  ", "A  ", "ab ", "abc", "   ")),
    "m": Sample("mood", sa.Enum("sad", "ok", "happy", name="mood"), ("sad", "ok", "happy")),
    "d": Sample("date", sa.Date(), (*DAYS, DATE_INFINITY), day_text),
    "e": Sample("date", sa.Date(), (*DAYS, DATE_MINUS_INFINITY), day_text),
    "p": Sample("date", sa.Date(), DAYS, day_text),
    "ts": Sample("timestamp", sa.DateTime(), (*STAMPS, TIMESTAMP_INFINITY), stamp_text),
    "ts2": Sample("timestamp", sa.DateTime(), STAMPS, stamp_text),
    "tz": Sample("timestamptz", sa.DateTime(timezone=True), (*STAMPS, TIMESTAMP_MINUS_INFINITY), stamp_text),
    "t": Sample("time", sa.Time(), (0, 28_800_000_000, 43_200_000_001, 86_399_999_999), clock_text),
    "t2": Sample("time", sa.Time(), (0, 28_800_000_000, 61_200_000_000), clock_text),
    "i": Sample("interval", sa.Interval(), ("1 day", "30 days", "1 mon", "-01:30:00", "1 year 2 mons", "00:00:00")),
    "j": Sample("jsonb", sa.JSON(), ('{"a": 1, "b": "x"}', "[1, 2]", '"s"', "1.5", "null", "true", '{"a": null}')),
    "arr": Sample("integer[]", sa.ARRAY(sa.Integer()), ("{}", "{1}", "{1,2,3}", "{NULL,2}")),
    "tags": Sample("text[]", sa.ARRAY(sa.Text()), ("{}", "{a}", '{a,"b c"}', "{x,NULL}", '{"q\\"t"}')),
    "geo": Sample("geo", Structured("geo", "composite", fields=POINT),
                  ("(10,20)", "(-91,0)", "(,5)", "(90.0,180.5)")),
    "rng": Sample("int4range", Structured("int4range", "range", sa.Integer()),
                  ("empty", "[1,5)", "[3,)", "(,10)", "[5,6)")),
    "id": Sample("uuid", sa.Uuid(), ("6f7a1c1e-0000-4000-8000-000000000001", "6f7a1c1e-0000-4000-8000-000000000002")),
    "ip": Sample("inet", Structured("inet", "network"),
                 ("10.1.2.3", "10.0.0.0/8", "127.0.0.1", "192.168.1.0/24", "::1", "2001:db8::/32")),
    "bt": Sample("bit(4)", Structured("bit(4)", "bits"), ("0000", "1000", "1010", "0111")),
    "by": Sample("bytea", sa.LargeBinary(), ("\\x", "\\x00", "\\xdeadbeef")),
}  # fmt: skip


def table(*checks: str) -> Table:
    columns = tuple(Column(n, s.type, s.declared) for n, s in COLUMNS.items())
    return Table(NAME, columns, checks=tuple(Check(f"check_{i}", text) for i, text in enumerate(checks)))


def to_arrow(name: str, values: list[Any]) -> pa.Array:
    type_ = arrow_type(COLUMNS[name].type)
    if pa.types.is_timestamp(type_) or pa.types.is_time64(type_):
        return pa.array(values, type=pa.int64()).view(type_)
    return pa.array(values, type=pa.int32()).view(type_) if pa.types.is_date32(type_) else pa.array(values, type=type_)


def rows(count: int = ROWS, seed: int = SEED) -> dict[str, list[Any]]:
    """Values by column, a fifth of them null; the first row has no null, the second nothing else."""
    rng = np.random.default_rng(seed)
    result: dict[str, list[Any]] = {}
    for name, sample in COLUMNS.items():
        drawn = [sample.values[i] for i in rng.integers(0, len(sample.values), count)]
        result[name] = [None if gone else v for v, gone in zip(drawn, rng.random(count) < 0.2, strict=True)]
        result[name][0], result[name][1] = sample.values[0], None
    return result


def batch(values: dict[str, list[Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([to_arrow(n, v) for n, v in values.items()], names=list(values))
