-- One table, for reading it. A partitioned one holds no rows itself: they are in its partitions.
select c.oid, c.relkind::text as kind
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = :schema and c.relname = :name and c.relkind in ('r', 'p', 'f', 'v', 'm')
