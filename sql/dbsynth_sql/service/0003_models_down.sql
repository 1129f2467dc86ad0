-- Jobs that generate have no place in the version before.
drop function dbsynth.generate(text, text, jsonb);
delete from dbsynth.job where kind = 'generate';
drop trigger before_model on dbsynth.job;
drop function dbsynth.job_before_model();
delete from dbsynth.option_rule where kind = 'generate';
alter table dbsynth.job
    drop constraint job_kind,
    add constraint job_kind check (kind in ('clone')),
    drop constraint job_has_source,
    add constraint job_has_source check (kind <> 'clone' or source is not null);
drop view dbsynth.models;
drop table dbsynth.model;
