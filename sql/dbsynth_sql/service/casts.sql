-- Casts of types that columns of the schema %(source)s have, whose functions would run when the columns are read: those
-- that belong neither to a superuser nor to the user of the session.
select distinct format_type(c.castsource, null) as type, pg_get_userbyid(p.proowner)::text as owner
from pg_class t
join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
join pg_cast c on c.castsource = a.atttypid
join pg_proc p on p.oid = c.castfunc
join pg_roles r on r.oid = p.proowner
where t.relnamespace = (select n.oid from pg_namespace n where n.nspname = %(source)s)
  and t.relkind in ('r', 'p')
  and not r.rolsuper and r.rolname <> session_user
order by 1
