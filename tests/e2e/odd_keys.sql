-- keys with few values, of odd types, over generated columns, to the own table; partitions, inheritance
create table one_of_each (a bool primary key, b text unique);
insert into one_of_each values (true, 'yes'), (false, 'no');
create table letters (c char(1) primary key, n int);
insert into letters select chr(65+i), i from generate_series(0,25) i;
create table codes (c char(2) primary key, n text);
insert into codes select chr(65+i/26)||chr(65+i%26), 'name '||i from generate_series(0,249) i;
create table months (m smallint primary key check (m between 1 and 12), name text not null unique);
insert into months select i, to_char(date '2020-01-01' + i*30, 'Month') || i from generate_series(1,12) i;
create table days (d date primary key);
insert into days select date '2020-01-01'+i from generate_series(0,364) i;
create table empties (t text not null, b bytea not null, j jsonb not null, a int[] not null);
insert into empties select '', '', '{}', '{}' from generate_series(1,30);
create table spaces (t text primary key);
insert into spaces select repeat(' ', i) from generate_series(1,20) i;
create table onecol (x int);
insert into onecol select 5 from generate_series(1,30);
create table deep (a int, b int, c int, primary key (a,b,c));
insert into deep select i/25, i/5%5, i%5 from generate_series(0,124) i;
create table selfpair (id int, kind text, up int, upkind text, primary key (id, kind), foreign key (up,
    upkind) references selfpair match full);
insert into selfpair select i, 'k'||i%2, nullif(i/3,0),
    case when i/3 > 0 then 'k'||(i/3)%2 end from generate_series(1,60) i;
create unlogged table unlog (id serial primary key, v text default 'x');
insert into unlog (v) select 'v'||i from generate_series(1,25) i;
create table noself (id int primary key, up int not null references noself);
insert into noself select i, greatest(1, i/2) from generate_series(1,40) i;
create table part (id int, d date not null, primary key (id, d)) partition by range (d);
create table part_1 partition of part for values from ('2020-01-01') to ('2021-01-01');
create table part_d partition of part default;
insert into part select i, date '2020-01-01' + i*9 from generate_series(1,100) i;
create table base (id int primary key, v text);
create table derived (w int) inherits (base);
insert into base select i,'b' from generate_series(1,20) i;
insert into derived select i,'d',i from generate_series(100,120) i;
create table part_empty (id int primary key) partition by hash (id);
create table computed (id int primary key, email text not null,
    low text generated always as (lower(email)) stored unique,
    k int, k2 int generated always as (k % 30) stored, unique (id, k2));
insert into computed (id, email, k) select i, 'Joe' || i || '@X.com', i from generate_series(1, 60) i;
create type feeling as enum ('sad', 'ok', 'happy');
create table moods (mood feeling primary key, note text);
insert into moods values ('sad', 'one'), ('ok', 'two'), ('happy', 'three');
