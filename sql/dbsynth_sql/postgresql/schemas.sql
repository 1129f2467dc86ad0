-- The schemas that users made. holds_tables: counts neither partitions nor what belongs to an extension.
-- Runs on PostgreSQL 13 and later, like every query in this folder; search_path is empty when they run.
select
    n.nspname::text as name,
    obj_description(n.oid, 'pg_namespace') as comment,
    exists (
        select from pg_class c
        where c.relnamespace = n.oid and c.relkind in ('r', 'p') and not c.relispartition
          and not exists (
              select from pg_depend d
              where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
          )
    ) as holds_tables
from pg_namespace n
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by n.nspname
