-- a column of every type
create type mood as enum ('sad', 'ok', 'happy');
create domain positive as int check (value > 0);
create type pair as (x int, y text);
create table types (
    id int generated always as identity primary key, i2 smallint, i8 bigint, n numeric, n38 numeric(38, 10), f4 real,
    f8 double precision, m money, b boolean, c5 char(5), v varchar(8), t text, nm name, by bytea, d date,
    ts timestamp, tz timestamptz(0), tm time, ttz timetz, iv interval, u uuid, j json, jb jsonb, ip inet, ci cidr,
    mac macaddr, bi bit(4), vb varbit(9), sv tsvector, p point, bx box, ir int4range, tr tstzrange, mr nummultirange,
    ia int[], ta text[], e mood, dom positive, comp pair, o oid, gen int generated always as (i2 * 2) stored);
insert into types (i2, i8, n, n38, f4, f8, m, b, c5, v, t, nm, by, d, ts, tz, tm, ttz, iv, u, j, jb, ip, ci, mac, bi,
                   vb, sv, p, bx, ir, tr, mr, ia, ta, e, dom, comp, o)
select i % 100, i::bigint * 10000000000, i / 7.0, i * 1234567890.0123456789,
    (array['NaN', 'Infinity', '1.5', '2.25', '-3'])[1 + i % 5]::real, sqrt(i), i::numeric::money, i % 3 = 0,
    'c' || i % 7, 'v' || i, 'text number ' || (i * i + 7 * i) % 10007, 'n' || i % 4, decode(md5(i::text), 'hex'),
    (array['infinity', '0044-03-15 BC', '2024-02-29', '1999-12-31'])[1 + i % 4]::date,
    timestamp '2020-01-01' + i * interval '1 hour', timestamptz '2020-01-01' + i * interval '1 day',
    time '00:00' + i * interval '1 minute', '12:30:00+02', i * interval '1 hour', gen_random_uuid(),
    json_build_object('a', i, 'b', 'x'), jsonb_build_object('tags', array['p', 'q'], 'n', i), '10.0.0.1', '10.1.0.0/16',
    '08:00:2b:01:02:03', (i % 16)::bit(4), B'101', to_tsvector('simple', 'word' || i), point(i, -i),
    box(point(0, 0), point(i, i)), int4range(i, i + 5), tstzrange(timestamptz '2020-01-01', null),
    nummultirange(numrange(1, 2), numrange(5, i + 10)), array[i, i + 1], array['a', 'b' || i],
    (array['sad', 'ok', 'happy'])[1 + i % 3]::mood, i, row(i, 'y')::pair, i
from generate_series(1, 300) i;
