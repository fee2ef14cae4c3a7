-- One job as it stands.
SELECT id, type, queue, status, priority, attempts, "maxAttempts", CAST(progress AS text) AS progress,
       CAST(result AS text) AS result, "errorMessage", "createdAt", "updatedAt", "runAt", "startedAt", "finishedAt"
  FROM jobs
 WHERE id = CAST(%(id)s AS bigint)
