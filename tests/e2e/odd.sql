-- tables as they should not be but are
create table without_columns ();
create table all_null (id int primary key, a text, b int, c timestamptz, d jsonb, e text[]);
insert into all_null (id) select generate_series(1, 40);
create table one_row (id int primary key, name text not null, amount numeric(10, 2), day date);
insert into one_row values (1, 'the only one', 12.50, '2024-02-29');
create table no_row (id int primary key, name text);
create table of_no_row (id int primary key, ref int references no_row);
create table key_only (id bigint primary key);
insert into key_only select generate_series(1, 30);
create table junction (a bigint references key_only, b bigint references key_only, primary key (a, b));
insert into junction select a, b from generate_series(1, 30) a, generate_series(1, 30) b where (a * b) % 7 = 1;
create table without_key (word text, n int);
insert into without_key select 'w' || i % 9, i % 4 from generate_series(1, 100) i;
create table tree (id int primary key, parent int references tree, name text not null);
insert into tree select i, nullif(i / 3, 0), 'node ' || i from generate_series(1, 60) i;
create table left_hand (id int primary key, other int not null);
create table right_hand (id int primary key, other int not null references left_hand deferrable initially deferred);
begin;
insert into left_hand select i, i from generate_series(1, 20) i;
insert into right_hand select i, i from generate_series(1, 20) i;
commit;
alter table left_hand add foreign key (other) references right_hand deferrable initially deferred;
create type "sel""ect" as enum ('a''b', 'c"d', 'ü', '');
create table "we;ird ""name""" (
    "select" int primary key, "from ""here""" text not null, "größe 漢字" "sel""ect" not null, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_63" int,
    "%s" text, "a.b" int check ("a.b" > 0), constraint "che;ck """ check ("select" >= 0),
    constraint "un ique" unique ("a.b"));
insert into "we;ird ""name""" select i, 'x' || i, (array['a''b', 'c"d', 'ü', '']::"sel""ect"[])[1 + i % 4], i % 5,
    '100%s', i from generate_series(1, 50) i;
create index "in dex;" on "we;ird ""name""" ("größe 漢字");
create table "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_63" (id int references "we;ird ""name""", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_63" text);
insert into "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_63" select 1 + i % 50, 't' || i % 3 from generate_series(1, 90) i;
create table "order" ("user" int primary key, "table" text, "end" date);
insert into "order" select i, 't' || i % 3, date '2020-01-01' + i from generate_series(1, 50) i;
