-- The attempts of a job that did not complete, oldest first.
SELECT a.attempt, a.outcome, a.error, a.traceback, a."workerId", workers.name AS worker, a."memoryBytes",
       a."startedAt", a."finishedAt"
  FROM job_attempts a
  LEFT JOIN workers ON workers.id = a."workerId"
 WHERE a."jobId" = CAST(%(id)s AS bigint)
 ORDER BY a."finishedAt", a.attempt
