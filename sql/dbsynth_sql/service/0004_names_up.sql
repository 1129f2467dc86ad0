-- Names that are wrong are told when a job is asked for: of a schema that is like no other, of tables, of options with two
-- letters swapped. And who waits for a job does not keep a processor busy with it.

-- The one of among that takes the fewest changes of letters (two that are swapped: one change) to become word; null if that is
-- more than a third of it.
create or replace function dbsynth.nearest(word text, among text[]) returns text
language plpgsql immutable security invoker set search_path = pg_catalog, pg_temp
as $$
declare
    asked text := lower(left(word, 40));
    candidate text;
    best text;
    fewest integer := greatest(length(left(word, 40)) / 3, 1) + 1;
    before integer[];
    earlier integer[];
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
                if i > 1 and j > 1 and substr(asked, i - 1, 2) = reverse(substr(candidate, j - 1, 2)) then
                    line[j + 1] := least(line[j + 1], earlier[j - 1] + 1);
                end if;
            end loop;
            earlier := before;
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
    near text;
begin
    if source is null then
        raise exception 'source is null' using errcode = 'invalid_parameter_value';
    end if;
    if place is null then
        near := dbsynth.nearest(source, array(
            select n.nspname::text from pg_namespace n
            where n.nspname !~ '^pg_' and has_schema_privilege(caller, n.oid, 'USAGE')
        ));
        raise exception 'there is no schema %', to_json(left(source, 80)) using errcode = 'invalid_schema_name',
            hint = case when near is null then 'source is the name of a schema of this database'
                   else 'did you mean ' || near || '?' end;
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

-- The tables that a clone is asked for by name have to be there. Patterns are the worker's affair: it reads as the caller.
create function dbsynth.job_before_tables() returns trigger
language plpgsql security invoker set search_path = pg_catalog, pg_temp
as $$
declare
    known text[] := array(
        select c.relname::text
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = new.source and c.relkind in ('r', 'p')
        order by c.relname
    );
    asked record;
    near text;
begin
    for asked in
        select 'rows' as option, k.name
        from jsonb_object_keys(
            case jsonb_typeof(new.options -> 'rows') when 'object' then new.options -> 'rows' else '{}' end
        ) k (name)
        union all
        select e.key, v.value #>> '{}'
        from jsonb_each(new.options) e
        cross join jsonb_array_elements(case jsonb_typeof(e.value) when 'array' then e.value else '[]' end) v
        where e.key in ('tables', 'exclude', 'keep') and not (e.key = 'keep' and v.value = '"none"')
    loop
        continue when asked.name = any (known) or asked.name ~ '[*?[]';
        continue when exists (select from unnest(known) t where asked.name = new.source || '.' || t);
        near := dbsynth.nearest(asked.name, known);
        raise exception 'option %: there is no table % in schema %', asked.option, to_json(left(asked.name, 80)), new.source
            using errcode = 'undefined_table',
            hint = case when near is not null then 'did you mean ' || near || '?'
                   when cardinality(known) = 0 then 'the schema holds no table'
                   else 'there are: ' || array_to_string(known[:20], ', ')
                       || case when cardinality(known) > 20 then ', …' else '' end end;
    end loop;
    return new;
end
$$;
create trigger before_tables before insert on dbsynth.job
    for each row when (new.kind = 'clone') execute function dbsynth.job_before_tables();

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
        -- greatest and least pass over null: without a deadline there would be no pause.
        perform pg_sleep(
            case when deadline is null then pause
            else least(pause, greatest(extract(epoch from deadline - clock_timestamp()), 0)) end
        );
        pause := least(pause * 1.5, 1);
    end loop;
    if now_is <> 'done' then
        raise exception 'job % %', id, now_is
            || coalesce(': ' || (select j.error from dbsynth.job j where j.id = wait.id), '');
    end if;
end
$$;

revoke all on all routines in schema dbsynth from public;
grant execute on all routines in schema dbsynth to dbsynth_user, dbsynth_admin, dbsynth_worker;
