-- Fail a queued row whose values no worker can take. No row: it is locked, or not queued any more.
UPDATE jobs
   SET status = 'failed', "errorMessage" = %(reason)s, "finishedAt" = clock_timestamp(), "updatedAt" = clock_timestamp(),
       watches = CASE WHEN awaited THEN -1 END, revision = revision + 1
 WHERE id = ANY (ARRAY(SELECT id FROM jobs WHERE id = %(id)s AND status || '' = 'queued' FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id
