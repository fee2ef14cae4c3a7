-- Change when a queued job runs, and how soon beside others; null leaves it. Answers nothing where the job is not queued, or
-- has changed since it was seen. One that waits for others has no time to run at.
UPDATE jobs
   SET priority = coalesce(CAST(%(priority)s AS smallint), priority),
       "runAt" = coalesce(CAST(%(runAt)s AS timestamptz), "runAt")
 WHERE id = CAST(%(id)s AS bigint) AND status = 'queued'
   AND (CAST(%(seen)s AS timestamptz) IS NULL OR "updatedAt" = %(seen)s)
   AND (CAST(%(runAt)s AS timestamptz) IS NULL OR watches IS NULL)
RETURNING id
