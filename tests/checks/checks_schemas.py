"""CHECK texts in the shapes that schemas in use have: formats, statuses with their dates, one of several, lists in
arrays, keys of documents, ranges, addresses. About the table of ``checks_corpus``."""

SCHEMA_CHECKS = r"""
char_length(x) >= 1 AND char_length(x) <= 8
length(TRIM(BOTH FROM x)) > 0
x = btrim(x)
x = lower(x) AND x !~ '\s'
y ~ '^[A-Z]{3}$' AND upper(y) = y
x ~ '^\+?[0-9]{3,5}$'
x ~ '^[^\s@]+@[^\s@]+\.[^\s@]+$'
x ~* '^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,4}$'
x ~ '^#[0-9a-fA-F]{6}$'
x ~ '^https?://[a-z.]+(/[a-z0-9]*)*$'
x ~ '^[a-z][a-z0-9_]*$'
x ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'
x ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'
x ~ '^[a-z0-9]+(-[a-z0-9]+)*$'
x ~ '^(0x)?[a-fA-F0-9]{2,6}$'
x ~ '^v[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+)?$'
x ~ '^[[:alpha:]][[:alnum:]_.-]*$'
x ~ '^(?!admin)[a-z]+$'
x ~ '^.{2,6}$'
x ~ 'a|b'
x ~ '\.(jpg|png)$'
x !~ '[A-Z]'
x NOT SIMILAR TO '%[0-9]%'
x SIMILAR TO '[a-c]+'
x LIKE 'A\_%' ESCAPE '\'
x LIKE '%@%.%'
x ILIKE '%abc%'
x ~~* '%B%'
x LIKE ANY (ARRAY['a%', 'b%'])
x NOT LIKE ALL (ARRAY['a%', 'b%'])
x ~ ANY (ARRAY['^a', '^b'])
translate(x, '0123456789', '') = ''
translate(x, 'abc', 'xyz') = 'xyz'
regexp_replace(x, '[^0-9]', '', 'g') = x
length(regexp_replace(x, '\D', '', 'g')) >= 2
regexp_replace(x, '^a', 'b') = 'bbc'
overlay(x placing 'zz' from 2 for 1) = 'azz'
substring(x from '[0-9]+') = '123'
substring(x from '^(.)b') = 'a'
"left"(x, 1) = upper("left"(x, 1))
split_part(x, '-', 2) <> ''
split_part(x, '@', 2) = 'b.de'
position('@' in x) > 1 AND position('.' in x) > position('@' in x)
x = 'mq_' || c::text
concat(x, '') <> ''
chr(65) = x
strpos(x, '@') > 0
length(x) = length(y)
x <> y
(x IS NULL) <> (y IS NULL)
x IS NULL OR y IS NULL
(x IS NULL) = (y IS NULL)
(x IS NOT NULL) OR (a IS NOT NULL)
num_nonnulls(x, y, a, b) >= 2
num_nulls(x, y) = 0
num_nonnulls(a, b) IN (0, 2)
COALESCE(x, y) IS NOT NULL
COALESCE(a, 0) + COALESCE(b, 0) > 0
(m = 'happy') = (d IS NOT NULL)
(m <> 'happy') OR (d IS NOT NULL)
((m = 'ok' AND a IS NOT NULL) OR (m = 'sad' AND a IS NULL) OR m = 'happy')
CASE m WHEN 'ok' THEN a > 0 WHEN 'sad' THEN b > 0 ELSE true END
CASE WHEN x IS NULL THEN y IS NOT NULL ELSE true END
CASE WHEN c IN (1, 2) THEN a BETWEEN 1 AND 10 ELSE a IS NULL END
(CASE WHEN a IS NULL THEN 0 ELSE 1 END + CASE WHEN b IS NULL THEN 0 ELSE 1 END) = 1
(a IS NULL)::int + (b IS NULL)::int + (c IS NULL)::int = 2
(g)::int + (h)::int <= 1
(g::int + h::int) = 1
NOT (g AND h)
g IS DISTINCT FROM h
NOT (a IS DISTINCT FROM 1)
(g IS TRUE) OR (h IS TRUE)
(a, b) IS DISTINCT FROM (c, c)
a >= 0 AND a <= 100
a > 0 AND a % 5 = 0
mod(a, 2) = 0 OR b > 0
a BETWEEN b AND c
b BETWEEN SYMMETRIC a AND c
a + b <= 10
a + b + c = 10
a - b = c
a * c = b
a * c >= b
abs(a - b) <= 1
GREATEST(a, b) <= 10
LEAST(a, b) >= 0 AND GREATEST(a, b) > 0
a = ANY (ARRAY[b, c])
div(a, 3) = 2
gcd(a, b) = 1
n BETWEEN 0 AND 100
n = round(n, 1)
n * 100 = trunc(n * 100)
n >= 0 AND n <= n2 + 1
n2 <= n * 1.1
f BETWEEN '-90'::integer::double precision AND 90::double precision
f >= 0 AND f <= 1
sign(n) >= 0
log(c + 1) < 1
p >= '2000-01-01' AND p < '2025-01-01'
e IS NULL OR e >= d
e > d AND e <= d + 30
ts < ts2 + '30 days'::interval
ts2 >= ts AND ts2 - ts <= '01:00:00'::interval
p <= now()
p > CURRENT_DATE - 36500
ts2 <= now() + '1 day'::interval
age(p) >= '18 years'::interval
EXTRACT(year FROM age(p)) >= 18
date_part('year', age(p)) BETWEEN 0 AND 120
EXTRACT(dow FROM p) NOT IN (0, 6)
EXTRACT(isodow FROM p) < 6
EXTRACT(day FROM p) = 1
EXTRACT(hour FROM t) BETWEEN 8 AND 18
EXTRACT(minute FROM t) IN (0, 15, 30, 45)
EXTRACT(epoch FROM (ts2 - ts)) >= 0
EXTRACT(year FROM p) = a + 2000
date_trunc('month', p)::date = p
(date_trunc('month', p::timestamp) + '1 mon -1 days'::interval)::date = p
p = make_date(2020, 2, 29)
make_date(2020 + c, 1, 1) <= p
to_char(p, 'YYYY') = '2020'
to_char(ts2, 'HH24:MI') = '10:00'
t BETWEEN '08:00' AND '18:00'
t2 - t >= '01:00:00'::interval
(t2 > t) OR (t2 IS NULL)
i > '00:00:00'::interval
i <= '1 year'::interval
EXTRACT(epoch FROM i) / 3600 >= 1
tz > now() - '100 years'::interval
(tz AT TIME ZONE 'UTC')::date >= '2000-01-01'::date
ts::date = p
isfinite(ts) AND isfinite(d)
array_length(tags, 1) BETWEEN 1 AND 3
array_length(tags, 1) IS NULL OR array_length(tags, 1) <= 2
COALESCE(array_length(tags, 1), 0) >= 1
cardinality(tags) BETWEEN 1 AND 4
array_position(tags, NULL::text) IS NULL
array_position(arr, 2) IS NOT NULL
array_ndims(arr) = 1
array_remove(arr, NULL) = arr
tags <@ ARRAY['a', 'b c', 'x', 'q"t']
tags && ARRAY['a', 'x']
NOT (tags && ARRAY['a'])
arr @> ARRAY[1]
arr <@ ARRAY[1, 2, 3]
arr = ARRAY[1, 2, 3]
0 < ALL (arr)
3 >= ALL (arr)
'' <> ALL (tags)
arr[1] = 1
tags[1] <> 'x'
array_to_string(tags, ',') <> ''
a = ANY (arr) OR arr = '{}'
jsonb_typeof(j) IN ('object', 'array')
jsonb_typeof(j) = 'array' AND jsonb_array_length(j) > 0
jsonb_typeof(j -> 'a') = 'number'
(j -> 'a') IS NOT NULL AND (j -> 'b') IS NOT NULL
j ? 'a' AND j ? 'b'
j ?| ARRAY['a', 'c']
j ?& ARRAY['a', 'b']
j @> '{"a": 1}'
j <> '{}'::jsonb
j = '[1, 2]'::jsonb
(j ->> 'a')::int > 0
((j ->> 'a')::numeric) BETWEEN 0 AND 10
(j #>> '{a}') = '1'
(j #>> '{a,b}') IS NULL
(j -> 0) IS NOT NULL
length(j ->> 'b') <= 5
j::text <> '{}'
NOT (j ? 'z')
j IS NOT NULL AND jsonb_typeof(j) <> 'null'
rng @> 4
NOT (rng @> 4)
rng && '[1,3)'::int4range
rng <@ '[0,100)'::int4range
lower(rng) IS NOT NULL AND upper(rng) IS NOT NULL
upper(rng) - lower(rng) >= 2
NOT lower_inf(rng)
lower_inc(rng) AND NOT upper_inc(rng)
rng <> 'empty'::int4range
octet_length(by) <= 2
length(by) IN (0, 1, 4)
by <> '\x'::bytea
get_byte(by, 0) = 222
encode(by, 'hex') = 'deadbeef'
family(ip) = 4
masklen(ip) >= 24
ip << '10.0.0.0/8'::inet
host(ip) <> '127.0.0.1'
NOT (ip = '127.0.0.1'::inet)
bit_count(bt) = 1
get_bit(bt, 0) = 1
(bt & B'1000') = B'1000'
bt <> B'0000'
id <> '00000000-0000-0000-0000-000000000000'::uuid
id::text ~ '^6f'
(geo).latitude BETWEEN -90 AND 90
(geo).latitude IS NULL OR (geo).longitude IS NOT NULL
x IS JSON
""".strip().splitlines()

DATABASE_CHECKS = r"""
scale(u) <= 2
width_bucket(n, 0, 10, 5) BETWEEN 1 AND 5
(ts, ts2) OVERLAPS ('2020-01-01'::timestamp, '2021-01-01'::timestamp)
ip <<= '10.0.0.0/8'::inet
x IS NORMALIZED
xml_is_well_formed(x)
""".strip().splitlines()
"""What is left to the database."""
