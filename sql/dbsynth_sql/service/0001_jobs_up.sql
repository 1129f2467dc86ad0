-- The queue: who may ask for what, and the functions that people call. Every function runs with the rights of its caller
-- (SECURITY INVOKER) and a pinned search_path; what a caller may see and write of the queue is decided by policies on it.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['dbsynth_user', 'dbsynth_admin', 'dbsynth_worker'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
            execute pg_catalog.format('create role %I nologin', wanted);
        end if;
    end loop;
end
$$;
comment on schema dbsynth is '{"dbsynth_service": "the jobs of dbsynth serve: select * from dbsynth.jobs"}';
revoke all on schema dbsynth from public;
grant usage on schema dbsynth to dbsynth_user, dbsynth_admin, dbsynth_worker;

create table dbsynth.job (
    id bigint generated always as identity primary key,
    kind text not null constraint job_kind check (kind in ('clone')),
    source text,
    target text not null,
    options jsonb not null default '{}',
    state text not null default 'queued'
        constraint job_state check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    -- Who asked, as the server knows it: set by a trigger. The number, because a name may be given to another role.
    caller name not null,
    caller_oid oid not null,
    enqueued_at timestamptz not null default clock_timestamp(),
    enqueued_in xid8 not null default pg_current_xact_id(),
    started_at timestamptz,
    ended_at timestamptz,
    cancel_requested_at timestamptz,
    -- The worker that holds the job, by a token that no one else knows, until a time.
    worker text,
    lease uuid,
    lease_until timestamptz,
    error text,
    constraint job_has_source check (kind <> 'clone' or source is not null),
    constraint job_is_held check ((state = 'running') = (lease is not null))
);
create index job_open on dbsynth.job (id) where state in ('queued', 'running');
comment on table dbsynth.job is 'All jobs. For people: the view dbsynth.jobs';

alter table dbsynth.job enable row level security;
create policy callers_see_theirs on dbsynth.job for select to dbsynth_user
    using (caller_oid = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user));
create policy callers_ask on dbsynth.job for insert to dbsynth_user
    with check (caller_oid = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user));
create policy callers_cancel_theirs on dbsynth.job for update to dbsynth_user
    using (caller_oid = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user));
create policy admins_see_all on dbsynth.job for select to dbsynth_admin using (true);
create policy admins_cancel_all on dbsynth.job for update to dbsynth_admin using (true);
create policy workers_work on dbsynth.job for all to dbsynth_worker using (true) with check (true);
grant insert (kind, source, target, options) on dbsynth.job to dbsynth_user;
grant select (id, state, caller_oid, enqueued_in, cancel_requested_at, error) on dbsynth.job
    to dbsynth_user, dbsynth_admin;
grant update (cancel_requested_at) on dbsynth.job to dbsynth_user, dbsynth_admin;
grant select, update on dbsynth.job to dbsynth_worker;
grant select on dbsynth.alembic_version to dbsynth_worker;

-- What may be asked for: one row an option. least and most are inclusive unless above is true.
create table dbsynth.option_rule (
    kind text not null,
    name text not null,
    type text not null check (type in ('number', 'integer', 'boolean', 'text', 'texts', 'counts')),
    least numeric,
    most numeric,
    above boolean not null default false,
    pattern text,
    primary key (kind, name)
);
grant select on dbsynth.option_rule to dbsynth_user, dbsynth_admin, dbsynth_worker;
insert into dbsynth.option_rule (kind, name, type, least, most, above, pattern) values
    ('clone', 'scale', 'number', 0, 10000, true, null),
    ('clone', 'rows', 'counts', 0, 1000000000000, false, null),
    ('clone', 'seed', 'integer', 0, 9223372036854775807, false, null),
    ('clone', 'sample_seed', 'integer', 0, 9223372036854775807, false, null),
    ('clone', 'sample_rows', 'integer', 100, 1000000000000, false, null),
    ('clone', 'effort', 'text', null, null, false, 'quick|standard|thorough'),
    ('clone', 'train_minutes', 'number', 0, 43200, true, null),
    ('clone', 'strategy', 'text', null, null, false, '[a-z0-9][a-z0-9_-]{0,39}'),
    ('clone', 'tables', 'texts', null, null, false, null),
    ('clone', 'exclude', 'texts', null, null, false, null),
    ('clone', 'keep', 'texts', null, null, false, null),
    ('clone', 'replace', 'boolean', null, null, false, null);

-- The one of among that takes the fewest changes of letters to become word; null if that is more than a third of it.
create function dbsynth.nearest(word text, among text[]) returns text
language plpgsql immutable security invoker set search_path = pg_catalog, pg_temp
as $$
declare
    asked text := lower(left(word, 40));
    candidate text;
    best text;
    fewest integer := greatest(length(left(word, 40)) / 3, 1) + 1;
    before integer[];
    line integer[];
