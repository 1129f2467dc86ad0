-- The sequences of :schemas but those of identity columns; owned: by the serial column they belong to.
select
    n.nspname::text as schema,
    c.relname::text as name,
    format(
        'AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s',
        format_type(q.seqtypid, null), q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache,
        case when q.seqcycle then ' CYCLE' else '' end
    ) as definition,
    own.schema as owner_schema,
    own.name as owner_table,
    own.column as owner_column
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_sequence q on q.seqrelid = c.oid
left join lateral (
    select tn.nspname::text as schema, tc.relname::text as name, a.attname::text as column
    from pg_depend d
    join pg_class tc on tc.oid = d.refobjid
    join pg_namespace tn on tn.oid = tc.relnamespace
    join pg_attribute a on a.attrelid = tc.oid and a.attnum = d.refobjsubid
    where d.classid = 'pg_class'::regclass and d.objid = c.oid
      and d.refclassid = 'pg_class'::regclass and d.deptype = 'a'
) own on true
where n.nspname = any (cast(:schemas as text[])) and c.relkind = 'S'
  and not exists (
      select from pg_depend d
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('i', 'e')
  )
order by n.nspname, c.relname
