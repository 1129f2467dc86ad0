-- The indexes of :tables that belong to no constraint and to no index of a parent; key columns in their order.
select
    i.indrelid as table,
    c.relname::text as name,
    array(
        select a.attname::text
        from unnest(i.indkey) with ordinality as k (attnum, position)
        left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum and k.attnum <> 0
        where k.position <= i.indnkeyatts
        order by k.position
    ) as columns,
    array(
        select pg_get_indexdef(c.oid, position, true)
        from generate_series(1, i.indnkeyatts) as position
        order by position
    ) as parts,
    -- ON ONLY would leave the partitions without the index.
    replace(
        pg_get_indexdef(c.oid),
        format('INDEX %I ON ONLY ', c.relname),
        format('INDEX %I ON ', c.relname)
    ) as definition,
    i.indisunique as is_unique,
    coalesce(cast(to_jsonb(i) ->> 'indnullsnotdistinct' as boolean), false) as nulls_not_distinct,
    pg_get_expr(i.indpred, i.indrelid) as predicate,
    i.indisvalid as valid,
    obj_description(c.oid, 'pg_class') as comment
from pg_index i
join pg_class c on c.oid = i.indexrelid
where i.indrelid = any (cast(:tables as oid[])) and i.indislive and not c.relispartition
  and not exists (
      select from pg_constraint con where con.conindid = c.oid and con.contype in ('p', 'u', 'x')
  )
order by i.indrelid, c.relname
