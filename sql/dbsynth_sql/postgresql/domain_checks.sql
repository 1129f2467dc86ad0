-- The CHECKs of the domains called :types, where VALUE stands for the column.
select
    con.contypid as type,
    con.conname::text as name,
    pg_get_constraintdef(con.oid) as definition,
    pg_get_expr(con.conbin, 0) as expression,
    con.convalidated as validated
from pg_constraint con
where con.contypid = any (cast(:types as oid[])) and con.contype = 'c'
order by con.contypid, con.conname
