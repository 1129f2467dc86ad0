-- What runs now goes back into the queue: a worker of the version before takes it up.
update dbsynth.job set state = 'queued', worker = null, lease = null, lease_until = null where state = 'running';
drop view dbsynth.tasks, dbsynth.runs;
drop table dbsynth.task, dbsynth.run;
alter table dbsynth.job drop column attempts, drop column most_attempts, drop column not_before, drop column seed;
