-- The newest jobs, narrowed by what is given; null = any. The worker has the job, or was the last that failed at it.
SELECT id, type, queue, status, priority, attempts, "maxAttempts", CAST(progress AS text) AS progress,
       -- A row that no statement takes cannot say so itself.
       CASE WHEN status IN ('queued', 'processing') THEN coalesce('set aside: ' || aside.reason, "errorMessage")
            ELSE "errorMessage" END AS "errorMessage",
       coalesce(worker, (SELECT workers.name
                           FROM job_attempts LEFT JOIN workers ON workers.id = job_attempts."workerId"
                          WHERE job_attempts."jobId" = newest.id
                          ORDER BY job_attempts."finishedAt" DESC
                          LIMIT 1)) AS worker,
       "parentId", newest."createdAt", "runAt", "startedAt", "finishedAt", "updatedAt",
       CAST(extract(epoch FROM clock_timestamp() - newest."createdAt") AS float8) AS "ageSeconds",
       CASE WHEN status = 'processing' OR "finishedAt" IS NOT NULL THEN
            CAST(extract(epoch FROM coalesce("finishedAt", clock_timestamp()) - "startedAt") AS float8)
       END AS "runSeconds"
  FROM (SELECT * FROM job_status
         WHERE (CAST(%(statuses)s AS text[]) IS NULL OR status = ANY (%(statuses)s))
           AND (CAST(%(types)s AS text[]) IS NULL OR type = ANY (%(types)s))
           AND (CAST(%(queues)s AS text[]) IS NULL OR queue = ANY (%(queues)s))
         ORDER BY id DESC
         LIMIT %(limit)s) AS newest
  LEFT JOIN jobs_set_aside aside ON aside."jobId" = newest.id
 ORDER BY id DESC
