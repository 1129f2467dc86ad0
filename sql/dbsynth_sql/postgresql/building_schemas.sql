-- The schemas that runs of dbsynth build (:building in the name) or have swapped out (:old), by name and comment.
select
    n.nspname::text as name,
    pg_get_userbyid(n.nspowner)::text as owner,
    pg_has_role(n.nspowner, 'USAGE') as droppable,
    obj_description(n.oid, 'pg_namespace') as comment
from pg_namespace n
where (strpos(n.nspname, :building) > 0 or strpos(n.nspname, :old) > 0)
  and obj_description(n.oid, 'pg_namespace') like '{"dbsynth_building":%'
order by n.nspname
