-- Hold on to a job. held: it is still ours. published: it ended by our own hand (the child says so in a moment).
with beat as (
    update dbsynth.job
    set lease_until = clock_timestamp() + %(lease)s
    where id = %(id)s and lease = %(token)s and state = 'running'
    returning cancel_requested_at is not null as cancelled
)
select
    exists (select from beat) as held,
    coalesce((select beat.cancelled from beat), false) as cancelled,
    exists (select from dbsynth.run where id = %(run)s and outcome = 'done') as published
