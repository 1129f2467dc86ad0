-- The functions as version 0001 made them.
drop trigger before_tables on dbsynth.job;
drop function dbsynth.job_before_tables();

-- The one of among that takes the fewest changes of letters to become word; null if that is more than a third of it.
create or replace function dbsynth.nearest(word text, among text[]) returns text
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

-- Raises an error unless caller may read the schema source and every table in it. With tables or exclude the worker
-- decides: it reads as the caller.
create or replace function dbsynth.check_source(caller oid, source text, options jsonb) returns void
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

create or replace procedure dbsynth.wait(id bigint, timeout interval default null)
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
