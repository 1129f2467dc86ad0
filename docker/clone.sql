\if :{?options}
\else
    \set options '{"scale": 0.5, "effort": "quick", "seed": 1}'
\endif
select dbsynth.clone(source => 'public', target => 'dev', options => :'options') as job \gset
call dbsynth.wait(:job);
select id, kind, state, caller, source, target, ended_at - started_at as took from dbsynth.jobs order by id;
select table_name, rows, strategy, round(seconds::numeric, 1) as seconds from dbsynth.tasks where job = :job order by 1;
select first_name, last_name, email, loyalty from dev.customer where email is not null order by customer_id limit 5;
