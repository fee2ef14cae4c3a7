-- The completed job that was enqueued last.
SELECT id, type, extract(epoch FROM clock_timestamp() - "finishedAt")::float8 AS "endedSeconds"
  FROM jobs
 WHERE status = 'completed'
 ORDER BY id DESC
 LIMIT 1