begin
    foreach candidate in array among loop
        before := array(select generate_series(0, length(candidate)));
        for i in 1 .. length(asked) loop
            line := array[i];
            for j in 1 .. length(candidate) loop
                line[j + 1] := least(
                    before[j + 1] + 1,
                    line[j] + 1,
                    before[j] + case when substr(asked, i, 1) = substr(candidate, j, 1) then 0 else 1 end
                );
            end loop;
            before := line;
        end loop;
        if before[length(candidate) + 1] < fewest then
            fewest := before[length(candidate) + 1];
            best := candidate;
        end if;
    end loop;
    return best;
end
$$;

-- Raises an error unless options is an object of known keys with values of their types and ranges.
create function dbsynth.check_options(kind text, options jsonb) returns void
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
as $$
declare
    given record;
    rule dbsynth.option_rule;
    known text[] := array(select r.name from dbsynth.option_rule r where r.kind = check_options.kind order by r.name);
    near text;
    number numeric;
    item record;
begin
    if options is null or jsonb_typeof(options) <> 'object' then
        raise exception 'options must be a JSON object'
            using errcode = 'invalid_parameter_value', hint = 'for example {"scale": 0.1}';
    end if;
    if length(options::text) > 65536 then
        raise exception 'options are longer than 65536 characters' using errcode = 'invalid_parameter_value';
    end if;
    for given in select e.key, e.value, jsonb_typeof(e.value) as type from jsonb_each(options) e order by e.key loop
        select r.* into rule from dbsynth.option_rule r where r.kind = check_options.kind and r.name = given.key;
        if not found then
            near := dbsynth.nearest(given.key, known);
            raise exception 'there is no option %', to_json(left(given.key, 80))
                using errcode = 'invalid_parameter_value',
                hint = case when near is null then 'there are: ' || array_to_string(known, ', ')
                       else 'did you mean ' || near || '?' end;
        end if;
        continue when given.type = 'null';  -- as if it were not there
        if given.type <> (case rule.type when 'integer' then 'number' when 'text' then 'string' when 'texts' then 'array'
                          when 'counts' then 'object' else rule.type end) then
            raise exception 'option %: a % is expected, not a %', rule.name,
                case rule.type when 'texts' then 'list of texts' when 'counts' then 'object of table: number'
                else rule.type end, given.type
                using errcode = 'invalid_parameter_value';
        end if;
        if rule.type in ('number', 'integer') then
            perform dbsynth.check_number(rule, rule.name, given.value);
        elsif rule.type = 'text' and (given.value #>> '{}') !~ ('^(?:' || rule.pattern || ')$') then
            raise exception 'option %: % is none of %', rule.name, to_json(left(given.value #>> '{}', 80)), rule.pattern
                using errcode = 'invalid_parameter_value';
        elsif rule.type = 'texts' then
            for item in select e.value from jsonb_array_elements(given.value) e loop
                if jsonb_typeof(item.value) <> 'string' or length(item.value #>> '{}') not between 1 and 200 then
                    raise exception 'option %: every item is a text of 1 to 200 characters', rule.name
                        using errcode = 'invalid_parameter_value';
                end if;
            end loop;
        elsif rule.type = 'counts' then
            for item in select e.key, e.value from jsonb_each(given.value) e loop
                if length(item.key) not between 1 and 200 or jsonb_typeof(item.value) <> 'number' then
                    raise exception 'option %: a table (1 to 200 characters) and a number of rows are expected', rule.name
                        using errcode = 'invalid_parameter_value';
                end if;
                perform dbsynth.check_number(rule, rule.name || '.' || left(item.key, 80), item.value);
            end loop;
        end if;
    end loop;
    if options ->> 'effort' is not null and options ->> 'train_minutes' is not null then
        raise exception 'effort is work and train_minutes is time: only one of them can decide'
            using errcode = 'invalid_parameter_value';
    end if;
    if options -> 'keep' ? 'none' and jsonb_array_length(options -> 'keep') > 1 then
        raise exception 'keep "none" goes with no other table' using errcode = 'invalid_parameter_value';
    end if;
end
$$;

create function dbsynth.check_number(rule dbsynth.option_rule, place text, value jsonb) returns void
language plpgsql immutable security invoker set search_path = pg_catalog, pg_temp
as $$
declare
    number numeric := (value #>> '{}')::numeric;
begin
    if rule.type <> 'number' and number <> trunc(number) then
        raise exception 'option %: a whole number is expected', place using errcode = 'invalid_parameter_value';
    end if;
    if number > rule.most or number < rule.least or (rule.above and number = rule.least) then
        raise exception 'option %: not % % and at most %', place,
            case when rule.above then 'above' else 'at least' end, rule.least, rule.most
            using errcode = 'invalid_parameter_value';
    end if;
end
$$;

-- Raises an error unless caller may read the schema source and every table in it. With tables or exclude the worker
-- decides: it reads as the caller.
create function dbsynth.check_source(caller oid, source text, options jsonb) returns void
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
as $$
declare
    place oid := (select n.oid from pg_namespace n where n.nspname = source);
    closed text[];
begin
    if source is null then
        raise exception 'source is null' using errcode = 'invalid_parameter_value';
    end if;
    if place is null then
        raise exception 'there is no schema %', to_json(left(source, 80)) using errcode = 'invalid_schema_name',
            hint = (
                select 'did you mean ' || dbsynth.nearest(source, array_agg(n.nspname::text)) || '?'
                from pg_namespace n where n.nspname !~ '^pg_' and has_schema_privilege(caller, n.oid, 'USAGE')
            );
    end if;
    if source ~ '^pg_' or source in ('information_schema', 'dbsynth') or source ~ '__(building|old)_' then
        raise exception 'the schema % cannot be cloned', to_json(source) using errcode = 'invalid_parameter_value';
    end if;
    if not has_schema_privilege(caller, place, 'USAGE') then
        raise exception 'permission denied for schema %', source using errcode = 'insufficient_privilege',
            hint = format('GRANT USAGE ON SCHEMA %I TO %I', source, pg_get_userbyid(caller));
    end if;
    if options ?| array['tables', 'exclude'] then
        return;
    end if;
    closed := array(
        select c.relname::text
        from pg_class c
        where c.relnamespace = place and c.relkind in ('r', 'p') and not c.relispartition
          and not has_table_privilege(caller, c.oid, 'SELECT')
        order by c.relname
        limit 6
    );
    if closed <> '{}' then
        raise exception 'permission denied for % of schema %', array_to_string(closed[:5], ', ')
                || case when closed[6] is null then '' else ', …' end, source
            using errcode = 'insufficient_privilege',
            hint = format('GRANT SELECT on them to %I, or leave them out: {"exclude": [...]}', pg_get_userbyid(caller));
    end if;
end
$$;

-- Raises an error unless caller may make, or replace, the schema target.
create function dbsynth.check_target(caller oid, target text) returns void
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
as $$
declare
    owner oid := (select n.nspowner from pg_namespace n where n.nspname = target);
begin
    if target is null then
        raise exception 'target is null' using errcode = 'invalid_parameter_value';
    end if;
    if target !~ '^[[:alpha:]_][[:alnum:]_]*$' or octet_length(target) > 63 then
        raise exception '% cannot be the name of a target', to_json(left(target, 80))
            using errcode = 'invalid_parameter_value', hint = 'letters, digits and _, at most 63 bytes';
    end if;
    if target ~ '^pg_' or target in ('information_schema', 'dbsynth') or target ~ '__(building|old)_' then
        raise exception 'the schema % is not for clones', target using errcode = 'invalid_parameter_value';
    end if;
    if not has_database_privilege(caller, current_database(), 'CREATE') then
        raise exception 'permission denied to create schemas in database %', current_database()
            using errcode = 'insufficient_privilege',
            hint = format('GRANT CREATE ON DATABASE %I TO %I', current_database(), pg_get_userbyid(caller));
    end if;
    if owner is not null and not pg_has_role(caller, owner, 'USAGE') then
        raise exception 'the schema % belongs to %: only members of that role may replace it', target,
                pg_get_userbyid(owner)
            using errcode = 'insufficient_privilege', hint = 'name another target';
    end if;
end
$$;

-- Raises an error unless caller may ask for such a job: asked when it is enqueued, and again when it runs.
create function dbsynth.check_job(caller oid, kind text, source text, target text, options jsonb) returns void
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from pg_roles r where r.oid = caller) then
        raise exception 'the role that asked for the job is gone' using errcode = 'undefined_object';
    end if;
    if not pg_has_role(caller, 'dbsynth_user', 'USAGE') then
        raise exception 'the role % is not a member of dbsynth_user', pg_get_userbyid(caller)
            using errcode = 'insufficient_privilege', hint = 'GRANT dbsynth_user TO it';
    end if;
    perform dbsynth.check_options(kind, options);
    if kind = 'clone' then
        perform dbsynth.check_source(caller, source, options);
        if source = target then
            raise exception 'the target is the source: it is never written' using errcode = 'invalid_parameter_value';
        end if;
    end if;
    perform dbsynth.check_target(caller, target);
end
$$;

create function dbsynth.job_before_insert() returns trigger
language plpgsql security invoker set search_path = pg_catalog, pg_temp
as $$
begin
    new.caller := current_user;
    new.caller_oid := (select r.oid from pg_roles r where r.rolname = current_user);
    new.enqueued_at := clock_timestamp();
    new.enqueued_in := pg_current_xact_id();
    perform dbsynth.check_job(new.caller_oid, new.kind, new.source, new.target, new.options);
    perform pg_notify('dbsynth_job', '');
    return new;
end
$$;
create trigger before_insert before insert on dbsynth.job
    for each row execute function dbsynth.job_before_insert();

create function dbsynth.job_before_cancel() returns trigger
language plpgsql security invoker set search_path = pg_catalog, pg_temp
as $$
begin
    new.cancel_requested_at := coalesce(old.cancel_requested_at, clock_timestamp());
    if new.state = 'queued' then
        new.state := 'cancelled';
        new.ended_at := clock_timestamp();
    end if;
    perform pg_notify('dbsynth_job', '');
    return new;
end
$$;
create trigger before_cancel before update of cancel_requested_at on dbsynth.job
    for each row execute function dbsynth.job_before_cancel();

create view dbsynth.jobs with (security_barrier) as
select j.id, j.kind, j.state, j.caller, j.source, j.target, j.options, j.enqueued_at, j.started_at, j.ended_at,
       j.cancel_requested_at, j.worker, j.error
from dbsynth.job j
where j.caller_oid = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user)
   or pg_catalog.pg_has_role(current_user, 'dbsynth_admin', 'USAGE');
comment on view dbsynth.jobs is 'One''s own jobs; those of all for members of dbsynth_admin';
grant select on dbsynth.jobs to dbsynth_user, dbsynth_admin, dbsynth_worker;

create function dbsynth.clone(source text, target text, options jsonb default '{}') returns bigint
language sql volatile security invoker set search_path = pg_catalog, pg_temp
as $$
    insert into dbsynth.job (kind, source, target, options)
    values ('clone', clone.source, clone.target, clone.options)
    returning id
$$;
comment on function dbsynth.clone is 'Ask for a clone of a schema; gives the id of the job. See dbsynth.jobs';

create function dbsynth.state_of(id bigint) returns text
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
as $$
declare
    found_state text := (select j.state from dbsynth.job j where j.id = state_of.id);
begin
    if found_state is null then
        raise exception 'you have no job %', id using errcode = 'no_data_found', hint = 'select * from dbsynth.jobs';
    end if;
    return found_state;
end
$$;

create function dbsynth.cancel(id bigint) returns text
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp
as $$
begin
    update dbsynth.job j set cancel_requested_at = clock_timestamp()
    where j.id = cancel.id and j.state in ('queued', 'running') and j.cancel_requested_at is null;
    return dbsynth.state_of(id);
end
$$;
comment on function dbsynth.cancel is
    'Cancel a job of one''s own; gives its state: a running one stays so until its worker has taken away what it made';

create function dbsynth.status(id bigint) returns setof dbsynth.jobs
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp rows 1
as $$
begin
    perform dbsynth.state_of(id);
    return query select * from dbsynth.jobs j where j.id = status.id;
end
$$;
comment on function dbsynth.status is 'The line of one job in dbsynth.jobs';

create procedure dbsynth.wait(id bigint, timeout interval default null)
language plpgsql security invoker set search_path = pg_catalog, pg_temp
as $$
declare
    deadline timestamptz := clock_timestamp() + timeout;
    pause double precision := 0.05;
    now_is text;
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception 'in a transaction at level % the end of a job is never seen',
            current_setting('transaction_isolation')
            using errcode = 'invalid_transaction_state', hint = 'wait at level READ COMMITTED';
    end if;
    perform dbsynth.state_of(id);
    if exists (
        select from dbsynth.job j where j.id = wait.id and j.enqueued_in = pg_current_xact_id_if_assigned()
    ) then
        raise exception 'job % waits for the transaction that asked for it to be committed', id
            using errcode = 'invalid_transaction_state', hint = 'COMMIT, then CALL dbsynth.wait';
    end if;
    loop
        now_is := dbsynth.state_of(id);
        exit when now_is in ('done', 'failed', 'cancelled');
        if clock_timestamp() >= deadline then
            raise exception 'job % is still %', id, now_is using errcode = 'lock_not_available',
                hint = 'it goes on: wait again, or select dbsynth.cancel(' || id || ')';
        end if;
        perform pg_sleep(least(pause, greatest(extract(epoch from deadline - clock_timestamp()), 0)));
        pause := least(pause * 1.5, 1);
    end loop;
    if now_is <> 'done' then
        raise exception 'job % %', id, now_is
            || coalesce(': ' || (select j.error from dbsynth.job j where j.id = wait.id), '');
    end if;
end
$$;
comment on procedure dbsynth.wait is 'Return when the job is done; an error if it failed, was cancelled, or at timeout';

revoke all on all routines in schema dbsynth from public;
grant execute on all routines in schema dbsynth to dbsynth_user, dbsynth_admin, dbsynth_worker;
