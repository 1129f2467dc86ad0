-- The foreign keys of tables in :schemas, or of their partitions, that cannot be checked at the end of a transaction.
select
    format('%I.%I', n.nspname, c.relname) as place,
    quote_ident(k.conname) as constraint,
    tn.nspname::text as schema,
    t.relname::text as table,
    pn.nspname::text as parent_schema,
    p.relname::text as parent
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_class t on t.oid = coalesce(pg_partition_root(c.oid), c.oid)
join pg_namespace tn on tn.oid = t.relnamespace
join pg_class p on p.oid = coalesce(pg_partition_root(k.confrelid), k.confrelid)
join pg_namespace pn on pn.oid = p.relnamespace
where k.contype = 'f' and k.conparentid = 0 and not k.condeferrable and tn.nspname = any (cast(:schemas as text[]))
order by place, "constraint"
