-- names that need quotes everywhere: schema, types, domain, constraints, indexes, columns
create schema "Ünï ""schema"" ; drop";
set search_path = "Ünï ""schema"" ; drop";
create type "type of ""me""" as enum ('a b', 'ß''"', 'C');
create domain "do main" as text constraint "check ""me""" check (value <> 'bad''one');
create table "table" (
    "column" int primary key,
    "select" "type of ""me""" default 'ß''"',
    "check" "do main",
    "%(x)s" int generated always as ("column" * 2) stored,
    "a:b" text, "c?d" date, "e{f}" text, " " int,
    "new
line" int,
    "tab	tab" text,
    constraint "fk % ""to"" self" foreign key (" ") references "table");
insert into "table" ("column", "select", "check", "a:b", "c?d", "e{f}", " ", "new
line", "tab	tab")
select i, (array['a b', 'ß''"', 'C']::"type of ""me"""[])[1 + i % 3], 'v' || i % 9, ':p ' || i, date '2020-01-01' + i,
    '{}', nullif(i / 4, 0), i % 5, E'a\tb\n\\N\\.' from generate_series(1, 80) i;
create index "index % "";" on "table" ("a:b", lower("e{f}")) where "c?d" > '2020-01-05';
create unique index "uni que" on "table" (("column" + 1));
-- as long as a name can be
create schema "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_63";
set search_path = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_63";
create table "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_63" (
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_63" int,
    constraint "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_pk" primary key ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_63"));
insert into "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_63" select generate_series(1, 30);
create table "user" (
    "order" int references "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_63",
    constraint "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_ck" check ("order" > 0));
insert into "user" select 1 + i % 30 from generate_series(1, 60) i;
create sequence "se ""q" owned by "user"."order";
