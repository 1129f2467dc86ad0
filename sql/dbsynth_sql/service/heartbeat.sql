-- Hold on to a job: no row where it is not ours any more.
update dbsynth.job
set lease_until = clock_timestamp() + %(lease)s
where id = %(id)s and lease = %(token)s and state = 'running'
returning cancel_requested_at is not null as cancelled
