-- Which of the schemas :names exist, and what would have to be known before one of them is replaced.
select
    n.oid,
    n.nspname::text as name,
    pg_get_userbyid(n.nspowner)::text as owner,
    obj_description(n.oid, 'pg_namespace') as comment,
    not exists (
        select from pg_depend d
        where d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid
          and d.classid not in ('pg_extension'::regclass, 'pg_default_acl'::regclass)
          and not exists (
              select from pg_depend e where e.classid = d.classid and e.objid = d.objid and e.deptype = 'e'
          )
    ) as is_empty,
    -- Roles that own it or something in it, and that the user may not act for: their ownership could not be kept.
    array(
        select distinct pg_get_userbyid(o.owner)::text
        from (
            select n.nspowner
            union all
            select c.relowner from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'S')
        ) o (owner)
        where not pg_has_role(o.owner, 'MEMBER')
    ) as foreign_owners,
    array(
        select e.extname::text from pg_extension e
        where e.extnamespace = n.oid and e.extrelocatable and pg_has_role(e.extowner, 'USAGE')
        order by 1
    ) as movable_extensions,
    array(
        select e.extname::text from pg_extension e
        where e.extnamespace = n.oid and not (e.extrelocatable and pg_has_role(e.extowner, 'USAGE'))
        order by 1
    ) as fixed_extensions
from pg_namespace n
where n.nspname = any (cast(:names as text[]))
order by n.nspname
