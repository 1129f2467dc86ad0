-- Every index in :schemas and whether the server uses it and keeps it up: one that CREATE INDEX CONCURRENTLY left half
-- made is neither.
select
    n.nspname::text as schema,
    c.relname::text as table,
    x.relname::text as name,
    i.indisunique as is_unique,
    i.indexrelid::bigint as oid
from pg_index i
join pg_class c on c.oid = i.indrelid and c.relkind in ('r', 'p')
join pg_class x on x.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any (cast(:schemas as text[]))
order by n.nspname, c.relname, x.relname
