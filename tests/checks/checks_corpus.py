"""One table with a column of each kind, seeded rows full of nulls and boundary values, and CHECK texts about them."""

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


TEXT_CHECKS = r"""
a BETWEEN 0 AND 150
a NOT BETWEEN 0 AND 7
a BETWEEN SYMMETRIC 7 AND 0
a > 0 AND b > 0
a > 0 OR b > 0
NOT (a > 0 AND b > 0)
NOT (a > 0 OR g)
a <> b
(a > 0) = (b IS NOT NULL)
((c = 2) = (b IS NOT NULL))
((a IS NULL) <> (b IS NULL))
g
NOT g
g OR (a = 0)
g IS TRUE
g IS NOT TRUE
g IS FALSE
(a > b) IS UNKNOWN
(a > b) IS NOT UNKNOWN
g = (x IS NOT NULL)
(((a IS NULL) AND (c = 0) AND (n = 1.00)) OR ((a IS NOT NULL) AND (c >= 1)))
(((a IS NULL) AND (b IS NULL)) OR ((a IS NULL) AND (c IS NULL)) OR ((b IS NULL) AND (c IS NULL)))
a IN (1, 2, 3)
a NOT IN (1, 2, 3)
a IN (1, NULL)
a NOT IN (1, NULL)
a = ANY (ARRAY[1, 2])
a <> ALL (ARRAY[1, 2])
a > ALL (ARRAY[1, 2])
a < ANY (ARRAY[b, c])
a = ANY ('{1,2}'::integer[])
a = ANY (arr)
a <> ALL (arr)
a > ANY (arr)
'a' = ANY (tags)
a IS DISTINCT FROM b
a IS NOT DISTINCT FROM b
NOT (g IS DISTINCT FROM h)
CASE WHEN g THEN a > 1 WHEN h THEN b > 1 ELSE c < 2 END
CASE WHEN g THEN a > 1 END
CASE c WHEN 1 THEN a > 1 WHEN 2 THEN b > 1 ELSE true END
CASE WHEN b <> 0 THEN a / b > 1 ELSE true END
COALESCE(a, b, 0) > 0
COALESCE(n, a, 0) > 0.5
NULLIF(a, b) IS NULL
GREATEST(a, b, c) > 1
LEAST(a, n) > 0
num_nonnulls(a, b, x) = 1
num_nulls(a, b) <= 1
a / 2 = 0
a / 2 = -1
a % 2 = 0
a % 2 = 1
mod(a, 3) = 1
a / b > 1
(b = 0) OR (a / b >= 1)
(b <> 0) AND (a / b >= 1)
a + b = c
a - b < c
a * b = 0
-a < 0
abs(a) > 2
sign(a) = 1
a + 0.5 > n
n >= ('-90'::integer)::numeric
n * 3 = 7.5
n / 3 > 0.3
n / n2 > 1
n / n2 = 1
n % 1 = 0
mod(n, 0.7) > 0.1
round(n2, 2) = n
round(n) = 3
round(n, -1) = 0
trunc(n2, 1) = 2.5
floor(n) = ceil(n)
ceil(n2) >= 1
n = n2
n > n2
n <> 0.01
u >= (-90)::numeric AND u <= (90)::numeric
u = 90
u > n
u > f
abs(u) < 91
f > 0.1
f = 0.1
f >= (0)::double precision
r = 0.1
r > 0.1
r >= 0.1::real
f + 1 > a
f / 2 < 0.5
n::double precision >= f
(n)::integer = 3
(f)::integer = 2
(a)::text = '7'
(n)::text = '2.50'
n::numeric(6,1) = 2.5
(g)::integer = 1
(a)::boolean
big > 1099511627775
big * 2 > big
big = 9007199254740993
power(a, 2) > 4
a ^ 2 = 4
sqrt(c) > 1
a & 1 = 1
a | 1 = 1
x = 'abc'
x <> ''
x > 'a'
x <= y
(y)::text = ANY ((ARRAY['a'::character varying, 'ABC'::character varying])::text[])
upper(x) = ANY (ARRAY['A'::text, 'ABC'::text])
upper(x) = x
lower(y) = y
upper((k)::text) = ANY (ARRAY['A'::text, 'AB'::text])
k = 'a'
k = 'a  '
k <> 'a'::bpchar
k = ANY (ARRAY['a'::bpchar, 'abc'::bpchar])
k = y
k LIKE 'a'
k LIKE 'a%'
k ~ '^a *$'
k ~ '^a$'
(k)::text = 'ab'
length(k) = 1
char_length(x) >= 3
length(x) BETWEEN 1 AND 3
octet_length(x) > 2
bit_length(x) = 8
length(btrim(x)) > 0
btrim(x) <> ''
TRIM(BOTH 'a' FROM x) = 'bc'
TRIM(LEADING FROM x) = x
TRIM(TRAILING FROM x) = x
ltrim(x, ' p') = 'added '
rtrim(x, 'c') = 'ab'
substr(x, 1, 2) = 'ab'
substr(x, 2) = 'bc'
substr(x, 0, 2) = 'a'
substr(x, -1, 3) = 'a'
SUBSTRING(x FROM 2 FOR 1) = 'b'
"left"(x, 2) = 'ab'
"left"(x, -1) = 'ab'
"right"(x, 2) = 'bc'
"right"(x, -1) = 'bc'
POSITION('@' IN x) > 1
strpos(x, 'b') = 2
x || y = 'aA'
a || x = '7a'
concat(x, y) = 'a'
concat_ws('-', x, y) = 'a-a'
replace(x, 'a', 'b') = 'b'
reverse(x) = 'cba'
repeat(x, 2) = 'aa'
split_part(x, '@', 2) <> ''
split_part(x, '.', 1) = 'a'
starts_with(x, 'ab')
x ^@ 'a'
initcap(x) = x
lpad(x, 3, '0') = '0ab'
rpad(x, 2) = 'a '
ascii(x) > 96
md5(x) = '0cc175b9c0f1b6a831c399e269772661'
x ~~ 'a%'
x LIKE 'a_c'
x LIKE '%\%'
x LIKE 'x\_y'
x LIKE 'x!_y' ESCAPE '!'
x NOT LIKE 'a%'
x NOT LIKE 'x!_y' ESCAPE '!'
x ILIKE 'A%'
x NOT ILIKE 'a%'
x LIKE y
x ~ '^[a-z]+$'
x ~ '^[[:alpha:]]+$'
x ~ '^[[:upper:]]{2}-[[:digit:]]{2}$'
x ~ '^[^@]+@[^@]+\.[a-z]{2,}$'
x ~ '^\d{3}$'
x ~ '\mdef\M'
x ~ 'x.y'
x ~ '^$'
x ~ '[]a]'
x ~ '^[[:alpha:]_]+$'
x ~ '(?i)^ABC$'
x ~* '^abc'
x !~ '[0-9]'
x !~* 'B'
x SIMILAR TO '[A-Z]{2}-%'
x SIMILAR TO '(a|b)_*'
x NOT SIMILAR TO 'a%'
x ~ '^\w+$'
y IS NULL OR length(y) > 2
x COLLATE "C" < 'b'
x = E'back\\slash'
x = E'it\'s'
x = 'it''s'
x ~ E'^x\ny$'
lpad(x, 4, y) = x
i * 1.5 > '1 mon'::interval
m = 'ok'
m = ANY (ARRAY['sad'::mood, 'ok'::mood])
m > 'sad'::mood
m <> 'happy'
(m)::text = 'ok'
id = '6F7A1C1E-0000-4000-8000-000000000001'::uuid
d > e
d >= '2000-01-01'::date AND d <= '2020-12-31'::date
d <= ts
d = '2024-12-31'
d >= 'infinity'::date
isfinite(d)
p - e > 30
p + 30 > e
p - 1 = '2024-12-30'::date
p + '1 mon'::interval > ts
p - '1 year'::interval < ts2
(p + t) > ts2
p <= (now() - '18 years'::interval)
p <= CURRENT_DATE
tz <= CURRENT_TIMESTAMP
ts <= LOCALTIMESTAMP
p < ('now'::text)::date
EXTRACT(isodow FROM p) = (c)::numeric
EXTRACT(year FROM d) >= 2000
EXTRACT(dow FROM ts2) IN (0, 6)
EXTRACT(month FROM p) = 12
EXTRACT(day FROM p) = 31
EXTRACT(doy FROM p) > 90
EXTRACT(week FROM p) = 1
EXTRACT(isoyear FROM p) = 2025
EXTRACT(quarter FROM ts2) = 1
EXTRACT(century FROM p) = 20
EXTRACT(decade FROM p) = 202
EXTRACT(hour FROM ts2) >= 10
EXTRACT(minute FROM t) = 0
EXTRACT(second FROM ts2) > 59.4
EXTRACT(epoch FROM ts2) > 1.5e9
EXTRACT(epoch FROM p) > 0
EXTRACT(epoch FROM i) >= 86400
EXTRACT(day FROM i) = 30
EXTRACT(month FROM i) > 0
EXTRACT(microseconds FROM t) > 0
date_part('year', p) > 2000
date_trunc('month', ts2) = ts2
date_trunc('day', ts2) = ts2
date_trunc('month', p) = p
date_trunc('week', ts2) < ts2
date_trunc('hour', tz) = tz
ts > ts2
ts2 + '1 mon'::interval > '2020-03-29'::timestamp
ts2 - '1 mon 1 day'::interval < ts
ts - ts2 > '30 days'::interval
(ts2 - '2020-01-01'::timestamp) >= '1 day'::interval
tz > '2020-02-29 14:30:00+02'::timestamptz
tz > ts2
(tz AT TIME ZONE 'UTC') > ts2
(ts2)::date = p
(ts2)::time > t
age(ts2, '2000-01-01'::timestamp) >= '20 years'::interval
age(p) > '18 years'::interval
age('2021-03-30'::timestamp, ts2) < '1 year'::interval
t < t2
t >= '08:00:00'::time
t - t2 > '00:00:00'::interval
t + '02:00:00'::interval > t2
i > '1 day'::interval
i = '30 days'::interval
i + '1 day'::interval > '1 mon'::interval
i * 2 > '1 mon'::interval
make_date(2020, c, 1) = '2020-02-01'::date
(x)::integer > 100
(x)::date > '2020-01-01'::date
jsonb_typeof(j) = 'object'
j ? 'a'
(j ->> 'a') = '1'
(j ->> 'a') IS NOT NULL
(j -> 'a') IS NULL
(j -> 'b') IS NOT NULL
jsonb_array_length(j) = 2
array_length(arr, 1) > 1
cardinality(arr) > 0
cardinality(tags) <= 1
tags @> ARRAY['a']
tags <@ ARRAY['a', 'b c']
tags && ARRAY['x']
tags <> '{}'::text[]
(geo).latitude >= ('-90'::integer)::numeric
((geo).longitude > (0)::numeric) AND ((geo).latitude IS NOT NULL)
isempty(rng)
NOT isempty(rng)
lower(rng) >= 3
upper(rng) <= 6
upper(rng) > lower(rng) + 1
lower_inf(rng) OR upper_inf(rng)
length(by) > 0
octet_length(by) = 4
(a, b) = (c, c)
(a, b) <> (c, c)
(a, b) < (c, 1)
(a, c) IN ((1, 1), (2, 2))
ROW(a, b) >= ROW(b, a)
(a IS NULL) = (b IS NULL)
(NOT g) OR (NOT h)
true
NULL::boolean
""".strip().splitlines()
"""Each is compared with what PostgreSQL says on every row."""
