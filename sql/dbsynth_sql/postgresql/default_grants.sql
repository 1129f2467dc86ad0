-- What is granted on objects that roles will make in :schema (ALTER DEFAULT PRIVILEGES ... IN SCHEMA).
select
    pg_get_userbyid(d.defaclrole)::text as role,
    case d.defaclobjtype
        when 'r' then 'TABLES' when 'S' then 'SEQUENCES' when 'f' then 'FUNCTIONS' when 'T' then 'TYPES'
    end as kind,
    case when a.grantee <> 0 then pg_get_userbyid(a.grantee)::text end as grantee,
    a.privilege_type as privilege,
    a.is_grantable as grantable,
    pg_get_userbyid(d.defaclrole) = current_user as mine
from pg_default_acl d
join pg_namespace n on n.oid = d.defaclnamespace
cross join lateral aclexplode(d.defaclacl) a
where n.nspname = :schema and d.defaclobjtype in ('r', 'S', 'f', 'T')
order by 1, 2, 3, 4
