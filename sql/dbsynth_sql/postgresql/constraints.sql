-- The primary keys, uniques, foreign keys, CHECKs and exclusion constraints of :tables; columns in the order of the key.
-- Left out: NOT NULL (contype n, since version 18: a property of the column), constraint triggers (t), and what a
-- partition inherits from its parent or a reference to a partitioned table repeats for each partition (conparentid).
select
    con.conrelid as table,
    con.conname::text as name,
    con.contype::text as kind,
    array(
        select a.attname::text
        from unnest(con.conkey) with ordinality as k (attnum, position)
        join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.attnum
        order by k.position
    ) as columns,
    pg_get_constraintdef(con.oid) as definition,
    case when con.contype = 'c' then pg_get_expr(con.conbin, con.conrelid) end as expression,
    rn.nspname::text as ref_schema,
    rc.relname::text as ref_table,
    rc.relispartition as ref_is_partition,
    array(
        select a.attname::text
        from unnest(con.confkey) with ordinality as k (attnum, position)
        join pg_attribute a on a.attrelid = con.confrelid and a.attnum = k.attnum
        order by k.position
    ) as ref_columns,
    con.confmatchtype::text as match,
    con.confdeltype::text as on_delete,
    con.confupdtype::text as on_update,
    con.condeferrable as deferrable,
    con.condeferred as deferred,
    con.convalidated as validated,
    -- Columns of pg_constraint and pg_index that came with versions 15 (nulls) and 18 (the others).
    coalesce(cast(to_jsonb(con) ->> 'conenforced' as boolean), true) as enforced,
    coalesce(cast(to_jsonb(con) ->> 'conperiod' as boolean), false) as period,
    coalesce(cast(to_jsonb(i) ->> 'indnullsnotdistinct' as boolean), false) as nulls_not_distinct,
    con.coninhcount > 0 as inherited,
    obj_description(con.oid, 'pg_constraint') as comment
from pg_constraint con
left join pg_class rc on rc.oid = con.confrelid
left join pg_namespace rn on rn.oid = rc.relnamespace
left join pg_index i on i.indexrelid = con.conindid and con.contype in ('p', 'u')
where con.conrelid = any (cast(:tables as oid[])) and con.contype in ('p', 'u', 'f', 'c', 'x') and con.conparentid = 0
order by con.conrelid, con.contype, con.conname
