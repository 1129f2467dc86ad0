-- Take the oldest job that waits, or whose worker has not been heard of: at most one row. Two workers never get the same
-- one, and none waits for a child that publishes (skip locked). A target that is being written is left alone: that all of
-- those are seen is alone.sql's doing.
with open as (
    select j.id
    from dbsynth.job j
    where (
            (j.state = 'queued' and j.not_before <= clock_timestamp())
            or (j.state = 'running' and j.lease_until < clock_timestamp())
        )
      and (j.kind <> 'generate' or j.source = any (%(models)s::text[]))
      and not exists (select from dbsynth.job o where o.target = j.target and o.state = 'running' and o.id <> j.id)
    order by j.id
    for update of j skip locked
    limit 1
),
held as (
    update dbsynth.job j
    set state = 'running', worker = %(worker)s, lease = gen_random_uuid(),
        lease_until = clock_timestamp() + %(lease)s, attempts = j.attempts + 1, started_at = clock_timestamp(),
        seed = coalesce(j.seed, (j.options ->> 'seed')::numeric::bigint, %(seed)s)
    from open
    where j.id = open.id
    returning j.id, j.kind, j.source, j.target, j.options, j.caller_oid,
        pg_get_userbyid(j.caller_oid)::text as caller_name, j.seed, j.lease, j.attempts, j.most_attempts,
        j.enqueued_at
),
lost as (
    update dbsynth.run r
    set outcome = 'lost', ended_at = clock_timestamp(), error = 'the worker was lost'
    from held
    where r.job = held.id and r.outcome is null
    returning r.name
),
begun as (
    insert into dbsynth.run (job, attempt, worker) select held.id, held.attempts, %(worker)s from held returning id
)
select held.*, begun.id as run, (select min(lost.name) from lost) as lost_run, exists (select from lost) as taken_over
from held, begun
