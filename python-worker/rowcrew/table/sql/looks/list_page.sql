-- Jobs with ids from the top down to the bottom, newest first, narrowed by what is given; null = any.
-- The caller's bottom, not an index, keeps a search for a rare job from reading all of history.
SELECT job.id, job.type, job.queue, job.status, job.priority, job.attempts, job."maxAttempts",
       CAST(job.progress AS text) AS progress, job."errorMessage", job.worker, job."parentId", job."createdAt", job."runAt",
       job."startedAt", job."finishedAt", job."updatedAt",
       CAST(extract(epoch FROM clock_timestamp() - job."createdAt") AS float8) AS "ageSeconds",
       CASE WHEN job.status = 'processing' OR job."finishedAt" IS NOT NULL THEN
            CAST(extract(epoch FROM coalesce(job."finishedAt", clock_timestamp()) - job."startedAt") AS float8)
       END AS "runSeconds", newest."uniqueKey", newest."concurrencyKey"
  FROM (SELECT id, "uniqueKey", "concurrencyKey"
          FROM jobs
         WHERE id BETWEEN CAST(%(bottom)s AS bigint) AND CAST(%(top)s AS bigint)
           AND (CAST(%(statuses)s AS text[]) IS NULL OR status = ANY (%(statuses)s))
           AND (CAST(%(types)s AS text[]) IS NULL OR type = ANY (%(types)s))
           AND (CAST(%(queues)s AS text[]) IS NULL OR queue = ANY (%(queues)s))
           AND (CAST(%(keys)s AS text[]) IS NULL OR "uniqueKey" = ANY (%(keys)s) OR "concurrencyKey" = ANY (%(keys)s))
           AND (CAST(%(since)s AS timestamptz) IS NULL OR "createdAt" >= %(since)s)
           AND (CAST(%(withinSeconds)s AS float8) IS NULL OR "createdAt" >= now() - %(withinSeconds)s * interval '1 second')
           AND (CAST(%(patterns)s AS text[]) IS NULL OR CAST(payload AS text) ILIKE ALL (%(patterns)s))
         ORDER BY id DESC
         LIMIT %(limit)s) AS newest
  JOIN job_status AS job ON job.id = newest.id
 ORDER BY job.id DESC
