-- Of an attempt, whether it went on from what an earlier one had learned; of its tables, which were taken over.
alter table dbsynth.run add column resumed boolean not null default false;
alter table dbsynth.task add column resumed boolean not null default false;

create or replace view dbsynth.runs with (security_barrier) as
select r.id, r.job, j.caller, r.attempt, r.worker, r.started_at, r.ended_at, r.outcome, r.error, r.rows, r.resumed
from dbsynth.run r
join dbsynth.job j on j.id = r.job
where j.caller_oid = (select o.oid from pg_catalog.pg_roles o where o.rolname = current_user)
   or pg_catalog.pg_has_role(current_user, 'dbsynth_admin', 'USAGE');

create or replace view dbsynth.tasks with (security_barrier) as
select j.id as job, t.run, t.table_name, t.step, t.rows, t.strategy, t.seconds, t.resumed
from dbsynth.task t
join dbsynth.run r on r.id = t.run
join dbsynth.job j on j.id = r.job
where j.caller_oid = (select o.oid from pg_catalog.pg_roles o where o.rolname = current_user)
   or pg_catalog.pg_has_role(current_user, 'dbsynth_admin', 'USAGE');
