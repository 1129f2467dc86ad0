-- Roles stay: they are those of the whole server, and people may be members of them.
drop procedure dbsynth.wait(bigint, interval);
drop function dbsynth.status(bigint), dbsynth.cancel(bigint), dbsynth.state_of(bigint),
    dbsynth.clone(text, text, jsonb);
drop view dbsynth.jobs;
drop table dbsynth.job;
drop function dbsynth.job_before_insert(), dbsynth.job_before_cancel(),
    dbsynth.check_job(oid, text, text, text, jsonb), dbsynth.check_target(oid, text),
    dbsynth.check_source(oid, text, jsonb), dbsynth.check_options(text, jsonb),
    dbsynth.check_number(dbsynth.option_rule, text, jsonb), dbsynth.nearest(text, text[]);
drop table dbsynth.option_rule;
