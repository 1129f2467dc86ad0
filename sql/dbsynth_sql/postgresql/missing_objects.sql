-- Of the objects :kinds, :schemas, :names (three lists side by side) those that are not in this database. A name is
-- looked for among all kinds of things that a definition can name like that.
select r.kind, r.schema, r.name
from unnest(cast(:kinds as text[]), cast(:schemas as text[]), cast(:names as text[])) as r (kind, schema, name)
left join pg_namespace n on n.nspname = r.schema
where n.oid is null
   or case
       when r.kind = 'operator'
       then not exists (select from pg_operator o where o.oprnamespace = n.oid and o.oprname = r.name)
       else not (
           exists (select from pg_proc p where p.pronamespace = n.oid and p.proname = r.name)
           or exists (select from pg_type t where t.typnamespace = n.oid and t.typname = r.name)
           or exists (select from pg_class c where c.relnamespace = n.oid and c.relname = r.name)
           or exists (select from pg_collation c where c.collnamespace = n.oid and c.collname = r.name)
           or exists (select from pg_opclass o where o.opcnamespace = n.oid and o.opcname = r.name)
           or exists (select from pg_ts_config c where c.cfgnamespace = n.oid and c.cfgname = r.name)
           or exists (select from pg_ts_dict d where d.dictnamespace = n.oid and d.dictname = r.name)
       )
   end
order by 1, 2, 3
