-- What looks like a table in :schemas and is not cloned: views, foreign tables, tables of extensions, and partitions
-- whose root table is in none of :schemas.
with recursive above (oid, top) as (
    select c.oid, c.oid
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any (cast(:schemas as text[])) and c.relispartition and c.relkind in ('r', 'p', 'f')
    union all
    select a.oid, i.inhparent
    from above a
    join pg_class c on c.oid = a.top and c.relispartition
    join pg_inherits i on i.inhrelid = a.top
)
select
    n.nspname::text as schema,
    c.relname::text as name,
    case
        when e.extname is not null then 'extension'
        when c.relispartition then 'partition'
        when c.relkind = 'v' then 'view'
        when c.relkind = 'm' then 'materialized view'
        else 'foreign table'
    end as kind,
    e.extname::text as extension,
    (
        select format('%s.%s', tn.nspname, t.relname)
        from above a
        join pg_class t on t.oid = a.top and not t.relispartition
        join pg_namespace tn on tn.oid = t.relnamespace
        where a.oid = c.oid and tn.nspname <> all (cast(:schemas as text[]))
    ) as root
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
left join pg_extension e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
where n.nspname = any (cast(:schemas as text[]))
  and (
      c.relkind in ('v', 'm')
      or c.relkind = 'f' and not c.relispartition
      or c.relkind in ('r', 'p') and e.extname is not null
      or c.relispartition and c.relkind in ('r', 'p', 'f')
  )
order by n.nspname, c.relname
