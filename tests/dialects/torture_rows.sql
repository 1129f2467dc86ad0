-- Rows for torture.sql that are hard to carry.
set search_path = "Übel ""Schema""", public;
insert into types ("int2", "numeric", "numeric(38,10)", "text", "varchar(7)", "mood", "moods", "Code", "floats", "bytea")
values
    (-1, 'NaN', 1234567890123456789012345678.0123456789, E'a"b,\n\\.\r\n', '', 'back\slash', '{sad,NULL}', 'x',
        '[1,2)', '\x00ff'),
    (null, 'Infinity', -0.0000000001, E'\\.', 'NULL', 'it''s ok', '{}', null, 'empty', '');
insert into types ("date", "timestamp(3)", "timestamptz", "time", "json", "hstore", "int2vector", "box3", "boolean")
values
    ('-infinity', '0044-03-15 12:00:00.5 BC', 'infinity', '24:00', ' {"a" : 1}', 'a=>NULL', '1 2',
        '("(1.5,sad)","{x}")', true),
    ('5874897-12-31', '294246-12-31 23:59:59', '4713-01-01 00:00:00 BC', '00:00', 'null', null, null, null, false),
    ('0001-12-31 BC', '-infinity', '0001-01-01 00:00:00+00', null, null, '', '', null, null),
    ('2024-02-29', '10000-01-01', '1883-11-18 12:03:58.123456+00', '12:34:56.789', '"\u0000"', null, null, null, true);
insert into types ("float4", "float8", "money", "interval", "timetz", "tsvector", "pair", "matrix", "inet", "citext")
values
    ('NaN', '-Infinity', '-1234.5', '-1 year 2 days -03:00', '12:00+05:30', 'a:1A b', '(,"it''s ok")', '{{1,2},{3,4}}',
        '::1/64', 'Ab'),
    (3.4e38, 5e-324, '0', '178000000 years', '24:00:00-15:59', '', null, '{}', '10.0.0.1', '');
insert into "select" ("a ""quoted"" name") select null from generate_series(1, 3);
insert into parent (a, b, c, d) values (1, '', '2020-01-01', null);
insert into child (id, self, y, x) values (1, null, 1, ''), (2, 1, null, null);
insert into left_ values (1, null);
insert into right_ values (1, 1);
update left_ set r = 1;
insert into parted values (1, '2020-05-01', 'a', 100), (1, '2031-01-01', 'z', null);
insert into base values (1, 'b');
insert into derived values (2, 'd', 3);
