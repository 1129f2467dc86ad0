-- The columns of :tables in their order, with default or generation expression, identity and owned sequence.
select
    a.attrelid as table,
    a.attname::text as name,
    a.atttypid as type,
    a.atttypmod as typmod,
    a.attndims as dimensions,
    format_type(a.atttypid, a.atttypmod) as declared,
    a.attnotnull as not_null,
    pg_get_expr(d.adbin, d.adrelid) as expression,
    a.attgenerated::text as generated,
    a.attidentity::text as identity,
    case
        when a.attcollation <> t.typcollation and a.attcollation <> 0
        then (
            select format('%I.%I', cn.nspname, co.collname)
            from pg_collation co
            join pg_namespace cn on cn.oid = co.collnamespace
            where co.oid = a.attcollation
        )
    end as collation,
    col_description(a.attrelid, a.attnum) as comment,
    s.sequence,
    s.options
from pg_attribute a
join pg_type t on t.oid = a.atttypid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join lateral (
    select
        format('%I.%I', sn.nspname, sc.relname) as sequence,
        format(
            'START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s',
            q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, case when q.seqcycle then ' CYCLE' else '' end
        ) as options
    from pg_depend dep
    join pg_class sc on sc.oid = dep.objid and sc.relkind = 'S'
    join pg_namespace sn on sn.oid = sc.relnamespace
    join pg_sequence q on q.seqrelid = sc.oid
    where dep.classid = 'pg_class'::regclass and dep.refclassid = 'pg_class'::regclass
      and dep.refobjid = a.attrelid and dep.refobjsubid = a.attnum and dep.deptype in ('a', 'i')
    order by dep.deptype desc, sc.oid
    limit 1
) s on true
where a.attrelid = any (cast(:tables as oid[])) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
