-- The attempts of jobs that did not complete, oldest first: when each began and ended. A thousand at most.
SELECT "jobId", attempt, outcome, "startedAt", "finishedAt"
  FROM job_attempts
 WHERE "jobId" = ANY (CAST(%(ids)s AS bigint[]))
 ORDER BY "finishedAt", attempt
 LIMIT 1000
