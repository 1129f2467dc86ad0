-- Of the extensions :names those that this database does not have.
select x.name
from unnest(cast(:names as text[])) as x (name)
where not exists (select from pg_extension e where e.extname = x.name)
order by x.name
