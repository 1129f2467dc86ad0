-- values with an inner structure, of a known shape
create extension if not exists hstore;
create type pair as (x int, label text);
create table owners (id int primary key, tier text not null, name text not null);
insert into owners select i, case when i % 3 = 0 then 'gold' else 'basic' end, 'Owner Number' || i
    from generate_series(1, 400) i;
create table structured (
    id int primary key, owner_id int not null references owners, amount numeric(9, 2) not null, made_on date not null,
    doc jsonb not null, raw text, grid int[][], tags text[], prices numeric[], stay daterange, seen tsrange, h hstore,
    p pair, picture bytea, host inet, mac macaddr, vb varbit, cash money, span interval, tz timetz, spot point,
    area polygon, until timestamp, at time, n numeric, f float8, dates date[]);
insert into structured
select i, o, (i * 37 % 9000) / 100.0 + 1, date '2023-01-01' + i % 300,
    jsonb_build_object('kind', k, 'owner', o, 'total', (i * 37 % 9000) / 100.0 + 1)
        || case k when 'order' then jsonb_build_object('items', (select jsonb_agg(jsonb_build_object(
                'sku', 'S-' || (i + j) % 30, 'qty', j)) from generate_series(1, 1 + i % 4) j), 'paid', i % 5 = 0)
            when 'note' then jsonb_build_object('text', 'a note that number ' || i || ' wrote')
            else jsonb_build_object('code', 400 + i % 5, 'retry', null) end
        || case when o % 3 = 0 then jsonb_build_object('plan', 'gold') else '{}' end,
    case when i % 2 = 0 then format('{"v":%s,"ok":%s}', i % 10, to_json(i % 3 = 0)) end,
    case when i % 10 > 0 then array[[i, i + 1, i + 2], [i % 7, 0, 1]] else '{}' end,
    (array['{}', '{amber}', '{amber,blue}', '{blue,coral,dune}'])[1 + i % 4]::text[],
    array[i * 0.25, 1.50, i % 13]::numeric[], daterange(date '2023-01-01' + i % 300, date '2023-01-02' + i % 300 + i % 9),
    case when i % 10 = 0 then 'empty' when i % 10 = 1 then tsrange(timestamp '2023-01-01' + i * interval '1 hour', null)
        else tsrange(timestamp '2023-01-01' + i * interval '1 hour', timestamp '2023-01-02' + i * interval '2 hours') end,
    case when i % 4 = 0 then hstore('colour', (array['red', 'green'])[1 + i % 2]) || hstore('none', null)
        else hstore('colour', 'blue') end,
    case when i % 5 > 0 then row(i % 40, (array['low', 'high'])[1 + i % 2])::pair end,
    decode((array['89504e470d0a1a0a', '25504446', 'ffd8ffe0', '1f8b08'])[1 + i % 4] || md5(i::text) || md5((i + 1)::text), 'hex'),
    (array['10.1.0.0/16', '2001:db8::/48', '10.0.0.7'])[1 + i % 3]::inet, '08:00:2b:01:02:03', (i % 16)::bit(4)::varbit,
    (i * 1.25)::numeric::money, i * interval '90 minutes', '12:30:00+02', point(i % 90, 50 + i % 3),
    '((0,0),(1,1),(2,0))', (array['infinity', '-infinity', '294246-12-31 23:00', '2024-02-29 10:00'])[1 + i % 4]::timestamp,
    (array['24:00', '00:00', '23:59:59'])[1 + i % 3]::time, (array['NaN', 'Infinity', '1.5', '-2.25'])[1 + i % 4]::numeric,
    (array['NaN', 'Infinity', '1.5', '-2.25'])[1 + i % 4]::float8,
    case when i % 2 = 0 then array[date '2023-05-01' + i % 50] else array[date '2023-01-01', 'infinity'] end
from (select i, (array['order', 'note', 'error'])[1 + i % 3] k, 1 + abs(hashint4(i)) % 400 o from generate_series(1, 1200) i) rows;
