select name, tables, pg_size_pretty(bytes) as size from dbsynth.models;
select dbsynth.generate(model => 'shop', target => 'staging', options => '{"scale": 0.1}') as job \gset
call dbsynth.wait(:job);
select id, kind, state, caller, source, target from dbsynth.jobs order by id;
select status, count(*) from staging.orders group by status order by status;
