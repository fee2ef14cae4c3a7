-- The newest jobs, narrowed by what is given; null = any.
SELECT id, type, queue, status, priority, attempts, "maxAttempts", CAST(progress AS text) AS progress,
       "errorMessage", worker, "parentId", "createdAt", "runAt", "startedAt", "finishedAt", "updatedAt"
  FROM job_status
 WHERE (CAST(%(statuses)s AS text[]) IS NULL OR status = ANY (%(statuses)s))
   AND (CAST(%(types)s AS text[]) IS NULL OR type = ANY (%(types)s))
   AND (CAST(%(queues)s AS text[]) IS NULL OR queue = ANY (%(queues)s))
 ORDER BY id DESC
 LIMIT %(limit)s
