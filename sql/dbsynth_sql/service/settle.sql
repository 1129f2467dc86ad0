-- The end of an attempt that published nothing; one that was to be cancelled is, however it ended. Does nothing where the
-- job is not ours any more.
with ours as (
    update dbsynth.job
    set state = case when cancel_requested_at is null then %(state)s else 'cancelled' end,
        lease = null, lease_until = null,
        error = case when cancel_requested_at is null then %(error)s end,
        ended_at = case when %(state)s <> 'queued' or cancel_requested_at is not null then clock_timestamp() end,
        attempts = attempts - %(uncounted)s,
        not_before = clock_timestamp() + %(delay)s
    where id = %(id)s and lease = %(token)s and state = 'running'
    returning id, state
)
update dbsynth.run r
set outcome = case ours.state when 'cancelled' then 'cancelled' else %(outcome)s end,
    ended_at = clock_timestamp(), error = %(error)s
from ours
where r.id = %(run)s and r.job = ours.id
returning r.id
