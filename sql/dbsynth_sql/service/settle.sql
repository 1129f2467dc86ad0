-- The end of an attempt that published nothing. Does nothing where the job is not ours any more.
with ours as (
    update dbsynth.job
    set state = %(state)s, lease = null, lease_until = null, error = %(error)s,
        ended_at = case when %(state)s = 'queued' then null else clock_timestamp() end,
        attempts = attempts - %(uncounted)s,
        not_before = clock_timestamp() + %(delay)s
    where id = %(id)s and lease = %(token)s and state = 'running'
    returning id
)
update dbsynth.run r
set outcome = %(outcome)s, ended_at = clock_timestamp(), error = %(error)s
from ours
where r.id = %(run)s and r.job = ours.id
returning r.id
