-- Jobs that generate from a model that was trained before. The workers enter the models that they have.
create table dbsynth.model (
    name text not null constraint model_name check (name ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
    worker text not null,
    digest text not null,
    bytes bigint not null,
    tables integer not null,
    seen_at timestamptz not null default clock_timestamp(),
    primary key (name, worker)
);
grant select on dbsynth.model to dbsynth_user, dbsynth_admin;
grant select, insert, update, delete on dbsynth.model to dbsynth_worker;

create view dbsynth.models as
select m.name, max(m.tables) as tables, max(m.bytes) as bytes, count(distinct m.digest) as versions,
       count(*) as workers, max(m.seen_at) as seen_at
from dbsynth.model m
group by m.name;
comment on view dbsynth.models is 'The models that dbsynth.generate may be asked for';
grant select on dbsynth.models to dbsynth_user, dbsynth_admin, dbsynth_worker;

-- The source of such a job is the name of the model.
alter table dbsynth.job
    drop constraint job_kind,
    add constraint job_kind check (kind in ('clone', 'generate')),
    drop constraint job_has_source,
    add constraint job_has_source check (source is not null);

insert into dbsynth.option_rule (kind, name, type, least, most, above, pattern) values
    ('generate', 'scale', 'number', 0, 10000, true, null),
    ('generate', 'rows', 'counts', 0, 1000000000000, false, null),
    ('generate', 'seed', 'integer', 0, 9223372036854775807, false, null),
    ('generate', 'replace', 'boolean', null, null, false, null);

create function dbsynth.job_before_model() returns trigger
language plpgsql security invoker set search_path = pg_catalog, pg_temp
as $$
declare
    near text;
begin
    if new.source is null then
        raise exception 'model is null' using errcode = 'invalid_parameter_value';
    end if;
    if not exists (select from dbsynth.model m where m.name = new.source) then
        near := dbsynth.nearest(new.source, array(select distinct m.name from dbsynth.model m));
        raise exception 'no worker has a model %', to_json(left(new.source, 80)) using errcode = 'undefined_object',
            hint = case when near is null then 'select * from dbsynth.models' else 'did you mean ' || near || '?' end;
    end if;
    return new;
end
$$;
create trigger before_model before insert on dbsynth.job
    for each row when (new.kind = 'generate') execute function dbsynth.job_before_model();

create function dbsynth.generate(model text, target text, options jsonb default '{}') returns bigint
language sql volatile security invoker set search_path = pg_catalog, pg_temp
as $$
    insert into dbsynth.job (kind, source, target, options)
    values ('generate', generate.model, generate.target, generate.options)
    returning id
$$;
comment on function dbsynth.generate is 'Ask for rows of a trained model; gives the id of the job. See dbsynth.models';
revoke all on all routines in schema dbsynth from public;
grant execute on all routines in schema dbsynth to dbsynth_user, dbsynth_admin, dbsynth_worker;
