-- One claim at a time, until its transaction ends: the claim after it sees which targets are being written. No statement
-- that reads may come before, in a transaction at level REPEATABLE READ what is seen would be older than the lock. The
-- mode keeps out itself (and VACUUM), nobody who asks for jobs, cancels, or publishes; and callers may not take it, as
-- they might an advisory lock. A worker that is cut off in the middle does not keep the others waiting.
set local idle_in_transaction_session_timeout = '10s';
lock table dbsynth.job in share update exclusive mode
