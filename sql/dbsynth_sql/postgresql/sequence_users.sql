-- The numeric columns in :schemas whose default draws from a sequence, or that own one (serial, identity).
with uses (sequence, relation, attribute) as (
    select dep.refobjid, d.adrelid, d.adnum
    from pg_attrdef d
    join pg_depend dep on dep.classid = 'pg_attrdef'::regclass and dep.objid = d.oid
    where dep.refclassid = 'pg_class'::regclass
    union
    select dep.objid, dep.refobjid, dep.refobjsubid
    from pg_depend dep
    where dep.classid = 'pg_class'::regclass and dep.refclassid = 'pg_class'::regclass
      and dep.refobjsubid > 0 and dep.deptype in ('a', 'i')
)
select
    format('%I.%I', sn.nspname, s.relname) as sequence,
    q.seqstart as start,
    q.seqincrement as step,
    q.seqmin as least,
    q.seqmax as most,
    format('%I.%I', n.nspname, c.relname) as table,
    quote_ident(a.attname) as column,
    n.nspname::text as table_schema,
    c.relname::text as table_name,
    a.attname::text as column_name,
    has_sequence_privilege(s.oid, 'SELECT') as readable
from uses u
join pg_class s on s.oid = u.sequence and s.relkind = 'S'
join pg_namespace sn on sn.oid = s.relnamespace
join pg_sequence q on q.seqrelid = s.oid
join pg_class c on c.oid = u.relation and c.relkind in ('r', 'p') and not c.relispartition
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum = u.attribute
join pg_type t on t.oid = a.atttypid
left join pg_type b on b.oid = t.typbasetype
where n.nspname = any (cast(:schemas as text[])) and sn.nspname = any (cast(:schemas as text[]))
  -- Of a domain its base type; two levels are enough for a key.
  and coalesce(nullif(b.typbasetype, 0), nullif(t.typbasetype, 0), t.oid)
      in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
order by sequence, "table", "column"
