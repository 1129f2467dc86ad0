-- The tables of :schemas and below each partitioned one its partitions, wherever these are; with what hangs on a table
-- and is not carried over (triggers, rules, policies, inheritance).
with recursive family (oid, root, parent, depth) as (
    select c.oid, c.oid, cast(null as oid), 0
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any (cast(:schemas as text[])) and c.relkind in ('r', 'p') and not c.relispartition
      and not exists (
          select from pg_depend d
          where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      )
    union all
    select i.inhrelid, f.root, i.inhparent, f.depth + 1
    from family f
    join pg_class p on p.oid = f.oid and p.relkind = 'p'
    join pg_inherits i on i.inhparent = f.oid
)
select
    c.oid,
    f.root,
    f.parent,
    n.nspname::text as schema,
    c.relname::text as name,
    c.relkind::text as kind,
    c.relpersistence::text as persistence,
    pg_get_expr(c.relpartbound, c.oid) as bound,
    case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as partition_key,
    obj_description(c.oid, 'pg_class') as comment,
    -- Never analysed: -1 (0 before version 14).
    greatest(c.reltuples, 0)::bigint as estimated_rows,
    case when c.relkind = 'r' then coalesce(pg_total_relation_size(c.oid), 0) else 0 end as bytes,
    coalesce(c.reloptions, '{}') as options,
    c.relrowsecurity as row_security,
    array(
        select p.polname::text from pg_policy p where p.polrelid = c.oid order by 1
    ) as policies,
    array(
        select t.tgname::text from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal order by 1
    ) as triggers,
    array(
        select r.rulename::text from pg_rewrite r where r.ev_class = c.oid order by 1
    ) as rules,
    array(
        select s.stxname::text from pg_statistic_ext s where s.stxrelid = c.oid order by 1
    ) as statistics,
    array(
        select format('%s.%s', pn.nspname, pc.relname)
        from pg_inherits i
        join pg_class pc on pc.oid = i.inhparent
        join pg_namespace pn on pn.oid = pc.relnamespace
        where i.inhrelid = c.oid and f.parent is null
        order by i.inhseqno
    ) as inherits
from family f
join pg_class c on c.oid = f.oid
join pg_namespace n on n.oid = c.relnamespace
order by f.depth, n.nspname, c.relname
