-- The newest jobs, narrowed by what is given; null = any.
SELECT id, type, queue, status, priority, attempts, "maxAttempts", CAST(progress AS text) AS progress,
       -- A row that no statement takes cannot say so itself.
       CASE WHEN status IN ('queued', 'processing') THEN coalesce('set aside: ' || aside.reason, "errorMessage")
            ELSE "errorMessage" END AS "errorMessage",
       worker, "parentId", job_status."createdAt", "runAt", "startedAt", "finishedAt", "updatedAt"
  FROM job_status
  LEFT JOIN jobs_set_aside aside ON aside."jobId" = job_status.id
 WHERE (CAST(%(statuses)s AS text[]) IS NULL OR status = ANY (%(statuses)s))
   AND (CAST(%(types)s AS text[]) IS NULL OR type = ANY (%(types)s))
   AND (CAST(%(queues)s AS text[]) IS NULL OR queue = ANY (%(queues)s))
 ORDER BY id DESC
 LIMIT %(limit)s
