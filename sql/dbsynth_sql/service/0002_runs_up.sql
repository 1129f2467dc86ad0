-- Every attempt at a job is remembered, with its tables; a failed one is tried again, later, and not forever.
alter table dbsynth.job
    add column attempts integer not null default 0,
    add column most_attempts integer not null default 3 check (most_attempts >= 1),
    add column not_before timestamptz not null default '-infinity',
    -- Drawn once if it was not asked for, so that all attempts make the same rows.
    add column seed bigint check (seed >= 0);

create table dbsynth.run (
    id bigint generated always as identity primary key,
    job bigint not null references dbsynth.job on delete cascade,
    attempt integer not null,
    worker text not null,
    -- The name of the run in its building schemas and sessions.
    name text,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    outcome text constraint run_outcome check (outcome in ('done', 'failed', 'retried', 'released', 'cancelled', 'lost')),
    error text,
    rows bigint
);
create index run_of_job on dbsynth.run (job, id);
create unique index run_once_done on dbsynth.run (job) where outcome = 'done';

create table dbsynth.task (
    run bigint not null references dbsynth.run on delete cascade,
    table_name text not null,
    step text,
    rows bigint,
    strategy text,
    seconds double precision not null default 0,
    primary key (run, table_name)
);

-- A worker of the version before does not know of attempts: what it holds is taken from it.
update dbsynth.job set state = 'queued', worker = null, lease = null, lease_until = null where state = 'running';

grant select, insert, update, delete on dbsynth.run, dbsynth.task to dbsynth_worker;

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
