-- The end of an attempt that publishes, in the transaction that does: no row where the job was cancelled, or is held by
-- another worker by now.
with ours as (
    update dbsynth.job
    set state = 'done', lease = null, lease_until = null, ended_at = clock_timestamp(), error = null
    where id = %(id)s and lease = %(token)s and state = 'running' and cancel_requested_at is null
    returning id
)
update dbsynth.run r
set outcome = 'done', ended_at = clock_timestamp()
from ours
where r.id = %(run)s and r.job = ours.id
returning r.id
