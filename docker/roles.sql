-- ann may ask for jobs; the worker, no superuser, does them for her: it reads as her, and what it makes is hers.
do $$
begin
    if not exists (select from pg_roles where rolname = 'ann') then create role ann login password 'ann'; end if;
    if not exists (select from pg_roles where rolname = 'worker') then create role worker login password 'worker'; end if;
    grant dbsynth_user to ann;
    grant dbsynth_worker, ann to worker;
    execute format('grant create on database %I to ann, worker', current_database());
end
$$;
grant usage on schema public to ann;
grant select on all tables in schema public to ann;
