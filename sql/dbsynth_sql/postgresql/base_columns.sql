-- The columns of :schema.:table with the base type of a domain, in the types that hold any value of it: what a domain
-- forbids is to be judged, not refused. kind: "enum", or the name of a type of the server's own.
with recursive based (position, name, type, typmod, collate_oid, generated, expression) as (
    select a.attnum, a.attname::text, a.atttypid, a.atttypmod, a.attcollation, a.attgenerated::text,
        pg_get_expr(d.adbin, d.adrelid)
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum and a.attgenerated <> ''
    where n.nspname = :schema and c.relname = :table and a.attnum > 0 and not a.attisdropped
    union all
    select b.position, b.name, t.typbasetype, t.typtypmod, b.collate_oid, b.generated, b.expression
    from based b
    join pg_type t on t.oid = b.type
    where t.typtype = 'd'
)
select
    b.name,
    format_type(b.type, b.typmod) as declared,
    case when co.oid is not null then format('%I.%I', cn.nspname, co.collname) end as collation,
    b.generated,
    b.expression,
    case
        when t.typtype = 'e' then 'enum' when t.typnamespace = 'pg_catalog'::regnamespace then t.typname::text else ''
    end as kind
from based b
join pg_type t on t.oid = b.type
left join pg_collation co on co.oid = b.collate_oid and co.collname <> 'default'
left join pg_namespace cn on cn.oid = co.collnamespace
where t.typtype <> 'd'
order by b.position
