-- Fail a queued row whose values no worker can take. No row: it is locked, or not queued any more, or waits for others.
WITH odd AS (
  UPDATE jobs
     SET status = 'failed', "errorMessage" = %(reason)s, "finishedAt" = clock_timestamp(), "updatedAt" = clock_timestamp(),
         watches = CASE WHEN awaited THEN -1 END, revision = revision + 1
   WHERE id = ANY (ARRAY(SELECT id FROM jobs WHERE id = %(id)s AND status || '' = 'queued' AND watches IS NULL FOR NO KEY UPDATE SKIP LOCKED))
  RETURNING id, type, queue, "errorMessage"),
event_rows AS (
  INSERT INTO events (kind, subject, queue, type, detail)
  SELECT 'job.failed', type, queue, type, jsonb_build_object('jobId', id, 'error', left("errorMessage", 500)) FROM odd)
SELECT id FROM odd
