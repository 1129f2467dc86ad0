-- Of the objects that definitions refer to (schemas %(schemas)s, names %(names)s, side by side) those that could make the
-- server run, with the rights of the session, what somebody else decides: functions, operators and types that belong
-- neither to a superuser nor to the user of the session, or lie in a schema whose owner, or whose %(caller)s, may put
-- another in their place; and functions of administrators and extensions that may do more than compute (dblink), with
-- arguments that others choose. The owner of the database is an administrator where the session is no superuser.
with trusted as (
    select r.oid from pg_roles r
    where r.rolsuper or r.rolname = session_user
       or (
           r.oid = (select d.datdba from pg_database d where d.datname = current_database())
           and not (select s.rolsuper from pg_roles s where s.rolname = session_user)
       )
),
objects (namespace, name, owner, computes) as (
    select p.pronamespace, p.proname, p.proowner, p.provolatile = 'i' from pg_proc p
    union all
    select o.oprnamespace, o.oprname, o.oprowner, p.provolatile = 'i'
    from pg_operator o
    join pg_proc p on p.oid = o.oprcode
    union all
    select t.typnamespace, t.typname, t.typowner, true from pg_type t
),
found as (
    select
        format('%%s.%%s', n.nspname, o.name) as name,
        case
            when o.owner not in (select t.oid from trusted t) then 'belongs to ' || pg_get_userbyid(o.owner)
            when n.nspowner not in (select t.oid from trusted t) and pg_get_userbyid(n.nspowner) <> 'pg_database_owner'
            then 'lies in a schema of ' || pg_get_userbyid(n.nspowner)
            when %(caller)s::oid not in (select t.oid from trusted t)
                and has_schema_privilege(%(caller)s::oid, n.oid, 'CREATE')
            then 'lies in a schema in which ' || pg_get_userbyid(%(caller)s::oid) || ' may make another'
            when not o.computes then 'is not IMMUTABLE'
        end as reason
    from unnest(%(schemas)s::text[], %(names)s::text[]) as r (schema, name)
    join pg_namespace n on n.nspname = r.schema
    join objects o on o.namespace = n.oid and o.name = r.name
)
select distinct found.name, found.reason from found where found.reason is not null order by 1, 2
