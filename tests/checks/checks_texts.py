"""CHECK texts about the table of ``checks_corpus``: logic, numbers, text, patterns, moments, the rest."""

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
