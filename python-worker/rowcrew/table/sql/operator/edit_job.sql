-- Change when queued jobs run, and how soon beside others; null leaves it. Answers which. One that waits for others has no time to
-- run at; none is touched that has changed since it was seen. Locks in the order of ids, as every bulk change does.
UPDATE jobs
   SET priority = coalesce(CAST(%(priority)s AS smallint), priority),
       "runAt" = coalesce(CAST(%(runAt)s AS timestamptz), "runAt")
 WHERE id = ANY (ARRAY(
         SELECT id FROM jobs
          WHERE id = ANY (CAST(%(ids)s AS bigint[])) AND status = 'queued'
            AND (CAST(%(seen)s AS timestamptz) IS NULL OR "updatedAt" = %(seen)s)
            AND (CAST(%(runAt)s AS timestamptz) IS NULL OR watches IS NULL)
          ORDER BY id
            FOR NO KEY UPDATE))
RETURNING id
