"""A small database with what is awkward to carry over: two schemas, hostile names, identities, an enum, generated
columns, infinity, empty texts beside nulls, a cycle of keys, a table without rows and one without columns."""

SQL = r"""
create schema "we;ird ""name";
create type "we;ird ""name".mood as enum ('sad', 'ok');
create table customer (
    id int generated always as identity primary key,
    email text not null unique,
    mood "we;ird ""name".mood not null,
    since date not null check (since <= current_date),
    until date not null,
    best_order int
);
create table "we;ird ""name"."or""der" (
    number serial primary key,
    customer_id int not null references customer,
    qty int not null check (qty between 1 and 9),
    price numeric(8, 2) not null,
    total numeric generated always as (qty * price) stored,
    note text,
    tags text[],
    raw bytea,
    at timestamptz not null,
    unique (customer_id, at)
);
alter table customer add foreign key (best_order) references "we;ird ""name"."or""der" deferrable;
create table nothing (id int primary key, customer_id int references customer);
create table bare ();
comment on table customer is 'it''s theirs';
create index on customer (lower(email));

insert into customer (email, mood, since, until)
select 'person' || i || '@mail.test', (case when i % 3 = 0 then 'sad' else 'ok' end)::"we;ird ""name".mood,
    date '2020-01-01' + i, case when i % 2 = 0 then 'infinity' else date '2030-01-01' + i end
from generate_series(1, 120) i;
insert into "we;ird ""name"."or""der" (customer_id, qty, price, note, tags, raw, at)
select 1 + i % 120, 1 + i % 9, (i % 50) * 1.25,
    case i % 4 when 0 then null when 1 then '' else 'good "work", ' || i % 7 end,
    case when i % 3 > 0 then array['a', 'b' || i % 2, null] end, decode(md5(i::text), 'hex'),
    timestamptz '2021-01-01 00:00+00' + i * interval '7 hours'
from generate_series(1, 600) i;
update customer c set best_order = (select min(number) from "we;ird ""name"."or""der" o where o.customer_id = c.id)
where id % 2 = 0;
insert into bare select from generate_series(1, 3);
"""
