-- The jobs at work, those that run longest first; up to five hundred.
SELECT job.id, job.queue, job.type, workers.name AS worker,
       CAST(extract(epoch FROM clock_timestamp() - job."startedAt") AS float8) AS "runSeconds"
  FROM (SELECT id, queue, type, "workerId", "startedAt" FROM jobs
         WHERE status = 'processing'
         ORDER BY "startedAt"
         LIMIT 500) AS job
  LEFT JOIN workers ON workers.id = job."workerId"
 ORDER BY job."startedAt", job.id
