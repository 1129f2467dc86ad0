-- The types called :types, those that users made in :schemas, and all that these are made of (elements, base types of
-- domains, subtypes of ranges, fields).
with recursive used (oid) as (
    select t.oid
    from pg_type t
    left join pg_class c on c.oid = t.typrelid
    join pg_namespace n on n.oid = t.typnamespace
    where t.oid = any (cast(:types as oid[]))
       or n.nspname = any (cast(:schemas as text[])) and (t.typtype in ('d', 'e', 'r') or c.relkind = 'c')
    union
    select part.oid
    from used u
    join pg_type t on t.oid = u.oid
    cross join lateral (
        select t.typelem where t.typcategory = 'A' and t.typelem <> 0
        union all
        select t.typbasetype where t.typtype = 'd'
        union all
        select r.rngsubtype from pg_range r where r.rngtypid = t.oid
        union all
        select a.atttypid from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    ) part (oid)
)
select
    t.oid,
    n.nspname::text as schema,
    t.typname::text as name,
    format_type(t.oid, null) as declared,
    t.typtype::text as kind,
    t.typcategory = 'A' and t.typelem <> 0 as is_array,
    t.typelem as element,
    t.typbasetype as base,
    t.typtypmod as typmod,
    t.typndims as dimensions,
    t.typnotnull as not_null,
    format_type(t.typbasetype, t.typtypmod) as base_declared,
    -- The catalog holds the expression of a domain's default parsed and as text; only the former follows renames.
    pg_get_expr(t.typdefaultbin, 0) as domain_default,
    case
        when t.typtype = 'd' and t.typcollation <> (select b.typcollation from pg_type b where b.oid = t.typbasetype)
        then (
            select format('%I.%I', cn.nspname, co.collname)
            from pg_collation co
            join pg_namespace cn on cn.oid = co.collnamespace
            where co.oid = t.typcollation
        )
    end as collation,
    array(
        select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder
    ) as labels,
    r.rngsubtype as subtype,
    format_type(r.rngsubtype, null) as subtype_declared,
    (
        select case when not o.opcdefault then format('%I.%I', opn.nspname, o.opcname) end
        from pg_opclass o
        join pg_namespace opn on opn.oid = o.opcnamespace
        where o.oid = r.rngsubopc
    ) as subtype_opclass,
    case
        when r.rngcollation <> (select b.typcollation from pg_type b where b.oid = r.rngsubtype)
        then (
            select format('%I.%I', cn.nspname, co.collname)
            from pg_collation co
            join pg_namespace cn on cn.oid = co.collnamespace
            where co.oid = r.rngcollation
        )
    end as subtype_collation,
    case when r.rngsubdiff <> 0 then r.rngsubdiff::regproc::text end as subtype_diff,
    -- Since version 14.
    cast(to_jsonb(r) ->> 'rngmultitypid' as regtype)::text as multirange,
    array(
        select a.attname::text from pg_attribute a
        where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped order by a.attnum
    ) as field_names,
    array(
        select a.atttypid from pg_attribute a
        where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped order by a.attnum
    ) as field_types,
    array(
        select a.atttypmod from pg_attribute a
        where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped order by a.attnum
    ) as field_typmods,
    array(
        select
            concat(
                quote_ident(a.attname), ' ', format_type(a.atttypid, a.atttypmod),
                case
                    when a.attcollation <> ft.typcollation
                    then (
                        select format(' COLLATE %I.%I', cn.nspname, co.collname)
                        from pg_collation co
                        join pg_namespace cn on cn.oid = co.collnamespace
                        where co.oid = a.attcollation
                    )
                end
            )
        from pg_attribute a
        join pg_type ft on ft.oid = a.atttypid
        where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
        order by a.attnum
    ) as fields,
    t.typtype in ('d', 'e', 'r') or c.relkind = 'c' as standalone,
    (
        select x.extname::text
        from pg_depend d
        join pg_extension x on x.oid = d.refobjid
        where d.classid = 'pg_type'::regclass and d.objid = t.oid
          and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
    ) as extension,
    -- The comment on a composite type hangs on the type, not on its pg_class entry.
    obj_description(t.oid, 'pg_type') as comment
from used u
join pg_type t on t.oid = u.oid
join pg_namespace n on n.oid = t.typnamespace
left join pg_class c on c.oid = t.typrelid
left join pg_range r on r.rngtypid = t.oid
order by n.nspname, t.typname
