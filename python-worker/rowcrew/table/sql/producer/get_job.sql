-- One job as it stands.
SELECT id, type, queue, status, priority, attempts, "maxAttempts", CAST(progress AS text), CAST(result AS text),
       "errorMessage", "createdAt", "updatedAt", "runAt", "startedAt", "finishedAt"
  FROM jobs
 WHERE id = CAST(%(id)s AS bigint)
