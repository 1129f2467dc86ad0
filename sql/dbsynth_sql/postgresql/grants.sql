-- Who may do what in :schema: owners, and what was granted on the schema, its tables, columns, sequences and types.
-- One row a grant; grantee and privilege are null for an object without grants (explicit: its list is not the default).
with objects (kind, name, attribute, owner, acl) as (
    select 'SCHEMA', null, null, n.nspowner, n.nspacl from pg_namespace n where n.nspname = :schema
    union all
    select case c.relkind when 'S' then 'SEQUENCE' else 'TABLE' end, c.relname, null, c.relowner, c.relacl
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = :schema and c.relkind in ('r', 'p', 'S')
    union all
    select 'TABLE', c.relname, a.attname, c.relowner, a.attacl
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname = :schema and c.relkind in ('r', 'p') and a.attacl is not null
    union all
    select 'TYPE', t.typname, null, t.typowner, t.typacl
    from pg_type t
    join pg_namespace n on n.oid = t.typnamespace
    left join pg_class c on c.oid = t.typrelid
    where n.nspname = :schema and (t.typtype in ('e', 'd', 'r') or c.relkind = 'c')
)
select
    o.kind,
    o.name::text as name,
    o.attribute::text as attribute,
    pg_get_userbyid(o.owner)::text as owner,
    o.acl is not null as explicit,
    -- Null: everybody (PUBLIC).
    case when a.grantee <> 0 then pg_get_userbyid(a.grantee)::text end as grantee,
    a.privilege_type as privilege,
    a.is_grantable as grantable
from objects o
left join lateral aclexplode(o.acl) a on true
order by array_position(array['SCHEMA', 'TYPE', 'TABLE', 'SEQUENCE'], o.kind), o.name, o.attribute nulls first, 6, 7
