-- Of the functions %(names)s of the server those that do more than compute: they read what they are told the name of, run
-- SQL, change settings or files.
select distinct p.proname::text as name
from pg_proc p
where p.pronamespace = 'pg_catalog'::regnamespace
  and p.proname = any (%(names)s::text[])
  and (p.provolatile = 'v' or p.proname ~ '_to_xml|_to_xmlschema')
  and p.proname <> all (
      '{random,random_normal,gen_random_uuid,uuidv4,uuidv7,clock_timestamp,timeofday}'::text[]
  )
order by 1
