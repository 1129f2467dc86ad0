-- What the current user may not read of the tables (:schemas[i], :names[i]): the use of the schema, a table as a whole,
-- single columns, rows behind a policy.
select
    w.schema,
    w.name,
    has_schema_privilege(n.oid, 'USAGE') as schema_usable,
    has_table_privilege(c.oid, 'SELECT') as readable,
    array(
        select a.attname::text
        from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          and not has_column_privilege(c.oid, a.attnum, 'SELECT')
        order by a.attnum
    ) as closed_columns,
    row_security_active(c.oid) as filtered
from unnest(cast(:schemas as text[]), cast(:names as text[])) with ordinality as w (schema, name, position)
join pg_namespace n on n.nspname = w.schema
join pg_class c on c.relnamespace = n.oid and c.relname = w.name
where not has_schema_privilege(n.oid, 'USAGE') or not has_table_privilege(c.oid, 'SELECT') or row_security_active(c.oid)
order by w.position
