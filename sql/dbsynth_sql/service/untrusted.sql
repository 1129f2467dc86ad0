-- Of the objects that definitions refer to (schemas %(schemas)s, names %(names)s, side by side) those that could make the
-- server run code of somebody else with the rights of the session: functions, operators and types that belong neither to
-- a superuser nor to the user of the session, or lie in a schema whose owner, or whose %(caller)s, may put another in
-- their place. The owner of the database counts as an administrator where the session is no superuser.
with trusted as (
    select r.oid from pg_roles r
    where r.rolsuper or r.rolname = session_user
       or (
           r.oid = (select d.datdba from pg_database d where d.datname = current_database())
           and not (select s.rolsuper from pg_roles s where s.rolname = session_user)
       )
),
objects (namespace, name, owner) as (
    select p.pronamespace, p.proname, p.proowner from pg_proc p
    union all
    select o.oprnamespace, o.oprname, o.oprowner from pg_operator o
    union all
    select t.typnamespace, t.typname, t.typowner from pg_type t
)
select distinct format('%%s.%%s', n.nspname, o.name) as name, pg_get_userbyid(o.owner)::text as owner
from unnest(%(schemas)s::text[], %(names)s::text[]) as r (schema, name)
join pg_namespace n on n.nspname = r.schema
join objects o on o.namespace = n.oid and o.name = r.name
where o.owner not in (select t.oid from trusted t)
   or (n.nspowner not in (select t.oid from trusted t) and pg_get_userbyid(n.nspowner) <> 'pg_database_owner')
   or (
       %(caller)s::oid not in (select t.oid from trusted t)
       and has_schema_privilege(%(caller)s::oid, n.oid, 'CREATE')
   )
order by 1
