-- Requeue an ended job with another payload. Answers nothing where it has not ended, was changed since it was seen, or where a
-- live job holds its unique key.
UPDATE jobs AS job
   SET status = 'queued', payload = CAST(%(payload)s AS jsonb)
 WHERE job.id = CAST(%(id)s AS bigint) AND job.status IN ('completed', 'failed', 'cancelled')
   AND job."updatedAt" = CAST(%(seen)s AS timestamptz)
   AND NOT EXISTS (
       SELECT FROM jobs live
        WHERE live.type = job.type AND live."uniqueKey" = job."uniqueKey"
          AND live.status NOT IN ('completed', 'failed', 'cancelled'))
RETURNING job.id
