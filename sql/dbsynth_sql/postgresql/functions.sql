-- The functions users wrote (not those of an extension) that defaults, generated columns, CHECKs and indexes of :tables
-- call, and the CHECKs of the domains called :types.
with calls (tableoid, caller, function) as (
    select d.adrelid, format('the default of column %s', a.attname), dep.refobjid
    from pg_attrdef d
    join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    join pg_depend dep on dep.classid = 'pg_attrdef'::regclass and dep.objid = d.oid
    where d.adrelid = any (cast(:tables as oid[])) and dep.refclassid = 'pg_proc'::regclass
    union
    -- Generated columns depend on what they call themselves.
    select a.attrelid, format('the generated column %s', a.attname), dep.refobjid
    from pg_attribute a
    join pg_depend dep
        on dep.classid = 'pg_class'::regclass and dep.objid = a.attrelid and dep.objsubid = a.attnum
    where a.attrelid = any (cast(:tables as oid[])) and a.attgenerated <> '' and dep.refclassid = 'pg_proc'::regclass
    union
    select con.conrelid, format('constraint %s', con.conname), dep.refobjid
    from pg_constraint con
    join pg_depend dep on dep.classid = 'pg_constraint'::regclass and dep.objid = con.oid
    where con.conrelid = any (cast(:tables as oid[])) and dep.refclassid = 'pg_proc'::regclass
    union
    select 0, format('constraint %s of domain %s', con.conname, format_type(con.contypid, null)), dep.refobjid
    from pg_constraint con
    join pg_depend dep on dep.classid = 'pg_constraint'::regclass and dep.objid = con.oid
    where con.contypid = any (cast(:types as oid[])) and dep.refclassid = 'pg_proc'::regclass
    union
    select i.indrelid, format('index %s', c.relname), dep.refobjid
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    join pg_depend dep on dep.classid = 'pg_class'::regclass and dep.objid = i.indexrelid
    where i.indrelid = any (cast(:tables as oid[])) and dep.refclassid = 'pg_proc'::regclass
)
select calls.tableoid as table, calls.caller, format('%s.%s', n.nspname, p.proname) as function
from calls
join pg_proc p on p.oid = calls.function
join pg_namespace n on n.oid = p.pronamespace
where n.nspname not in ('pg_catalog', 'information_schema')
  and not exists (
      select from pg_depend d
      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
  )
order by calls.tableoid, calls.caller, function
