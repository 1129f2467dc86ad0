-- A view loses a column only with all of it.
drop view dbsynth.runs;
drop view dbsynth.tasks;
alter table dbsynth.run drop column resumed;
alter table dbsynth.task drop column resumed;

create view dbsynth.runs with (security_barrier) as
select r.id, r.job, j.caller, r.attempt, r.worker, r.started_at, r.ended_at, r.outcome, r.error, r.rows
from dbsynth.run r
join dbsynth.job j on j.id = r.job
where j.caller_oid = (select o.oid from pg_catalog.pg_roles o where o.rolname = current_user)
   or pg_catalog.pg_has_role(current_user, 'dbsynth_admin', 'USAGE');
comment on view dbsynth.runs is 'The attempts at the jobs of dbsynth.jobs';

create view dbsynth.tasks with (security_barrier) as
select j.id as job, t.run, t.table_name, t.step, t.rows, t.strategy, t.seconds
from dbsynth.task t
join dbsynth.run r on r.id = t.run
join dbsynth.job j on j.id = r.job
where j.caller_oid = (select o.oid from pg_catalog.pg_roles o where o.rolname = current_user)
   or pg_catalog.pg_has_role(current_user, 'dbsynth_admin', 'USAGE');
comment on view dbsynth.tasks is 'How far each table of each attempt is, or came';
grant select on dbsynth.runs, dbsynth.tasks to dbsynth_user, dbsynth_admin, dbsynth_worker;
