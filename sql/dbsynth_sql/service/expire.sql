-- End the jobs whose worker has not been heard of and that are not to be tried again.
with ended as (
    update dbsynth.job j
    set state = case when j.cancel_requested_at is null then 'failed' else 'cancelled' end,
        ended_at = clock_timestamp(), lease = null, lease_until = null,
        error = case when j.cancel_requested_at is null
                then format('the worker was lost %%s times while it ran this job', j.attempts) end
    where j.id in (
        select o.id from dbsynth.job o
        where o.state = 'running' and o.lease_until < clock_timestamp()
          and (o.attempts >= o.most_attempts or o.cancel_requested_at is not null)
        for update skip locked
    )
    returning j.id
)
update dbsynth.run r
set outcome = 'lost', ended_at = clock_timestamp(), error = 'the worker was lost'
from ended
where r.job = ended.id and r.outcome is null
