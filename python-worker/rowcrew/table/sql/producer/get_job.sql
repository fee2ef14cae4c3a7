-- One job as it stands. Dates as JSON has them: the session is the caller's, and may write them in any style.
SELECT id, type, queue, status, priority, attempts, "maxAttempts", CAST(progress AS text) AS progress,
       CAST(result AS text) AS result, "errorMessage", to_json("createdAt") #>> '{}' AS "createdAt",
       to_json("updatedAt") #>> '{}' AS "updatedAt", to_json("runAt") #>> '{}' AS "runAt",
       to_json("startedAt") #>> '{}' AS "startedAt", to_json("finishedAt") #>> '{}' AS "finishedAt"
  FROM jobs
 WHERE id = CAST(%(id)s AS bigint)
